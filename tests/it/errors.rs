//! Checks how AWS's errors are classified: the errors that AWS's models declare for our calls, and
//! recorded ones (`tests/data/recorded/errors.json`, created by `tests/support/recorded.py`). The decisions
//! are in the files of the kinds (`tests/kinds`, `[errors]`).

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};

use dwctl::aws::{Class, Cx, Error};
use dwctl::kinds::KINDS;
use serde::Deserialize;

use crate::exchange::{Exchange, on};
use crate::harness::{Cloud, emulator_home};
use crate::kind_file;
use crate::paper::root;

/// The decisions of all kinds, by service.
#[derive(Default)]
struct Decisions {
    model: BTreeMap<String, BTreeMap<String, String>>,
    recorded: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}

fn decisions() -> Decisions {
    let mut all = Decisions::default();
    for (kind, file) in kind_file::all() {
        for (code, decided) in &file.errors.model {
            let twice =
                all.model.entry(service(kind).to_owned()).or_default().insert(code.clone(), decided.clone());
            assert_eq!(twice, None, "{code} is decided in the file of another kind than {kind}, too");
        }
        for (class, codes) in &file.errors.recorded {
            let of_service = all.recorded.entry(service(kind).to_owned()).or_default();
            of_service.entry(class.clone()).or_default().extend(codes.iter().cloned());
        }
    }
    all
}

/// Where to decide for a service.
fn place(service: &str) -> String {
    let first = KINDS.iter().find(|kind| self::service(kind.name()) == service).expect("a kind");
    format!("tests/kinds/{}.toml", first.name())
}

fn word(class: Class) -> &'static str {
    match class {
        Class::Throttled => "throttled",
        Class::Transient => "transient",
        Class::NotYetConsistent => "not-yet-consistent",
        Class::Gone => "gone",
        Class::Exists => "exists",
        Class::Conflict => "conflict",
        Class::Denied => "denied",
        Class::Invalid => "invalid",
        Class::NotImplemented => "not-implemented",
        Class::Unreachable => "unreachable",
        Class::Credentials => "credentials",
        Class::Other => "other",
    }
}

/// The class that an error's name suggests; none for a plain refusal.
fn by_name(code: &str) -> Option<Class> {
    const WORDS: &[(&str, Class)] = &[
        ("Throttl", Class::Throttled),
        ("TooManyRequests", Class::Throttled),
        ("NotFound", Class::Gone),
        ("NoSuch", Class::Gone),
        ("NotExist", Class::Gone),
        ("NonExistent", Class::Gone),
        ("AlreadyExists", Class::Exists),
        ("AlreadyOwned", Class::Exists),
        ("ResourceExists", Class::Exists),
        ("NameExists", Class::Exists),
        ("Denied", Class::Denied),
        ("Authoriz", Class::Denied),
        ("Unauthorized", Class::Denied),
        ("Internal", Class::Transient),
        ("Unavailable", Class::Transient),
        ("Timeout", Class::Transient),
        ("ServiceFailure", Class::Transient),
        ("Retryable", Class::Transient),
        ("Conflict", Class::Conflict),
        ("Concurrent", Class::Conflict),
        ("InUse", Class::Conflict),
        ("DeletedRecently", Class::Conflict),
        ("Aborted", Class::Conflict),
        ("Unmodifiable", Class::Conflict),
        ("Transitioning", Class::Conflict),
        ("Running", Class::Conflict),
        ("Deleting", Class::Conflict),
        ("InvalidState", Class::Conflict),
        ("StateFault", Class::Conflict),
        ("VersionMismatch", Class::Conflict),
    ];
    let state = code.starts_with("Invalid") && code.ends_with("State");
    let found = WORDS.iter().find(|(words, _)| code.contains(words)).map(|(_, class)| *class);
    found.or(state.then_some(Class::Conflict))
}

/// The service of a kind, by its name in the SDK's crates.
fn service(kind: &str) -> &str {
    kind.split('_').next().expect("a service")
}

/// The errors that the models declare for the calls of our kinds, by crate, code and status.
fn of_models() -> BTreeMap<String, BTreeMap<String, Option<u16>>> {
    let prefix = |action: &str| action.split(':').next().expect("a service").to_owned();
    // The services of our kinds, by their names in IAM's actions.
    let services: BTreeMap<String, &str> = KINDS
        .iter()
        .map(|kind| (prefix(kind.actions().delete.first().expect("it is deleted")), service(kind.name())))
        .collect();
    let mut asked: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for kind in KINDS.iter() {
        let actions = kind.actions();
        for action in [actions.read, actions.create, actions.update, actions.delete].concat() {
            let (prefix, operation) = action.split_once(':').expect("an action");
            if let Some(service) = services.get(prefix) {
                asked.entry(service).or_default().insert(operation);
            }
        }
    }
    // Its Python has botocore's models.
    drop(Cloud::new());
    let mut python = Command::new(emulator_home().join("venv/bin/python"))
        .arg(root().join("tests/support/error_codes.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the emulator's Python");
    let asked = serde_json::to_vec(&asked).expect("JSON");
    python.stdin.take().expect("a pipe").write_all(&asked).expect("it reads");
    let output = python.wait_with_output().expect("it ends");
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn modelled_errors_have_the_class_that_their_name_suggests() {
    let decisions = decisions().model;
    let mut faults = Vec::new();
    let mut used = BTreeSet::new();
    for (service, codes) in of_models() {
        for (code, status) in codes {
            let class = Class::of(&service, &code, "", status.unwrap_or(400));
            let expected = by_name(&code).unwrap_or(Class::Invalid);
            let decided = decisions.get(&service).and_then(|codes| codes.get(&code));
            used.insert((service.clone(), code.clone()));
            match decided.map(|decided| decided.split_once(": ").unwrap_or((decided, ""))) {
                None if class != expected => faults.push(format!(
                    "{service} {code} is {}, and its name says {}: list it beside `{service}` in \
                     src/aws/clients.rs, or decide otherwise in `[errors.model]` of {}",
                    word(class),
                    word(expected),
                    place(&service)
                )),
                Some((decided, _)) if decided != word(class) => {
                    faults.push(format!("{service} {code} is {}, not {decided}", word(class)));
                }
                Some((_, reason)) if class == expected || reason.len() < 10 => {
                    faults.push(format!("{service} {code}: the decision is not needed, or has no reason"));
                }
                _ => {}
            }
        }
    }
    for (service, codes) in &decisions {
        for code in codes.keys().filter(|code| !used.contains(&(service.clone(), (*code).clone()))) {
            faults.push(format!("{service} {code} is decided, and no call of a kind answers it"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// `tests/data/recorded/errors.json`.
#[derive(Deserialize)]
struct Errors {
    services: BTreeMap<String, Vec<Recorded>>,
}

/// A recorded error.
#[derive(Deserialize)]
struct Recorded {
    code: String,
    status: u16,
    message: String,
}

macro_rules! calls {
    ($($service:ident: $operation:ident() $(.$member:ident($value:literal))*;)*) => {
        /// A call of the service that fails.
        async fn call(service: &str, cx: &Cx) -> Result<(), Error> {
            match service {
                $(stringify!($service) => {
                    drop(cx.aws.$service().$operation()$(.$member($value))*.send().await?);
                })*
                other => panic!("add a call of {other} to `calls!` in tests/it/errors.rs"),
            }
            Ok(())
        }
    };
}

// One of each service with recorded errors.
calls! {
    cloudtrail: describe_trails();
    cloudwatch: describe_alarms();
    cloudwatchlogs: describe_log_groups();
    ec2: describe_vpcs();
    eventbridge: describe_rule().name("r");
    iam: get_role().role_name("r");
    kms: describe_key().key_id("k");
    s3: get_bucket_tagging().bucket("b");
    secretsmanager: describe_secret().secret_id("s");
    sfn: describe_state_machine().state_machine_arn("a");
    sns: get_topic_attributes().topic_arn("a");
    sqs: get_queue_attributes().queue_url("q");
}

#[test]
fn recorded_errors_have_the_decided_class() {
    let text = std::fs::read_to_string(root().join("tests/data/recorded/errors.json")).expect("errors");
    let Errors { services: errors } = serde_json::from_str(&text).expect("errors");
    let decisions = decisions().recorded;
    let mut faults = Vec::new();
    let mut used = BTreeSet::new();
    let aws = Exchange::of([]);
    aws.with(async |cx| {
        for (service, errors) in &errors {
            for Recorded { code, status, message } in errors {
                let words: String = message.chars().take(100).collect();
                let class = if *status >= 500 {
                    // The SDK would ask again for half a minute.
                    Class::of(service, code, message, *status)
                } else {
                    aws.instead([on("*").fails(*status, code, message).stays()]);
                    let error = call(service, cx).await.expect_err("an error");
                    assert_eq!(&error.code, code, "{service}: {words}");
                    // Errors that mean a refusal are not retried.
                    assert_eq!(aws.calls().len(), 1, "{service} {code}: {words}");
                    error.class
                };
                let classes = decisions.get(service);
                let decided = |is: &dyn Fn(&str) -> bool| {
                    classes.into_iter().flatten().find_map(|(class, codes)| {
                        let one = codes.iter().find(|one| is(one))?;
                        Some((class.clone(), one.clone()))
                    })
                };
                let by_words = decided(&|one| {
                    one.split_once(": ").is_some_and(|(this, words)| this == code && message.contains(words))
                });
                let Some((decided, entry)) = by_words.or_else(|| decided(&|one| one == code)) else {
                    faults.push(format!(
                        "decide in `[errors.recorded]` of {}: {code}: {words}",
                        place(service)
                    ));
                    continue;
                };
                used.insert((service.clone(), entry));
                if word(class) != decided {
                    faults.push(format!("{service} {code} is {}, not {decided}: {words}", word(class)));
                }
            }
        }
        aws.instead([]);
    });
    for (service, classes) in &decisions {
        for code in classes.values().flatten() {
            if !used.contains(&(service.clone(), code.clone())) {
                faults.push(format!("{service} {code} is decided, and was not recorded"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
