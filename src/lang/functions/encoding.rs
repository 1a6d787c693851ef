//! Encodings of text: Base64, CSV, JSON, TOML, URLs, YAML.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compress, Compression, Crc, FlushCompress};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::super::budget::MAP;
use super::{Arguments, Function, Outcome, Problem, Reads, csv, json, text_encoding, yaml};
use crate::value::{Number, Value, not_json};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("base64decode", &["string"], Reads::All, base64decode),
    Function::new("base64encode", &["string"], Reads::All, |arguments| {
        Ok(STANDARD.encode(&*arguments.text(0)?).into())
    }),
    Function::new("base64gzip", &["string"], Reads::All, base64gzip),
    Function::new("csvdecode", &["string"], Reads::All, csvdecode),
    Function::new("jsondecode", &["string"], Reads::All, jsondecode),
    Function::new("jsonencode", &["value"], Reads::All, |arguments| {
        arguments.room(json::length(arguments.get(0)))?;
        Ok(json::encode(arguments.get(0)).into())
    }),
    Function::new("textdecodebase64", &["string", "encoding"], Reads::All, text_encoding::decode),
    Function::new("textencodebase64", &["string", "encoding"], Reads::All, text_encoding::encode),
    Function::new("tomldecode", &["string"], Reads::All, tomldecode),
    Function::new("urlencode", &["string"], Reads::All, urlencode),
    Function::new("yamldecode", &["string"], Reads::All, yamldecode),
    Function::new("yamlencode", &["value"], Reads::All, |arguments| {
        let length = yaml::length(arguments.get(0), 0);
        arguments.room(length)?;
        arguments.work(32 + length / 8)?;
        Ok(yaml::encode(arguments.get(0)).into())
    }),
];

fn base64decode(arguments: &mut Arguments<'_>) -> Outcome {
    String::from_utf8(text_encoding::from_base64(&arguments.text(0)?)?)
        .map(Value::String)
        .map_err(|_| Problem::of(0, "the decoded data is not UTF-8 text"))
}

/// A gzip file with the header and the block structure of Go's writer, which is flushed before it is
/// closed. Longer texts may be compressed differently than in Go.
fn base64gzip(arguments: &mut Arguments<'_>) -> Outcome {
    const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    const LAST_BLOCK: [u8; 5] = [1, 0, 0, 0xff, 0xff];
    let text = arguments.text(0)?;
    // Every compressor initialises its tables first.
    arguments.work(256 + text.len() / 16)?;
    let mut file = HEADER.to_vec();
    let mut encoder = Compress::new(Compression::default(), false);
    // Incompressible data is stored in blocks with a few bytes of overhead.
    file.reserve(text.len() + text.len() / 1000 + 64);
    loop {
        let read = usize::try_from(encoder.total_in()).unwrap_or(usize::MAX);
        let rest = text.as_bytes().get(read..).unwrap_or_default();
        encoder
            .compress_vec(rest, &mut file, FlushCompress::Sync)
            .map_err(|error| Problem::new(error.to_string()))?;
        if file.len() < file.capacity() {
            break;
        }
        file.reserve(text.len() + 64);
    }
    file.extend(LAST_BLOCK);
    let mut sum = Crc::new();
    sum.update(text.as_bytes());
    file.extend(sum.sum().to_le_bytes());
    file.extend(sum.amount().to_le_bytes());
    Ok(STANDARD.encode(file).into())
}

fn csvdecode(arguments: &mut Arguments<'_>) -> Outcome {
    let text = arguments.text(0)?;
    arguments.work(256 + text.len() / 4)?;
    let mut records = csv::Records::of(&text);
    let Some(header) = records.next().transpose()? else {
        return Err(Problem::of(0, "there is no header line with the names of the columns"));
    };
    let mut names: Vec<&String> = header.iter().collect();
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(Problem::of(0, format!("two columns are named `{}`", pair[0])));
    }
    let of_names = header.iter().map(|name| name.len() + 160).sum::<usize>() + MAP as usize;
    let (mut made, mut rows) = (0_usize, Vec::new());
    for record in records {
        let record = record?;
        if record.len() != header.len() {
            let message = format!(
                "not valid CSV: row {} has {} fields, the header {}",
                rows.len() + 1,
                record.len(),
                header.len()
            );
            return Err(Problem::of(0, message));
        }
        made = made.saturating_add(of_names).saturating_add(record.iter().map(String::len).sum());
        arguments.room(made)?;
        rows.push(Value::map(header.iter().cloned().zip(record)));
    }
    Ok(Value::List(rows))
}

fn jsondecode(arguments: &mut Arguments<'_>) -> Outcome {
    let text = arguments.text(0)?;
    decodable(arguments, &text, b",[{")?;
    serde_json::from_str(&text)
        .map(|json| Value::from_json(&json))
        .map_err(|error| Problem::of(0, format!("not valid JSON: {}", not_json(&text, &error))))
}

/// Checks that there is room for the values in a text, estimated by the marks between them.
fn decodable(arguments: &Arguments<'_>, text: &str, marks: &[u8]) -> Result<(), Problem> {
    let values = text.bytes().filter(|byte| marks.contains(byte)).count();
    let maps = text.bytes().filter(|&byte| byte == b'{').count();
    arguments.work(8 + text.len() / 4)?;
    let made = values.saturating_mul(96).saturating_add(maps.saturating_mul(MAP as usize));
    arguments.room(made.saturating_add(text.len()))
}

fn tomldecode(arguments: &mut Arguments<'_>) -> Outcome {
    let text = arguments.text(0)?;
    decodable(arguments, &text, b",[{=")?;
    let table: toml::Table = text
        .parse()
        .map_err(|error: toml::de::Error| Problem::of(0, format!("not valid TOML: {}", error.message())))?;
    Ok(Value::map(table.into_iter().map(|(key, value)| (key, from_toml(value)))))
}

fn from_toml(toml: toml::Value) -> Value {
    match toml {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(integer) => integer.into(),
        toml::Value::Float(float) => Number::from_f64(float).into(),
        toml::Value::Boolean(bool) => bool.into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(items) => Value::List(items.into_iter().map(from_toml).collect()),
        toml::Value::Table(table) => {
            Value::map(table.into_iter().map(|(key, value)| (key, from_toml(value))))
        }
    }
}

fn urlencode(arguments: &mut Arguments<'_>) -> Outcome {
    const ESCAPED: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b' ');
    let escaped = utf8_percent_encode(&arguments.text(0)?, ESCAPED).to_string();
    Ok(escaped.replace(' ', "+").into())
}

fn yamldecode(arguments: &mut Arguments<'_>) -> Outcome {
    let text = arguments.text(0)?;
    yaml::decode(arguments, &text)
}
