//! Shows a table or list by its parts, if it is too long for one line.

use similar::{ChangeTag, TextDiff};

use super::{Line, Sign, path_text, value_text};
use crate::schema::PathStep;
use crate::value::Value;

/// The longest value on one line.
const ONE_LINE: usize = 72;

/// The lines of a value that is added, removed or changed as a whole; `None` if one line is enough.
pub(super) fn lines(before: Option<&Value>, after: Option<&Value>) -> Option<Vec<Line>> {
    let is_long = |value: &Value| {
        matches!(value, Value::Map(_) | Value::List(_) | Value::Set(_))
            && value_text(value).chars().count() > ONE_LINE
    };
    let all = |value: &Value, sign| flat(value).into_iter().map(|text| Line { sign, text }).collect();
    match (before, after) {
        (None, Some(value)) if is_long(value) => Some(all(value, Some(Sign::Added))),
        (Some(value), None) if is_long(value) => Some(all(value, Some(Sign::Removed))),
        (Some(before), Some(after)) if is_long(before) || is_long(after) => {
            let (left, right) = (flat(before), flat(after));
            let (left, right): (Vec<&str>, Vec<&str>) =
                (left.iter().map(String::as_str).collect(), right.iter().map(String::as_str).collect());
            let difference = TextDiff::from_slices(&left, &right);
            let changes = difference.iter_all_changes();
            let lines: Vec<Line> = changes
                .filter_map(|change| {
                    let sign = match change.tag() {
                        ChangeTag::Equal => return None,
                        ChangeTag::Insert => Sign::Added,
                        ChangeTag::Delete => Sign::Removed,
                    };
                    Some(Line { sign: Some(sign), text: change.value().to_owned() })
                })
                .collect();
            // There are no lines if only secrets differ.
            Some(lines).filter(|lines| !lines.is_empty())
        }
        _ => None,
    }
}

/// Writes each part that fits on a line as one: `transitions[0].storage_class = "GLACIER"`.
fn flat(value: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    walk(value, &mut Vec::new(), &mut lines);
    lines
}

fn walk(value: &Value, path: &mut Vec<PathStep>, lines: &mut Vec<String>) {
    let text = value_text(value);
    let below = |step: PathStep, one: &Value, path: &mut Vec<PathStep>, lines: &mut Vec<String>| {
        path.push(step);
        walk(one, path, lines);
        path.pop();
    };
    match value {
        Value::Map(map) if path.is_empty() || text.chars().count() > ONE_LINE => {
            map.iter().for_each(|(name, one)| below(PathStep::Name(name.clone()), one, path, lines));
        }
        Value::List(list) | Value::Set(list) if path.is_empty() || text.chars().count() > ONE_LINE => {
            list.iter().enumerate().for_each(|(place, one)| below(PathStep::Index(place), one, path, lines));
        }
        _ => lines.push(format!("{} = {text}", path_text(path))),
    }
}

#[cfg(test)]
mod tests {
    use super::lines;
    use crate::plan::Sign;
    use crate::value::Value;

    fn rule(days: i64) -> Value {
        let move_to = |days: i64, class: &str| {
            Value::map([("days", Value::from(days)), ("storage_class", Value::from(class))])
        };
        Value::map([
            ("id", Value::from("archive")),
            (
                "transitions",
                Value::List(vec![move_to(days, "STANDARD_IA"), move_to(90, "GLACIER_INSTANT_RETRIEVAL")]),
            ),
        ])
    }

    #[test]
    fn a_long_table_is_compared_by_its_parts() {
        let lines_of_rule = lines(None, Some(&rule(30))).expect("lines");
        assert!(lines_of_rule.iter().all(|line| line.sign == Some(Sign::Added)));
        let texts: Vec<&str> = lines_of_rule.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "id = \"archive\"",
                "transitions[0] = { days = 30, storage_class = \"STANDARD_IA\" }",
                "transitions[1] = { days = 90, storage_class = \"GLACIER_INSTANT_RETRIEVAL\" }",
            ]
        );
        let texts = lines(Some(&rule(30)), Some(&rule(60))).expect("lines");
        assert_eq!(
            texts.iter().map(|line| line.sign).collect::<Vec<_>>(),
            [Some(Sign::Removed), Some(Sign::Added)]
        );
        assert_eq!(lines(None, Some(&Value::map([("id", "a")]))), None);
        assert_eq!(lines(None, Some(&Value::from("x".repeat(100)))), None);
    }
}
