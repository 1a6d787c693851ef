//! The last gate before the network: holds each service to a number of requests at
//! once, refuses to leave loopback in sandbox mode, and tells an emulator's "no such
//! operation" page apart from an answer of AWS.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_http_client::tls;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use tokio::sync::Semaphore;

const NOT_LOOPBACK: &str = "the sandbox never leaves this machine, but the request is for";
const NOT_IMPLEMENTED: &str = "this endpoint does not implement the operation (it answered with a web page)";

/// Whether these are the words of a request that this room refused, or of an
/// endpoint that lacks the operation.
pub(super) fn is_refusal(words: &str) -> bool {
    words.contains(NOT_IMPLEMENTED)
}

/// The HTTP client that all AWS clients share: the gate before `inner`, or before the network.
pub(super) fn client(
    inner: Option<SharedHttpClient>,
    loopback_only: bool,
    custom_endpoint: bool,
) -> SharedHttpClient {
    let inner = inner.unwrap_or_else(|| {
        aws_smithy_http_client::Builder::new()
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
            .build_https()
    });
    SharedHttpClient::new(Gate { inner, loopback_only, custom_endpoint, lanes: Lanes::default() })
}

#[derive(Debug)]
struct Gate {
    inner: SharedHttpClient,
    loopback_only: bool,
    custom_endpoint: bool,
    lanes: Lanes,
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
        })
    }
}

#[derive(Debug)]
struct GateConnector {
    inner: SharedHttpConnector,
    loopback_only: bool,
    custom_endpoint: bool,
    lanes: Lanes,
}

impl HttpConnector for GateConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if self.loopback_only && !is_loopback(request.uri()) {
            let words = format!("{NOT_LOOPBACK} {}", authority(request.uri()));
            return HttpConnectorFuture::ready(Err(ConnectorError::user(words.into())));
        }
        let lane = self.lanes.of(service(&request));
        let inner = self.inner.clone();
        let custom_endpoint = self.custom_endpoint;
        HttpConnectorFuture::new(async move {
            // The semaphores are never closed, so a permit always comes.
            let _permit = lane.acquire_owned().await;
            let response = inner.call(request).await?;
            let is_page =
                response.headers().get("content-type").is_some_and(|kind| kind.starts_with("text/html"));
            if custom_endpoint && is_page && matches!(response.status().as_u16(), 404 | 405 | 500 | 501) {
                return Err(ConnectorError::other(NOT_IMPLEMENTED.into(), None));
            }
            Ok(response)
        })
    }
}

fn authority(uri: &str) -> &str {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

/// Whether `uri` names this machine by a literal loopback address or `localhost`.
pub(super) fn is_loopback(uri: &str) -> bool {
    let authority = authority(uri);
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or(v6),
        None => authority.split(':').next().unwrap_or(authority),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The service that a request is signed for.
fn service(request: &HttpRequest) -> &str {
    request
        .headers()
        .get("authorization")
        .and_then(|header| header.split("Credential=").nth(1))
        .and_then(|credential| credential.split('/').nth(3))
        .unwrap_or("")
}

/// Requests at once, by service: below the rates at which the services begin to
/// throttle a single caller.
fn width(service: &str) -> usize {
    match service {
        "s3" => 32,
        "iam" => 8,
        "redshift" => 8,
        "ec2" | "kms" | "sns" | "secretsmanager" => 16,
        _ => 10,
    }
}

#[derive(Clone, Debug, Default)]
struct Lanes(Arc<Mutex<HashMap<String, Arc<Semaphore>>>>);

impl Lanes {
    fn of(&self, service: &str) -> Arc<Semaphore> {
        // A lane is inserted whole, so the map is right even after a panic.
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match lanes.get(service) {
            Some(lane) => lane.clone(),
            None => lanes
                .entry(service.to_owned())
                .or_insert_with(|| Arc::new(Semaphore::new(width(service))))
                .clone(),
        }
    }
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
