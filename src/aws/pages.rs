//! Bounds on paged lists. The SDK notices a token that comes twice in a row, but would follow tokens
//! that are always new until memory runs out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

use crate::limits;

/// The start of the error that ends such a list.
pub(super) const TOO_MANY: &str = "the list does not end:";

/// The amount read of each list since its first page. If lists of one operation are read concurrently,
/// the last one counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Pages(Arc<Mutex<HashMap<String, Read>>>);

#[derive(Debug, Default)]
struct Read {
    pages: u32,
    bytes: u64,
}

impl Pages {
    /// Counts a request. Returns the list that it is a page of.
    ///
    /// # Errors
    /// The list exceeds the maximum of pages or bytes.
    pub(super) fn ask(&self, request: &HttpRequest) -> Result<String, String> {
        let list = operation(request);
        // A count stays valid after a panic.
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !continues(request) {
            lists.remove(&list);
            return Ok(list);
        }
        let read = lists.entry(list.clone()).or_default();
        read.pages += 1;
        if read.pages > limits::PAGES {
            return Err(format!("{TOO_MANY} more than {} pages were read", limits::PAGES));
        }
        if read.bytes > limits::PAGED {
            let limit = limits::bytes(limits::PAGED);
            return Err(format!("{TOO_MANY} its pages have more than {limit} in total"));
        }
        Ok(list)
    }

    /// Counts the bytes of an answer.
    pub(super) fn answered(&self, list: &str, bytes: usize) {
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(read) = lists.get_mut(list) {
            read.bytes += bytes as u64;
        }
    }
}

/// The operation of a request, in any of AWS's protocols.
fn operation(request: &HttpRequest) -> String {
    if let Some(target) = request.headers().get("x-amz-target") {
        return target.to_owned();
    }
    let path = request.uri().split('?').next().unwrap_or_default();
    let body = request.body().bytes().unwrap_or_default();
    let action = body.split(|&byte| byte == b'&').find(|pair| pair.starts_with(b"Action="));
    format!("{} {path} {}", request.method(), String::from_utf8_lossy(action.unwrap_or_default()))
}

/// Returns whether a request continues a list from a page token.
fn continues(request: &HttpRequest) -> bool {
    // Tokens as JSON, CBOR and forms name them; for REST, the query parameters.
    const TOKENS: [&[u8]; 6] =
        [b"extToken\"", b"extToken=", b"xtToken", b"arker\"", b"arker=", b"nationToken\""];
    const QUERY: [&str; 3] = ["continuation-token=", "nextToken=", "marker="];
    // Longer bodies are uploads.
    let body = request.body().bytes().filter(|body| body.len() < 64 << 10).unwrap_or_default();
    let named = TOKENS.iter().any(|token| body.windows(token.len()).any(|window| window == *token));
    let query = request.uri().split_once('?').map_or("", |(_, query)| query);
    named
        || query.split('&').any(|pair| {
            // Object versions are deleted while they are listed, however many there are.
            QUERY.iter().any(|name| pair.starts_with(name)) && !pair.ends_with('=')
        })
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
    use aws_smithy_types::body::SdkBody;

    use super::Pages;
    use crate::limits::{PAGED, PAGES};

    fn request(uri: &str, target: Option<&'static str>, body: &str) -> HttpRequest {
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_uri(uri).expect("a URI");
        if let Some(target) = target {
            request.headers_mut().insert("x-amz-target", target);
        }
        request
    }

    #[test]
    fn an_endless_list_is_abandoned() {
        for (uri, target, first, next) in [
            ("http://h/", Some("AWSEvents.ListRules"), "{}", r#"{"NextToken":"a"}"#),
            ("http://h/", None, "Action=ListRoles", "Action=ListRoles&Marker=a"),
            ("http://h/b?analytics", None, "", ""),
        ] {
            let pages = Pages::default();
            let more = if next.is_empty() { format!("{uri}&continuation-token=a") } else { uri.to_owned() };
            for _ in 0..2 {
                pages.ask(&request(uri, target, first)).expect("the first");
                for _ in 0..PAGES {
                    pages.ask(&request(&more, target, next)).expect("one more");
                }
            }
            let said = pages.ask(&request(&more, target, next)).expect_err("too many");
            assert!(said.contains("10000 pages"), "{said}");
            let list = pages.ask(&request(uri, target, first)).expect("another list");
            pages.ask(&request(&more, target, next)).expect("its second page");
            pages.answered(&list, PAGED as usize + 1);
            let said = pages.ask(&request(&more, target, next)).expect_err("too much");
            assert!(said.contains("256 MiB"), "{said}");
        }
    }
}
