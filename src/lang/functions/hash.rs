//! Digests of strings and files.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use uuid::Uuid;

use super::file::read_bytes;
use super::{Arguments, Function, Outcome, Problem, Reads};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("base64sha256", &["string"], Reads::All, |arguments| of_text::<Sha256>(arguments, base64)),
    Function::new("base64sha512", &["string"], Reads::All, |arguments| of_text::<Sha512>(arguments, base64)),
    Function::new("bcrypt", &["string", "cost?"], Reads::All, bcrypt),
    Function::new("filebase64sha256", &["path"], Reads::All, |arguments| {
        of_file::<Sha256>(arguments, base64)
    }),
    Function::new("filebase64sha512", &["path"], Reads::All, |arguments| {
        of_file::<Sha512>(arguments, base64)
    }),
    Function::new("filemd5", &["path"], Reads::All, |arguments| {
        of_file::<Md5>(arguments, |bytes| hex::encode(bytes))
    }),
    Function::new("filesha1", &["path"], Reads::All, |arguments| {
        of_file::<Sha1>(arguments, |bytes| hex::encode(bytes))
    }),
    Function::new("filesha256", &["path"], Reads::All, |arguments| {
        of_file::<Sha256>(arguments, |bytes| hex::encode(bytes))
    }),
    Function::new("filesha512", &["path"], Reads::All, |arguments| {
        of_file::<Sha512>(arguments, |bytes| hex::encode(bytes))
    }),
    Function::new("md5", &["string"], Reads::All, |arguments| {
        of_text::<Md5>(arguments, |bytes| hex::encode(bytes))
    }),
    Function::new("sha1", &["string"], Reads::All, |arguments| {
        of_text::<Sha1>(arguments, |bytes| hex::encode(bytes))
    }),
    Function::new("sha256", &["string"], Reads::All, |arguments| {
        of_text::<Sha256>(arguments, |bytes| hex::encode(bytes))
    }),
    Function::new("sha512", &["string"], Reads::All, |arguments| {
        of_text::<Sha512>(arguments, |bytes| hex::encode(bytes))
    }),
    Function::new("uuidv5", &["namespace", "name"], Reads::All, uuidv5),
];

type Shown = fn(&[u8]) -> String;

fn of_text<D: Digest>(arguments: &Arguments<'_>, shown: Shown) -> Outcome {
    let text = arguments.text(0)?;
    arguments.work(text.len() / bytes_a_step::<D>())?;
    Ok(shown(&D::digest(text.as_bytes())).into())
}

fn of_file<D: Digest>(arguments: &Arguments<'_>, shown: Shown) -> Outcome {
    let bytes = read_bytes(arguments)?;
    arguments.work(bytes.len() / bytes_a_step::<D>())?;
    Ok(shown(&D::digest(bytes)).into())
}

/// Bytes digested in one step. Processors have instructions for SHA-1 and SHA-256 only.
fn bytes_a_step<D: Digest>() -> usize {
    match <D as Digest>::output_size() {
        20 | 32 => 32,
        _ => 8,
    }
}

fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

fn bcrypt(arguments: &mut Arguments<'_>) -> Outcome {
    const LONGEST: usize = 72;
    /// Each increment doubles the time; this cost takes about two seconds.
    const MAX_COST: u32 = 15;
    let text = arguments.text(0)?;
    if text.len() > LONGEST {
        return Err(Problem::of(0, format!("bcrypt takes at most {LONGEST} bytes")));
    }
    let cost = match arguments.len() {
        1 => 10,
        _ => u32::try_from(arguments.integer(1)?)
            .ok()
            .filter(|cost| (4..=MAX_COST).contains(cost))
            .ok_or_else(|| Problem::of(1, format!("the cost is between 4 and {MAX_COST}")))?,
    };
    arguments.work(200_usize << cost)?;
    bcrypt::hash(text.as_bytes(), cost).map(Into::into).map_err(|error| Problem::new(error.to_string()))
}

fn uuidv5(arguments: &mut Arguments<'_>) -> Outcome {
    let name = arguments.text(0)?;
    let namespace = match &*name {
        "dns" => Uuid::NAMESPACE_DNS,
        "url" => Uuid::NAMESPACE_URL,
        "oid" => Uuid::NAMESPACE_OID,
        "x500" => Uuid::NAMESPACE_X500,
        other => Uuid::parse_str(other).map_err(|_| {
            Problem::of(0, format!("`{other}` is neither a UUID nor one of dns, url, oid, x500"))
        })?,
    };
    Ok(Uuid::new_v5(&namespace, arguments.text(1)?.as_bytes()).to_string().into())
}
