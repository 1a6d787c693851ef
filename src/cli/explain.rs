//! `dwctl explain`.

use std::fmt::Write;

use anstyle::Style;

use clap_complete::engine::ArgValueCompleter as Completer;

use super::printer::Printer;
use super::{Exit, Failure, Outcome, completions};
use crate::diag::Diagnostic;
use crate::elsewhere;
use crate::kind::ErasedKind;
use crate::kinds;
use crate::lines::{PROSE, hang, prose};
use crate::plan::value_text;
use crate::schema::{Node, RiskMark, Shape};

/// Shows the documentation of a kind, with its example.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A kind such as `glue_job`, or an attribute such as `glue_job.command`; without it, lists all
    /// kinds.
    #[arg(value_name = "KIND[.ATTRIBUTE]", add = Completer::new(completions::kinds))]
    subject: Option<String>,
}

pub(super) fn run(args: Args, printer: &Printer) -> Outcome {
    let paint = Paint { colour: printer.colour(), width: printer.width().unwrap_or(PROSE).min(PROSE) };
    let text = match &args.subject {
        None => list(&paint),
        Some(subject) => {
            let (name, attribute) =
                subject.split_once('.').map_or((subject.as_str(), None), |(kind, rest)| (kind, Some(rest)));
            if let (Some(kind), None, None) = (kinds::data_kind(name), kinds::kind(name), attribute) {
                printer.out(&data_text(kind, &paint));
                return Ok(Exit::Done);
            }
            let home = elsewhere::kind(name).ok_or_else(|| {
                unknown(format!("there is no kind `{name}`"), &elsewhere::kinds_like(name))
                    .help("dwctl explain lists all kinds")
            })?;
            let path = [home.attribute, attribute.unwrap_or_default()];
            let path = path.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".");
            let text = match path.as_str() {
                "" => kind_text(home.kind, &paint),
                path => attribute_text(home.kind, path, &paint)?,
            };
            if home.kind.name() != name {
                printer.note(&format!("{name} is {home} here."));
            }
            text
        }
    };
    printer.out(&text);
    Ok(Exit::Done)
}

fn unknown(message: String, near: &[String]) -> Diagnostic {
    let error = Diagnostic::error("unknown-kind", message);
    if near.is_empty() { error } else { error.help(elsewhere::did_you_mean(near)) }
}

/// The layout of a page.
struct Paint {
    colour: bool,
    width: usize,
}

impl Paint {
    fn bold(&self, text: &str) -> String {
        let style = Style::new().bold();
        if self.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    fn dim(&self, text: &str) -> String {
        let style = Style::new().dimmed();
        if self.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    fn prose(&self, text: &mut String, words: &str, indent: usize) {
        text.push_str(&prose(words, indent, self.width));
    }

    /// Writes a name with a short description.
    fn entry(&self, text: &mut String, indent: usize, name: &str, words: &str) {
        let line = format!("{}{}  {}", " ".repeat(indent), self.bold(name), self.dim(words));
        let _ = writeln!(text, "{}", hang(&line, indent + 4, Some(self.width)));
    }
}

fn list(paint: &Paint) -> String {
    let all = || {
        kinds::KINDS.iter().map(|kind| (kind, false)).chain(kinds::DATA_KINDS.iter().map(|kind| (kind, true)))
    };
    let width = all().map(|(kind, _)| kind.name().len()).max().unwrap_or(0);
    let mut text = String::new();
    for (kind, only_data) in all() {
        let schema = kind.schema();
        let summary = match only_data {
            true => format!("{} Only as data.", first_sentence(&schema.attrs.description)),
            false => first_sentence(&schema.description),
        };
        let line = format!("{:width$}  {summary}", kind.name());
        let lines = hang(&line, width + 2, Some(paint.width));
        let (name, rest) = lines.split_at(kind.name().len());
        let _ = writeln!(text, "{}{rest}", paint.bold(name));
    }
    text.push_str("\ndwctl explain KIND shows a kind's attributes and example.\n");
    text
}

fn first_sentence(text: &str) -> String {
    let line = text.lines().take_while(|line| !line.trim().is_empty()).collect::<Vec<_>>().join(" ");
    match line.find(". ") {
        Some(end) => line[..=end].to_owned(),
        None => line,
    }
}

/// The settings that dwctl itself has for a resource.
const SETTINGS: [(&str, &str); 9] = [
    ("for_each", "one resource for each element of a list of strings or a map"),
    ("when", "whether the resource exists"),
    ("depends_on", "addresses that it depends on without referring to them"),
    ("region", "the region, if it is not that of the account"),
    ("account", "the NAME of an [aws.NAME], if it is not the account of its module"),
    (
        "lifecycle",
        "protect, retain, create_before_destroy, ignore_changes, replace_triggered_by: how it is replaced and deleted",
    ),
    ("timeout", "create, update, delete: how long each may take, such as \"40m\""),
    ("precondition", "condition, message: what must be true before it is created or changed"),
    ("postcondition", "condition, message: what must be true of it, as `self`, after that"),
];

fn kind_text(kind: &dyn ErasedKind, paint: &Paint) -> String {
    let schema = kind.schema();
    let mut text = format!("{}\n\n", paint.bold(kind.name()));
    paint.prose(&mut text, &schema.description, 0);
    if let Some(cloudformation) = kind.cloudformation() {
        let _ = writeln!(text, "\nCloudFormation calls it {cloudformation}.");
    }
    let _ = writeln!(text, "\n{}\n", paint.bold("Attributes"));
    fields(&mut text, &schema.spec, 2, 1, paint);
    if kind.taggable() {
        paint.entry(&mut text, 2, "tags", "map(string)");
        paint.prose(&mut text, "Tags, in addition to those of the stack.", 6);
    }
    let _ = writeln!(text, "\n{}\n", paint.bold("Settings of every resource"));
    let prefix = kind
        .name_attribute()
        .map(|name| ("name_prefix", format!("instead of `{name}`: the beginning of it")));
    let settings = SETTINGS.into_iter().map(|(name, words)| (name, words.to_owned()));
    for (name, words) in prefix.into_iter().chain(settings) {
        paint.entry(&mut text, 2, name, &words);
    }
    let _ = writeln!(text, "\n{}\n", paint.bold("Decided by AWS"));
    fields(&mut text, &decided(&schema.attrs), 2, 1, paint);
    let _ = writeln!(text, "\n{}\n", paint.bold("Example"));
    for line in kind.example().lines() {
        let _ = writeln!(text, "{}", format!("  {line}").trim_end());
    }
    found_by(&mut text, kind, paint);
    let actions = kind.actions();
    let _ = writeln!(text, "\n{}\n", paint.bold("IAM actions"));
    for (verb, actions) in [
        ("read", actions.read),
        ("create", actions.create),
        ("update", actions.update),
        ("delete", actions.delete),
    ] {
        let line = format!("  {verb}: {}", actions.join(", "));
        let _ = writeln!(text, "{}", hang(&line, 4, Some(paint.width)));
    }
    if !kind.search_actions().is_empty() {
        let line = format!("  search for data: {}", kind.search_actions().join(", "));
        let _ = writeln!(text, "{}", hang(&line, 4, Some(paint.width)));
    }
    if kind.tags_apart() {
        paint.prose(&mut text, "optional: tag:GetResources; with it, a plan makes fewer calls", 2);
    }
    text
}

/// The page of a kind that a stack can only read.
fn data_text(kind: &dyn ErasedKind, paint: &Paint) -> String {
    let schema = kind.schema();
    let mut text = format!("{}\n\n", paint.bold(kind.name()));
    paint.prose(&mut text, &schema.attrs.description, 0);
    let _ = writeln!(text, "\nA stack can only read it.");
    found_by(&mut text, kind, paint);
    let _ = writeln!(text, "\n{}\n", paint.bold("Attributes"));
    fields(&mut text, &schema.attrs, 2, 1, paint);
    let _ = writeln!(text, "\n{}\n", paint.bold("IAM actions"));
    let line = format!("  read: {}", kind.actions().read.join(", "));
    let _ = writeln!(text, "{}", hang(&line, 4, Some(paint.width)));
    text
}

/// How `[data.KIND.NAME]` finds an existing resource of the kind.
fn found_by(text: &mut String, kind: &dyn ErasedKind, paint: &Paint) {
    let by = kind.found_by();
    let _ = writeln!(text, "\n{}\n", paint.bold(&format!("Found as [data.{}.NAME]", kind.name())));
    paint.prose(
        text,
        &format!("{}. `many = true` makes it a list of all that match.", capital(&by.in_words())),
        2,
    );
    // The others are attributes of the resource.
    let fields = by.query.fields().into_iter().flatten();
    for (name, field) in fields.filter(|(name, _)| by.filter.contains(name)) {
        paint.entry(text, 2, name, &field.type_name());
        paint.prose(text, &field.description, 6);
    }
}

/// The text with a capital at its start.
fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

fn attribute_text(kind: &dyn ErasedKind, path: &str, paint: &Paint) -> Result<String, Failure> {
    let schema = kind.schema();
    let mut node = &schema.spec;
    let mut parent = node;
    let mut walked = kind.name().to_owned();
    for step in path.split('.') {
        let inner = below(node);
        parent = inner;
        let known = inner.fields();
        let next = known.and_then(|fields| fields.get(step));
        let next =
            next.or_else(|| (walked == kind.name()).then(|| schema.attrs.fields()?.get(step)).flatten());
        node = next.ok_or_else(|| {
            let parent = walked.strip_prefix(kind.name()).unwrap_or_default().trim_start_matches('.');
            let near = elsewhere::attributes_like(kind, parent, step);
            let near: Vec<String> = near.iter().map(|path| format!("{}.{path}", kind.name())).collect();
            let error = unknown(format!("{walked} has no attribute `{step}`"), &near);
            Diagnostic { code: "unknown-attribute", ..error }.help(format!("dwctl explain {}", kind.name()))
        })?;
        let _ = write!(walked, ".{step}");
    }
    let mut text = String::new();
    let name = path.rsplit('.').next().unwrap_or(path);
    let rules = parent.rules.iter().filter_map(|rule| Some(format!(", {}", rule.describe(name)?)));
    let words: String = std::iter::once(facts(node)).chain(rules).collect();
    paint.entry(&mut text, 0, &walked, &words);
    text.push('\n');
    paint.prose(&mut text, &node.description, 0);
    if below(node).fields().is_some() {
        text.push('\n');
        fields(&mut text, below(node), 2, usize::MAX, paint);
    }
    Ok(text)
}

/// The attributes that AWS decides. None of them is required.
fn decided(attrs: &Node) -> Node {
    let mut attrs = attrs.clone();
    if let Shape::Object { required, .. } = &mut attrs.shape {
        required.clear();
    }
    attrs
}

/// The node whose fields a path continues with: the element of lists and maps.
fn below(node: &Node) -> &Node {
    match &node.shape {
        Shape::List { element, .. } | Shape::Map(element) => below(element),
        _ => node,
    }
}

fn fields(text: &mut String, node: &Node, indent: usize, depth: usize, paint: &Paint) {
    for (name, field) in node.fields().into_iter().flatten() {
        let mut words = facts(field);
        if node.requires(name) {
            words.push_str(", required");
        }
        words.extend(node.rules.iter().filter_map(|rule| Some(format!(", {}", rule.describe(name)?))));
        paint.entry(text, indent, name, &words);
        paint.prose(text, &field.description, indent + 4);
        if depth > 0 && below(field).fields().is_some() {
            fields(text, below(field), indent + 4, depth - 1, paint);
        }
    }
}

/// Type, limits and behaviour of an attribute in a few words.
fn facts(node: &Node) -> String {
    let mut words = vec![node.type_name()];
    if let Shape::String { options, .. } = &node.shape
        && !options.is_empty()
    {
        words.push(format!("one of {}", options.join(", ")));
    }
    if let Shape::Number { minimum, maximum, .. } = &node.shape {
        match (minimum, maximum) {
            (Some(least), Some(most)) => words.push(format!("{least} to {most}")),
            (Some(least), None) => words.push(format!("at least {least}")),
            (None, Some(most)) => words.push(format!("at most {most}")),
            (None, None) => {}
        }
    }
    if let Some(default) = &node.default {
        words.push(format!("default {}", value_text(default)));
    }
    let marks = node.marks;
    if let Some(absent) = &node.absent {
        words.push(format!("same as absent: {}", value_text(absent)));
    }
    if let Some((other, value)) = &node.no_effect_if {
        words.push(format!("has no effect if {other} is {value}"));
    }
    let chosen = marks.aws_default && !marks.derived;
    for (set, word) in [
        (marks.replace, "a change replaces the resource"),
        (marks.replace_when_come_or_gone, "adding or removing it replaces the resource"),
        (marks.derived, "if absent: derived from other attributes, or chosen by AWS"),
        (chosen, "if absent: chosen by AWS"),
        (chosen && node.restored.is_some(), "if removed: back to AWS's default"),
        (chosen && node.restored.is_none(), "if removed: stays as it is"),
        (marks.local, "used by dwctl only"),
        (marks.write_only, "never returned by AWS"),
        (marks.data_loss, "a change loses data"),
        (marks.downtime, "a change interrupts the service"),
    ] {
        if set {
            words.push(word.to_owned());
        }
    }
    words.extend(node.document.map(|document| document.risk().to_owned()).filter(|risk| !risk.is_empty()));
    words.extend(node.risks.iter().map(RiskMark::short_form));
    words.join(", ")
}
