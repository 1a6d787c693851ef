//! Redshift's workload management by queue
//! (<https://docs.aws.amazon.com/redshift/latest/mgmt/workload-mgmt-config.html>).

use super::json::{self, matched};
use super::{Part, Sign};
use crate::value::Value;

/// What differs, by queue.
pub(super) fn queues((before, after): (&Value, &Value)) -> Vec<Part> {
    let (Value::List(before), Value::List(after)) = (before, after) else {
        return json::parts("", before, after);
    };
    let by =
        |member: &'static str| move |queue: &Value| queue.get(member).filter(|one| telling(one)).cloned();
    let (name, query_group, user_group) = (by("name"), by("query_group"), by("user_group"));
    // The last queue takes what no other does, and short queries have an entry of their own.
    let short = |queue: &Value| queue.get("short_query_queue").map(|_| Value::Bool(true));
    let mut parts = Vec::new();
    let mut order = Vec::new();
    for (old, new) in matched(before, after, &[&name, &query_group, &user_group, &short]) {
        match (old, new) {
            (Some((from, old)), Some((to, new))) => {
                order.push(from);
                parts.extend(json::parts(&title(new, to), old, new));
            }
            (None, Some((place, queue))) => parts.push(Part::new(Sign::Added, title(queue, place))),
            (Some((place, queue)), None) => parts.push(Part::new(Sign::Removed, title(queue, place))),
            (None, None) => {}
        }
    }
    if !order.is_sorted() {
        parts.push(Part::new(Sign::Changed, "order of the queues").note("the first that fits takes a query"));
    }
    parts
}

fn telling(value: &Value) -> bool {
    !matches!(value, Value::Null) && !matches!(value, Value::List(list) if list.is_empty())
}

fn title(queue: &Value, place: usize) -> String {
    match (queue.get("name"), queue.get("short_query_queue")) {
        (Some(name), _) => format!("queue {}", super::value_text(name)),
        (None, Some(_)) => "short queries".to_owned(),
        (None, None) => format!("queue {}", place + 1),
    }
}
