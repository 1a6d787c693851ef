//! Facts about an answer before its service's own parser has seen it: AWS's error code and request id,
//! in any protocol.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::codes::is_throttling_code;

/// Returns whether the service throttles.
pub(super) fn is_throttle(response: &HttpResponse) -> bool {
    match response.status().as_u16() {
        429 => true,
        // S3 answers a HEAD request without a body.
        503 if response.body().bytes().is_none_or(<[u8]>::is_empty) => true,
        400.. => code(response).is_some_and(|code| is_throttling_code(&code)),
        _ => false,
    }
}

/// AWS's error code, if the answer is an error and its body is in memory.
pub(super) fn code(response: &HttpResponse) -> Option<String> {
    if response.status().as_u16() < 400 {
        return None;
    }
    let header = |name: &str| response.headers().get(name);
    let body = || response.body().bytes().unwrap_or_default();
    let error_code = header("x-amzn-query-error")
        .map(|value| value.split(';').next().unwrap_or(value).to_owned())
        .or_else(|| header("x-amzn-errortype").map(str::to_owned))
        .or_else(|| element(body(), &["Code"]))
        .or_else(|| of_json(body()))
        .or_else(|| of_cbor(body()))?;
    // `aws.protocoltests#FooError:http://…` means FooError.
    let bare = error_code.split(':').next().unwrap_or_default().rsplit('#').next().unwrap_or_default();
    let plain = |one: char| one.is_ascii_alphanumeric() || matches!(one, '.' | '_' | '-');
    (!bare.is_empty() && bare.len() <= 100 && bare.chars().all(plain)).then(|| bare.to_owned())
}

/// The id under which AWS finds the call.
pub(super) fn request_id(response: &HttpResponse) -> Option<String> {
    let names = ["x-amzn-requestid", "x-amz-request-id", "x-amzn-request-id"];
    let header_value = names.iter().find_map(|name| response.headers().get(*name));
    header_value.map(str::to_owned).or_else(|| {
        let body = response.body().bytes().unwrap_or_default();
        element(body, &["RequestId", "requestId", "RequestID"])
    })
}

/// The text of the first XML element of one of these names.
fn element(body: &[u8], names: &[&str]) -> Option<String> {
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'<') {
        return None;
    }
    let text = std::str::from_utf8(body).ok()?;
    names.iter().find_map(|name| {
        let rest = text.split_once(&format!("<{name}>"))?.1;
        rest.split_once('<').map(|(text, _)| text.trim().to_owned()).filter(|text| !text.is_empty())
    })
}

fn of_json(body: &[u8]) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    ["__type", "code", "Code"].iter().find_map(|name| body.get(name)?.as_str().map(str::to_owned))
}

/// The text after the key `__type` (RFC 8949: a text is its length, then its bytes).
fn of_cbor(body: &[u8]) -> Option<String> {
    const KEY: &[u8] = b"\x66__type";
    let start = body.windows(KEY.len()).position(|window| window == KEY)? + KEY.len();
    let (length, start) = match *body.get(start)? {
        short @ 0x60..=0x77 => (usize::from(short - 0x60), start + 1),
        0x78 => (usize::from(*body.get(start + 1)?), start + 2),
        _ => return None,
    };
    std::str::from_utf8(body.get(start..start + length)?).ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
    use aws_smithy_types::body::SdkBody;

    use super::{code, is_throttle, request_id};

    fn answer(status: u16, headers: &[(&'static str, &'static str)], body: &[u8]) -> HttpResponse {
        let mut response =
            HttpResponse::new(status.try_into().expect("a status"), SdkBody::from(body.to_vec()));
        for (name, value) in headers {
            response.headers_mut().insert(*name, *value);
        }
        response
    }

    #[test]
    fn the_code_is_found_in_every_protocol() {
        let xml =
            b"<?xml version=\"1.0\"?>\n<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code>\
            <Message>Rate exceeded</Message></Error><RequestId>r-1</RequestId></ErrorResponse>";
        let xml = answer(400, &[], xml);
        assert_eq!((code(&xml).as_deref(), request_id(&xml).as_deref()), (Some("Throttling"), Some("r-1")));
        let json =
            answer(400, &[("x-amzn-RequestId", "r-2")], br#"{"__type":"com.amazon#ThrottlingException"}"#);
        assert_eq!(code(&json).as_deref(), Some("ThrottlingException"));
        assert_eq!(request_id(&json).as_deref(), Some("r-2"));
        let rest = answer(400, &[("x-amzn-ErrorType", "TooManyRequestsException:http://x/")], b"{}");
        assert_eq!(code(&rest).as_deref(), Some("TooManyRequestsException"));
        let cbor =
            answer(400, &[], b"\xbf\x66__type\x78\x22com.amazonaws#InternalServiceFault\x67message\x61x\xff");
        assert_eq!(code(&cbor).as_deref(), Some("InternalServiceFault"));
        let compatible = answer(400, &[("x-amzn-query-error", "Throttling;Sender")], br#"{"__type":"X"}"#);
        assert_eq!(code(&compatible).as_deref(), Some("Throttling"));
        assert!([xml, json, rest, compatible].iter().all(is_throttle) && !is_throttle(&cbor));
    }

    #[test]
    fn only_errors_have_a_code_and_only_throttles_throttle() {
        assert_eq!(code(&answer(200, &[], b"<Code>SlowDown</Code>")), None);
        let about =
            answer(400, &[], b"<Error><Code>InvalidArgument</Code><Message>SlowDown</Message></Error>");
        assert!(!is_throttle(&about), "the word in a message is none");
        assert!(is_throttle(&answer(503, &[], b"")) && is_throttle(&answer(429, &[], b"x")));
        assert!(!is_throttle(&answer(503, &[], b"<Error><Code>ServiceUnavailable</Code></Error>")));
        let odd = answer(400, &[("x-amzn-ErrorType", "a b \"c")], b"");
        assert_eq!(code(&odd), None, "what is no code is not told");
    }
}
