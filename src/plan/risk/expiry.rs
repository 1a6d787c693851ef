//! What the lifecycle rules of a bucket delete that they did not delete before
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html>).
//!
//! Rules are compared by what they delete, whatever they are called and in whatever order they
//! stand: what a new rule deletes is no news where an old one deletes all of that, as soon.
//! Delete markers that hide nothing and unfinished uploads are no data.

use super::filter::{Filter, Text};
use super::judge::{is_open, number, seen};
use crate::diag::counted;
use crate::plan::detail::value_text;
use crate::plan::{Risk, RiskLabel};
use crate::value::Value;

/// The rules that delete more than before, or sooner, by name.
/// Of the rules that `is_secret` names nothing else is told.
pub(super) fn risks(
    before: Option<&Value>,
    after: Option<&Value>,
    is_secret: &dyn Fn(&str) -> bool,
) -> Vec<(Option<String>, Risk)> {
    let loss = |words: String| Risk { label: RiskLabel::DataLoss, words };
    let old = rules(before).unwrap_or_default();
    let Some(new) = rules(after) else {
        return vec![(None, loss("objects may expire: the rules are known in the apply only".to_owned()))];
    };
    new.iter()
        .filter(|new| !old.iter().any(|old| old.covers(new)))
        .map(|new| {
            // What the rule said before of the same.
            let former = old.iter().find(|old| old.rule == new.rule && old.of == new.of);
            let words = match new.rule.filter(|rule| is_secret(rule)) {
                Some(_) => "a rule deletes more, or sooner: (secret)".to_owned(),
                None => new.words(former),
            };
            (new.rule.map(str::to_owned), loss(words))
        })
        .collect()
}

/// What a list of rules deletes; `None` where the rules are not known.
fn rules(value: Option<&Value>) -> Option<Vec<Deletion<'_>>> {
    match value.map(seen) {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::List(rules)) => Some(rules.iter().flat_map(deletions).collect()),
        Some(_) => None,
    }
}

/// What is deleted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Current,
    Noncurrent,
}

/// When it is deleted.
#[derive(Clone, Copy)]
enum Time<'v> {
    /// Days after it was made or became noncurrent.
    After(&'v Value),
    /// On a day.
    On(&'v Value),
    /// Not known.
    Unknown,
}

/// One thing that a rule deletes.
struct Deletion<'v> {
    rule: Option<&'v str>,
    of: Of,
    time: Time<'v>,
    /// Newest noncurrent versions that stay nevertheless.
    kept: Option<&'v Value>,
    filter: Filter<'v>,
}

/// What a rule deletes while it is in force.
fn deletions(rule: &Value) -> Vec<Deletion<'_>> {
    let rule = seen(rule);
    let member = |value: &Value, name: &str| seen(value).get(name).is_some_and(|one| !seen(one).is_null());
    let status = rule.get("status").map(seen).and_then(Value::as_str);
    if status == Some("Disabled") {
        return Vec::new();
    }
    let id = rule.get("id").map(seen).and_then(Value::as_str);
    let filter = Filter::of(rule.get("filter"));
    let deletion = |of, time, kept| Deletion { rule: id, of, time, kept, filter: filter.clone() };
    let mut found = Vec::new();
    if is_open(rule) {
        found.extend([Of::Current, Of::Noncurrent].map(|of| deletion(of, Time::Unknown, None)));
    }
    if let Some(expiration) = rule.get("expiration").filter(|one| !one.is_null()) {
        let time = |name: &str| seen(expiration).get(name).filter(|one| !one.is_null());
        match (time("days"), time("date")) {
            (Some(days), _) => found.push(deletion(Of::Current, Time::After(days), None)),
            (None, Some(date)) => found.push(deletion(Of::Current, Time::On(date), None)),
            (None, None) if is_open(expiration) => found.push(deletion(Of::Current, Time::Unknown, None)),
            // Delete markers alone.
            (None, None) => {}
        }
    }
    if let Some(expiration) = rule.get("noncurrent_version_expiration").filter(|one| !one.is_null()) {
        let days = seen(expiration).get("noncurrent_days");
        let kept = seen(expiration)
            .get("newer_noncurrent_versions")
            .filter(|_| member(expiration, "newer_noncurrent_versions"));
        found.push(deletion(Of::Noncurrent, days.map_or(Time::Unknown, Time::After), kept));
    }
    found
}

impl Deletion<'_> {
    /// Whether it deletes all that the other does, as soon.
    fn covers(&self, other: &Self) -> bool {
        self.of == other.of
            && self.is_as_soon(other)
            && self.keeps_no_more(other)
            && self.filter.covers(&other.filter)
    }

    fn is_as_soon(&self, other: &Self) -> bool {
        /// The least that AWS allows.
        const LEAST_DAYS: f64 = 1.0;
        match (self.time, other.time) {
            // On paper the same reference is the same time.
            (Time::After(old) | Time::On(old), Time::After(new) | Time::On(new))
                if seen(old) == seen(new) =>
            {
                true
            }
            (Time::After(old), Time::After(new)) => match (number(old), number(new)) {
                (Some(old), Some(new)) => old <= new,
                (Some(old), None) => old <= LEAST_DAYS,
                _ => false,
            },
            (Time::On(old), Time::On(new)) => match (seen(old).as_str(), seen(new).as_str()) {
                (Some(old), Some(new)) => !is_open(&Value::from(new)) && old <= new,
                _ => false,
            },
            (Time::After(old), Time::Unknown) => {
                self.of == Of::Noncurrent && number(old).is_some_and(|old| old <= LEAST_DAYS)
            }
            _ => false,
        }
    }

    fn keeps_no_more(&self, other: &Self) -> bool {
        match (self.kept, other.kept) {
            (None, _) => true,
            (Some(old), Some(new)) if seen(old) == seen(new) => true,
            (Some(old), Some(new)) => number(old).zip(number(new)).is_some_and(|(old, new)| old <= new),
            (Some(_), None) => false,
        }
    }

    /// `rule "raw" deletes objects under "raw/" after 30 days instead of 90 days`.
    fn words(&self, former: Option<&Self>) -> String {
        let rule = self.rule.map_or_else(|| "a rule".to_owned(), |rule| format!("rule {:?}", rule));
        let what = match self.of {
            Of::Current => "objects",
            Of::Noncurrent => "noncurrent versions",
        };
        let mut words = format!("{rule} deletes {what}{} {}", self.filter.words(), self.time_words());
        let was = former.map(|former| (former.filter.words(), former.time_words()));
        match was {
            Some((filter, time)) if filter == self.filter.words() && time != self.time_words() => {
                words.push_str(&format!(" instead of {time}"));
            }
            Some((filter, _)) if filter != self.filter.words() => {
                let filter = filter.trim_start();
                let filter = if filter.is_empty() { "all of them" } else { filter };
                words.push_str(&format!(", before only those {filter}"));
            }
            _ => {}
        }
        words
    }

    fn time_words(&self) -> String {
        let shown = |value: &Value| if is_open(value) { "?".to_owned() } else { value_text(value) };
        let mut words = match self.time {
            Time::After(days) => format!("after {}", counted(shown(days), "day")),
            Time::On(date) => format!("on {}", Text(date)),
            Time::Unknown => "after ? days".to_owned(),
        };
        if let Some(kept) = self.kept {
            words.push_str(&format!(", all but the newest {}", shown(kept)));
        }
        words
    }
}
