//! A plan as a person reads it in a terminal.

use std::fmt::Write;
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::{Action, AttributeChange, Cause, Change, Plan, Reason};
use crate::aws::Bill;
use crate::schema::PathStep;
use crate::value::Value;

/// How to show a plan.
#[derive(Clone, Debug, Default)]
pub struct TextOptions {
    /// With colours.
    pub colour: bool,
    /// With every attribute of what is created.
    pub details: bool,
    /// What was changed outside dwctl, not what dwctl would do: see [`Plan::drift`].
    pub drift: bool,
    /// What it cost to make, where AWS was asked.
    pub bill: Option<(Bill, Duration)>,
}

/// Widest address that gets a column; longer ones push their words to the right.
const WIDEST_ADDRESS: usize = 52;
/// Widest attribute that gets a column; longer ones push their values to the right.
const WIDEST_ATTRIBUTE: usize = 40;
/// Longest value on a line of its own attribute.
const LONGEST_VALUE: usize = 72;

/// The plan, ending in a newline.
pub fn render(plan: &Plan, options: &TextOptions) -> String {
    let paint = Paint(options.colour);
    let mut text = String::new();
    let account = plan
        .account_id
        .as_ref()
        .map_or_else(|| "offline: compared with nothing".to_owned(), |account| format!("account {account}"));
    let title = paint.with(Style::new().bold(), &format!("{}/{}", plan.stack, plan.env));
    line(&mut text, &format!("{title} · {account} · {}", plan.region));
    text.push('\n');
    let changes: Vec<&Change> = plan.effective().collect();
    let width = changes
        .iter()
        .map(|change| change.address.to_string().chars().count())
        .filter(|&width| width <= WIDEST_ADDRESS)
        .max()
        .unwrap_or(0);
    for change in &changes {
        resource(&mut text, change, width, &paint, options);
    }
    match (changes.is_empty(), options.drift) {
        (true, false) => line(&mut text, "No changes: AWS is as the stack declares it."),
        (true, true) => line(&mut text, "No drift: nobody changed what the stack owns since it was applied."),
        (false, _) => {}
    }
    text.push('\n');
    line(&mut text, &if options.drift { drift_summary(plan, &paint) } else { summary(plan, &paint) });
    if let Some((bill, time)) = &options.bill {
        line(&mut text, &bill_line(bill, *time));
    }
    text
}

fn line(text: &mut String, line: &str) {
    text.push_str(line.trim_end());
    text.push('\n');
}

struct Paint(bool);

impl Paint {
    fn with(&self, style: Style, text: &str) -> String {
        if self.0 { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    fn colour(&self, colour: AnsiColor, text: &str) -> String {
        self.with(Style::new().fg_color(Some(colour.into())), text)
    }
}

/// Sign, colour and words of an action.
fn look(action: Action) -> (&'static str, AnsiColor, &'static str) {
    match action {
        Action::NoOp => (" ", AnsiColor::White, "no change"),
        Action::Create => ("+", AnsiColor::Green, "create"),
        Action::Update => ("~", AnsiColor::Yellow, "update in place"),
        Action::Replace { create_first: false } => ("±", AnsiColor::Magenta, "replace"),
        Action::Replace { create_first: true } => ("±", AnsiColor::Magenta, "replace, new one first"),
        Action::Delete => ("-", AnsiColor::Red, "destroy"),
        Action::Forget => (".", AnsiColor::Cyan, "forget"),
    }
}

fn resource(text: &mut String, change: &Change, width: usize, paint: &Paint, options: &TextOptions) {
    let (sign, colour, words) = match (change.is_only_ownership(), &change.moved_from) {
        (true, Some(_)) => (">", AnsiColor::Cyan, "move"),
        (true, None) => ("<", AnsiColor::Cyan, "import"),
        (false, _) if options.drift && change.action == Action::Delete => ("-", AnsiColor::Red, "deleted"),
        (false, _) if options.drift => ("~", AnsiColor::Yellow, "changed"),
        (false, _) => look(change.action),
    };
    let mut words = words.to_owned();
    match &change.moved_from {
        Some(from) => {
            let _ = write!(words, "  was {from}");
        }
        None if change.imported => {
            let _ = write!(words, "  exists as {}", change.id.as_deref().unwrap_or_default());
        }
        None => {}
    }
    match &change.reason {
        Reason::Vanished if options.drift => {}
        Reason::Vanished if change.action == Action::Create => words.push_str("  gone from AWS"),
        Reason::Vanished => words.push_str("  gone from AWS, no longer declared"),
        Reason::Requested => words.push_str("  asked for by --replace"),
        Reason::Triggered(address) => {
            let _ = write!(words, "  because {address} changes");
        }
        Reason::Moved { from } => {
            let _ = write!(words, "  moves from {from} to {}", change.region);
        }
        Reason::Undeclared if change.action == Action::Forget => {
            words.push_str("  no longer declared, stays at AWS")
        }
        Reason::Undeclared => words.push_str("  no longer declared"),
        Reason::Deposed if change.action == Action::Forget => words.push_str("  replaced before, and gone"),
        Reason::Deposed => words.push_str("  replaced before, and still there"),
        Reason::Same
        | Reason::Unselected
        | Reason::New
        | Reason::Differs
        | Reason::Forced(_)
        | Reason::Destroy => {}
    }
    let mut risks = Vec::new();
    if change.attributes.iter().any(|one| one.data_loss) && matches!(change.action, Action::Replace { .. }) {
        risks.push("data loss");
    }
    if change.attributes.iter().any(|one| one.downtime) && change.action != Action::Create {
        risks.push("downtime");
    }
    if !risks.is_empty() {
        let _ = write!(
            words,
            "  {}",
            paint.with(
                Style::new().bold().fg_color(Some(AnsiColor::Red.into())),
                &format!("⚠ {}", risks.join(", "))
            )
        );
    }
    let address = change.address.to_string();
    let padding = " ".repeat(width.saturating_sub(address.chars().count()));
    line(
        text,
        &format!(
            "  {} {}{padding}  {words}",
            paint.colour(colour, sign),
            paint.with(Style::new().bold(), &address)
        ),
    );
    let shown = match change.action {
        _ if change.is_only_ownership() => false,
        Action::Update | Action::Replace { .. } => true,
        Action::Create => options.details,
        Action::NoOp | Action::Delete | Action::Forget => false,
    };
    if shown {
        attributes(text, change, paint, options.drift);
    }
}

fn attributes(text: &mut String, change: &Change, paint: &Paint, drift: bool) {
    let names: Vec<String> = change.attributes.iter().map(|one| path_text(&one.path)).collect();
    let width = names
        .iter()
        .map(|name| name.chars().count())
        .filter(|&width| width <= WIDEST_ATTRIBUTE)
        .max()
        .unwrap_or(0);
    let mut policy = String::new();
    for (one, name) in change.attributes.iter().zip(&names) {
        if one.statement {
            let parent = path_text(&one.path[..one.path.len().saturating_sub(1)]);
            let (sign, colour, value) = match (&one.before, &one.after) {
                (Some(before), _) => ("-", AnsiColor::Red, before),
                (None, Some(after)) => ("+", AnsiColor::Green, after),
                (None, None) => continue,
            };
            // The policy once, its statements below it.
            if policy != parent {
                line(text, &format!("      {parent}"));
                policy = parent;
            }
            let statement = statement(value);
            let notes = notes(one, paint, drift);
            line(text, &format!("        {} {statement}{notes}", paint.colour(colour, sign)));
            continue;
        }
        let padding = " ".repeat(width.saturating_sub(name.chars().count()));
        let (values, notes) = (values(one, change.action, paint), notes(one, paint, drift));
        line(text, &format!("      {name}{padding}  {values}{notes}"));
    }
}

/// What there is to say of a difference besides its values.
fn notes(change: &AttributeChange, paint: &Paint, drift: bool) -> String {
    let mut notes = Vec::new();
    if change.forces_replacement {
        notes.push("forces replacement");
    }
    match change.cause {
        Cause::Stack => {}
        Cause::Drift if drift => {}
        Cause::Both if drift => notes.push("by the stack, too"),
        Cause::Drift => notes.push("drift: changed outside dwctl"),
        Cause::Both => notes.push("changed by the stack and outside dwctl"),
    }
    if notes.is_empty() {
        return String::new();
    }
    format!("  {}", paint.with(Style::new().dimmed(), &notes.join(", ")))
}

fn values(change: &AttributeChange, action: Action, paint: &Paint) -> String {
    match (&change.before, &change.after) {
        (Some(before), Some(after)) if before.contains_secret() || after.contains_secret() => {
            "(secret, changed)".to_owned()
        }
        (Some(before), Some(after)) => {
            let (left, right) = (value_text(before), value_text(after));
            let (left, right) = if left.chars().count() + right.chars().count() > 2 * LONGEST_VALUE {
                apart(&left, &right)
            } else {
                (left, right)
            };
            format!("{left} → {right}")
        }
        (None, Some(after)) if action == Action::Create => shorten(&value_text(after)),
        (None, Some(after)) if change.hidden && after.contains_secret() => "(secret, changed)".to_owned(),
        (None, Some(after)) if change.hidden => format!("→ {}", shorten(&value_text(after))),
        (None, Some(after)) => paint.colour(AnsiColor::Green, &format!("+ {}", shorten(&value_text(after)))),
        (Some(before), None) => paint.colour(AnsiColor::Red, &format!("- {}", shorten(&value_text(before)))),
        (None, None) => "null".to_owned(),
    }
}

/// Two long texts, cut to where they differ.
fn apart(left: &str, right: &str) -> (String, String) {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let same = left.iter().zip(&right).take_while(|(left, right)| left == right).count();
    let start = same.saturating_sub(20);
    let cut = |text: &[char]| {
        let end = (start + LONGEST_VALUE).min(text.len());
        let middle: String = text[start.min(end)..end].iter().collect();
        let (head, tail) = (if start > 0 { "…" } else { "" }, if end < text.len() { "…" } else { "" });
        format!("{head}{middle}{tail}")
    };
    (cut(&left), cut(&right))
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= LONGEST_VALUE {
        return text.to_owned();
    }
    let head: String = text.chars().take(LONGEST_VALUE - 1).collect();
    format!("{head}…")
}

/// A path as it is written in a reference: `command.script_location`, `targets[0].arn`.
pub(super) fn path_text(path: &[PathStep]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            PathStep::Index(index) => {
                let _ = write!(text, "[{index}]");
            }
            PathStep::Name(name) => {
                let plain = name
                    .chars()
                    .all(|character| character.is_alphanumeric() || matches!(character, '_' | '-'));
                if !plain {
                    let _ = write!(text, "[{name:?}]");
                } else if text.is_empty() {
                    text.push_str(name);
                } else {
                    let _ = write!(text, ".{name}");
                }
            }
        }
    }
    text
}

/// A value on one line; secrets and unknowns say so.
pub fn value_text(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        // As JSON, which escapes control characters: a value cannot move the cursor.
        Value::String(text) => {
            let json = serde_json::Value::String(text.clone()).to_string();
            json.chars()
                .map(|character| if character.is_control() { '\u{FFFD}' } else { character })
                .collect()
        }
        Value::List(list) => format!("[{}]", list.iter().map(value_text).collect::<Vec<_>>().join(", ")),
        Value::Map(map) if map.is_empty() => "{}".to_owned(),
        Value::Map(map) => format!(
            "{{ {} }}",
            map.iter()
                .map(|(name, value)| format!("{name} = {}", value_text(value)))
                .collect::<Vec<_>>()
                .join(", ")
        ),
        Value::Unknown(unknown) => format!("({unknown})"),
        Value::Secret(_) => "(secret)".to_owned(),
    }
}

/// A policy statement as a sentence: `Allow s3:PutObject on arn:… for Service glue.amazonaws.com`.
fn statement(value: &Value) -> String {
    let words = |name: &str| value.get(name).map(list_text);
    let mut text = words("Effect").unwrap_or_default();
    if let Some(action) = words("Action") {
        let _ = write!(text, " {action}");
    }
    if let Some(action) = words("NotAction") {
        let _ = write!(text, " everything but {action}");
    }
    if let Some(resource) = words("Resource") {
        let _ = write!(text, " on {resource}");
    }
    if let Some(resource) = words("NotResource") {
        let _ = write!(text, " on all but {resource}");
    }
    for (member, word) in [("Principal", "for"), ("NotPrincipal", "for all but")] {
        if let Some(Value::Map(principals)) = value.get(member) {
            let names: Vec<String> =
                principals.iter().map(|(kind, names)| format!("{kind} {}", list_text(names))).collect();
            let _ = write!(text, " {word} {}", names.join(", "));
        }
    }
    if let Some(condition) = value.get("Condition") {
        let _ = write!(text, " if {}", value_text(condition));
    }
    if let Some(Value::String(sid)) = value.get("Sid") {
        let _ = write!(text, "  ({sid})");
    }
    text
}

fn list_text(value: &Value) -> String {
    match value {
        Value::String(text) => {
            text.chars().map(|one| if one.is_control() { '\u{FFFD}' } else { one }).collect()
        }
        Value::List(list) => list.iter().map(list_text).collect::<Vec<_>>().join(", "),
        other => value_text(other),
    }
}

fn summary(plan: &Plan, paint: &Paint) -> String {
    let only = |change: &&Change| change.is_only_ownership();
    let moved = plan.changes.iter().filter(only).filter(|change| change.moved_from.is_some()).count();
    let imported = plan.changes.iter().filter(only).count() - moved;
    let counts = [
        (imported, AnsiColor::Cyan, "to import"),
        (moved, AnsiColor::Cyan, "to move"),
        (plan.count(|action| action == Action::Create), AnsiColor::Green, "to create"),
        (plan.count(|action| action == Action::Update), AnsiColor::Yellow, "to update"),
        (plan.count(|action| matches!(action, Action::Replace { .. })), AnsiColor::Magenta, "to replace"),
        (plan.count(|action| action == Action::Delete), AnsiColor::Red, "to destroy"),
        (plan.count(|action| action == Action::Forget), AnsiColor::Cyan, "to forget"),
    ];
    let mut parts: Vec<String> = counts
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, colour, words)| paint.colour(colour, &format!("{count} {words}")))
        .collect();
    parts.push(format!("{} unchanged", plan.count(|action| action == Action::NoOp)));
    parts.join(" · ")
}

fn drift_summary(plan: &Plan, paint: &Paint) -> String {
    let counts = [
        (plan.count(|action| action == Action::Update), AnsiColor::Yellow, "changed"),
        (plan.count(|action| action == Action::Delete), AnsiColor::Red, "deleted"),
    ];
    let mut parts: Vec<String> = counts
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, colour, words)| paint.colour(colour, &format!("{count} {words} outside dwctl")))
        .collect();
    parts.push(format!("{} without drift", plan.count(|action| action == Action::NoOp)));
    parts.join(" · ")
}

/// `41 calls in 0.38 s (glue 6, s3 18, iam 3) · 0 throttled`.
pub fn bill_line(bill: &Bill, time: Duration) -> String {
    let services: Vec<String> = bill
        .by_service()
        .into_iter()
        .map(|(service, count)| format!("{} {count}", short_service(&service)))
        .collect();
    let calls = if bill.total() == 1 { "call" } else { "calls" };
    format!(
        "{} {calls} in {:.2} s ({}) · {} throttled",
        bill.total(),
        time.as_secs_f64(),
        services.join(", "),
        bill.throttled
    )
}

/// The SDK's name of a service as people say it: `CloudWatch Logs` stays, `SFN` is Step Functions.
fn short_service(service: &str) -> String {
    match service {
        "SFN" => "step functions".to_owned(),
        other => other.to_lowercase(),
    }
}

/// One difference as a line: `attribute: before → after`.
pub fn change_text(change: &AttributeChange) -> String {
    format!("{}: {}", path_text(&change.path), values(change, Action::Update, &Paint(false)))
}
