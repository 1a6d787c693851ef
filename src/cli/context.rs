//! The first steps of most commands: the stack, its variables, AWS, the ledger.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::future::join_all;

use super::args::Given;
use super::printer::Printer;
use super::spinner::Spinner;
use super::{AwsArgs, Exit, Failure, StackArgs};
use crate::aws::{Access, Class, Error, Options, Place, Reached, Session};
use crate::diag::{Diagnostic, Outside, Sources, Span};
use crate::eval::{AccountFacts, EvalContext, Facts};
use crate::kinds;
use crate::ledger::{self, FileStore, Holder, Ledger, S3Store, Store};
use crate::stack::{self, Account, Node, Stack};
use crate::value::Value;

/// Reads the stack.
pub(super) fn load(args: &StackArgs) -> Result<Stack, Failure> {
    load_of(args, &args.stack)
}

/// Like [`load`], from a folder that is a copy of the stack's.
pub(super) fn load_of(args: &StackArgs, folder: &Path) -> Result<Stack, Failure> {
    if let Some(problem) = no_folder(&args.stack) {
        return Err(Failure::new(Exit::Invalid, vec![problem], Sources::default()));
    }
    let kinds: Vec<&str> = kinds::KINDS.iter().map(|kind| kind.name()).collect();
    let apart = names_within(folder, &args.var_file);
    let stack::Loaded { mut stack, mut problems, is_whole } =
        stack::read(&args.stack, args.env.as_deref(), &kinds, &apart);
    if stack.region_from.is_some() && problems.is_empty() {
        // Problems of variables are reported when these are used.
        let (variables, _) = given_variables(args, &stack, None);
        stack.settle_region(&variables, &mut problems);
    }
    if !stack.aws.is_empty() && problems.is_empty() {
        let (variables, _) = given_variables(args, &stack, None);
        stack.settle_accounts(&variables, &mut problems);
    }
    if problems.is_empty() {
        return Ok(stack);
    }
    // Other problems are reported too, unless they only follow from a file that could not be read.
    if is_whole {
        let (variables, wrong) = given_variables(args, &stack, None);
        problems.extend(wrong);
        problems = with_others(&stack, variables, problems);
    }
    Err(invalid(&stack, problems))
}

/// The problem if a path is not a stack's folder, with a guess of what was meant.
pub(super) fn no_folder(path: &Path) -> Option<Diagnostic> {
    let shown = path.display();
    let error = |message: String| Some(Diagnostic::error("no-stack", message));
    let folder = "a stack is a folder with a stack.toml and other *.toml files beside it";
    if path.is_file() {
        if path.extension().is_some_and(|extension| extension == "toml") {
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            let parent = parent.unwrap_or(Path::new("."));
            return error(format!("{shown} is a file, but a stack is a whole folder"))
                .map(|error| error.help(format!("name the folder: {}", parent.display())));
        }
        return error(format!("{shown} is a file, not a stack's folder")).map(|error| {
            error
                .note(folder)
                .help("`dwctl apply FILE` and `dwctl show FILE` take a file that `dwctl plan --out` wrote")
        });
    }
    if path.exists() || path.is_symlink() {
        return None;
    }
    let text = path.to_str().unwrap_or_default();
    let problem = Diagnostic::error("no-stack", format!("there is no folder {shown}")).note(folder);
    let kind = text.split_once('.').map_or(text, |(kind, _)| kind);
    if kinds::kind(kind).is_some() {
        return Some(problem.help(format!("to choose a part of the stack: --target '{text}'")));
    }
    if !text.contains('/') && Path::new("env").join(format!("{text}.toml")).is_file() {
        return Some(problem.help(format!("to choose an environment: --env {text}")));
    }
    let problem = problem.help("name the folder that holds stack.toml: dwctl plan path/to/stack");
    // A name with an extension is probably a file.
    match path.extension() {
        Some(_) => Some(problem.help(format!(
            "there is no file {shown} either: `dwctl plan --out {shown}` writes a plan for apply"
        ))),
        None => Some(problem),
    }
}

/// The names of those files that lie in the folder itself.
fn names_within(folder: &Path, files: &[PathBuf]) -> Vec<OsString> {
    let Ok(folder) = folder.canonicalize() else { return Vec::new() };
    let name =
        |path: PathBuf| (path.parent() == Some(&folder)).then(|| path.file_name().map(OsStr::to_owned))?;
    let names = files.iter().flat_map(|file| {
        let beside = match file.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.canonicalize(),
            _ => Path::new(".").canonicalize(),
        };
        let itself = beside.ok().zip(file.file_name()).map(|(parent, name)| parent.join(name));
        [itself, file.canonicalize().ok()]
    });
    names.flatten().filter_map(name).collect()
}

/// The values of the stack's variables.
pub(super) fn variables(args: &StackArgs, stack: &Stack) -> Result<BTreeMap<String, Value>, Failure> {
    variables_beside(args, stack, None)
}

/// These problems of a stack, with all others that can still be found.
fn with_others(
    stack: &Stack,
    variables: BTreeMap<String, Value>,
    problems: Vec<Diagnostic>,
) -> Vec<Diagnostic> {
    // The other checks depend on the region.
    if stack::is_region(&stack.region) { EvalContext::check(stack, variables, problems).0 } else { problems }
}

/// Like [`variables`]; variables that only the `other` stack declares may be given, too.
pub(super) fn variables_beside(
    args: &StackArgs,
    stack: &Stack,
    other: Option<&Stack>,
) -> Result<BTreeMap<String, Value>, Failure> {
    let (values, problems) = given_variables(args, stack, other);
    if problems.is_empty() {
        return Ok(values);
    }
    Err(invalid(stack, with_others(stack, values, problems)))
}

/// The values of the stack's variables, and the problems with them. A value with a problem is unknown.
fn given_variables(
    args: &StackArgs,
    stack: &Stack,
    other: Option<&Stack>,
) -> (BTreeMap<String, Value>, Vec<Diagnostic>) {
    let (mut given, mut problems) = args.given.get_or_init(|| variable_files(&args.var_file)).clone();
    for (name, value) in std::env::vars() {
        if let Some(variable) = name.strip_prefix("DWCTL_VAR_") {
            given.push((
                format!("the environment variable {name}"),
                variable.to_owned(),
                Value::String(value),
            ));
        }
    }
    for assignment in &args.var {
        match assignment.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                given.push((format!("--var {name}"), name.to_owned(), Value::String(value.to_owned())));
            }
            // The text may be secret, so it is not quoted.
            Some(_) => problems.push(
                Diagnostic::error("invalid-argument", "--var takes NAME=VALUE")
                    .note("there is no name before the `=`"),
            ),
            None => problems.push(
                Diagnostic::error("invalid-argument", "--var takes NAME=VALUE")
                    .note(format!("got `{assignment}`")),
            ),
        }
    }
    given.retain(|(_, name, _)| {
        stack.root.variables.contains_key(name)
            || other.is_none_or(|other| !other.root.variables.contains_key(name))
    });
    let values = stack::variables(stack, &given, &mut problems);
    (values, problems)
}

fn variable_files(files: &[PathBuf]) -> Given {
    let (mut given, mut problems) = (Vec::new(), Vec::new());
    for file in files {
        match variable_file(file, &mut problems) {
            Ok(values) => given.extend(values),
            Err(problem) => problems.push(problem),
        }
    }
    (given, problems)
}

fn variable_file(
    file: &std::path::Path,
    problems: &mut Vec<Diagnostic>,
) -> Result<Vec<(String, String, Value)>, Diagnostic> {
    let trouble = |note: String| {
        Diagnostic::error("unreadable", format!("cannot read the variables in {}", file.display())).note(note)
    };
    // The file may be a pipe: `--var-file <(…)`.
    let text = stack::variable_text(file)?;
    let source = format!("--var-file {}", file.display());
    // No TOML document begins with a brace.
    if text.trim_start().starts_with('{') {
        return match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&text) {
            Ok(values) => {
                let values = values.iter().map(|(name, value)| (name.clone(), Value::from_json(value)));
                Ok(values.map(|(name, value)| (source.clone(), name, value)).collect())
            }
            Err(error) => Err(trouble(format!(
                "line {}, column {}: it starts like JSON, but is not a JSON object",
                error.line(),
                error.column()
            ))),
        };
    }
    let mut sources = Sources::default();
    let id = sources.add(file, text.as_str());
    let table = toml::de::DeTable::parse(&text).map_err(|error| {
        let place = error.span().map(|span| Span::new(id, span.start, span.end));
        let place = place.map_or_else(String::new, |span| {
            format!("line {}, column {}: ", sources.line(span), sources.column(span))
        });
        trouble(format!("{place}{}", Outside::new(error.message())))
            .help("a variable file is TOML, `name = value`, or a JSON object")
    })?;
    Ok(table
        .get_ref()
        .iter()
        .filter_map(|(name, value)| {
            let node = Node::read(value, id, &text, problems);
            match node.literal() {
                Some(value) => Some((source.clone(), name.get_ref().to_string(), value)),
                None => {
                    problems.push(trouble(format!(
                        "`{}` has an expression, but the value of a variable must be plain",
                        name.get_ref()
                    )));
                    None
                }
            }
        })
        .collect())
}

/// The context in which the stack is evaluated.
pub(super) fn eval<'s>(
    stack: &'s Stack,
    facts: Facts,
    variables: BTreeMap<String, Value>,
) -> Result<EvalContext<'s>, Failure> {
    EvalContext::new(stack, facts, variables).map_err(|problems| invalid(stack, problems))
}

/// The failure of an invalid stack.
pub(super) fn invalid(stack: &Stack, problems: Vec<Diagnostic>) -> Failure {
    Failure::new(Exit::Invalid, problems, stack.sources.clone())
}

/// Checks that the stack names a region.
pub(super) fn has_region(stack: &Stack) -> Result<(), Failure> {
    if let Some(node) = stack.region_from.as_ref().filter(|_| stack.region.is_empty()) {
        let error = Diagnostic::error("missing-attribute", "the stack has no region")
            .at(node.span, "this has no value here")
            .help("set the variable in the environment's file, or with --var");
        return Err(invalid(stack, vec![error]));
    }
    if stack.region.is_empty() {
        return Err(invalid(
            stack,
            vec![
                Diagnostic::error("missing-attribute", "the stack has no region")
                    .at(stack.span, "`region` is missing")
                    .help("region = \"us-east-1\" in [stack], or in [stack] of the environment's file"),
            ],
        ));
    }
    Ok(())
}

/// Checks everything that can be checked without AWS, and prints the warnings.
pub(super) fn check(
    stack: &Stack,
    variables: &BTreeMap<String, Value>,
    printer: &Printer,
) -> Result<usize, Failure> {
    has_region(stack)?;
    let (mut problems, warnings, count) = EvalContext::check(stack, variables.clone(), Vec::new());
    if problems.is_empty() {
        if !warnings.is_empty() {
            printer.diagnostics(&warnings, &stack.sources);
        }
        return Ok(count);
    }
    problems.extend(warnings);
    Err(invalid(stack, problems))
}

fn options(args: &AwsArgs, stack: &Stack) -> Options {
    Options {
        endpoint_url: args.endpoint_url.clone(),
        profile: args.profile.clone(),
        sandbox: args.sandbox,
        audit: args.audit.clone(),
        files: stack.root.files.clone(),
        http: None,
    }
}

/// Connects to AWS, and checks that the account is the stack's.
pub(super) async fn connect(args: &AwsArgs, stack: &Stack, printer: &Printer) -> Result<Session, Failure> {
    let _spinner = Spinner::new(printer, "Connecting to AWS");
    let mut options = options(args, stack);
    if args.sandbox && args.endpoint_url.is_some() {
        let error = Diagnostic::error("invalid-argument", "--sandbox and --endpoint-url exclude each other");
        let note = "DWCTL_SANDBOX=1 sets --sandbox, and DWCTL_ENDPOINT_URL sets --endpoint-url";
        return Err(error.note(note).help("remove one of them").into());
    }
    if args.sandbox {
        options.endpoint_url = Some(crate::sandbox::up(&|text| printer.note(text)).await?.endpoint);
    }
    let accesses: Vec<Access> =
        stack.aws.iter().map(|(name, account)| access(stack, name, account)).collect();
    let (session, refused) = Session::connect_all(options, &stack.region, &accesses)
        .await
        .map_err(|error| unreachable_aws(args, stack, &error))?;
    if !refused.is_empty() {
        let names: Vec<(&String, &Account)> = stack.aws.iter().collect();
        let refused = refused.iter().filter_map(|(at, error)| {
            let (name, account) = names.get(*at)?;
            Some(unreached(name, account, &session, error))
        });
        return Err(Failure::new(Exit::Error, refused.collect(), stack.sources.clone()));
    }
    let allowed = stack.accounts.get(&stack.env).filter(|_| !args.sandbox);
    let wrong: Vec<Diagnostic> = allowed
        .into_iter()
        .flat_map(|allowed| {
            let wrong = session.accounts().filter(|one| !allowed.contains(&one.account_id));
            wrong.map(|one| wrong_account(stack, allowed, one))
        })
        .collect();
    if wrong.is_empty() {
        return Ok(session);
    }
    Err(Failure::new(Exit::Refused, wrong, stack.sources.clone()))
}

/// How the account of an `[aws.NAME]` block is reached.
fn access(stack: &Stack, name: &str, account: &Account) -> Access {
    let stack::Access { role_arn, external_id, session_name, duration_seconds, profile, region } =
        account.access.clone();
    // The longest name that AWS takes has 64 characters.
    let session = format!("dwctl-{}-{}", stack.name, stack.env);
    let session = session.chars().filter(|one| one.is_ascii_alphanumeric() || "_-".contains(*one)).take(64);
    Access {
        name: name.to_owned(),
        role_arn,
        external_id,
        session_name: session_name.unwrap_or_else(|| session.collect()),
        lifetime: duration_seconds.map(|seconds| Duration::from_secs(seconds.into())),
        profile,
        region: region.unwrap_or_else(|| stack.region.clone()),
    }
}

/// The refusal of an account that the environment does not name.
fn wrong_account(stack: &Stack, allowed: &[String], reached: &Reached) -> Diagnostic {
    let Reached { account_id, caller, name, .. } = reached;
    let (stack_name, env) = (&stack.name, &stack.env);
    let shown = match allowed {
        [one] => format!("\"{one}\""),
        several => {
            format!("[{}]", several.iter().map(|id| format!("\"{id}\"")).collect::<Vec<_>>().join(", "))
        }
    };
    let error = match name {
        None => {
            let error =
                Diagnostic::error("wrong-account", format!("{stack_name}/{env} belongs to another account"));
            error.at(stack.span, format!("accounts.{env} = {shown}"))
        }
        Some(name) => {
            let message = format!("[aws.{name}] leads to an account that {stack_name}/{env} may not be in");
            let account = stack.aws.get(name);
            let error = Diagnostic::error("wrong-account", message);
            let error = error.at_maybe(account.map(|account| account.place("role_arn")), "leads there");
            error.and(stack.span, format!("accounts.{env} = {shown}"))
        }
    };
    let error = error.note(format!("the credentials belong to account {account_id} ({caller})"));
    let error = match stack.aws.is_empty() {
        true => error.note("the only call to AWS was sts:GetCallerIdentity"),
        false => error
            .note("AWS was only asked for the accounts of the stack: sts:AssumeRole, sts:GetCallerIdentity"),
    };
    match name {
        None => error.help("use the credentials of that account, or another environment"),
        Some(_) => error.help(format!("if that is intended, add it: accounts.{env} = […, \"{account_id}\"]")),
    }
}

/// The error for an `[aws.NAME]` block that leads nowhere.
fn unreached(name: &str, account: &Account, session: &Session, error: &Error) -> Diagnostic {
    let access = &account.access;
    let (member, label) = match (&access.role_arn, &access.profile) {
        (Some(_), _) if error.operation == "sts:AssumeRole" => ("role_arn", "this role cannot be assumed"),
        (_, Some(_)) => ("profile", "the credentials of this profile cannot be used"),
        _ => ("role_arn", "no account answers"),
    };
    let diagnostic = Diagnostic::error("account-unreachable", format!("[aws.{name}] cannot be reached"))
        .at(account.place(member), label)
        .note(error.to_string())
        .note("nothing was read or changed at AWS");
    let diagnostic = match (&access.role_arn, error.operation == "sts:AssumeRole") {
        (Some(role), true) => {
            let caller = match &access.profile {
                Some(profile) => format!("the caller of profile `{profile}`"),
                None => session.caller().to_owned(),
            };
            let diagnostic = diagnostic
                .help(format!("allow {caller} to call sts:AssumeRole on {role}"))
                .help(format!("the trust policy of {role} must name the caller, too"));
            match access.external_id {
                Some(_) => diagnostic.help("check that its condition sts:ExternalId is the external_id here"),
                None => {
                    diagnostic.help("if its trust policy has a condition sts:ExternalId, write external_id")
                }
            }
        }
        _ => match &access.profile {
            Some(profile) => {
                diagnostic.help(format!("check the profile: aws sts get-caller-identity --profile {profile}"))
            }
            None => diagnostic,
        },
    };
    diagnostic.request(error.request_id.as_deref())
}

fn unreachable_aws(args: &AwsArgs, stack: &Stack, error: &Error) -> Failure {
    let diagnostic = match error.class {
        Class::Credentials => Diagnostic::error("credentials", "there are no usable AWS credentials")
            .help("set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run `aws sso login`")
            .help("to try dwctl without an account, add --sandbox"),
        Class::Unreachable | Class::Transient => {
            let diagnostic = Diagnostic::error("unreachable", "AWS cannot be reached");
            match &args.endpoint_url {
                Some(url) => diagnostic.note(format!("the endpoint is {url}")).help("check --endpoint-url"),
                None => diagnostic
                    .help(format!("check the network, and that `{}` is a region of AWS", stack.region)),
            }
        }
        _ => Diagnostic::error("caller", "AWS did not say who the caller is"),
    };
    let mut diagnostic = diagnostic.note(error.to_string());
    if let Some(profile) = &args.profile {
        diagnostic = diagnostic.note(format!("the profile is `{profile}`"));
    }
    diagnostic.request(error.request_id.as_deref()).into()
}

/// Accounts and regions, with the availability zones of the regions if the stack uses them.
pub(super) async fn facts(session: &Session, stack: &Stack) -> Result<Facts, Failure> {
    let asks = EvalContext::asks_for_zones(stack);
    // Expressions see the zones of another account in modules alone.
    let is_called =
        stack.folders().flat_map(|module| module.calls.values()).any(|call| call.account.is_some());
    let mut facts = Facts {
        scope: session.scope(&stack.region),
        availability_zones: None,
        accounts: BTreeMap::new(),
        others: BTreeMap::new(),
    };
    for reached in session.accounts() {
        let Some((name, account)) = reached.name.as_ref().and_then(|name| stack.aws.get_key_value(name))
        else {
            continue;
        };
        let scope = reached.scope(account.access.region.as_ref().unwrap_or(&stack.region));
        facts.accounts.insert(name.clone(), AccountFacts { scope, availability_zones: None });
    }
    if !asks {
        return Ok(facts);
    }
    let names = facts.accounts.keys().filter(|_| is_called).cloned();
    let places: Vec<Place> = names.filter_map(|name| facts.place(&name)).collect();
    let own = Place::of(&stack.region);
    let asked = std::iter::once(&own).chain(&places).map(|place| session.availability_zones(place));
    for (place, zones) in std::iter::once(&own).chain(&places).zip(join_all(asked).await) {
        let zones = zones.map_err(|error| {
            let error_note = error.to_string();
            let what =
                Diagnostic::error("read-failed", "cannot read the availability zones").note(error_note);
            Failure::from(match &place.name {
                Some(name) => what.note(format!("of {}, [aws.{name}]", place.region)),
                None => what,
            })
        })?;
        match place.name.as_ref().and_then(|name| facts.accounts.get_mut(name)) {
            Some(of) => of.availability_zones = Some(zones),
            None => facts.availability_zones = Some(zones),
        }
    }
    Ok(facts)
}

/// The store of the ledger of the stack's environment. `holder` is shown as its writer.
pub(super) async fn store(
    args: &AwsArgs,
    stack: &Stack,
    session: &Session,
    holder: &Holder,
) -> Result<Store, Failure> {
    let file = local_store(args, stack);
    let Some(declared) = &stack.ledger else { return Ok(Store::local(file)) };
    let region = declared.region.as_ref().unwrap_or(&stack.region).clone();
    let place = ledger::Place {
        bucket: declared.bucket.clone(),
        prefix: declared.prefix.clone(),
        key: format!("{}{}/{}.json", declared.prefix, stack.name, stack.env),
        kms_key_id: declared.kms_key_id.clone(),
        lock_expiry: Duration::from_secs(declared.lock_expiry_seconds),
        region,
    };
    let of_profile = ledger_session(args, stack).await?;
    Ok(Store::s3(file, S3Store::new(of_profile.as_ref().unwrap_or(session), place, holder)))
}

/// A separate connection for the ledger, if `[ledger]` names a profile.
pub(super) async fn ledger_session(args: &AwsArgs, stack: &Stack) -> Result<Option<Session>, Failure> {
    let profile = stack.ledger.as_ref().and_then(|declared| declared.profile.clone());
    // The local AWS has only one caller.
    let Some(profile) = profile.filter(|_| !args.sandbox) else { return Ok(None) };
    let args = AwsArgs { profile: Some(profile), ..args.clone() };
    let session = Session::connect(options(&args, stack), &stack.region).await;
    session.map(Some).map_err(|error| unreachable_aws(&args, stack, &error))
}

/// The ledger, for a command that only reads it.
pub(super) async fn read_ledger(
    args: &AwsArgs,
    stack: &Stack,
    session: &Session,
    command: &str,
) -> Result<Ledger, Failure> {
    let holder = Holder::new(command, Some(session.caller()));
    ledger(&store(args, stack, session, &holder).await?, stack, Some(session)).await
}

/// The file of a local ledger.
pub(super) fn local_store(args: &AwsArgs, stack: &Stack) -> FileStore {
    FileStore::new(&stack.folder, &stack.env, args.sandbox)
}

/// An empty ledger.
pub(super) fn new_ledger(stack: &Stack) -> Result<Ledger, Failure> {
    Ledger::new(&stack.name, &stack.env).map_err(|error| {
        Diagnostic::error("system", "the system provides no randomness").note(error.to_string()).into()
    })
}

/// The ledger of the stack's environment, or a new one if there is none yet.
pub(super) async fn ledger(
    store: &Store,
    stack: &Stack,
    session: Option<&Session>,
) -> Result<Ledger, Failure> {
    let ledger = match store.read().await? {
        Some(ledger) => ledger,
        None => new_ledger(stack)?,
    };
    belongs(&ledger, &store.place(), stack, session)?;
    Ok(ledger)
}

/// Checks that a ledger belongs to this stack and to the caller's account.
pub(super) fn belongs(
    ledger: &Ledger,
    place: &str,
    stack: &Stack,
    session: Option<&Session>,
) -> Result<(), Failure> {
    if ledger.stack != stack.name || ledger.env != stack.env {
        return Err(Diagnostic::error("ledger", format!("{} belongs to another stack", place))
            .note(format!(
                "it is the ledger of {}/{}, not of {}/{}",
                ledger.stack, ledger.env, stack.name, stack.env
            ))
            .help("a stack keeps its name; to start over under another one, move the file away")
            .into());
    }
    if let Some(session) = session
        && !ledger.account.is_empty()
        && ledger.account != session.account_id()
    {
        let mut failure = Failure::from(
            Diagnostic::error("wrong-account", format!("{}/{} is in another account", stack.name, stack.env))
                .note(format!("its ledger belongs to account {}", ledger.account))
                .note(format!(
                    "the credentials belong to account {} ({})",
                    session.account_id(),
                    session.caller()
                ))
                .help("use the credentials of that account, or another environment"),
        );
        failure.exit = Exit::Refused;
        return Err(failure);
    }
    Ok(())
}
