//! `dwctl completions`, and the answers to a shell that asks for completions.
//!
//! To complete a line, a shell runs `dwctl` itself with [`ASKED`] set, since only dwctl knows the stack's
//! environments and addresses. It reads the stack's files for that, and does not call AWS.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap_complete::CompleteEnv;
use clap_complete::engine::{CompletionCandidate, PathCompleter, ValueCompleter};
use clap_complete::env::Shells;

use super::printer::Printer;
use super::switch::is_on;
use super::{Exit, Failure, Outcome};
use crate::diag::Diagnostic;
use crate::eval::{EvalContext, Facts};
use crate::graph::{Address, ModulePath, Place};
use crate::kinds::{self, KINDS};
use crate::ledger::FileStore;
use crate::schema::{Node, Shape};
use crate::stack::{self, DEFAULT_ENV, Stack};

/// The variable by which a shell asks. The library's default, `COMPLETE`, may have another meaning to
/// other programs.
const ASKED: &str = "DWCTL_COMPLETE";

/// Prints the completion script of a shell.
///
/// The script asks dwctl, so it also completes the stack's environments, kinds and addresses. Load it
/// at the start of each shell, with `source <(dwctl completions bash)`, so that it matches the
/// installed version.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell.
    shell: clap_complete::Shell,
}

pub(super) fn run(args: Args, printer: &Printer) -> Outcome {
    let shell = args.shell.to_string();
    let mut script = Vec::new();
    let written = match Shells::builtins().completer(&shell) {
        Some(completer) => completer.write_registration(ASKED, "dwctl", "dwctl", "dwctl", &mut script),
        None => Err(std::io::Error::other("there is no completion script for this shell")),
    };
    written.map_err(|error| {
        Failure::from(
            Diagnostic::error("completions", format!("cannot write the completions of {shell}"))
                .note(error.to_string()),
        )
    })?;
    printer.out(&String::from_utf8_lossy(&script));
    Ok(Exit::Done)
}

/// Answers a shell that asks for completions of `command`. Returns false if none asks.
///
/// # Errors
/// The question is not one of a shell.
pub(super) fn answered(command: fn() -> clap::Command) -> Result<bool, clap::Error> {
    // Without a current folder, paths cannot be resolved and nothing is offered.
    let here = std::env::current_dir().ok();
    let asked = CompleteEnv::with_factory(command).var(ASKED).bin("dwctl");
    asked.try_complete(std::env::args_os(), here.as_deref())
}

/// The environments of the stack.
pub(super) fn environments(current: &OsStr) -> Vec<CompletionCandidate> {
    let files = std::fs::read_dir(Line::read().folder.join("env")).into_iter().flatten().flatten();
    let names = files.filter_map(|file| {
        let path = file.path();
        let name = path.file_stem()?.to_str()?.to_owned();
        (path.extension()? == "toml" && !name.starts_with('.')).then_some(name)
    });
    starting(names, current)
}

/// The addresses that the stack declares.
pub(super) fn addresses(current: &OsStr) -> Vec<CompletionCandidate> {
    starting(declared(&Line::read()), current)
}

/// The addresses in the ledger if it is a local file, else those that the stack declares.
pub(super) fn owned(current: &OsStr) -> Vec<CompletionCandidate> {
    let line = Line::read();
    let known = |sandbox| {
        let store = FileStore::new(&line.folder, line.env.as_deref().unwrap_or(DEFAULT_ENV), sandbox);
        // A completion cannot report an error; the command itself will.
        store.read().ok().flatten()
    };
    match known(line.sandbox) {
        Some(ledger) => starting(ledger.resources.keys().map(typed_address), current),
        None => starting(declared(&line), current),
    }
}

/// The addresses that the stack declares, and the modules that they are in.
pub(super) fn places(current: &OsStr) -> Vec<CompletionCandidate> {
    starting(with_modules(declared(&Line::read())), current)
}

/// The same of the ledger if it is a local file.
pub(super) fn owned_places(current: &OsStr) -> Vec<CompletionCandidate> {
    let owned = owned(OsStr::new(""));
    let owned = owned.iter().map(|one| one.get_value().to_string_lossy().into_owned());
    starting(with_modules(owned.collect()), current)
}

/// The addresses, the modules that they are in, and all instances of each of these.
fn with_modules(mut all: Vec<String>) -> Vec<String> {
    let addresses: Vec<Address> = all.iter().filter_map(|text| text.parse().ok()).collect();
    for address in addresses {
        let steps = address.module.steps();
        for length in 1..=steps.len() {
            let place = Place::Module(ModulePath::of(steps[..length].to_vec()));
            all.push(typed(&place.with_key(None)));
            all.push(typed(&place));
        }
    }
    all.sort();
    all.dedup();
    all
}

/// A saved plan, or an address.
pub(super) fn files_and_owned(current: &OsStr) -> Vec<CompletionCandidate> {
    let mut all = owned_places(current);
    all.extend(PathCompleter::any().complete(current));
    all
}

/// The names of the stack's outputs.
pub(super) fn outputs(current: &OsStr) -> Vec<CompletionCandidate> {
    starting(Line::read().stack().into_iter().flat_map(|stack| stack.root.outputs.into_keys()), current)
}

/// The kinds or, after a kind and a dot, its attributes.
pub(super) fn kinds(current: &OsStr) -> Vec<CompletionCandidate> {
    let written = current.to_str().unwrap_or_default();
    let Some((path, _)) = written.rsplit_once('.') else {
        return starting(KINDS.iter().map(|kind| kind.name().to_owned()), current);
    };
    let mut steps = path.split('.');
    let Some(kind) = steps.next().and_then(kinds::kind) else { return Vec::new() };
    let table = steps.try_fold(&kind.schema().spec, |node, step| element(node).fields()?.get(step));
    let fields = table.and_then(|table| element(table).fields());
    starting(fields.into_iter().flatten().map(|(name, _)| format!("{path}.{name}")), current)
}

/// The element type of a list or a map, through nested ones.
fn element(node: &Node) -> &Node {
    match &node.shape {
        Shape::List { element, .. } | Shape::Map(element) => self::element(element),
        _ => node,
    }
}

fn starting(all: impl IntoIterator<Item = String>, current: &OsStr) -> Vec<CompletionCandidate> {
    let written = current.to_string_lossy();
    let mut all: Vec<String> = all.into_iter().filter(|one| one.starts_with(&*written)).collect();
    all.sort();
    all.into_iter().map(CompletionCandidate::new).collect()
}

/// A place as it can be typed in a shell: without quotes where its keys need none.
fn typed(place: &Place) -> String {
    let text = place.to_string();
    let keys = place.module().steps().iter().filter_map(|step| step.key.as_ref());
    let own = match place {
        Place::Resource(address) => address.key.as_ref(),
        Place::Module(_) => None,
    };
    let is_plain = |key: &String| {
        !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    if keys.chain(own).all(is_plain) { text.replace('"', "") } else { text }
}

fn typed_address(address: &Address) -> String {
    typed(&Place::Resource(address.clone()))
}

/// The addresses of the stack, with the `for_each` keys that are known from its files.
fn declared(line: &Line) -> Vec<String> {
    let Some(stack) = line.stack() else { return Vec::new() };
    let mut problems = Vec::new();
    let variables = stack::variables(&stack, &[], &mut problems);
    match EvalContext::new(&stack, Facts::offline(&stack), variables) {
        Ok(eval) => {
            let found = eval.evaluate_all(&mut problems);
            let mut all: Vec<String> =
                found.iter().map(|instance| typed_address(&instance.address)).collect();
            // Also the address of a whole `for_each`.
            all.extend(
                found
                    .iter()
                    .filter(|one| one.address.key.is_some())
                    .map(|one| typed_address(&Address { key: None, ..one.address.clone() })),
            );
            all.sort();
            all.dedup();
            all
        }
        Err(_) => {
            let all = stack.root.resources.iter();
            all.map(|resource| format!("{}.{}", resource.kind, resource.name)).collect()
        }
    }
}

/// The stack options on the line to be completed.
struct Line {
    folder: PathBuf,
    env: Option<String>,
    sandbox: bool,
}

impl Line {
    fn read() -> Self {
        // The words of the line follow the first `--`.
        let words = std::env::args_os().skip_while(|word| word != "--").skip(1);
        Self::of(&words.collect::<Vec<_>>())
    }

    fn of(words: &[OsString]) -> Self {
        let text = |at: usize| words.get(at).and_then(|word| word.to_str());
        let value = |names: &[&str]| {
            (0..words.len()).find_map(|at| {
                let word = text(at)?;
                let joined = word.split_once('=').filter(|(name, _)| names.contains(name));
                joined
                    .map(|(_, value)| value)
                    .or_else(|| names.contains(&word).then(|| text(at + 1)).flatten())
            })
        };
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let is_stack = |word: &&OsString| {
            let files = std::fs::read_dir(word).into_iter().flatten().flatten();
            files.into_iter().any(|file| file.path().extension().is_some_and(|extension| extension == "toml"))
        };
        // The first word is the program, the second the subcommand.
        let folder = value(&["--stack"])
            .map(PathBuf::from)
            .or_else(|| words.iter().skip(2).find(is_stack).map(PathBuf::from))
            .or_else(|| variable("DWCTL_STACK").map(PathBuf::from))
            .unwrap_or_else(|| PathBuf::from("."));
        let env = value(&["-e", "--env"]).map(str::to_owned).filter(|env| !env.is_empty());
        let sandbox = variable("DWCTL_SANDBOX").is_some_and(|value| is_on(&value) == Some(true));
        Self {
            folder,
            env: env.or_else(|| variable("DWCTL_ENV")),
            sandbox: sandbox || words.iter().any(|word| word == "--sandbox"),
        }
    }

    fn stack(&self) -> Option<Stack> {
        let kinds: Vec<&str> = KINDS.iter().map(|kind| kind.name()).collect();
        // A stack with errors has nothing to offer; `dwctl validate` reports them.
        let load = |env: Option<&str>| stack::load(Path::new(&self.folder), env, &kinds).ok();
        load(self.env.as_deref()).or_else(|| load(None))
    }
}
