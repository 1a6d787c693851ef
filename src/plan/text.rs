//! The plan as text for a terminal.

use std::collections::HashSet;
use std::fmt::Write;
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::detail::plain;
use super::review::{Item, Review, Sort, Tone, ValueText, named, noted, risk_text, visible};
use super::sections::{Fold, Section, within};
use super::{AttributeChange, Detail, Plan, RiskLabel, Sign};
use crate::aws::CallCounts;
use crate::diag::counted;
use crate::lines::hang;

/// How to show a plan.
#[derive(Clone, Debug, Default)]
pub struct TextOptions {
    /// Uses colours.
    pub colour: bool,
    /// Shows every attribute of created resources, and every change by itself.
    pub details: bool,
    /// Shows what was changed outside dwctl, not what dwctl would do: see [`Plan::drift`].
    pub drift: bool,
    /// The requests and time that the plan took, if AWS was asked.
    pub call_counts: Option<(CallCounts, Duration)>,
    /// The columns of the terminal; `None` if there is no terminal. Then no line and no value is
    /// cut.
    pub width: Option<usize>,
}

/// Widest address that gets a column; longer ones push their words to the right.
const WIDEST_ADDRESS: usize = 52;
/// Widest attribute that gets a column; longer ones push their values to the right.
const WIDEST_ATTRIBUTE: usize = 40;
/// Above this number of resources, a banner lists the risks first.
const BANNER_FROM: usize = 8;
/// For dangerous changes.
const RED: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Red)));
/// For secondary text.
const DIM: Style = Style::new().dimmed();
/// Longest value within a sentence.
const LONGEST_VALUE: usize = 72;
/// Shortest length to which a value is cut on a narrow terminal.
const MIN_VALUE: usize = 40;
/// The most names in a banner.
const NAMES: usize = 8;
/// The most instances that are named beside a change that is like theirs.
const LIKE: usize = 40;

/// Renders a plan, ending in a newline.
pub fn render(plan: &Plan, options: &TextOptions) -> String {
    of(&Review::new(plan, options.drift), options)
}

/// Renders a review, ending in a newline.
pub(super) fn of(review: &Review<'_>, options: &TextOptions) -> String {
    let mut page = Page { text: String::new(), paint: Paint(options.colour), width: options.width, inner: 0 };
    let title = page.paint.with(Style::new().bold(), &review.title());
    page.line(2, &format!("{title} · {}", review.place()));
    // For a few resources, their own lines are enough.
    if review.items.len() > BANNER_FROM {
        page.banner(review);
    }
    let changed = review.changed_modules();
    if !changed.is_empty() {
        page.line(0, "");
        page.line(0, "Changed modules:");
        changed.iter().for_each(|line| page.line(4, &format!("  {line}")));
    }
    page.line(0, "");
    let sections = review.sections(Fold::of(options.details, Fold::Lines));
    page.sections(review, &sections, options);
    if let Some(nothing) = review.nothing() {
        page.line(0, nothing);
    }
    let outputs = review.outputs();
    if !outputs.is_empty() {
        page.line(0, "");
        page.line(0, "Changes to outputs:");
    }
    for one in &outputs {
        let sign = page.paint.sign(one.sign);
        page.line(6, &format!("  {sign} {}", one.line(page.longest())));
    }
    let data = review.data();
    if !data.is_empty() {
        page.line(0, "");
        page.line(0, "Data, read and not changed:");
        let width = data.iter().map(|(address, _)| address.chars().count());
        let width = width.filter(|&width| width <= WIDEST_ADDRESS).max().unwrap_or(0);
        for (address, words) in &data {
            let padding = " ".repeat(width.saturating_sub(address.chars().count()));
            page.line(6, &format!("    {address}{padding}  {}", page.paint.with(DIM, words)));
        }
    }
    page.line(0, "");
    let mut parts = page.counts(&review.counts());
    parts.push(review.rest());
    page.line(2, &parts.join(" · "));
    if let Some((call_counts, time)) = &options.call_counts {
        let call_counts = page.paint.with(DIM, &call_counts_line(call_counts, *time, options.width));
        page.line(2, &call_counts);
    }
    page.text
}

/// The page that is being written.
struct Page {
    text: String,
    paint: Paint,
    width: Option<usize>,
    /// The spaces before each line: those of a module are indented.
    inner: usize,
}

impl Page {
    /// Adds a line. It continues below `indent` spaces where the terminal ends.
    fn line(&mut self, indent: usize, line: &str) {
        let inner = if line.is_empty() { 0 } else { self.inner };
        let line = format!("{}{}", " ".repeat(inner), line.trim_end());
        self.text.push_str(&hang(&line, indent + inner, self.width));
        self.text.push('\n');
    }

    fn counts(&self, counts: &[(Sort, usize)]) -> Vec<String> {
        let words = |&(sort, count): &(Sort, usize)| {
            self.paint.colour(colour(sort), &format!("{count} {}", sort.counted()))
        };
        counts.iter().map(words).collect()
    }

    /// The changes by module, those of the stack itself first.
    fn sections(&mut self, review: &Review<'_>, sections: &[Section<'_>], options: &TextOptions) {
        let inner = |section: &Section<'_>| if section.is_root() { 0 } else { 2 };
        let shown: HashSet<usize> =
            sections.iter().flat_map(|section| section.told.iter().map(|told| told.index)).collect();
        let widths = sections.iter().flat_map(|section| {
            let items = section.told.iter().filter_map(|told| review.items.get(told.index));
            items.map(move |item| inner(section) + within(item).chars().count())
        });
        let width = widths.filter(|&width| width <= WIDEST_ADDRESS).max().unwrap_or(0);
        for (place, section) in sections.iter().enumerate() {
            if !section.is_root() {
                if place > 0 {
                    self.line(0, "");
                }
                let name = self.paint.with(Style::new().bold(), &section.name(LIKE));
                let counts = self.counts(&section.counts).join(", ");
                self.line(4, &format!("  {name}  {counts}{}", section.remark()));
            }
            self.inner = inner(section);
            for told in &section.told {
                let Some(item) = review.items.get(told.index) else { continue };
                self.resource(item, width.saturating_sub(self.inner));
                if item.shows_details() || options.details {
                    match item
                        .same_as
                        .filter(|first| shown.contains(first))
                        .map(|first| review.items.get(first))
                    {
                        // A single line is shown again: it is no longer than a reference to the first.
                        Some(Some(first)) if item.details.len() > 1 => {
                            self.line(6, &format!("      the same as {}", first.address));
                        }
                        _ => self.attributes(item, review.drift),
                    }
                }
                let like = review.like_words(told, LIKE);
                if !like.is_empty() {
                    self.line(6, &format!("    {like}"));
                }
            }
            self.inner = 0;
        }
    }

    /// The longest value; values are cut only on a terminal.
    fn longest(&self) -> usize {
        self.width.map_or(usize::MAX, |width| width.saturating_sub(12 + self.inner).max(MIN_VALUE))
    }

    /// Lists the affected resources by risk.
    fn banner(&mut self, review: &Review<'_>) {
        for label in RiskLabel::ALL {
            let items: Vec<&Item<'_>> = review.at_risk(label).collect();
            if !items.is_empty() {
                let label = self.paint.with(style(label), &format!("⚠ {}", label.words()));
                self.line(4, &format!("{label}: {}", named(&items, NAMES)));
            }
        }
    }

    fn resource(&mut self, item: &Item<'_>, width: usize) {
        let paint = &self.paint;
        let mut words = item.words.to_owned();
        if !item.why.is_empty() {
            let _ = write!(words, "  {}", item.why);
        }
        let risks: Vec<String> =
            item.risks.iter().map(|risk| paint.with(style(risk.label), &risk_text(risk))).collect();
        if let Some(worst) = item.risks.first() {
            let _ = write!(words, "  {} {}", paint.with(style(worst.label), "⚠"), risks.join(", "));
        }
        if item.id.is_some() {
            let _ = write!(words, "  {}", paint.with(DIM, &item.id_words()));
        }
        let address = within(item);
        let padding = " ".repeat(width.saturating_sub(address.chars().count()));
        let sign = paint.colour(colour(item.sort), item.sort.sign());
        let address = paint.with(Style::new().bold(), &address);
        self.line(6, &format!("  {sign} {address}{padding}  {words}"));
        if !item.kept.is_empty() {
            self.line(8, &format!("      {}", item.kept));
        }
        if !item.dependents.addresses.is_empty() && !item.risks.is_empty() {
            let needed = self.paint.with(DIM, &item.dependents.words(5));
            self.line(8, &format!("      {needed}"));
        }
    }

    fn attributes(&mut self, item: &Item<'_>, drift: bool) {
        let creating = item.sort == Sort::Create;
        let width = item
            .details
            .iter()
            .filter(|one| one.part.is_empty() && one.lines.is_empty())
            .map(|one| one.attribute.chars().count())
            .filter(|&width| width <= WIDEST_ATTRIBUTE)
            .max()
            .unwrap_or(0);
        let mut heading = "";
        for one in &item.details {
            let notes =
                noted(one, drift).into_iter().map(|(tone, note)| self.paint.with(tone_style(tone), &note));
            let notes = notes.collect::<Vec<_>>().join(", ");
            let notes = if notes.is_empty() { notes } else { format!("  {notes}") };
            let values = values(one, creating, &self.paint, self.longest());
            let attribute = visible(&one.attribute);
            if one.part.is_empty() {
                let padding = " ".repeat(width.saturating_sub(attribute.chars().count()));
                let start = 6 + width.max(attribute.chars().count()) + 2;
                self.line(start, &format!("      {attribute}{padding}  {values}{notes}"));
            } else {
                // The attribute is written once, with its parts below it.
                if heading != one.attribute {
                    self.line(8, &format!("      {attribute}"));
                    heading = &one.attribute;
                }
                let sign = self.paint.sign(one.sign);
                let values = if values.is_empty() { values } else { format!("  {values}") };
                self.line(12, &format!("        {sign} {}{values}{notes}", visible(&one.part)));
            }
            for one in &one.lines {
                let shown = match one.sign {
                    Some(Sign::Added) => {
                        self.paint.colour(AnsiColor::Green, &format!("+ {}", visible(&one.text)))
                    }
                    Some(Sign::Removed) => {
                        self.paint.colour(AnsiColor::Red, &format!("- {}", visible(&one.text)))
                    }
                    _ => format!("  {}", visible(&one.text)),
                };
                self.line(14, &format!("          {shown}"));
            }
        }
    }
}

struct Paint(bool);

impl Paint {
    fn with(&self, style: Style, text: &str) -> String {
        if self.0 { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    fn colour(&self, colour: AnsiColor, text: &str) -> String {
        self.with(Style::new().fg_color(Some(colour.into())), text)
    }

    fn sign(&self, sign: Sign) -> String {
        match sign {
            Sign::Added => self.colour(AnsiColor::Green, "+"),
            Sign::Removed => self.colour(AnsiColor::Red, "-"),
            Sign::Changed => self.colour(AnsiColor::Yellow, "~"),
        }
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

/// Risks of harm are red; cost alone is not.
fn style(label: RiskLabel) -> Style {
    match label {
        RiskLabel::Cost => Style::new().bold(),
        _ => RED.bold(),
    }
}

fn tone_style(tone: Tone) -> Style {
    match tone {
        Tone::Danger => RED,
        Tone::Drift => Style::new().fg_color(Some(AnsiColor::Yellow.into())),
        Tone::Plain => DIM,
    }
}

fn values(detail: &Detail, creating: bool, paint: &Paint, longest: usize) -> String {
    let values = ValueText::of(detail, creating).shortened(longest);
    match &values {
        ValueText::Added(_) => paint.colour(AnsiColor::Green, &values.line()),
        ValueText::Removed(_) => paint.colour(AnsiColor::Red, &values.line()),
        _ => values.line(),
    }
}

/// `41 calls in 0.38 s (s3 18, glue 6, iam 3) · 0 throttled`: the services that fit on one line of
/// the terminal.
pub fn call_counts_line(call_counts: &CallCounts, time: Duration, width: Option<usize>) -> String {
    let services: Vec<String> = call_counts
        .by_service()
        .into_iter()
        .map(|(service, count)| format!("{} {count}", short_service(&service)))
        .collect();
    let line = |shown: usize| {
        let (shown, rest) = services.split_at(shown);
        let mut named = shown.join(", ");
        if !rest.is_empty() {
            let comma = if shown.is_empty() { "" } else { ", " };
            let _ = write!(named, "{comma}… {} more", rest.len());
        }
        let (calls, seconds) = (counted(call_counts.total(), "call"), time.as_secs_f64());
        format!("{calls} in {seconds:.2} s ({named}) · {} throttled", call_counts.throttled)
    };
    let fits = |line: &String| width.is_none_or(|width| line.chars().count() <= width);
    (0..=services.len()).rev().map(line).find(fits).unwrap_or_else(|| line(0))
}

/// Shortens the SDK's name of a service to the common one: `CloudWatch Logs` stays, `SFN` becomes
/// Step Functions.
fn short_service(service: &str) -> String {
    match service {
        "SFN" => "step functions".to_owned(),
        other => other.to_lowercase(),
    }
}

/// A difference as one line: `attribute: before → after`.
pub fn change_text(change: &AttributeChange) -> String {
    let detail = plain(change);
    let what = if detail.part.is_empty() {
        values(&detail, false, &Paint(false), LONGEST_VALUE)
    } else {
        visible(&detail.part)
    };
    format!("{}: {what}", detail.attribute)
}
