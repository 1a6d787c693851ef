//! `timeout` of a resource: how long its creation, its update and its deletion may take.

use std::time::Duration;

use super::model::{EvalContext, Timeout};
use super::resolve::Names;
use crate::diag::{Diagnostic, nearest};
use crate::elsewhere;
use crate::kinds;
use crate::stack::{Content, Entry, Node, Resource};
use crate::value::Value;

const STEPS: [&str; 3] = ["create", "update", "delete"];
/// The longest limit, a week: longer than any operation of AWS.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3_600);

impl EvalContext<'_> {
    /// The time limits of an instance; what is wrong is added to the problems.
    pub(super) fn timeout(
        &self,
        resource: &Resource,
        names: &Names<'_, '_>,
        problems: &mut Vec<Diagnostic>,
    ) -> Option<Timeout> {
        let Some(node) = &resource.timeout else { return Some(Timeout::default()) };
        let Content::Table(entries) = &node.content else {
            problems.push(no_table(resource, node));
            return None;
        };
        let (mut timeout, found) = (Timeout::default(), problems.len());
        for entry in entries {
            let limit = match entry.name.as_str() {
                "create" => &mut timeout.create,
                "update" => &mut timeout.update,
                "delete" => &mut timeout.delete,
                _ => {
                    problems.push(unknown(entry));
                    continue;
                }
            };
            let take = |value: Value| match value.reveal() {
                Value::Null => Ok(None),
                Value::String(text) => Ok(Some(text)),
                other => Err(other),
            };
            let expected = "a string such as \"40m\"";
            let name = format!("timeout.{}", entry.name);
            let Some(Some(text)) = self.decided(&name, expected, &entry.value, names, problems, take) else {
                continue;
            };
            match duration(&text) {
                Ok(duration) => *limit = Some(duration),
                Err(why) => problems.push(wrong(&text, why, &entry.value)),
            }
        }
        (problems.len() == found).then_some(timeout)
    }
}

/// The error for a `timeout` that is no table: often it is an attribute of the kind that is meant.
fn no_table(resource: &Resource, node: &Node) -> Diagnostic {
    let expected = "{ create = \"40m\", update = \"40m\", delete = \"1h\" }";
    let near = kinds::kind(&resource.kind).map(|kind| elsewhere::attributes_like(kind, "", "timeout"));
    match near.filter(|near| !near.is_empty()) {
        Some(near) => {
            let message = format!("{} has no attribute `timeout`", resource.kind);
            Diagnostic::error("unknown-attribute", message)
                .at(node.span, elsewhere::did_you_mean(&near))
                .help(format!("the `timeout` of a resource says how long its steps may take: {expected}"))
        }
        None => Diagnostic::error("wrong-type", "`timeout` must be a table")
            .at(node.span, format!("expected {expected}")),
    }
}

fn unknown(entry: &Entry) -> Diagnostic {
    let error = Diagnostic::error("unknown-attribute", format!("`timeout` has no `{}`", entry.name));
    let meant = match entry.name.as_str() {
        "destroy" => Some("delete"),
        name => nearest(name, STEPS),
    };
    match meant {
        Some(near) => error.at(entry.span, format!("did you mean `{near}`?")),
        None => error.at(entry.span, "known: create, update, delete"),
    }
}

fn wrong(text: &str, why: &str, node: &Node) -> Diagnostic {
    Diagnostic::error("invalid-value", format!("`{text}` is not a time limit: {why}"))
        .at(node.span, "expected a duration")
        .help("write hours, minutes and seconds, such as \"40m\" or \"1h30m\"; without it, the limit is that of the kind")
}

/// Parses a duration as Terraform writes it: `40m`, `1h30m`, `1.5h`.
fn duration(text: &str) -> Result<Duration, &'static str> {
    if text.starts_with('-') {
        return Err("it is below zero");
    }
    let (mut rest, mut seconds) = (text, 0.0_f64);
    if rest.is_empty() {
        return Err("it is empty");
    }
    while !rest.is_empty() {
        let end = rest.find(|one: char| !one.is_ascii_digit() && one != '.').ok_or("it has no unit")?;
        let (number, after) = rest.split_at(end);
        let number: f64 = number.parse().map_err(|_| "a number is missing")?;
        let end = after.find(|one: char| one.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        seconds += number
            * match unit {
                "h" => 3_600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 0.001,
                "d" => return Err("there is no unit `d`: a day is 24h"),
                _ => return Err("a unit is h, m or s"),
            };
        rest = after;
    }
    let duration = Duration::try_from_secs_f64(seconds).map_err(|_| "it is too long")?;
    match duration {
        Duration::ZERO => Err("it leaves no time"),
        long if long > LONGEST => Err("it is longer than a week, 168h"),
        fine => Ok(fine),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_are_terraforms() {
        for (text, seconds) in [
            ("40m", 2_400),
            ("1h30m", 5_400),
            ("90s", 90),
            ("1.5h", 5_400),
            ("2h0m5s", 7_205),
            ("168h", 604_800),
        ] {
            assert_eq!(duration(text).map(|one| one.as_secs()), Ok(seconds), "{text}");
        }
        for wrong in [
            "",
            "0s",
            "0h0m",
            "forever",
            "1d",
            "-5m",
            "40",
            "m",
            "4 m",
            "1h-2m",
            "169h",
            "1e9h",
            "99999999999999999999h",
            "1.2.3s",
            "5M",
            "h5",
        ] {
            assert!(duration(wrong).is_err(), "`{wrong}`");
        }
    }
}
