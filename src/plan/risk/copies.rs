//! Objects that a bucket's replication rules copied and no longer copy
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication.html>).

use super::filter::{Filter, Text};
use super::seen::{is_open, seen};
use crate::plan::{Risk, RiskLabel};
use crate::value::Value;

/// The rules that no longer copy everything they copied, by name. Rules for which `is_secret` holds
/// are only named.
pub(super) fn risks(
    before: Option<&Value>,
    after: Option<&Value>,
    is_secret: &dyn Fn(&str) -> bool,
) -> Vec<(Option<String>, Risk)> {
    let (Some(old), Some(after)) = (rules(before), after) else { return Vec::new() };
    let new = rules(Some(after));
    let gone = old.iter().filter(|old| {
        let new = new.as_deref().unwrap_or_default();
        !new.iter().any(|new| new.target == old.target && new.filter.covers(&old.filter))
    });
    gone.map(|old| {
        let target = old.target.map_or_else(String::new, |target| format!(" to {}", Text(target)));
        let words = match old.id.filter(|rule| is_secret(rule)) {
            Some(_) => "objects are no longer copied: (secret)".to_owned(),
            None => format!("objects{} are no longer copied{target}", old.filter.words()),
        };
        (old.id.map(str::to_owned), Risk { label: RiskLabel::Protection, words })
    })
    .collect()
}

/// An enabled rule.
struct Rule<'v> {
    id: Option<&'v str>,
    filter: Filter<'v>,
    target: Option<&'v Value>,
}

/// Returns `None` if the rules are not known.
fn rules(value: Option<&Value>) -> Option<Vec<Rule<'_>>> {
    let rules = match value.map(seen) {
        None | Some(Value::Null) => return Some(Vec::new()),
        Some(value) if is_open(value) => return None,
        Some(value) => value.as_list()?,
    };
    let text = |rule: &'_ Value, name: &str| {
        seen(rule).get(name).map(seen).and_then(Value::as_str).map(str::to_owned)
    };
    let in_force = rules.iter().filter(|rule| text(rule, "status").as_deref() != Some("Disabled"));
    let rule = |rule| {
        let rule = seen(rule);
        Rule {
            id: rule.get("id").map(seen).and_then(Value::as_str),
            filter: Filter::of(rule.get("filter")),
            target: rule.get("destination").map(seen).and_then(|one| one.get("bucket")).map(seen),
        }
    };
    Some(in_force.map(rule).collect())
}
