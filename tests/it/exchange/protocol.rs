//! The protocols of the services: the operation and members of a request, and the envelope of an answer
//! (<https://smithy.io/2.0/aws/protocols/>).

use std::collections::BTreeMap;

use serde_json::Value;

use super::Call;
use super::wire::{Request, decoded, pairs};

/// A protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Forms, answered in XML: IAM, Redshift, SNS, STS.
    Query,
    /// Like `Query`, with different envelopes.
    Ec2,
    /// JSON, with the operation in a header.
    Json,
    /// Like `Json`, but in CBOR, with the operation in the path: CloudWatch.
    Cbor,
    /// Paths and headers, answered in XML: S3.
    S3,
}

type Members = BTreeMap<String, String>;
/// Headers and body.
type HttpAnswer = (Vec<(String, String)>, Vec<u8>);

impl Protocol {
    /// Parses the protocol and the call of a request.
    pub fn read(request: &Request) -> Result<(Self, Call), String> {
        let service = request.service().ok_or("it is not signed")?;
        let call = |operation: &str, members| Call { operation: format!("{service}:{operation}"), members };
        if service == "s3" {
            let (operation, members) = s3(request)?;
            return Ok((Self::S3, call(&operation, members)));
        }
        let mut members = Members::new();
        if request.header("smithy-protocol") == "rpc-v2-cbor" {
            let (_, operation) = request.path.rsplit_once("/operation/").ok_or("it names no operation")?;
            flatten("", &cbor::read(&request.body).ok_or("its body is no CBOR")?, &mut members);
            return Ok((Self::Cbor, call(operation, members)));
        }
        if let Some((_, operation)) = request.header("x-amz-target").rsplit_once('.') {
            let body = serde_json::from_slice(&request.body).map_err(|error| error.to_string())?;
            flatten("", &body, &mut members);
            return Ok((Self::Json, call(operation, members)));
        }
        let form = std::str::from_utf8(&request.body).map_err(|error| error.to_string())?;
        members.extend(pairs(form));
        let operation = members.remove("Action").ok_or("it names no operation")?;
        members.remove("Version");
        let protocol = if service == "ec2" { Self::Ec2 } else { Self::Query };
        Ok((protocol, call(&operation, members)))
    }

    /// Wraps the inner part of an answer.
    pub fn result(self, call: &Call, inside: &str) -> HttpAnswer {
        let operation = call.operation.rsplit(':').next().unwrap_or_default();
        match self {
            Self::Query => xml(format!(
                "<{operation}Response><{operation}Result>{inside}</{operation}Result>\
                 <ResponseMetadata><RequestId>exchange-1</RequestId></ResponseMetadata></{operation}Response>"
            )),
            Self::Ec2 => xml(format!(
                "<{operation}Response><requestId>exchange-1</requestId>{inside}</{operation}Response>"
            )),
            Self::S3 => xml(inside.to_owned()),
            Self::Json | Self::Cbor => {
                let inside = if inside.is_empty() { "{}" } else { inside };
                let value = serde_json::from_str(inside).expect("the script's answer is JSON");
                self.document(&value)
            }
        }
    }

    /// An error with this code and message.
    pub fn fault(self, code: &str, words: &str) -> HttpAnswer {
        let escaped = words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        match self {
            Self::Query => xml(format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{escaped}</Message></Error>\
                 <RequestId>exchange-1</RequestId></ErrorResponse>"
            )),
            Self::Ec2 => xml(format!(
                "<Response><Errors><Error><Code>{code}</Code><Message>{escaped}</Message></Error></Errors>\
                 <RequestID>exchange-1</RequestID></Response>"
            )),
            Self::S3 => xml(format!(
                "<Error><Code>{code}</Code><Message>{escaped}</Message><RequestId>exchange-1</RequestId></Error>"
            )),
            Self::Json | Self::Cbor => {
                // `message` and `Message` are both in use.
                self.document(&serde_json::json!({ "__type": code, "message": words, "Message": words }))
            }
        }
    }

    fn document(self, value: &Value) -> HttpAnswer {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        match self {
            Self::Cbor => {
                let mut body = Vec::new();
                cbor::write(value, &mut body);
                (
                    vec![
                        header("content-type", "application/cbor"),
                        header("smithy-protocol", "rpc-v2-cbor"),
                    ],
                    body,
                )
            }
            _ => (vec![header("content-type", "application/x-amz-json-1.1")], value.to_string().into_bytes()),
        }
    }
}

fn xml(body: String) -> HttpAnswer {
    (vec![("content-type".to_owned(), "text/xml".to_owned())], body.into_bytes())
}

/// Flattens a document to members, named as in forms.
fn flatten(path: &str, value: &Value, members: &mut Members) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(map) => map.iter().for_each(|(name, value)| flatten(&below(name), value, members)),
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                flatten(&below(&(index + 1).to_string()), value, members);
            }
        }
        Value::String(text) => drop(members.insert(path.to_owned(), text.clone())),
        Value::Null => {}
        other => drop(members.insert(path.to_owned(), other.to_string())),
    }
}

/// The operation of an S3 request: from its method, its key and its query.
fn s3(request: &Request) -> Result<(String, Members), String> {
    // The path is that of a bucket: the host is an address.
    let path = decoded(request.path.trim_start_matches('/'));
    let (bucket, key) = path.split_once('/').unwrap_or((&path, ""));
    let mut members: Members = request.query.iter().cloned().collect();
    let named = members.remove("x-id");
    members.extend(request.headers_with("x-amz-").cloned());
    for (name, value) in [("Bucket", bucket), ("Key", key)] {
        if !value.is_empty() {
            members.insert(name.to_owned(), value.to_owned());
        }
    }
    if let Ok(body) = String::from_utf8(request.body.clone()) {
        members.insert("Body".to_owned(), body);
    }
    if let Some(operation) = named {
        return Ok((operation, members));
    }
    let of = if key.is_empty() { "Bucket" } else { "Object" };
    let has = |name: &str| request.query.iter().any(|(one, _)| one == name);
    let first = request.query.iter().find(|(_, value)| value.is_empty()).map(|(name, _)| name.as_str());
    let verb = match request.method.as_str() {
        "GET" => "Get",
        "PUT" => "Put",
        "DELETE" => "Delete",
        "HEAD" => "Head",
        "POST" => "Post",
        other => return Err(format!("what is {other}?")),
    };
    let operation = match (verb, first) {
        ("Get", Some("versions")) => "ListObjectVersions".to_owned(),
        ("Post", Some("delete")) => "DeleteObjects".to_owned(),
        ("Get", Some("intelligent-tiering")) if !has("id") => {
            "ListBucketIntelligentTieringConfigurations".to_owned()
        }
        ("Get", Some("metrics")) if !has("id") => "ListBucketMetricsConfigurations".to_owned(),
        ("Get", Some("inventory")) if !has("id") => "ListBucketInventoryConfigurations".to_owned(),
        ("Get" | "Put", Some("object-lock")) => format!("{verb}ObjectLockConfiguration"),
        ("Get" | "Put", Some(part @ ("accelerate" | "lifecycle" | "notification"))) => {
            format!("{verb}Bucket{}Configuration", pascal(part))
        }
        ("Get" | "Delete", Some("publicAccessBlock")) => format!("{verb}PublicAccessBlock"),
        (verb, Some(part)) => format!("{verb}{of}{}", pascal(part)),
        (verb, None) => format!("{verb}{of}"),
    };
    Ok((operation, members))
}

/// `legal-hold` as `LegalHold`.
fn pascal(text: &str) -> String {
    text.split('-')
        .map(|word| word.get(..1).unwrap_or_default().to_uppercase() + word.get(1..).unwrap_or_default())
        .collect()
}

/// The subset of CBOR (RFC 8949) that JSON can express.
mod cbor {
    use serde_json::{Map, Value};

    pub fn read(bytes: &[u8]) -> Option<Value> {
        Reader(bytes).value()
    }

    struct Reader<'a>(&'a [u8]);

    impl<'a> Reader<'a> {
        fn take(&mut self, count: usize) -> Option<&'a [u8]> {
            let (taken, rest) = self.0.split_at_checked(count)?;
            self.0 = rest;
            Some(taken)
        }

        fn number(&mut self, bytes: usize) -> Option<u64> {
            Some(self.take(bytes)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
        }

        /// Reads the end of an item of indefinite length.
        fn at_end(&mut self) -> bool {
            let over = self.0.first() == Some(&0xff);
            if over {
                self.0 = &self.0[1..];
            }
            over
        }

        fn text(&mut self, length: u64) -> Option<String> {
            String::from_utf8(self.take(usize::try_from(length).ok()?)?.to_vec()).ok()
        }

        fn value(&mut self) -> Option<Value> {
            let first = self.number(1)?;
            let (major, low) = (first >> 5, first & 31);
            let length = match low {
                0..=23 => low,
                24 => self.number(1)?,
                25 => self.number(2)?,
                26 => self.number(4)?,
                27 => self.number(8)?,
                _ => u64::MAX,
            };
            Some(match major {
                0 => length.into(),
                1 => Value::from(-1 - i64::try_from(length).ok()?),
                2 | 3 => self.text(length)?.into(),
                4 => {
                    let mut list = Vec::new();
                    while list.len() as u64 != length && !self.at_end() {
                        list.push(self.value()?);
                    }
                    list.into()
                }
                5 => {
                    let mut map = Map::new();
                    while map.len() as u64 != length && !self.at_end() {
                        let Value::String(name) = self.value()? else { return None };
                        map.insert(name, self.value()?);
                    }
                    map.into()
                }
                // A tag says only what the value means.
                6 => self.value()?,
                _ => match low {
                    20 => false.into(),
                    21 => true.into(),
                    26 => f64::from(f32::from_bits(u32::try_from(length).ok()?)).into(),
                    27 => f64::from_bits(length).into(),
                    _ => Value::Null,
                },
            })
        }
    }

    pub fn write(value: &Value, out: &mut Vec<u8>) {
        match value {
            Value::Null => out.push(0xf6),
            Value::Bool(flag) => out.push(0xf4 + u8::from(*flag)),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => head(0, number, out),
                (None, Some(number)) => head(1, number.unsigned_abs() - 1, out),
                _ => {
                    out.push(0xfb);
                    out.extend(number.as_f64().unwrap_or_default().to_bits().to_be_bytes());
                }
            },
            Value::String(text) => {
                head(3, text.len() as u64, out);
                out.extend(text.as_bytes());
            }
            Value::Array(list) => {
                head(4, list.len() as u64, out);
                list.iter().for_each(|value| write(value, out));
            }
            // A point in time is a number with a tag (RFC 8949, 3.4.2).
            Value::Object(map) if map.len() == 1 && map.contains_key("epochSeconds") => {
                head(6, 1, out);
                write(&map["epochSeconds"], out);
            }
            Value::Object(map) => {
                head(5, map.len() as u64, out);
                for (name, value) in map {
                    write(&Value::from(name.as_str()), out);
                    write(value, out);
                }
            }
        }
    }

    fn head(major: u8, length: u64, out: &mut Vec<u8>) {
        match u8::try_from(length) {
            Ok(length @ 0..=23) => out.push(major << 5 | length),
            _ => {
                out.push(major << 5 | 27);
                out.extend(length.to_be_bytes());
            }
        }
    }

    #[test]
    fn written_cbor_can_be_read() {
        let value = serde_json::json!({
            "a": [1, 0, -7, 300, 1.5, true, false, null], "b": { "c": "ä" }, "long": "x".repeat(300)
        });
        let mut bytes = Vec::new();
        write(&value, &mut bytes);
        assert_eq!(read(&bytes), Some(value));
        // An array and a map without a length, as SDKs write them.
        assert_eq!(read(&[0x9f, 1, 0xff]), Some(serde_json::json!([1])));
        assert_eq!(read(&[0xbf, 0x61, b'a', 0xf5, 0xff]), Some(serde_json::json!({ "a": true })));
    }
}
