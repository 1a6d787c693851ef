//! A plan as a person reads it in a terminal.

use std::fmt::Write;
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::detail::plain;
use super::review::{Item, Review, Sort, Told, notes, visible};
use super::{AttributeChange, Detail, Plan, RiskLabel, Sign};
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
/// Resources beyond which their risks are told ahead of them.
const BANNER_FROM: usize = 8;
/// What is dangerous.
const RED: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Red)));
/// Longest value on a line of its own attribute.
const LONGEST_VALUE: usize = 72;

/// The plan, ending in a newline.
pub fn render(plan: &Plan, options: &TextOptions) -> String {
    of(&Review::new(plan, options.drift), options)
}

/// What is told of a plan, ending in a newline.
pub(super) fn of(review: &Review<'_>, options: &TextOptions) -> String {
    let paint = Paint(options.colour);
    let mut text = String::new();
    let title = paint.with(Style::new().bold(), &review.title());
    line(&mut text, &format!("{title} · {}", review.place()));
    // Of a few resources, their own lines are enough.
    if review.items.len() > BANNER_FROM {
        banner(&mut text, review, &paint);
    }
    text.push('\n');
    let width = review
        .items
        .iter()
        .map(|item| item.address.chars().count())
        .filter(|&width| width <= WIDEST_ADDRESS)
        .max()
        .unwrap_or(0);
    for item in &review.items {
        resource(&mut text, item, width, &paint);
        if item.tells_details() || options.details {
            match item.same_as.and_then(|first| review.items.get(first)) {
                // What is told in a line is told faster than that it is the same.
                Some(first) if item.details.len() > 1 => {
                    line(&mut text, &format!("      the same as {}", first.address));
                }
                _ => attributes(&mut text, item, &paint, review.drift),
            }
        }
    }
    if let Some(nothing) = review.nothing() {
        line(&mut text, nothing);
    }
    let outputs = review.outputs();
    if !outputs.is_empty() {
        line(&mut text, "\nChanges to outputs:");
    }
    for one in &outputs {
        let sign = match one.sign {
            Sign::Added => paint.colour(AnsiColor::Green, "+"),
            Sign::Removed => paint.colour(AnsiColor::Red, "-"),
            Sign::Changed => paint.colour(AnsiColor::Yellow, "~"),
        };
        line(&mut text, &format!("  {sign} {}", one.line(LONGEST_VALUE)));
    }
    text.push('\n');
    let counts = review.counts().into_iter();
    let mut parts: Vec<String> = counts
        .map(|(sort, count)| paint.colour(colour(sort), &format!("{count} {}", sort.counted())))
        .collect();
    parts.push(review.rest());
    line(&mut text, &parts.join(" · "));
    if let Some((bill, time)) = &options.bill {
        line(&mut text, &bill_line(bill, *time));
    }
    text
}

/// By sort of risk, what has it.
fn banner(text: &mut String, review: &Review<'_>, paint: &Paint) {
    for label in RiskLabel::ALL {
        let addresses: Vec<&str> = review.at_risk(label).map(|item| item.address.as_str()).collect();
        if !addresses.is_empty() {
            let label = paint.with(RED.bold(), &format!("⚠ {}", label.words()));
            line(text, &format!("{label}: {}", addresses.join(", ")));
        }
    }
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

fn colour(sort: Sort) -> AnsiColor {
    match sort {
        Sort::Create => AnsiColor::Green,
        Sort::Update | Sort::Changed => AnsiColor::Yellow,
        Sort::Replace => AnsiColor::Magenta,
        Sort::Destroy | Sort::Deleted => AnsiColor::Red,
        Sort::Forget | Sort::Move | Sort::Import => AnsiColor::Cyan,
    }
}

fn resource(text: &mut String, item: &Item<'_>, width: usize, paint: &Paint) {
    let mut words = item.words.to_owned();
    if !item.why.is_empty() {
        let _ = write!(words, "  {}", item.why);
    }
    if !item.risks.is_empty() {
        let _ = write!(words, "  {}", paint.with(RED.bold(), &format!("⚠ {}", item.risk_words())));
    }
    if item.id.is_some() {
        let _ = write!(words, "  {}", paint.with(Style::new().dimmed(), &item.id_words()));
    }
    let padding = " ".repeat(width.saturating_sub(item.address.chars().count()));
    let sign = paint.colour(colour(item.sort), item.sort.sign());
    let address = paint.with(Style::new().bold(), &item.address);
    line(text, &format!("  {sign} {address}{padding}  {words}"));
    if !item.leaves.is_empty() {
        line(text, &format!("      {}", item.leaves));
    }
    if !item.dependents.addresses.is_empty() && !item.risks.is_empty() {
        line(text, &format!("      {}", paint.with(Style::new().dimmed(), &item.dependents.words(5))));
    }
}

fn attributes(text: &mut String, item: &Item<'_>, paint: &Paint, drift: bool) {
    let creating = item.sort == Sort::Create;
    let width = item
        .details
        .iter()
        .filter(|one| one.part.is_empty())
        .map(|one| one.attribute.chars().count())
        .filter(|&width| width <= WIDEST_ATTRIBUTE)
        .max()
        .unwrap_or(0);
    let mut heading = "";
    for one in &item.details {
        let notes = match notes(one, drift) {
            notes if notes.is_empty() => String::new(),
            notes => format!("  {}", paint.with(Style::new().dimmed(), &notes.join(", "))),
        };
        let values = values(one, creating, paint);
        let attribute = visible(&one.attribute);
        if one.part.is_empty() {
            let padding = " ".repeat(width.saturating_sub(attribute.chars().count()));
            line(text, &format!("      {attribute}{padding}  {values}{notes}"));
        } else {
            // The attribute once, its parts below it.
            if heading != one.attribute {
                line(text, &format!("      {attribute}"));
                heading = &one.attribute;
            }
            let sign = match one.sign {
                Sign::Added => paint.colour(AnsiColor::Green, "+"),
                Sign::Removed => paint.colour(AnsiColor::Red, "-"),
                Sign::Changed => paint.colour(AnsiColor::Yellow, "~"),
            };
            let values = if values.is_empty() { values } else { format!("  {values}") };
            line(text, &format!("        {sign} {}{values}{notes}", visible(&one.part)));
        }
        for one in &one.lines {
            let shown = match one.sign {
                Some(Sign::Added) => paint.colour(AnsiColor::Green, &format!("+ {}", visible(&one.text))),
                Some(Sign::Removed) => paint.colour(AnsiColor::Red, &format!("- {}", visible(&one.text))),
                _ => format!("  {}", visible(&one.text)),
            };
            line(text, &format!("          {shown}"));
        }
    }
}

fn values(detail: &Detail, creating: bool, paint: &Paint) -> String {
    let told = Told::of(detail, creating).shortened(LONGEST_VALUE);
    match &told {
        Told::Added(_) => paint.colour(AnsiColor::Green, &told.line()),
        Told::Removed(_) => paint.colour(AnsiColor::Red, &told.line()),
        _ => told.line(),
    }
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
        if detail.part.is_empty() { values(&detail, false, &Paint(false)) } else { visible(&detail.part) };
    format!("{}: {what}", detail.attribute)
}
