//! Dashboards, compared by widget. Their form is documented here:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html

use super::json::{self, matched, without};
use super::{Part, Sign, path_text, value_text};
use crate::value::Value;

const PLACE: [&str; 4] = ["x", "y", "width", "height"];

/// Returns the differences, by widget.
pub(super) fn widgets((before, after): (&Value, &Value)) -> Vec<Part> {
    let list = |body: &'_ Value| body.get("widgets").and_then(Value::as_list).map(<[Value]>::to_vec);
    let (Some(old), Some(new)) = (list(before), list(after)) else { return json::parts("", before, after) };
    let title = |widget: &Value| {
        let title = widget.get("properties")?.get("title")?;
        (title.as_str() != Some("")).then(|| (widget.get("type").cloned(), title.clone()))
    };
    let content = |widget: &Value| Some((widget.get("type").cloned(), widget.get("properties")?.clone()));
    let corner = |widget: &Value| {
        let place = Value::list([widget.get("x")?.clone(), widget.get("y")?.clone()]);
        Some((widget.get("type").cloned(), place))
    };
    let mut parts = Vec::new();
    let mut order = Vec::new();
    for (old, new) in matched(&old, &new, &[&title, &content, &corner]) {
        match (old, new) {
            (Some((from, old)), Some((to, new))) => {
                order.push(from);
                changed(&mut parts, &name(new, to), old, new);
            }
            (None, Some((place, widget))) => parts.push(Part::new(Sign::Added, name(widget, place))),
            (Some((place, widget)), None) => parts.push(Part::new(Sign::Removed, name(widget, place))),
            (None, None) => {}
        }
    }
    parts.extend(json::parts("", &without(before, &["widgets"]), &without(after, &["widgets"])));
    // Widgets are drawn by position, not by order. So a new order is shown only if nothing else
    // differs.
    if parts.is_empty() && !order.is_sorted() {
        parts.push(Part::new(Sign::Changed, "order of the widgets"));
    }
    parts
}

fn name(widget: &Value, place: usize) -> String {
    let properties = widget.get("properties");
    let title = properties.and_then(|one| one.get("title")).filter(|title| title.as_str() != Some(""));
    let kind = widget.get("type").and_then(Value::as_str).unwrap_or_default();
    match title {
        Some(title) => format!("widget {}", value_text(title)),
        None => format!("{kind} widget {}", place + 1).trim().to_owned(),
    }
}

fn changed(parts: &mut Vec<Part>, name: &str, old: &Value, new: &Value) {
    let numbers = |widget: &Value, members: [&str; 2], between: &str| {
        members.map(|member| widget.get(member).map_or_else(|| "auto".to_owned(), value_text)).join(between)
    };
    for (what, members, between) in [("moved", ["x", "y"], ", "), ("size", ["width", "height"], " × ")] {
        let (from, to) = (numbers(old, members, between), numbers(new, members, between));
        if from != to {
            parts.push(Part::new(Sign::Changed, format!("{name}: {what} from {from} to {to}")));
        }
    }
    let metrics = |widget: &Value| widget.get("properties").and_then(|one| one.get("metrics")).cloned();
    let (had, has) = (metrics(old), metrics(new));
    let mut apart = false;
    if let (Some(Value::List(had)), Some(Value::List(has))) = (&had, &has) {
        // `"."` repeats the value in the line above. If such lines move, their positions say more.
        let repeats = |list: &[Value]| {
            list.iter()
                .any(|one| one.as_list().is_some_and(|one| one.iter().any(|one| one.as_str() == Some("."))))
        };
        let goes: Vec<&Value> = had.iter().filter(|one| !has.contains(one)).collect();
        let comes: Vec<&Value> = has.iter().filter(|one| !had.contains(one)).collect();
        let differ = !goes.is_empty() || !comes.is_empty();
        if differ && !repeats(had) && !repeats(has) {
            apart = true;
            parts.extend(
                goes.into_iter()
                    .map(|one| Part::new(Sign::Removed, format!("{name}: metric {}", metric(one)))),
            );
            parts.extend(
                comes
                    .into_iter()
                    .map(|one| Part::new(Sign::Added, format!("{name}: metric {}", metric(one)))),
            );
        }
    }
    for (path, before, after) in json::differences(&without(old, &PLACE), &without(new, &PLACE)) {
        let text = path_text(&path);
        if apart && text.starts_with("properties.metrics[") {
            continue;
        }
        let text = text.strip_prefix("properties.").unwrap_or(&text);
        parts.push(Part::between(json::join(name, text), before, after));
    }
}

/// Describes a metric: `AWS/Glue glue.driver.aggregate.elapsedTime JobName orders`.
fn metric(value: &Value) -> String {
    match value {
        Value::List(list) => list
            .iter()
            .map(|one| if let Value::String(_) = one { super::list_text(one) } else { value_text(one) })
            .collect::<Vec<_>>()
            .join(" "),
        other => value_text(other),
    }
}
