//! Objects that a bucket's lifecycle rules delete and did not delete before
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html>).
//!
//! Rules are compared by what they delete, regardless of their names and order. A new rule is no
//! risk if an old one deletes the same objects at least as soon. Delete markers that hide nothing
//! and unfinished uploads are not data.

use super::filter::{Filter, Text};
use super::seen::{is_open, number, seen};
use crate::diag::counted;
use crate::plan::detail::value_text;
use crate::plan::{Risk, RiskLabel};
use crate::value::Value;

/// The rules that delete more than before, or sooner, by name. Rules for which `is_secret` holds
/// are only named.
pub(super) fn risks(
    before: Option<&Value>,
    after: Option<&Value>,
    is_secret: &dyn Fn(&str) -> bool,
) -> Vec<(Option<String>, Risk)> {
    let loss = |words: String| Risk { label: RiskLabel::DataLoss, words };
    let old = rules(before).unwrap_or_default();
    let Some(new) = rules(after) else {
        return vec![(
            None,
            loss("objects may expire: the rules are known only during the apply".to_owned()),
        )];
    };
    new.iter()
        .filter(|new| !old.iter().any(|old| old.covers(new)))
        .map(|new| {
            // The same rule's earlier deletion of the same objects.
            let former = old.iter().find(|old| old.rule == new.rule && old.of == new.of);
            let words = match new.rule.filter(|rule| is_secret(rule)) {
                Some(_) => "a rule deletes more, or sooner: (secret)".to_owned(),
                None => new.words(former),
            };
            (new.rule.map(str::to_owned), loss(words))
        })
        .collect()
}

/// The deletions of a list of rules; `None` if the rules are not known.
fn rules(value: Option<&Value>) -> Option<Vec<Deletion<'_>>> {
    match value.map(seen) {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::List(rules)) => Some(rules.iter().flat_map(deletions).collect()),
        Some(_) => None,
    }
}

/// The objects that are deleted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Current,
    Noncurrent,
}

/// The time of a deletion.
#[derive(Clone, Copy)]
enum Time<'v> {
    /// A number of days after an object was created or became noncurrent.
    After(&'v Value),
    /// On a date.
    On(&'v Value),
    /// An unknown time.
    Unknown,
}

/// A deletion by a rule.
struct Deletion<'v> {
    rule: Option<&'v str>,
    of: Of,
    time: Time<'v>,
    /// The number of newest noncurrent versions that are kept.
    kept: Option<&'v Value>,
    filter: Filter<'v>,
}

/// The deletions of a rule while it is enabled.
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
            // The rule only deletes delete markers.
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
    /// Returns whether it deletes everything that the other one does, at least as soon.
    fn covers(&self, other: &Self) -> bool {
        self.of == other.of
            && self.is_no_later_than(other)
            && self.keeps_no_more(other)
            && self.filter.covers(&other.filter)
    }

    fn is_no_later_than(&self, other: &Self) -> bool {
        /// The minimum that AWS allows.
        const MIN_DAYS: f64 = 1.0;
        match (self.time, other.time) {
            // In a comparison without AWS, equal references mean equal times.
            (Time::After(old) | Time::On(old), Time::After(new) | Time::On(new))
                if seen(old) == seen(new) =>
            {
                true
            }
            (Time::After(old), Time::After(new)) => match (number(old), number(new)) {
                (Some(old), Some(new)) => old <= new,
                (Some(old), None) => old <= MIN_DAYS,
                _ => false,
            },
            (Time::On(old), Time::On(new)) => match (seen(old).as_str(), seen(new).as_str()) {
                (Some(old), Some(new)) => !is_open(&Value::from(new)) && old <= new,
                _ => false,
            },
            (Time::After(old), Time::Unknown) => {
                self.of == Of::Noncurrent && number(old).is_some_and(|old| old <= MIN_DAYS)
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

    /// Describes the deletion: `rule "raw" deletes objects under "raw/" after 30 days instead of 90
    /// days`.
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
                words.push_str(&format!(", previously only those {filter}"));
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
