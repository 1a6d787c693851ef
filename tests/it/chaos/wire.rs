//! The wire between `dwctl` and its AWS, in process. It counts requests, loses some, answers others like
//! an AWS in trouble, and can stop everything like a `kill -9`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use aws_smithy_http_client::tls;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use tokio::sync::Notify;

/// What happens to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The service's own throttling error.
    Throttle,
    /// A fault inside the service.
    Internal,
    /// The request does not arrive: the connection is cut first.
    Cut,
    /// The request is executed, but the answer is lost with the connection.
    Lost,
    /// The request is executed, but the answer comes too late.
    Late,
    /// The process is killed before the request is sent.
    KillBefore,
    /// The process is killed after the request is executed and before its answer arrives.
    KillAfter,
    /// Someone else acts first; see [`Wire::intruded`].
    Intrude,
    /// The requested resource is not shown, as by an AWS that is not consistent yet. Only reads that check
    /// existence are answered so.
    Empty,
}

/// Faults by request number, counted from 1.
pub type Script = Vec<(u32, Fault)>;

/// The wire. Clones share it.
#[derive(Clone, Debug)]
pub struct Wire(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    http: SharedHttpClient,
    state: Mutex<State>,
    in_flight: AtomicUsize,
    killed: Notify,
    intruded: Notify,
    resumed: Notify,
}

#[derive(Debug, Default)]
struct State {
    script: Script,
    /// A fault for the first request with these words.
    trap: Option<(&'static str, Fault)>,
    count: u32,
    dead: bool,
    /// The requests with faults so far.
    faults_hit: Vec<String>,
}

impl Wire {
    pub fn new() -> Self {
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
            .build_https();
        Self(Arc::new(Inner {
            http,
            state: Mutex::default(),
            in_flight: AtomicUsize::new(0),
            killed: Notify::new(),
            intruded: Notify::new(),
            resumed: Notify::new(),
        }))
    }

    /// The HTTP client of a session on the wire.
    pub fn http(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.clone())
    }

    /// An HTTP client that bypasses the wire.
    pub fn aside(&self) -> SharedHttpClient {
        self.0.http.clone()
    }

    /// Restarts the count, and follows the script.
    pub fn follow(&self, script: Script) {
        *self.state() = State { script, ..State::default() };
    }

    /// Restarts the count. The fault hits the first request described by these words.
    pub fn trap(&self, words: &'static str, fault: Fault) {
        *self.state() = State { trap: Some((words, fault)), ..State::default() };
    }

    /// Requests since the count was restarted.
    pub fn count(&self) -> u32 {
        self.state().count
    }

    /// Requests with faults since the count was restarted.
    pub fn faults_hit(&self) -> Vec<String> {
        self.state().faults_hit.clone()
    }

    /// Returns when the process must die.
    pub async fn killed(&self) {
        self.0.killed.notified().await;
    }

    /// Returns when someone else must act. The waiting request continues after [`Self::resume`].
    pub async fn intruded(&self) {
        self.0.intruded.notified().await;
    }

    /// See [`Self::intruded`].
    pub fn resume(&self) {
        self.0.resumed.notify_one();
    }

    /// Returns when AWS has finished all requests.
    pub async fn calm(&self) {
        while self.0.in_flight.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The fault of the next request; `None` if the process is dead.
    fn fate(&self, request: &HttpRequest) -> Option<Option<Fault>> {
        let mut state = self.state();
        if state.dead {
            return None;
        }
        state.count += 1;
        let count = state.count;
        let fault = state.script.iter().find(|(at, _)| *at == count).map(|(_, fault)| *fault);
        let fault = fault.or_else(|| {
            let call = format!("{} {}", request.method(), operation(request));
            let sprung = state.trap.take_if(|(words, _)| call.contains(*words));
            sprung.map(|(_, fault)| fault)
        });
        if let Some(fault) = fault {
            let what = format!("{fault:?} at {count}: {} {}", request.method(), operation(request));
            state.faults_hit.push(what);
        }
        Some(fault)
    }

    fn die(&self) {
        self.state().dead = true;
        self.0.killed.notify_one();
    }
}

impl HttpClient for Wire {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.0.http.http_connector(settings, components);
        SharedHttpConnector::new(Line { wire: self.clone(), inner })
    }
}

#[derive(Debug)]
struct Line {
    wire: Wire,
    inner: SharedHttpConnector,
}

impl HttpConnector for Line {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (wire, inner) = (self.wire.clone(), self.inner.clone());
        HttpConnectorFuture::new(async move {
            let Some(fault) = wire.fate(&request) else { return std::future::pending().await };
            match fault {
                Some(Fault::Throttle) => return Ok(refusal(&request, true)),
                Some(Fault::Internal) => return Ok(refusal(&request, false)),
                Some(Fault::Empty) => {
                    if let Some(answer) = nothing(&request) {
                        return Ok(answer);
                    }
                }
                Some(Fault::Cut) => return Err(ConnectorError::io("the connection was cut".into())),
                Some(Fault::KillBefore) => {
                    wire.die();
                    return std::future::pending().await;
                }
                Some(Fault::Intrude) => {
                    wire.0.intruded.notify_one();
                    wire.0.resumed.notified().await;
                }
                _ => {}
            }
            // A request that was sent is executed even if nobody waits for its answer any more.
            wire.0.in_flight.fetch_add(1, Ordering::SeqCst);
            let sent = tokio::spawn({
                let wire = wire.clone();
                async move {
                    let answer = inner.call(request).await;
                    wire.0.in_flight.fetch_sub(1, Ordering::SeqCst);
                    answer
                }
            });
            let answer = match sent.await {
                Ok(answer) => answer,
                Err(error) => return Err(ConnectorError::io(error.into())),
            };
            match fault {
                Some(Fault::Lost) => Err(ConnectorError::io("the answer was lost".into())),
                Some(Fault::Late) => Err(ConnectorError::timeout("no answer in time".into())),
                Some(Fault::KillAfter) => {
                    wire.die();
                    std::future::pending().await
                }
                _ => answer,
            }
        })
    }
}

/// The service that a request is signed for.
fn service(request: &HttpRequest) -> String {
    let header = request.headers().get("authorization").unwrap_or_default();
    header.split('/').nth(3).unwrap_or_default().to_owned()
}

/// A short description of a request.
fn operation(request: &HttpRequest) -> String {
    let target = request.headers().get("x-amz-target").unwrap_or_default();
    let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
    let action = body.split('&').find_map(|one| one.strip_prefix("Action=")).unwrap_or_default();
    let path = request.uri().splitn(4, '/').nth(3).unwrap_or_default();
    format!("{} {target}{action} /{path}", service(request))
}

/// The answer, in the format of each service, that a resource does not exist. `None` if the request is not
/// one that checks existence.
fn nothing(request: &HttpRequest) -> Option<HttpResponse> {
    let target = request.headers().get("x-amz-target").unwrap_or_default();
    let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
    let action = body.split('&').find_map(|one| one.strip_prefix("Action=")).unwrap_or_default();
    let name = target.rsplit('.').next().filter(|name| !name.is_empty()).unwrap_or(action);
    let xml = |inner: &str| format!("<{name}Response>{inner}<requestId>0</requestId></{name}Response>");
    let json = |code: &str| format!("{{\"__type\":\"{code}\",\"message\":\"chaos\"}}");
    let query = |code: &str| {
        let error = format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>chaos</Message></Error>");
        format!("<ErrorResponse>{error}<RequestId>0</RequestId></ErrorResponse>")
    };
    let (status, code, body) = match (service(request).as_str(), name) {
        ("s3", _) if request.method() == "HEAD" => (404, "", String::new()),
        ("ec2", "DescribeVpcs" | "DescribeSubnets" | "DescribeSecurityGroups") => (200, "", xml("")),
        ("sns", "GetTopicAttributes" | "GetSubscriptionAttributes") => (404, "NotFound", query("NotFound")),
        ("sns", "ListSubscriptionsByTopic") => (200, "", xml(&format!("<{name}Result/>"))),
        ("iam", "GetRole") => (404, "NoSuchEntity", query("NoSuchEntity")),
        ("kms", "DescribeKey") => (400, "NotFoundException", json("NotFoundException")),
        ("kms", "ListKeys") => (200, "", "{\"Keys\":[]}".to_owned()),
        ("logs", "DescribeLogGroups") => (200, "", "{\"logGroups\":[]}".to_owned()),
        ("glue", "GetDatabase") => (400, "EntityNotFoundException", json("EntityNotFoundException")),
        ("glue", "BatchGetJobs") => (200, "", "{\"Jobs\":[]}".to_owned()),
        ("secretsmanager", "DescribeSecret") => {
            (400, "ResourceNotFoundException", json("ResourceNotFoundException"))
        }
        ("tagging", "GetResources") => (200, "", "{\"ResourceTagMappingList\":[]}".to_owned()),
        _ => return None,
    };
    let kind = if body.starts_with('<') { "text/xml" } else { "application/x-amz-json-1.1" };
    let status = aws_smithy_runtime_api::http::StatusCode::try_from(status).expect("a status");
    let mut answer = HttpResponse::new(status, SdkBody::from(body));
    answer.headers_mut().insert("content-type", kind);
    answer.headers_mut().insert("x-amzn-requestid", "chaos");
    if !code.is_empty() {
        answer.headers_mut().insert("x-amzn-errortype", code.to_owned());
    }
    Some(answer)
}

/// The error of an AWS in trouble, in the format of each service.
fn refusal(request: &HttpRequest, throttled: bool) -> HttpResponse {
    let service = service(request);
    let (status, code, kind, body) = match (service.as_str(), throttled) {
        ("s3", _) => {
            let code = if throttled { "SlowDown" } else { "InternalError" };
            let status = if throttled { 503 } else { 500 };
            (
                status,
                code,
                "application/xml",
                format!("<Error><Code>{code}</Code><Message>chaos</Message></Error>"),
            )
        }
        ("ec2", _) => {
            let code = if throttled { "RequestLimitExceeded" } else { "InternalError" };
            let status = if throttled { 503 } else { 500 };
            let error =
                format!("<Errors><Error><Code>{code}</Code><Message>chaos</Message></Error></Errors>");
            (status, code, "text/xml", format!("<Response>{error}<RequestID>0</RequestID></Response>"))
        }
        ("sns" | "iam" | "sts", _) => {
            let code = if throttled { "Throttling" } else { "InternalFailure" };
            let status = if throttled { 400 } else { 500 };
            let error =
                format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>chaos</Message></Error>");
            (
                status,
                code,
                "text/xml",
                format!("<ErrorResponse>{error}<RequestId>0</RequestId></ErrorResponse>"),
            )
        }
        (_, true) => (400, "ThrottlingException", "application/x-amz-json-1.1", String::new()),
        (_, false) => (500, "InternalServiceException", "application/x-amz-json-1.1", String::new()),
    };
    let body =
        if body.is_empty() { format!("{{\"__type\":\"{code}\",\"message\":\"chaos\"}}") } else { body };
    let status = aws_smithy_runtime_api::http::StatusCode::try_from(status).expect("a status");
    let mut answer = HttpResponse::new(status, SdkBody::from(body));
    answer.headers_mut().insert("content-type", kind);
    answer.headers_mut().insert("x-amzn-requestid", "chaos");
    answer
}
