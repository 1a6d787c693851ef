//! The content of an object, and its checksum as S3 computes it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};

use crate::kind::prelude::*;

/// Objects of at least this size are uploaded in parts.
const LARGE: u64 = 64 * 1024 * 1024;
/// The size of a part. It must not change, since the checksum of an object depends on it.
pub const PART: u64 = 16 * 1024 * 1024;
/// Maximum number of parts (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>).
const MAX_PARTS: u64 = 10_000;

/// The content of an object.
pub enum Body {
    Bytes(Vec<u8>),
    File { file: File, length: u64 },
}

impl Body {
    /// The body from three attributes, of which at most one is set. Without any, it is empty. Errors quote
    /// a path, never content.
    pub fn of(
        source: Option<&str>,
        content: Option<&str>,
        content_base64: Option<&str>,
        files: &Files,
    ) -> Result<Self, String> {
        if let Some(source) = source {
            return Self::file(source, files);
        }
        if let Some(text) = content_base64 {
            let bytes =
                BASE64.decode(text.trim()).map_err(|_| "`content_base64` is not base64".to_owned())?;
            return Ok(Self::Bytes(bytes));
        }
        Ok(Self::Bytes(content.unwrap_or_default().as_bytes().to_vec()))
    }

    /// Opens a file of the stack. A foreign module cannot upload files from the user's home.
    fn file(source: &str, files: &Files) -> Result<Self, String> {
        let opened = files.open(source).map_err(|refusal| refusal.describe(source))?;
        if opened.length > PART * MAX_PARTS {
            return Err(format!("`{source}` is larger than {} GiB", PART * MAX_PARTS / (1 << 30)));
        }
        Ok(Self::File { file: opened.file, length: opened.length })
    }

    fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { length, .. } => *length,
        }
    }

    /// The number of parts of a multipart upload; `None` for an upload in one request.
    pub fn parts(&self) -> Option<u64> {
        (self.length() >= LARGE).then(|| self.length().div_ceil(PART))
    }

    /// The whole content.
    pub fn whole(&self) -> std::io::Result<Vec<u8>> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.clone()),
            Self::File { file, length } => read(file, 0, *length),
        }
    }

    /// The content as text, if it is text and short enough to show.
    pub fn text(&self) -> Option<String> {
        if self.length() > SHOWN_CONTENT {
            return None;
        }
        String::from_utf8(self.whole().ok()?).ok().filter(|text| !text.contains('\0'))
    }

    /// One part of the content, counted from 0.
    pub fn part(&self, number: u64) -> std::io::Result<Vec<u8>> {
        let from = number * PART;
        let length = PART.min(self.length().saturating_sub(from));
        match self {
            Self::Bytes(bytes) => {
                let from = usize::try_from(from).unwrap_or(usize::MAX).min(bytes.len());
                let to = from.saturating_add(usize::try_from(length).unwrap_or(usize::MAX)).min(bytes.len());
                Ok(bytes[from..to].to_vec())
            }
            Self::File { file, .. } => read(file, from, length),
        }
    }

    /// The SHA-256 that S3 keeps. For a multipart upload, it is the checksum of the parts' checksums,
    /// followed by the number of parts
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html>).
    pub fn checksum(&self) -> std::io::Result<String> {
        let Some(parts) = self.parts() else { return Ok(checksum(&self.whole()?)) };
        let mut all = Sha256::new();
        for number in 0..parts {
            all.update(Sha256::digest(self.part(number)?));
        }
        Ok(format!("{}-{parts}", BASE64.encode(all.finalize())))
    }
}

fn read(mut file: &File, from: u64, length: u64) -> std::io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The SHA-256 of some bytes in S3's notation.
pub fn checksum(bytes: &[u8]) -> String {
    BASE64.encode(Sha256::digest(bytes))
}

/// The media type by the extension of a key.
pub fn media_type(key: &str) -> Option<&'static str> {
    let name = key.rsplit('/').next().unwrap_or(key);
    let (_, extension) = name.rsplit_once('.')?;
    Some(match extension.to_ascii_lowercase().as_str() {
        "py" => "text/x-python",
        "sql" => "application/sql",
        "json" => "application/json",
        "yaml" | "yml" => "application/yaml",
        "toml" => "application/toml",
        "xml" => "application/xml",
        "csv" => "text/csv",
        "tsv" => "text/tab-separated-values",
        "txt" | "log" | "cfg" | "ini" | "conf" | "properties" => "text/plain",
        "md" => "text/markdown",
        "html" | "htm" => "text/html",
        "css" => "text/css",
        "js" | "mjs" => "text/javascript",
        "sh" => "application/x-sh",
        "parquet" => "application/vnd.apache.parquet",
        "avro" => "application/vnd.apache.avro",
        "zip" | "whl" => "application/zip",
        "jar" => "application/java-archive",
        "gz" => "application/gzip",
        "tar" => "application/x-tar",
        "pdf" => "application/pdf",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "svg" => "image/svg+xml",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_body_has_the_checksum_of_its_bytes() -> Result<(), String> {
        let body = Body::of(None, Some("hello"), None, &Files::default())?;
        let sum = body.checksum().map_err(|error| error.to_string())?;
        assert_eq!(sum, "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=");
        Ok(())
    }

    #[test]
    fn a_large_body_has_the_checksum_of_its_parts() -> Result<(), String> {
        let body = Body::Bytes(vec![7; usize::try_from(LARGE + 1).unwrap_or_default()]);
        assert_eq!(body.parts(), Some(5));
        let mut sums = Vec::new();
        for number in 0..5 {
            sums.extend(Sha256::digest(body.part(number).map_err(|error| error.to_string())?));
        }
        assert_eq!(body.part(4).map(|part| part.len()).unwrap_or_default(), 1);
        let sum = body.checksum().map_err(|error| error.to_string())?;
        assert_eq!(sum, format!("{}-5", checksum(&sums)));
        Ok(())
    }

    #[test]
    fn a_source_stays_inside_the_folder() {
        let folder = Files::new(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
        assert!(Body::of(Some("lib.rs"), None, None, &folder).is_ok());
        assert!(Body::of(Some("../Cargo.toml"), None, None, &folder).is_err());
        assert!(Body::of(Some("/etc/hosts"), None, None, &folder).is_err());
    }
}
