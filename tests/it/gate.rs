//! A gate between `dwctl` and the local AWS: it counts requests, kills the sender before or after a request
//! is executed, holds one, and refuses some.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The requests to refuse.
pub struct Refusal {
    /// Refuse only after a request whose head contains this; `None` refuses all.
    pub after: Option<&'static str>,
    /// Words in their heads.
    pub words: &'static str,
    /// The status of the answer; `None` closes the connection.
    pub status: Option<u16>,
}

/// The process to kill, and when.
struct Trap {
    victim: Option<Child>,
    at: u64,
    after: bool,
    has_killed: bool,
}

/// The request to hold.
#[derive(Clone, Copy)]
pub enum Which {
    /// By its number.
    Number(u64),
    /// The first whose head contains this.
    Containing(&'static str),
}

impl From<u64> for Which {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<&'static str> for Which {
    fn from(words: &'static str) -> Self {
        Self::Containing(words)
    }
}

/// A request to hold, before it is forwarded or before its answer is.
#[derive(Clone, Copy)]
struct Halt {
    which: Which,
    after: bool,
    /// The number of the held request, once it has arrived.
    held: Option<u64>,
}

impl Halt {
    fn is_of(&self, number: u64, head: &str) -> bool {
        match (self.held, self.which) {
            (Some(held), _) => held == number,
            (None, Which::Number(at)) => at == number,
            (None, Which::Containing(words)) => head.contains(words),
        }
    }
}

#[derive(Default)]
struct State {
    upstream: u16,
    count: AtomicU64,
    active: AtomicUsize,
    closed: AtomicBool,
    /// The first line and the target of every request.
    heads: Mutex<Vec<String>>,
    trap: Mutex<Option<Trap>>,
    halt: Mutex<Option<Halt>>,
    refusal: Mutex<Option<Refusal>>,
}

pub struct Gate {
    port: u16,
    state: Arc<State>,
}

impl Gate {
    /// A gate in front of the emulator with this URL.
    pub fn before(emulator: &str) -> Self {
        let upstream = emulator.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::new(State { upstream, ..State::default() });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if shared.closed.load(Ordering::SeqCst) {
                    return;
                }
                shared.active.fetch_add(1, Ordering::SeqCst);
                let state = Arc::clone(&shared);
                std::thread::spawn(move || {
                    // A sender that is gone needs no answer.
                    let _ = state.pass(stream);
                    state.active.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { port, state }
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Requests since the count was reset.
    pub fn count(&self) -> u64 {
        self.state.count.load(Ordering::SeqCst)
    }

    pub fn forget(&self) {
        self.state.count.store(0, Ordering::SeqCst);
        self.state.heads.lock().unwrap().clear();
    }

    /// The number of the first request whose head contains `words`.
    pub fn position(&self, words: &str) -> u64 {
        let heads = self.state.heads.lock().unwrap();
        let found = heads.iter().position(|head| head.contains(words));
        found.unwrap_or_else(|| panic!("nobody asked for {words}: {heads:#?}")) as u64 + 1
    }

    /// The number of the last request whose head contains `words`.
    pub fn last(&self, words: &str) -> u64 {
        let heads = self.state.heads.lock().unwrap();
        let found = heads.iter().rposition(|head| head.contains(words));
        found.unwrap_or_else(|| panic!("nobody asked for {words}: {heads:#?}")) as u64 + 1
    }

    /// The requests since the count was reset.
    pub fn heads(&self) -> Vec<String> {
        self.state.heads.lock().unwrap().clone()
    }

    /// Holds a request: before it is forwarded or, if `after`, between its execution and its answer.
    pub fn halt(&self, which: impl Into<Which>, after: bool) {
        *self.state.halt.lock().unwrap() = Some(Halt { which: which.into(), after, held: None });
    }

    /// Returns whether the request to hold has arrived.
    pub fn holds(&self) -> bool {
        self.state.halt.lock().unwrap().is_some_and(|halt| halt.held.is_some())
    }

    /// Waits for the request to hold.
    pub fn await_held(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !self.holds() {
            assert!(Instant::now() < deadline, "the request does not come");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Releases the held request.
    pub fn release(&self) {
        *self.state.halt.lock().unwrap() = None;
    }

    /// Returns when all requests sent are executed.
    pub fn await_calm(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut calm = 0;
        while calm < 5 {
            let idle = self.state.active.load(Ordering::SeqCst) == 0;
            calm = if idle { calm + 1 } else { 0 };
            assert!(Instant::now() < deadline, "requests stay unanswered");
            std::thread::sleep(Duration::from_millis(4));
        }
    }

    pub fn refuse(&self, refusal: Refusal) {
        *self.state.refusal.lock().unwrap() = Some(refusal);
    }

    pub fn stop_refusing(&self) {
        *self.state.refusal.lock().unwrap() = None;
    }

    /// Runs a command and kills it at request `at`: before it is forwarded or, if `after`, after it is
    /// executed and before it is answered. Returns when all requests sent are executed, with whether the
    /// command was killed.
    pub fn kill(&self, command: &mut Command, at: u64, after: bool) -> bool {
        {
            let mut trap = self.state.trap.lock().unwrap();
            let victim = command.spawn().expect("dwctl can be run");
            *trap = Some(Trap { victim: Some(victim), at, after, has_killed: false });
        }
        let deadline = Instant::now() + Duration::from_secs(180);
        let has_killed = loop {
            {
                let mut trap = self.state.trap.lock().unwrap();
                let one = trap.as_mut().expect("set above");
                let ended = one.victim.as_mut().expect("set above").try_wait().expect("a child");
                if ended.is_some() {
                    break trap.take().expect("set above").has_killed;
                }
            }
            assert!(Instant::now() < deadline, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        };
        self.await_calm();
        has_killed
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.state.closed.store(true, Ordering::SeqCst);
        // Wakes the listener.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

impl State {
    /// Forwards one request and its answer.
    fn pass(&self, mut client: TcpStream) -> std::io::Result<()> {
        client.set_read_timeout(Some(Duration::from_secs(60)))?;
        let Some((head, body)) = request(&mut client)? else { return Ok(()) };
        let number = {
            // Both at once, so that numbers are places among the heads.
            let mut heads = self.heads.lock().unwrap();
            let target = head.lines().find(|line| line.to_ascii_lowercase().starts_with("x-amz-target"));
            let form = if body.len() < 4096 { String::from_utf8_lossy(&body) } else { "".into() };
            let action = form.split('&').find(|pair| pair.starts_with("Action="));
            let first = head.lines().next().unwrap_or_default();
            heads.push(format!("{first} {} {}", target.unwrap_or_default(), action.unwrap_or_default()));
            self.count.fetch_add(1, Ordering::SeqCst) + 1
        };
        if let Some(refusal) = self.refusal.lock().unwrap().as_mut() {
            let began = refusal.after.is_none();
            refusal.after.take_if(|words| head.contains(*words));
            if began && head.contains(refusal.words) {
                return match refusal.status {
                    Some(status) => write!(
                        client,
                        "HTTP/1.1 {status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
                    ),
                    None => Ok(()),
                };
            }
        }
        if self.kill_if_due(number, false) {
            return Ok(());
        }
        // A request that was held when its sender went away is never forwarded.
        if self.halt(number, &head, false) && is_gone(&client)? {
            return Ok(());
        }
        let mut upstream = TcpStream::connect(("127.0.0.1", self.upstream))?;
        let (first, rest) = head.split_once("\r\n").unwrap_or((&head, ""));
        upstream.write_all(format!("{first}\r\nConnection: close\r\n{rest}").as_bytes())?;
        upstream.write_all(&body)?;
        let answer = answer(&mut upstream, head.starts_with("HEAD "))?;
        if self.kill_if_due(number, true) {
            return Ok(());
        }
        self.halt(number, &head, true);
        client.write_all(&answer)
    }

    /// Waits while this request is held. Returns whether it was.
    fn halt(&self, number: u64, head: &str, after: bool) -> bool {
        let mut held = false;
        loop {
            let is_it = |halt: &&mut Halt| halt.after == after && halt.is_of(number, head);
            match self.halt.lock().unwrap().as_mut().filter(is_it) {
                Some(halt) => halt.held = Some(number),
                None => return held,
            }
            held = true;
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Kills the process if this is the request to do so. Returns whether it was.
    fn kill_if_due(&self, number: u64, after: bool) -> bool {
        let mut trap = self.trap.lock().unwrap();
        match trap.as_mut().filter(|trap| trap.at == number && trap.after == after) {
            Some(Trap { victim: Some(victim), has_killed, .. }) => {
                *has_killed = victim.kill().is_ok();
                *has_killed
            }
            _ => false,
        }
    }
}

/// Returns whether the sender of a request has closed the connection.
fn is_gone(client: &TcpStream) -> std::io::Result<bool> {
    client.set_nonblocking(true)?;
    let end = client.peek(&mut [0]);
    client.set_nonblocking(false)?;
    match end {
        Ok(count) => Ok(count == 0),
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(false),
        Err(_) => Ok(true),
    }
}

/// Reads a whole answer. The emulator keeps the connection open for a while after it.
fn answer(upstream: &mut TcpStream, bodiless: bool) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 16 * 1024];
    let mut whole = usize::MAX;
    while bytes.len() < whole {
        match upstream.read(&mut buffer)? {
            0 => break,
            count => bytes.extend_from_slice(&buffer[..count]),
        }
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").filter(|_| whole == usize::MAX);
        if let Some(end) = end {
            let length = header(&String::from_utf8_lossy(&bytes[..end]), "content-length");
            let length = if bodiless { Some(0) } else { length.and_then(|text| text.parse().ok()) };
            // Without a length it ends with the connection.
            whole = length.map_or(usize::MAX - 1, |length: usize| end + 4 + length);
        }
    }
    Ok(bytes)
}

/// The value of a header, in lower case.
fn header(head: &str, name: &str) -> Option<String> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim().to_ascii_lowercase())
    })
}

/// The head of a request, with the empty line, and its body; `None` if the connection ends without
/// one.
fn request(client: &mut TcpStream) -> std::io::Result<Option<(String, Vec<u8>)>> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 16 * 1024];
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        match client.read(&mut buffer)? {
            0 => return Ok(None),
            count => bytes.extend_from_slice(&buffer[..count]),
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let header = |name: &str| header(&head, name);
    assert!(header("transfer-encoding").is_none(), "no request here has a body of unknown length");
    if header("expect").is_some() {
        client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let length: usize = header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    while bytes.len() < end + length {
        match client.read(&mut buffer)? {
            0 => return Ok(None),
            count => bytes.extend_from_slice(&buffer[..count]),
        }
    }
    Ok(Some((head, bytes[end..].to_vec())))
}
