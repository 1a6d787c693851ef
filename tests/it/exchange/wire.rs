//! The subset of HTTP/1.1 that an AWS SDK uses.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// A request.
pub struct Request {
    pub method: String,
    /// Without the query, still encoded.
    pub path: String,
    /// Decoded, in order.
    pub query: Vec<(String, String)>,
    /// By lower-case name.
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    /// A header; empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(one, _)| one == name).map_or("", |(_, value)| value)
    }

    /// The headers whose names start with this.
    pub fn headers_with<'a>(&'a self, start: &'a str) -> impl Iterator<Item = &'a (String, String)> {
        self.headers.iter().filter(move |(name, _)| name.starts_with(start))
    }

    /// The service in the request's signature.
    pub fn service(&self) -> Option<&str> {
        self.header("authorization").split("Credential=").nth(1)?.split('/').nth(3)
    }
}

/// Decodes `%2F` and `+`.
pub fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// Parses `a=1&b=2`.
pub fn pairs(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        })
        .collect()
}

/// A connection that is kept alive between requests.
pub struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    pub fn new(stream: TcpStream) -> Self {
        Self { stream: BufReader::new(stream) }
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line).ok().filter(|length| *length > 0)?;
        Some(line.trim_end().to_owned())
    }

    /// The next request; `None` if the client is gone.
    pub fn request(&mut self) -> Option<Request> {
        let first = self.line()?;
        let mut words = first.split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':')?;
            headers.push((name.to_lowercase(), value.trim().to_owned()));
        }
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let mut request =
            Request { method, path: path.to_owned(), query: pairs(query), headers, body: Vec::new() };
        let length = request.header("content-length").parse().unwrap_or(0);
        request.body = vec![0; length];
        self.stream.read_exact(&mut request.body).ok()?;
        Some(request)
    }

    /// Answers the request. A client that does not wait may be gone.
    pub fn answer(&mut self, request: &Request, status: u16, headers: &[(String, String)], body: &[u8]) {
        let mut head = format!("HTTP/1.1 {status} Scripted\r\nx-amzn-requestid: exchange-1\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let is_told = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        if !is_told && status != 204 {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        let body = if request.method == "HEAD" || status == 204 { &[] } else { body };
        let _ = self.stream.get_mut().write_all(&[head.as_bytes(), body].concat());
    }
}
