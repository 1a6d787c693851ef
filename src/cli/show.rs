//! `dwctl show`.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json, json};

use clap_complete::engine::ArgValueCompleter as Completer;

use super::formats::{Apply, FormatArgs, apply_saved};
use super::printer::Printer;
use super::spinner::Spinner;
use super::{AwsArgs, Exit, Failure, Outcome, StackArgs, completions, context, ledger};
use crate::diag::Diagnostic;
use crate::elsewhere;
use crate::files::read_given;
use crate::graph::{Address, Place};
use crate::kind::{ErasedKind, ErasedLive, State};
use crate::kinds;
use crate::ledger::{Entry, Ledger, is_of_secret};
use crate::limits;
use crate::lines::{hang, pairs};
use crate::live;
use crate::plan::format::plain;
use crate::plan::review::visible;
use crate::plan::{Ownership, Saved, TextOptions, conceal, existing, ownership, read_failed, value_text};
use crate::value::Value;

/// Shows a saved plan, or the live state of the stack's resources.
///
/// A saved plan is shown as it was made, in any format. This needs neither AWS nor the stack.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A file that `dwctl plan --out` wrote, or the address of a resource or of a module; without it, all
    /// resources of the stack.
    #[arg(value_name = "FILE|ADDRESS", add = Completer::new(completions::files_and_owned))]
    what: Option<String>,

    /// Folder of the stack.
    #[arg(long, default_value = ".", env = "DWCTL_STACK", value_name = "FOLDER")]
    stack: PathBuf,

    /// Environment.
    #[arg(short, long, env = "DWCTL_ENV", value_name = "NAME", add = Completer::new(completions::environments))]
    env: Option<String>,

    #[command(flatten)]
    aws: AwsArgs,

    /// Prints the resources as JSON.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    formats: FormatArgs,

    /// Shows every attribute of new resources in a saved plan, and each of the changes that are alike.
    #[arg(long)]
    details: bool,
}

pub(super) async fn run(args: Args, printer: &Printer) -> Outcome {
    let invalid = |message: &str, help: &str| -> Failure {
        Diagnostic::error("invalid-argument", message.to_owned()).help(help.to_owned()).into()
    };
    let address = match &args.what {
        None => None,
        Some(what) => match what.parse::<Place>() {
            // An existing file of this name takes precedence over an address.
            Ok(place) if !Path::new(what).exists() && is_known(&place) => Some(place),
            _ if args.json => {
                return Err(invalid("--json is for live resources", "add --format json"));
            }
            _ if !Path::new(what).exists() => return Err(neither(what).into()),
            _ => return saved(&args, Path::new(what), printer),
        },
    };
    if args.details || !args.formats.is_plain() {
        let message = "--details and the formats of a plan need a saved plan";
        return Err(invalid(message, "give the file that `dwctl plan --out FILE` wrote, or add --json"));
    }
    owned(&args, address.as_ref(), printer).await
}

/// Returns whether it may be the address of something in a ledger.
fn is_known(place: &Place) -> bool {
    match place {
        Place::Resource(address) => kinds::kind(&address.kind).is_some(),
        Place::Module(_) => true,
    }
}

/// The error if the argument is neither a file nor an address, with a guess of what was meant.
fn neither(what: &str) -> Diagnostic {
    let error = Diagnostic::error("invalid-argument", format!("`{what}` is neither a file nor an address"))
        .note("dwctl show takes a file that `dwctl plan --out FILE` wrote, or an address such as s3_bucket.lake")
        .help("for all resources of the stack: dwctl show");
    if kinds::kind(what).is_some() {
        return error.help(format!("for the documentation of the kind: dwctl explain {what}"));
    }
    if Path::new("env").join(format!("{what}.toml")).is_file() {
        return error.help(format!("to choose an environment: --env {what}"));
    }
    let (kind, rest) = what.split_once('.').map_or((what, ""), |(kind, rest)| (kind, rest));
    let near = elsewhere::kinds_like(kind).into_iter().filter(|near| !near.contains('.'));
    let near: Vec<String> = near
        .map(|near| if rest.is_empty() { format!("{near}.NAME") } else { format!("{near}.{rest}") })
        .collect();
    if near.is_empty() { error } else { error.help(elsewhere::did_you_mean(&near)) }
}

fn saved(args: &Args, path: &Path, printer: &Printer) -> Outcome {
    args.formats.guard(None, &[&args.stack], &[path.to_owned()])?;
    let earlier = args.formats.earlier()?;
    let saved = read(path)?;
    let options = saved.shown.options(printer.colour());
    let details = options.details || args.details;
    let options = TextOptions { details, width: printer.width(), ..options };
    let commands = Apply::Saved(apply_saved(path, saved.shown.sandbox, &saved.shown.plan));
    args.formats.show(saved.shown.plan, options, earlier, commands, printer)?;
    printer.note(&format!(
        "Made {} for {}. dwctl apply checks whether it is still valid.",
        saved.made, saved.folder
    ));
    Ok(Exit::Done)
}

/// Reads a saved plan.
pub(super) fn read(path: &Path) -> Result<Saved, Failure> {
    let shown = path.display();
    if path.is_dir() {
        let error = Diagnostic::error("unreadable", format!("{shown} is a folder, not a saved plan"));
        return Err(error
            .help("give the file that `dwctl plan --out FILE` wrote")
            .help(format!("for the resources of the stack in it: dwctl show --stack {shown}"))
            .into());
    }
    if path.is_file() && path.extension().is_some_and(|extension| extension == "toml") {
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let error =
            Diagnostic::error("unreadable", format!("{shown} is a file of a stack, not a saved plan"));
        return Err(error
            .help(format!("to plan and apply the stack, name its folder: dwctl apply {}", folder.display()))
            .help("a saved plan is what `dwctl plan --out FILE` wrote")
            .into());
    }
    let text = read_given(path, limits::PLAN).map_err(|refusal| {
        Diagnostic::error("unreadable", format!("cannot read the plan {}", path.display()))
            .note(refusal.describe(&path.display().to_string()))
    })?;
    Ok(Saved::parse(&text, &path.display().to_string())?)
}

/// Shows the live state of every resource in the ledger, or of one place.
async fn owned(args: &Args, place: Option<&Place>, printer: &Printer) -> Outcome {
    let stack_args = StackArgs {
        stack: args.stack.clone(),
        env: args.env.clone(),
        var: Vec::new(),
        var_file: Vec::new(),
        given: Default::default(),
    };
    let stack = context::load(&stack_args)?;
    context::has_region(&stack)?;
    let session = context::connect(&args.aws, &stack, printer).await?;
    let ledger = context::read_ledger(&args.aws, &stack, &session, "show").await?;
    let mut chosen = Vec::new();
    for (one, entry) in chosen_of(&ledger, place)? {
        let Some(kind) = kinds::kind(&one.kind) else {
            let error =
                Diagnostic::error("unknown-kind", format!("this version of dwctl does not know {one}"));
            return Err(error.help("use the version of dwctl that made it").into());
        };
        chosen.push((one, kind, entry));
    }
    let entries: Vec<_> = chosen.iter().map(|(_, kind, entry)| (*kind, *entry)).collect();
    let spinner = Spinner::new(printer, "Reading");
    let found = spinner.reading(Some(&session), live::owned(&session, &entries)).await;
    drop(spinner);
    let (mut problems, mut shown, mut list) = (Vec::new(), Vec::new(), Vec::new());
    for ((address, kind, entry), found) in chosen.into_iter().zip(found) {
        match found {
            Ok(live) => {
                let parts = live.as_ref().map(|live| parts(kind, address, entry, live, &ledger));
                // A child has no tags of its own. Its owner follows from its parent, checked elsewhere.
                let owner =
                    live.as_ref().and_then(|live| match ownership(kind, address, entry, live, &ledger) {
                        Ownership::Theirs { owner, .. } => Some(owner),
                        Ownership::Ours | Ownership::Unproven => None,
                    });
                if args.json {
                    let mut one = as_json(address, entry, live.as_ref().zip(parts));
                    if let Some(owner) = owner {
                        one["belongs_to"] = json!(visible(&owner));
                    }
                    list.push(one);
                } else {
                    shown.push(as_text(address, entry, live.as_ref().zip(parts), printer.width()));
                    if let Some(owner) = owner {
                        let words = format!(
                            "{address} no longer belongs to this stack: its tags say that it is {owner}."
                        );
                        printer.note(&visible(&words));
                    }
                }
            }
            Err(error) => problems.push(read_failed(&address.to_string(), &entry.id, &error)),
        }
    }
    if args.json {
        printer.json(&format!("{:#}\n", Json::Array(list)));
    } else {
        printer.out(&shown.join("\n"));
    }
    if problems.is_empty() {
        Ok(Exit::Done)
    } else {
        Err(Failure::new(Exit::Error, problems, stack.sources.clone()))
    }
}

fn chosen_of<'l>(
    ledger: &'l Ledger,
    place: Option<&Place>,
) -> Result<Vec<(&'l Address, &'l Entry)>, Diagnostic> {
    let Some(place) = place else { return Ok(ledger.resources.iter().collect()) };
    let chosen = ledger::chosen(ledger, place)?;
    Ok(ledger.resources.iter().filter(|(address, _)| chosen.contains(*address)).collect())
}

/// The attributes of a resource: settable ones, those that only AWS decides, and tags. Secrets stay
/// redacted.
fn parts(
    kind: &dyn ErasedKind,
    address: &Address,
    entry: &Entry,
    live: &ErasedLive,
    ledger: &Ledger,
) -> [Value; 3] {
    let shown = |node, value: &Value| conceal(Some(node), value, &Value::Null).0;
    let schema = kind.schema();
    let tags = live.tags.iter().map(|(name, tag)| {
        let secret = entry.fingerprints.get(&format!("tags.{name}")).is_some_and(|one| is_of_secret(one));
        let tag = Value::from(tag.as_str());
        (name.clone(), if secret { tag.into_secret() } else { tag })
    });
    [
        shown(&schema.spec, &existing(address, kind, entry, live, ledger)),
        shown(&schema.attrs, &live.attrs),
        Value::Map(tags.collect()),
    ]
}

fn as_text(
    address: &Address,
    entry: &Entry,
    live: Option<(&ErasedLive, [Value; 3])>,
    width: Option<usize>,
) -> String {
    let mut text = visible(&format!("{address}  {}  {}", entry.id, entry.place));
    let Some((live, [attributes, decided, tags])) = live else {
        return format!("{}\n", hang(&format!("{text}  gone from AWS"), 4, width));
    };
    match &live.state {
        State::Ready => {}
        State::Busy(state) | State::Leaving(state) | State::Failed(state) => {
            text.push_str(&visible(&format!("  {state}")));
        }
    }
    text = hang(&text, 4, width).into_owned();
    text.push('\n');
    let mut lines: Vec<(String, String)> = Vec::new();
    for (prefix, value) in [("", &attributes), ("", &decided), ("tags.", &tags)] {
        let there = value.as_map().into_iter().flatten().filter(|(_, value)| !value.is_null());
        lines.extend(there.map(|(name, value)| (visible(&format!("{prefix}{name}")), value_text(value))));
    }
    text.push_str(&pairs(&lines, 4, "  ", width));
    text
}

fn as_json(address: &Address, entry: &Entry, live: Option<(&ErasedLive, [Value; 3])>) -> Json {
    let mut one = json!({ "address": address, "id": entry.id, "region": entry.place.region });
    if let Some(account) = &entry.place.account {
        one["account_id"] = json!(account);
    }
    let Some((live, [attributes, decided, tags])) = live else {
        one["exists"] = json!(false);
        return one;
    };
    one["exists"] = json!(true);
    one["state"] = match &live.state {
        State::Ready => json!("ready"),
        State::Busy(state) | State::Leaving(state) | State::Failed(state) => json!(state),
    };
    let json = |value: &Value| -> Json {
        let there = value.as_map().into_iter().flatten().filter(|(_, value)| !value.is_null());
        Json::Object(there.map(|(name, value)| (name.clone(), plain(value))).collect::<Map<_, _>>())
    };
    one["attributes"] = json(&attributes);
    one["decided_by_aws"] = json(&decided);
    one["tags"] = json(&tags);
    one
}
