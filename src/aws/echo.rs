//! Answers kept for a moment, so that one read of a resource can be interpreted twice without
//! asking AWS twice: with the stack's spelling of its values, and without.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;

use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;

/// The answers to the requests of a read.
#[derive(Debug, Default)]
pub struct Heard(HashMap<Vec<u8>, Answer>);

#[derive(Debug)]
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// What happens to the requests of the current task.
enum Mode {
    /// They are sent, and their answers kept.
    Listen(Heard),
    /// Those that were heard are answered from memory; the others are sent.
    Replay(Heard),
}

tokio::task_local! {
    static MODE: RefCell<Mode>;
}

/// Does some work, and keeps the answers to all of its requests.
pub async fn listen<T>(work: impl Future<Output = T>) -> (T, Heard) {
    MODE.scope(RefCell::new(Mode::Listen(Heard::default())), async {
        let done = work.await;
        let heard = MODE.with(|mode| match &mut *mode.borrow_mut() {
            Mode::Listen(heard) | Mode::Replay(heard) => std::mem::take(heard),
        });
        (done, heard)
    })
    .await
}

/// Does some work whose requests are answered by what was heard.
pub async fn replay<T>(heard: Heard, work: impl Future<Output = T>) -> T {
    MODE.scope(RefCell::new(Mode::Replay(heard)), work).await
}

/// What tells a request from others: all of it but signature and time. `None` of what cannot be
/// read twice.
fn key(request: &HttpRequest) -> Option<Vec<u8>> {
    let body = request.body().bytes()?;
    let target = request.headers().get("x-amz-target").unwrap_or_default();
    let parts = [request.method().as_bytes(), request.uri().as_bytes(), target.as_bytes(), body];
    Some(parts.join(&b'\n'))
}

/// The key of a request whose answer is to be kept.
pub(super) fn wanted(request: &HttpRequest) -> Option<Vec<u8>> {
    let listens = MODE.try_with(|mode| matches!(*mode.borrow(), Mode::Listen(_))).unwrap_or_default();
    if listens { key(request) } else { None }
}

/// Keeps an answer.
pub(super) fn keep(key: Vec<u8>, response: &HttpResponse) {
    let Some(body) = response.body().bytes() else { return };
    let headers = response.headers().iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let answer =
        Answer { status: response.status().as_u16(), headers: headers.collect(), body: body.to_vec() };
    // Outside of a scope nobody asked for it.
    let _ = MODE.try_with(|mode| {
        if let Mode::Listen(heard) = &mut *mode.borrow_mut() {
            heard.0.insert(key, answer);
        }
    });
}

/// Whether a request is answered from memory.
pub(super) fn knows(request: &HttpRequest) -> bool {
    answer(request).is_some()
}

/// The answer to a request that was heard before.
pub(super) fn answer(request: &HttpRequest) -> Option<HttpResponse> {
    let answer = |heard: &Heard| {
        let answer = heard.0.get(&key(request)?)?;
        let status = StatusCode::try_from(answer.status).ok()?;
        let mut response = HttpResponse::new(status, SdkBody::from(answer.body.clone()));
        for (name, value) in &answer.headers {
            response.headers_mut().append(name.clone(), value.clone());
        }
        Some(response)
    };
    let found = MODE.try_with(|mode| match &*mode.borrow() {
        Mode::Replay(heard) => answer(heard),
        Mode::Listen(_) => None,
    });
    found.ok().flatten()
}
