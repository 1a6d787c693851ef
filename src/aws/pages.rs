//! Lists that AWS answers in pages, and that must end. The SDK notices a token that comes
//! twice in a row; one that is new each time would be followed until memory ends.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

use crate::limits;

/// How the words begin that such a list ends with.
pub(super) const TOO_MANY: &str = "the list does not end:";

/// What was read of each list since its first page. Of several lists of one operation that
/// are read at a time, the last one tells.
#[derive(Clone, Debug, Default)]
pub(super) struct Pages(Arc<Mutex<HashMap<String, Read>>>);

#[derive(Debug, Default)]
struct Read {
    pages: u32,
    bytes: u64,
}

impl Pages {
    /// Counts a request: the list that it is a page of.
    ///
    /// # Errors
    /// The list has more pages, or more in them, than any.
    pub(super) fn ask(&self, request: &HttpRequest) -> Result<String, String> {
        let list = operation(request);
        // What a panic leaves of a count is right.
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
            return Err(format!("{TOO_MANY} its pages have more than {limit} together"));
        }
        Ok(list)
    }

    /// Counts what an answer has.
    pub(super) fn answered(&self, list: &str, bytes: usize) {
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(read) = lists.get_mut(list) {
            read.bytes += bytes as u64;
        }
    }
}

/// What a request asks for, in any of AWS's protocols.
fn operation(request: &HttpRequest) -> String {
    if let Some(target) = request.headers().get("x-amz-target") {
        return target.to_owned();
    }
    let path = request.uri().split('?').next().unwrap_or_default();
    let body = request.body().bytes().unwrap_or_default();
    let action = body.split(|&byte| byte == b'&').find(|pair| pair.starts_with(b"Action="));
    format!("{} {path} {}", request.method(), String::from_utf8_lossy(action.unwrap_or_default()))
}

/// Whether a request names the page that it goes on from.
fn continues(request: &HttpRequest) -> bool {
    // As JSON, CBOR and forms name it; of REST, what is in the address.
    const TOKENS: [&[u8]; 6] =
        [b"extToken\"", b"extToken=", b"xtToken", b"arker\"", b"arker=", b"nationToken\""];
    const QUERY: [&str; 3] = ["continuation-token=", "nextToken=", "marker="];
    // What is longer is uploaded.
    let body = request.body().bytes().filter(|body| body.len() < 64 << 10).unwrap_or_default();
    let named = TOKENS.iter().any(|token| body.windows(token.len()).any(|window| window == *token));
    let query = request.uri().split_once('?').map_or("", |(_, query)| query);
    named
        || query.split('&').any(|pair| {
            // Versions of objects are deleted as they are listed, however many there are.
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
    fn a_list_that_does_not_end_is_left() {
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
