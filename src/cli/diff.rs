//! `dwctl diff`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap_complete::engine::ArgValueCompleter as Completer;

use super::formats::{Apply, FormatArgs};
use super::printer::Printer;
use super::revision::{Checkout, Repository};
use super::spinner::Spinner;
use super::{Exit, Failure, Outcome, StackArgs, completions, context};
use crate::diag::{Diagnostic, Sources};
use crate::eval::{EvalContext, Facts, Instance};
use crate::plan::since::Snapshot;
use crate::plan::{Side, TextOptions, compare, refused};
use crate::stack::{Stack, changed_modules};
use crate::value::Value;

/// Compares two revisions of a stack, without AWS or credentials.
///
/// Each is a folder or a git revision. Shows what a plan would show if everything were as the old
/// revision declares it. A value that AWS decides is written as the reference to it.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  dwctl diff old/shop new/shop          two folders
  dwctl diff main..HEAD --stack shop    two revisions
  dwctl diff main...HEAD --stack shop   what HEAD changed since it branched from main
  dwctl diff HEAD --stack shop          what is not committed yet")]
pub(super) struct Args {
    /// Stack folder, git revision, or two revisions as OLD..NEW.
    old: String,

    /// Stack folder or git revision; without it, OLD is compared with the files as they are.
    new: Option<String>,

    /// Stack folder in its git repository; OLD and NEW are then git revisions. The default for
    /// revisions is DWCTL_STACK, or the current folder.
    #[arg(long, value_name = "FOLDER")]
    stack: Option<PathBuf>,

    /// Environment of both revisions: reads env/NAME.toml.
    #[arg(short, long, env = "DWCTL_ENV", value_name = "NAME", add = Completer::new(completions::environments))]
    env: Option<String>,

    /// Sets a variable in each revision that declares it; may be repeated.
    #[arg(long, value_name = "NAME=VALUE")]
    var: Vec<String>,

    /// Sets variables from a TOML or JSON file in each revision that declares them; may be repeated.
    #[arg(long, value_name = "FILE")]
    var_file: Vec<PathBuf>,

    #[command(flatten)]
    formats: FormatArgs,

    /// Shows every attribute of new resources, and each of the changes that are alike.
    #[arg(long)]
    details: bool,

    /// Exits with code 2 if they differ.
    #[arg(long)]
    detailed_exitcode: bool,
}

/// The two sides of a comparison: folders, or revisions.
#[derive(Debug, PartialEq, Eq)]
enum Subjects {
    Folders(PathBuf, PathBuf),
    /// From one revision to another, or to the files as they are. If `forked`, it starts at the commit
    /// where the two branched.
    Revisions {
        old: String,
        new: Option<String>,
        forked: bool,
    },
}

pub(super) fn run(args: Args, printer: &Printer) -> Outcome {
    let earlier = args.formats.earlier()?;
    let spinner = Spinner::new(printer, "Reading both revisions");
    let sides = sources(&args, printer)?;
    let [old, new] = &sides;
    args.formats.guard(None, &[&old.folder, &new.folder], &args.var_file)?;
    args.formats.or_errors("diff", compared(&args, sides, earlier, spinner, printer))
}

fn compared(
    args: &Args,
    [old, new]: [Source; 2],
    earlier: Option<Snapshot>,
    spinner: Spinner<'_>,
    printer: &Printer,
) -> Outcome {
    let (was, is) = (old.load(args)?, new.load(args)?);
    let was_given = old.variables(args, &was, &is)?;
    let is_given = new.variables(args, &is, &was)?;
    let (mut was_facts, mut is_facts) = (Facts::offline(&was), Facts::offline(&is));
    // An account id that only one of them names must not show up as a difference in every ARN.
    match (was.accounts.contains_key(&was.env), is.accounts.contains_key(&is.env)) {
        (true, false) => is_facts.set_account(&was_facts.scope.account_id),
        (false, true) => was_facts.set_account(&is_facts.scope.account_id),
        _ => {}
    }
    let mut was_world = old.eval(&was, was_facts, was_given)?;
    let is_public = new.eval(&is, is_facts, is_given)?;
    // Both see the same current time, so that it makes no difference.
    was_world.planned_at.clone_from(&is_public.planned_at);
    let titles = [format!("{}/{}", was.name, was.env), format!("{}/{}", is.name, is.env)];
    let [old_title, new_title] = &titles;
    let named = |source: &Source, title: &str| match old_title == new_title {
        true => source.name.clone(),
        false => format!("{} ({title})", source.name),
    };
    let old_side = Side {
        name: named(&old, old_title),
        eval: &was_world,
        instances: old.instances(&was, &was_world)?,
        folder: old.relocated(),
    };
    let new_side = Side {
        name: named(&new, new_title),
        eval: &is_public,
        instances: new.instances(&is, &is_public)?,
        folder: new.relocated(),
    };
    let mut plan = compare(&old_side, &new_side)
        .map_err(|problems| new.with_shown_paths(context::invalid(&is, problems)))?;
    let changed = changed_modules(&was, &is).into_iter();
    plan.changed_modules = changed.map(|one| (one.calls.first().cloned().unwrap_or_default(), one)).collect();
    drop(spinner);
    let options = TextOptions {
        colour: printer.colour(),
        details: args.details,
        width: printer.width(),
        ..TextOptions::default()
    };
    let exit = if args.detailed_exitcode && !plan.is_empty() { Exit::Changes } else { Exit::Done };
    plan.warnings = refused(&plan, &old_side, &new_side);
    let warnings = plan.warnings.clone();
    args.formats.show(plan, options, earlier, Apply::Never, printer)?;
    for warning in warnings {
        printer.diagnostics(&[warning], &Sources::default());
    }
    Ok(exit)
}

/// One side of the comparison, and where it is read from.
struct Source {
    /// Its name in messages.
    name: String,
    /// The folder, as messages show it.
    folder: PathBuf,
    /// The files of the revision, if it is one of git.
    checkout: Option<Checkout>,
}

impl Source {
    fn of_folder(folder: &Path, name: String) -> Self {
        Self { name, folder: folder.to_owned(), checkout: None }
    }

    /// `written` is the revision in git's notation, to show in diagnostics.
    fn of_revision(
        repository: &Repository,
        folder: &Path,
        name: String,
        written: &str,
        commit: &str,
    ) -> Result<Self, Failure> {
        let checkout = repository.checkout(commit, written)?;
        Ok(Self { name, folder: folder.to_owned(), checkout: Some(checkout) })
    }

    /// The arguments of a command that reads this stack.
    fn arguments(&self, args: &Args) -> StackArgs {
        StackArgs {
            stack: self.checkout.as_ref().map_or(&self.folder, |one| &one.folder).clone(),
            env: args.env.clone(),
            var: args.var.clone(),
            var_file: args.var_file.clone(),
            given: Default::default(),
        }
    }

    fn load(&self, args: &Args) -> Result<Stack, Failure> {
        let stack = context::load_of(&self.arguments(args), &self.folder);
        let stack = stack.map_err(|failure| self.with_shown_paths(failure))?;
        context::has_region(&stack).map_err(|failure| self.with_shown_paths(failure))?;
        Ok(stack)
    }

    fn variables(
        &self,
        args: &Args,
        stack: &Stack,
        other: &Stack,
    ) -> Result<BTreeMap<String, Value>, Failure> {
        let values = context::variables_beside(&self.arguments(args), stack, Some(other));
        values.map_err(|failure| self.with_shown_paths(failure))
    }

    fn eval<'s>(
        &self,
        stack: &'s Stack,
        facts: Facts,
        variables: BTreeMap<String, Value>,
    ) -> Result<EvalContext<'s>, Failure> {
        context::eval(stack, facts, variables).map_err(|failure| self.with_shown_paths(failure))
    }

    fn instances<'s>(&self, stack: &'s Stack, eval: &EvalContext<'s>) -> Result<Vec<Instance<'s>>, Failure> {
        let mut problems = Vec::new();
        let instances = eval.evaluate_all(&mut problems);
        if problems.is_empty() {
            Ok(instances)
        } else {
            Err(self.with_shown_paths(context::invalid(stack, problems)))
        }
    }

    /// The folder that the files are read from, and the one to show instead.
    fn relocated(&self) -> Option<(PathBuf, PathBuf)> {
        Some((self.checkout.as_ref()?.folder.clone(), self.folder.clone()))
    }

    /// Rewrites the places of a failure to the revision: `main:shop/stack.toml:3:1`.
    fn with_shown_paths(&self, mut failure: Failure) -> Failure {
        let Some(checkout) = &self.checkout else { return failure };
        let shown = checkout.shown.as_path();
        failure.sources.relocate(&checkout.folder, shown);
        let (from, to) = (checkout.folder.to_string_lossy(), shown.to_string_lossy());
        for one in &mut failure.diagnostics {
            let texts = one.notes.iter_mut().chain(&mut one.helps).chain([&mut one.message]);
            let labels = one.primary.iter_mut().chain(&mut one.secondary).map(|label| &mut label.text);
            for text in texts.chain(labels) {
                *text = text.replace(&*from, &to);
            }
        }
        failure
    }
}

/// Both sides of the comparison. Revisions are read from git.
fn sources(args: &Args, printer: &Printer) -> Result<[Source; 2], Failure> {
    let (old, new, forked) = match subjects(args, Path::is_dir)? {
        Subjects::Folders(old, new) => {
            let named = |folder: &Path| Source::of_folder(folder, folder.display().to_string());
            return Ok([named(&old), named(&new)]);
        }
        Subjects::Revisions { old, new, forked } => (old, new, forked),
    };
    let usual = || std::env::var_os("DWCTL_STACK").map_or_else(|| PathBuf::from("."), PathBuf::from);
    let folder = args.stack.clone().unwrap_or_else(usual);
    let repository = Repository::of(&folder).map_err(|mut failure| {
        if let (None, Some(one)) = (&args.stack, failure.diagnostics.first_mut()) {
            one.notes.push(format!("{} is not a folder, so it is read as a git revision", args.old));
        }
        failure
    })?;
    let mut old_commit = repository.commit(&old)?;
    let new_commit = new.as_deref().map(|new| repository.commit(new)).transpose()?;
    let (mut old_name, mut old_written) = (old.clone(), old.as_str());
    if forked && let (Some(new), Some(new_commit)) = (&new, &new_commit) {
        old_commit = repository.fork(&old_commit, new_commit, &old, new)?;
        old_name = format!("where {new} branched from {old}");
        old_written = old_commit.get(..12).unwrap_or(&old_commit);
    }
    let before = Source::of_revision(&repository, &folder, old_name, old_written, &old_commit)?;
    let after = match (new, new_commit) {
        (Some(new), Some(commit)) => Source::of_revision(&repository, &folder, new.clone(), &new, &commit)?,
        _ => Source::of_folder(&folder, "the working tree".to_owned()),
    };
    for source in [&before, &after] {
        for path in source.checkout.iter().flat_map(|checkout| &checkout.absent) {
            printer.note(&format!("{} has no {path}", source.name));
        }
    }
    Ok([before, after])
}

/// Interprets OLD and NEW.
fn subjects(args: &Args, is_folder: impl Fn(&Path) -> bool) -> Result<Subjects, Diagnostic> {
    let refused = |message: String| Diagnostic::error("invalid-argument", message);
    let (old, new) = (args.old.as_str(), args.new.as_deref());
    let folder = |text: &str| args.stack.is_none() && is_folder(Path::new(text));
    match new {
        Some(new) if folder(old) && folder(new) => return Ok(Subjects::Folders(old.into(), new.into())),
        Some(new) if folder(old) || folder(new) => {
            let (is, is_not) = if folder(old) { (old, new) } else { (new, old) };
            return Err(refused(format!("{is} is a folder, but {is_not} is not"))
                .help("give two folders; or two revisions of git, with the stack's folder as --stack"));
        }
        None if folder(old) => {
            return Err(refused(format!("the folder {old} is compared with nothing"))
                .help(format!("to compare it with another folder: dwctl diff {old} NEW"))
                .help(format!("to compare it with the last commit: dwctl diff HEAD --stack {old}")));
        }
        _ => {}
    }
    let head = |text: &str| if text.is_empty() { "HEAD" } else { text }.to_owned();
    let range = |dots: &str| old.split_once(dots).map(|(old, new)| (head(old), head(new), dots == "..."));
    let (old, new, forked) = match (range("...").or_else(|| range("..")), new) {
        (Some((old, new, forked)), None) => (old, Some(new), forked),
        (None, new) => (old.to_owned(), new.map(str::to_owned), false),
        (Some(_), Some(new)) => {
            return Err(refused(format!("{old} already names both revisions"))
                .help(format!("leave out {new}, or give one revision as OLD")));
        }
    };
    for one in [Some(&old), new.as_ref()].into_iter().flatten() {
        if one.starts_with('-') || one.is_empty() {
            return Err(refused(format!("`{one}` is not a git revision")).note("git was not called"));
        }
    }
    Ok(Subjects::Revisions { old, new, forked })
}
