//! A scripted AWS for what the emulator cannot do: a server on loopback that answers requests by
//! operation and checks what was sent. A test fails on a request without an answer, and on an answer that
//! was never requested.
//!
//! An answer is the inner part of AWS's: the envelope of the service's protocol is added. Pages of a
//! list, slow states and errors are successive answers. The last of them may [stay](Answer::stays).

pub mod play;
mod protocol;
mod wire;

use std::collections::BTreeMap;
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dwctl::aws::{Cx, Options, Session};

use crate::harness::{ACCOUNT, REGION};
use protocol::Protocol;

/// An answer to one request of a script.
#[derive(Clone, Debug)]
pub struct Answer {
    operation: String,
    /// Members that the request must have or, with `None`, must not have.
    sends: BTreeMap<String, Option<String>>,
    stays: bool,
    /// True if it need not be requested.
    perhaps: bool,
    status: u16,
    headers: Vec<(String, String)>,
    body: Body,
    used: u32,
}

#[derive(Clone, Debug)]
enum Body {
    /// The inner part of an answer.
    Result(String),
    /// An error: its code and message.
    Fault(String, String),
}

/// An answer to an operation, named by the service's signing name: `glue:GetDatabases`. `*` is any.
pub fn on(operation: &str) -> Answer {
    Answer {
        operation: operation.to_owned(),
        sends: BTreeMap::new(),
        stays: false,
        perhaps: false,
        status: 200,
        headers: Vec::new(),
        body: Body::Result(String::new()),
        used: 0,
    }
}

impl Answer {
    /// Restricts the answer to requests with this member. A nested member is named with dots, an
    /// element by its number from 1: `Filter.1.Name`.
    pub fn sends(mut self, member: &str, value: &str) -> Self {
        self.sends.insert(member.to_owned(), Some(value.to_owned()));
        self
    }

    /// Restricts the answer to requests without this member.
    pub fn sends_no(mut self, member: &str) -> Self {
        self.sends.insert(member.to_owned(), None);
        self
    }

    /// Sets the inner part of the answer: XML or JSON, depending on the service.
    pub fn answers(mut self, inside: impl Into<String>) -> Self {
        self.body = Body::Result(inside.into());
        self
    }

    /// Answers with an AWS error.
    pub fn fails(mut self, status: u16, code: &str, words: &str) -> Self {
        self.status = status;
        self.body = Body::Fault(code.to_owned(), words.to_owned());
        self
    }

    /// Adds a header, for S3.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Lets the answer repeat, once those before it are used up.
    pub fn stays(mut self) -> Self {
        self.stays = true;
        self
    }

    /// Lets the answer remain unrequested.
    pub fn perhaps(mut self) -> Self {
        self.perhaps = true;
        self
    }

    fn fits(&self, call: &Call) -> bool {
        (self.operation == "*" || self.operation == call.operation)
            && self.sends.iter().all(|(member, value)| call.members.get(member) == value.as_ref())
    }
}

/// A request that was received.
#[derive(Clone, Debug)]
pub struct Call {
    /// `service:Operation`.
    pub operation: String,
    /// The members that were sent, flattened.
    pub members: BTreeMap<String, String>,
}

impl Call {
    /// A member; empty if it was not sent.
    pub fn member(&self, name: &str) -> &str {
        self.members.get(name).map_or("", String::as_str)
    }
}

#[derive(Default)]
struct Script {
    answers: Vec<Answer>,
    calls: Vec<Call>,
    faults: Vec<String>,
}

impl Script {
    /// The answer to a call: the first unused one that matches, in the order of the script.
    fn answer(&mut self, call: Call) -> Answer {
        let left = |answer: &&mut Answer| (answer.used == 0 || answer.stays) && answer.fits(&call);
        let answer = self.answers.iter_mut().find(left).map(|answer| {
            answer.used += 1;
            answer.clone()
        });
        let answer = answer.or_else(|| known(&call)).unwrap_or_else(|| {
            self.faults.push(format!("no answer is left for {call:?}"));
            // No error that anyone would try again after.
            on(&call.operation).fails(400, "Unscripted", "the script of the test has no answer to this")
        });
        self.calls.push(call);
        answer
    }

    fn unused(&self) -> impl Iterator<Item = String> + '_ {
        let unused = self.answers.iter().filter(|answer| answer.used == 0 && !answer.perhaps);
        unused.map(|answer| format!("nobody asked for {} {:?}", answer.operation, answer.sends))
    }
}

/// Answers that every script may leave out: the caller's identity, and an empty tag index.
fn known(call: &Call) -> Option<Answer> {
    let inside = match call.operation.as_str() {
        "sts:GetCallerIdentity" => format!(
            "<Arn>arn:aws:iam::{ACCOUNT}:user/test</Arn><UserId>A</UserId><Account>{ACCOUNT}</Account>"
        ),
        "tagging:GetResources" => "{\"ResourceTagMappingList\": []}".to_owned(),
        _ => return None,
    };
    Some(on(&call.operation).answers(inside))
}

/// A scripted AWS.
pub struct Exchange {
    port: u16,
    script: Arc<Mutex<Script>>,
    ends: Arc<AtomicBool>,
}

impl Exchange {
    /// A server with these answers.
    pub fn of(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let script = Script { answers: answers.into_iter().collect(), ..Script::default() };
        let exchange =
            Self { port, script: Arc::new(Mutex::new(script)), ends: Arc::new(AtomicBool::new(false)) };
        let (script, ends) = (exchange.script.clone(), exchange.ends.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ends.load(Ordering::SeqCst) {
                    break;
                }
                let script = script.clone();
                std::thread::spawn(move || serve(stream, &script));
            }
        });
        exchange
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        // A script is changed whole, so it is right even after a panic.
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The URL of the server.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Adds answers after the existing ones.
    pub fn then(&self, answers: impl IntoIterator<Item = Answer>) {
        self.script().answers.extend(answers);
    }

    /// Replaces all answers, and forgets all calls.
    pub fn instead(&self, answers: impl IntoIterator<Item = Answer>) {
        *self.script() = Script { answers: answers.into_iter().collect(), ..Script::default() };
    }

    /// The calls so far, except those for the caller's identity and the tag index.
    pub fn calls(&self) -> Vec<Call> {
        let calls = self.script().calls.clone();
        calls.into_iter().filter(|call| known(call).is_none()).collect()
    }

    /// The calls of one operation.
    pub fn calls_of(&self, operation: &str) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.operation == operation).collect()
    }

    /// Fails unless every answer so far was requested, and nothing else.
    #[track_caller]
    pub fn expect_all_requested(&self) {
        let faults = self.faults();
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }

    fn faults(&self) -> Vec<String> {
        let script = self.script();
        script.faults.iter().cloned().chain(script.unused()).collect()
    }

    /// Runs `work` with a connection to the server.
    pub fn with<T>(&self, work: impl AsyncFnOnce(&Cx) -> T) -> T {
        let options = Options { endpoint_url: Some(self.endpoint()), sandbox: true, ..Options::default() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let session = Session::connect(options, REGION).await.expect("it answers");
            work(&session.cx(&dwctl::aws::Place::of(REGION))).await
        })
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        // Wakes the listener, which then sees that it is over.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        let faults = self.faults();
        if std::thread::panicking() {
            eprintln!("{}", faults.join("\n"));
        } else {
            assert!(faults.is_empty(), "{}", faults.join("\n"));
        }
    }
}

/// Answers the requests of one connection until it is closed.
fn serve(stream: TcpStream, script: &Mutex<Script>) {
    let mut connection = wire::Connection::new(stream);
    while let Some(request) = connection.request() {
        let (protocol, call) = match Protocol::read(&request) {
            Ok(known) => known,
            Err(words) => {
                let fault = format!("{} {}: {words}", request.method, request.path);
                script.lock().unwrap_or_else(PoisonError::into_inner).faults.push(fault);
                connection.answer(&request, 400, &[], b"");
                continue;
            }
        };
        let answer = script.lock().unwrap_or_else(PoisonError::into_inner).answer(call.clone());
        let (mut headers, body) = match &answer.body {
            Body::Result(inside) => protocol.result(&call, inside),
            Body::Fault(code, words) => protocol.fault(code, words),
        };
        headers.retain(|(name, _)| !answer.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name)));
        headers.extend(answer.headers.iter().cloned());
        connection.answer(&request, answer.status, &headers, &body);
    }
}

#[test]
fn unanswered_requests_and_unused_answers_fail() {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    let policy =
        || on("iam:GetPolicy").sends("PolicyArn", "loader").fails(404, "NoSuchEntity", "no such policy");
    let asks = |exchange: &Exchange, name: &str| {
        let kind = dwctl::kinds::kind("iam_policy").expect("a kind");
        exchange.with(async |cx| play::read(kind, cx, name, &dwctl::value::Value::Null).await)
    };
    let words = |exchange: Exchange| {
        let failed = catch_unwind(AssertUnwindSafe(|| drop(exchange))).expect_err("it fails");
        *failed.downcast::<String>().expect("words")
    };
    let exchange = Exchange::of([policy()]);
    assert_eq!(asks(&exchange, "loader"), Ok(None));
    drop(exchange);

    let exchange = Exchange::of([policy()]);
    assert!(words(exchange).contains("nobody asked for iam:GetPolicy"));

    let exchange = Exchange::of([policy()]);
    assert_eq!(asks(&exchange, "loader"), Ok(None));
    assert!(asks(&exchange, "loader").is_err(), "an answer is given once");
    assert!(words(exchange).contains("no answer is left for"));

    let exchange = Exchange::of([policy()]);
    assert!(asks(&exchange, "other").is_err(), "it is the answer to another request");
    let words = words(exchange);
    assert!(words.contains("no answer is left for") && words.contains("nobody asked for"), "{words}");
}
