//! The last gate before the network. It limits the rate to what each service accepts, refuses to leave
//! loopback in sandbox mode, and distinguishes an emulator's "no such operation" page from an answer
//! of AWS.

use std::time::Duration;

use aws_smithy_http_client::tls;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::retries::classifiers::{
    ClassifyRetry, RetryAction, RetryClassifierPriority,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;

use super::answer;
use super::pages::{self, Pages};
use super::rate::Lanes;
use crate::limits;

/// How long to wait for an answer after a request is sent; its turn may take longer.
const TIMEOUT: Duration = Duration::from_secs(60);
const NOT_LOOPBACK: &str = "the sandbox never leaves this machine, but the request is for";
const NOT_IMPLEMENTED: &str = "this endpoint does not implement the operation (it answered with a web page)";

const TOO_LARGE: &str = "the answer is longer than";

/// Returns whether an error says that the endpoint lacks the operation.
pub(super) fn is_refusal(words: &str) -> bool {
    words.contains(NOT_IMPLEMENTED)
}

/// Returns whether an error says that an answer exceeds its limit.
pub(super) fn is_too_large(words: &str) -> bool {
    words.contains(TOO_LARGE) || words.contains(pages::TOO_MANY)
}

/// The HTTP client of all AWS clients.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    inner: SharedHttpClient,
    loopback_only: bool,
    custom_endpoint: bool,
    lanes: Lanes,
    /// The account of the requests; empty until it is known.
    account: String,
    pages: Pages,
}

impl Gate {
    /// The gate before `inner`, or before the network with a separate connection pool.
    pub(super) fn new(inner: Option<SharedHttpClient>, loopback_only: bool, custom_endpoint: bool) -> Self {
        let inner = inner.unwrap_or_else(|| {
            aws_smithy_http_client::Builder::new()
                .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
                .build_https()
        });
        Self {
            inner,
            loopback_only,
            custom_endpoint,
            lanes: Lanes::default(),
            account: String::new(),
            pages: Pages::default(),
        }
    }

    /// The same for the requests of one account, which have quotas and lists of their own.
    pub(super) fn of_account(&self, account: &str) -> Self {
        Self { account: account.to_owned(), pages: Pages::default(), ..self.clone() }
    }

    /// The client in the SDK's type.
    pub(super) fn shared(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.clone())
    }

    /// The same with separate queues, for calls that must not wait behind everything else.
    pub(super) fn apart(&self) -> SharedHttpClient {
        SharedHttpClient::new(Self { lanes: Lanes::default(), ..self.clone() })
    }

    /// The same with separate connections, for another thread: it must not wait for the thread that
    /// serves these connections.
    pub(super) fn alone(&self, inner: Option<SharedHttpClient>) -> SharedHttpClient {
        SharedHttpClient::new(Self::new(inner, self.loopback_only, self.custom_endpoint))
    }
}

/// Fails at once if a quota is reached. The SDK takes `LimitExceededException` for a throttle, because a few
/// services throttle by it, with the words "Rate exceeded".
#[derive(Debug)]
pub(super) struct Quotas;

impl ClassifyRetry for Quotas {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let is_quota = context.response().is_some_and(|response| {
            answer::code(response).is_some_and(|code| code == "LimitExceededException")
                && !response
                    .body()
                    .bytes()
                    .is_some_and(|body| body.windows(13).any(|it| it == b"Rate exceeded"))
        });
        if is_quota { RetryAction::RetryForbidden } else { RetryAction::NoActionIndicated }
    }

    fn name(&self) -> &'static str {
        "Quotas"
    }

    fn priority(&self) -> RetryClassifierPriority {
        // The last classifier decides.
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}

impl HttpClient for Gate {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(GateConnector {
            inner: self.inner.http_connector(settings, components),
            loopback_only: self.loopback_only,
            custom_endpoint: self.custom_endpoint,
            lanes: self.lanes.clone(),
            account: self.account.clone(),
            pages: self.pages.clone(),
        })
    }
}

#[derive(Debug)]
struct GateConnector {
    inner: SharedHttpConnector,
    loopback_only: bool,
    custom_endpoint: bool,
    lanes: Lanes,
    account: String,
    pages: Pages,
}

impl HttpConnector for GateConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if self.loopback_only && !is_loopback(request.uri()) {
            let words = format!("{NOT_LOOPBACK} {}", authority(request.uri()));
            return HttpConnectorFuture::ready(Err(ConnectorError::user(words.into())));
        }
        let (service, region) = signed_for(&request);
        let lane = self.lanes.of(service, &self.account, region, &operation(&request));
        let list = match self.pages.ask(&request) {
            Ok(list) => list,
            Err(words) => return HttpConnectorFuture::ready(Err(ConnectorError::user(words.into()))),
        };
        let pages = self.pages.clone();
        let inner = self.inner.clone();
        let custom_endpoint = self.custom_endpoint;
        HttpConnectorFuture::new(async move {
            let passage = lane.enter().await;
            let answered = tokio::time::timeout(TIMEOUT, exchange(&inner, request)).await;
            let response =
                answered.unwrap_or_else(|_| Err(ConnectorError::timeout("no answer in time".into())))?;
            if answer::is_throttle(&response) {
                passage.throttled();
            }
            pages.answered(&list, response.body().bytes().map_or(0, <[u8]>::len));
            let is_page =
                response.headers().get("content-type").is_some_and(|kind| kind.starts_with("text/html"));
            if custom_endpoint && is_page && matches!(response.status().as_u16(), 404 | 405 | 500 | 501) {
                return Err(ConnectorError::other(NOT_IMPLEMENTED.into(), None));
            }
            Ok(response)
        })
    }
}

/// Sends a request and reads the whole answer up to its limit. The SDK would also keep all of it in
/// memory.
async fn exchange(inner: &SharedHttpConnector, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let mut response = inner.call(request).await?;
    if response.body().bytes().is_none() {
        let mut stream = ByteStream::new(response.take_body());
        let mut body = Vec::new();
        while let Some(part) = stream.next().await {
            let part = part.map_err(|error| ConnectorError::io(error.into()))?;
            if (body.len() + part.len()) as u64 > limits::ANSWER {
                let words = format!("{TOO_LARGE} {}", limits::bytes(limits::ANSWER));
                return Err(ConnectorError::user(words.into()));
            }
            body.extend_from_slice(&part);
        }
        *response.body_mut() = SdkBody::from(body);
    }
    Ok(response)
}

fn authority(uri: &str) -> &str {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

/// Returns whether `uri` names this machine by a literal loopback address or `localhost`.
pub(super) fn is_loopback(uri: &str) -> bool {
    let authority = authority(uri);
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or(v6),
        None => authority.split(':').next().unwrap_or(authority),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The name of the operation that a request calls; empty for REST, where only the method and the path say it.
fn operation(request: &HttpRequest) -> String {
    let target = request.headers().get("x-amz-target").and_then(|target| target.rsplit('.').next());
    if let Some(name) = target.or_else(|| request.uri().split_once("/operation/").map(|(_, name)| name)) {
        return name.to_owned();
    }
    // The body of a form-encoded request begins with it.
    let form = request.body().bytes().and_then(|body| body.strip_prefix(b"Action="));
    let name = form.and_then(|form| form.split(|&byte| byte == b'&').next());
    String::from_utf8_lossy(name.unwrap_or_default()).into_owned()
}

/// The service and the region that a request is signed for
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>).
pub(super) fn signed_for(request: &HttpRequest) -> (&str, &str) {
    let scope = request.headers().get("authorization").and_then(|header| header.split("Credential=").nth(1));
    let mut parts = scope.unwrap_or_default().split('/').skip(2);
    let region = parts.next().unwrap_or_default();
    (parts.next().unwrap_or_default(), region)
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn only_this_machine_is_loopback() {
        for uri in ["http://127.0.0.1:5000/x", "http://localhost/", "http://[::1]:80", "http://127.8.8.8"] {
            assert!(is_loopback(uri), "{uri}");
        }
        for uri in [
            "https://s3.amazonaws.com/",
            "http://127.0.0.1@evil.example/",
            "http://127.0.0.1.evil.example/",
            "http://localhost.evil.example",
            "http://169.254.169.254/latest",
            "http://10.0.0.1",
            "",
        ] {
            assert!(!is_loopback(uri), "{uri}");
        }
    }
}
