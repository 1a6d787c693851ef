//! Bytes as text: Base64, and encodings other than UTF-8, by their IANA names
//! (<https://www.iana.org/assignments/character-sets>).

use base64::Engine as _;
use base64::alphabet::STANDARD as STANDARD_ALPHABET;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use encoding_rs::{DecoderResult, EncoderResult, Encoding};

use super::{Arguments, Outcome, Problem};

/// IANA names of encodings that the Encoding Standard also has. Its other names, such as `utf8` and
/// `cp1252`, are not the IANA's, and Terraform does not know them.
#[rustfmt::skip]
const NAMES: &[&str] = &[
    "866", "arabic", "asmo-708", "big5", "cp866", "csbig5", "cseuckr", "cseucpkdfmtjapanese",
    "csibm866", "csiso2022jp", "csiso88596e", "csiso88596i", "csiso88598e", "csiso88598i",
    "csisolatin2", "csisolatin3", "csisolatin4", "csisolatin6", "csisolatinarabic",
    "csisolatincyrillic", "csisolatingreek", "csisolatinhebrew", "cskoi8r", "csmacintosh", "csshiftjis",
    "cyrillic", "ecma-114", "ecma-118", "elot_928", "euc-jp", "euc-kr", "gb18030", "gbk", "greek",
    "greek8", "hebrew", "hz-gb-2312", "ibm866", "iso-2022-jp", "iso-8859-10", "iso-8859-13",
    "iso-8859-14", "iso-8859-15", "iso-8859-16", "iso-8859-2", "iso-8859-3", "iso-8859-4", "iso-8859-5",
    "iso-8859-6", "iso-8859-6-e", "iso-8859-6-i", "iso-8859-7", "iso-8859-8", "iso-8859-8-e",
    "iso-8859-8-i", "iso-ir-101", "iso-ir-109", "iso-ir-110", "iso-ir-126", "iso-ir-127", "iso-ir-138",
    "iso-ir-144", "iso-ir-157", "iso_8859-15", "iso_8859-2", "iso_8859-2:1987", "iso_8859-3",
    "iso_8859-3:1988", "iso_8859-4", "iso_8859-4:1988", "iso_8859-5", "iso_8859-5:1988", "iso_8859-6",
    "iso_8859-6:1987", "iso_8859-7", "iso_8859-7:1987", "iso_8859-8", "iso_8859-8:1988", "koi8-r",
    "koi8-u", "l2", "l3", "l4", "l6", "latin2", "latin3", "latin4", "latin6", "mac", "macintosh",
    "ms_kanji", "shift_jis", "utf-8", "windows-1250", "windows-1251", "windows-1252", "windows-1253",
    "windows-1254", "windows-1255", "windows-1256", "windows-1257", "windows-1258", "windows-874",
];

/// An encoding of characters to bytes.
#[derive(Clone, Copy)]
enum Charset {
    Utf16 {
        little_endian: bool,
        marked: bool,
    },
    Ascii,
    /// A single-byte encoding, given by a similar one that differs where this one has the control
    /// characters U+0080 to U+009F.
    Iso(&'static Encoding),
    Other(&'static Encoding),
}

pub(super) fn encode(arguments: &mut Arguments<'_>) -> Outcome {
    let text = arguments.text(0)?;
    let charset = charset(arguments)?;
    arguments.work(text.len() / 16)?;
    arguments.room(text.len().saturating_mul(4))?;
    let lost = |character: char| Problem::of(0, format!("`{character}` cannot be written in this encoding"));
    let bytes = match charset {
        Charset::Utf16 { little_endian, marked } => {
            let marks = marked.then_some(0xfeff).into_iter();
            let order = if little_endian { u16::to_le_bytes } else { u16::to_be_bytes };
            marks.chain(text.encode_utf16()).flat_map(order).collect()
        }
        Charset::Ascii => match text.chars().find(|character| !character.is_ascii()) {
            Some(character) => return Err(lost(character)),
            None => text.as_bytes().to_vec(),
        },
        Charset::Other(encoding) => with(encoding, &text).map_err(lost)?,
        Charset::Iso(encoding) => {
            let mut bytes = Vec::with_capacity(text.len());
            let mut buffer = [0; 4];
            for character in text.chars() {
                match u8::try_from(u32::from(character)) {
                    Ok(byte @ 0..=0x9f) => bytes.push(byte),
                    _ => match with(encoding, character.encode_utf8(&mut buffer)).map_err(lost)?[..] {
                        [byte @ 0xa0..=0xff] => bytes.push(byte),
                        _ => return Err(lost(character)),
                    },
                }
            }
            bytes
        }
    };
    Ok(STANDARD.encode(bytes).into())
}

/// The encoded text, or the first character that cannot be encoded.
fn with(encoding: &'static Encoding, text: &str) -> Result<Vec<u8>, char> {
    if let Some(control) =
        text.chars().find(|&character| encoding.is_single_byte() && is_upper_control(character))
    {
        return Err(control);
    }
    let mut encoder = encoding.new_encoder();
    let mut bytes = Vec::with_capacity(text.len() + 16);
    let mut rest = text;
    loop {
        let (result, read) = encoder.encode_from_utf8_to_vec_without_replacement(rest, &mut bytes, true);
        rest = rest.get(read..).unwrap_or_default();
        match result {
            EncoderResult::InputEmpty => return Ok(bytes),
            EncoderResult::OutputFull => bytes.reserve(rest.len() * 2 + 16),
            EncoderResult::Unmappable(character) => return Err(character),
        }
    }
}

/// Decodes Base64. Line breaks are ignored, as in Go's decoder.
pub(super) fn from_base64(text: &str) -> Result<Vec<u8>, Problem> {
    // Bits after the last byte are ignored, too.
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &STANDARD_ALPHABET,
        GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
    );
    LENIENT
        .decode(text.replace(['\r', '\n'], ""))
        .map_err(|error| Problem::of(0, format!("not valid Base64: {error}")))
}

pub(super) fn decode(arguments: &mut Arguments<'_>) -> Outcome {
    let text = arguments.text(0)?;
    let charset = charset(arguments)?;
    arguments.work(text.len() / 16)?;
    arguments.room(text.len().saturating_mul(3))?;
    let bytes = from_base64(&text)?;
    let decoded = match charset {
        Charset::Utf16 { little_endian, marked } => utf16(&bytes, little_endian, marked),
        Charset::Ascii => String::from_utf8(bytes).ok().filter(|text| text.is_ascii()),
        Charset::Iso(encoding) => bytes
            .iter()
            .map(|&byte| match byte {
                0..=0x9f => Some(char::from(byte)),
                _ => {
                    let mut all = decoded(encoding, &[byte])?;
                    all.pop().filter(|_| all.is_empty())
                }
            })
            .collect(),
        Charset::Other(encoding) => decoded(encoding, &bytes),
    };
    match decoded {
        Some(text) if !text.contains('\u{fffd}') => Ok(text.into()),
        _ => Err(Problem::of(0, "some bytes mean nothing in this encoding")),
    }
}

fn decoded(encoding: &'static Encoding, bytes: &[u8]) -> Option<String> {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let room = decoder.max_utf8_buffer_length_without_replacement(bytes.len())?;
    let mut text = String::with_capacity(room);
    match decoder.decode_to_string_without_replacement(bytes, &mut text, true) {
        (DecoderResult::InputEmpty, _) => {
            Some(text).filter(|text| !(encoding.is_single_byte() && text.contains(is_upper_control)))
        }
        _ => None,
    }
}

/// The Encoding Standard decodes unused bytes of single-byte encodings to these.
fn is_upper_control(character: char) -> bool {
    matches!(character, '\u{80}'..='\u{9f}')
}

fn utf16(bytes: &[u8], little_endian: bool, marked: bool) -> Option<String> {
    let (bytes, little_endian) = match bytes {
        [0xff, 0xfe, rest @ ..] if marked => (rest, true),
        [0xfe, 0xff, rest @ ..] if marked => (rest, false),
        _ => (bytes, little_endian),
    };
    let (pairs, odd) = bytes.as_chunks::<2>();
    let order = if little_endian { u16::from_le_bytes } else { u16::from_be_bytes };
    let units: Vec<u16> = pairs.iter().map(|&pair| order(pair)).collect();
    if odd.is_empty() { String::from_utf16(&units).ok() } else { None }
}

fn charset(arguments: &Arguments<'_>) -> Result<Charset, Problem> {
    let name = arguments.text(1)?;
    let found = match name.to_ascii_lowercase().as_str() {
        "utf-16" | "csutf16" => Some(Charset::Utf16 { little_endian: false, marked: true }),
        "utf-16be" | "csutf16be" => Some(Charset::Utf16 { little_endian: false, marked: false }),
        "utf-16le" | "csutf16le" => Some(Charset::Utf16 { little_endian: true, marked: false }),
        "us-ascii" | "us" | "iso646-us" | "iso-ir-6" | "iso_646.irv:1991" | "ansi_x3.4-1968"
        | "ansi_x3.4-1986" | "ibm367" | "cp367" | "csascii" => Some(Charset::Ascii),
        "iso-8859-1" | "iso_8859-1" | "iso_8859-1:1987" | "iso-ir-100" | "latin1" | "l1" | "ibm819"
        | "cp819" | "csisolatin1" => Some(Charset::Iso(encoding_rs::WINDOWS_1252)),
        "iso-8859-9" | "iso_8859-9" | "iso_8859-9:1989" | "iso-ir-148" | "latin5" | "l5" | "csisolatin5" => {
            Some(Charset::Iso(encoding_rs::WINDOWS_1254))
        }
        "cp936" | "ms936" | "windows-936" => Some(Charset::Other(encoding_rs::GBK)),
        "iso_8859-16:2001" | "iso-ir-226" | "latin10" | "l10" => {
            Some(Charset::Other(encoding_rs::ISO_8859_16))
        }
        label if NAMES.contains(&label) => {
            Encoding::for_label_no_replacement(label.as_bytes()).map(Charset::Other)
        }
        _ => None,
    };
    found.ok_or_else(|| Problem::of(1, format!("`{name}` is not a known encoding")))
}
