//! A plan as a person reads it in a terminal.

use std::fmt::Write;
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::detail::{plain, value_text};
use super::{Action, AttributeChange, Cause, Change, Detail, Plan, Reason, Sign, details};
use crate::aws::Bill;

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
    let details = details(change);
    let width = details
        .iter()
        .filter(|one| one.part.is_empty())
        .map(|one| one.attribute.chars().count())
        .filter(|&width| width <= WIDEST_ATTRIBUTE)
        .max()
        .unwrap_or(0);
    let mut heading = "";
    for one in &details {
        let notes = notes(one, paint, drift);
        let values = values(one, change.action, paint);
        if one.part.is_empty() {
            let padding = " ".repeat(width.saturating_sub(one.attribute.chars().count()));
            line(text, &format!("      {}{padding}  {values}{notes}", one.attribute));
        } else {
            // The attribute once, its parts below it.
            if heading != one.attribute {
                line(text, &format!("      {}", one.attribute));
                heading = &one.attribute;
            }
            let sign = match one.sign {
                Sign::Added => paint.colour(AnsiColor::Green, "+"),
                Sign::Removed => paint.colour(AnsiColor::Red, "-"),
                Sign::Changed => paint.colour(AnsiColor::Yellow, "~"),
            };
            let values = if values.is_empty() { values } else { format!("  {values}") };
            line(text, &format!("        {sign} {}{values}{notes}", one.part));
        }
        for one in &one.lines {
            let shown = match one.sign {
                Some(Sign::Added) => paint.colour(AnsiColor::Green, &format!("+ {}", one.text)),
                Some(Sign::Removed) => paint.colour(AnsiColor::Red, &format!("- {}", one.text)),
                _ => format!("  {}", one.text),
            };
            line(text, &format!("          {shown}"));
        }
    }
}

/// What there is to say of a difference besides its values.
fn notes(detail: &Detail, paint: &Paint, drift: bool) -> String {
    let mut notes: Vec<&str> = detail.notes.iter().map(String::as_str).collect();
    if detail.forces_replacement {
        notes.push("forces replacement");
    }
    match detail.cause {
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

fn values(detail: &Detail, action: Action, paint: &Paint) -> String {
    match (&detail.before, &detail.after) {
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
        (None, Some(after)) if detail.hidden && after.contains_secret() => "(secret, changed)".to_owned(),
        (None, Some(after)) if detail.hidden => format!("→ {}", shorten(&value_text(after))),
        (None, Some(after)) => paint.colour(AnsiColor::Green, &format!("+ {}", shorten(&value_text(after)))),
        (Some(before), None) => paint.colour(AnsiColor::Red, &format!("- {}", shorten(&value_text(before)))),
        (None, None) if detail.part.is_empty() && detail.lines.is_empty() => "null".to_owned(),
        (None, None) => String::new(),
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
    let detail = plain(change);
    let what =
        if detail.part.is_empty() { values(&detail, Action::Update, &Paint(false)) } else { detail.part };
    format!("{}: {what}", detail.attribute)
}
