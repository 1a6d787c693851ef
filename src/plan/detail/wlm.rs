//! Redshift's workload management, compared by queue
//! (<https://docs.aws.amazon.com/redshift/latest/mgmt/workload-mgmt-config.html>).

use super::json::{self, Placed, matched};
use super::{Part, Sign};
use crate::value::Value;

/// A queue before and after, with its positions.
type Pair<'v> = (Option<Placed<'v>>, Option<Placed<'v>>);

/// Returns the differences, by queue.
pub(super) fn queues((before, after): (&Value, &Value)) -> Vec<Part> {
    let (Value::List(before), Value::List(after)) = (before, after) else {
        return json::parts("", before, after);
    };
    let by = |member: &'static str| move |queue: &Value| queue.get(member).filter(|one| is_set(one)).cloned();
    let (name, query_group, user_group) = (by("name"), by("query_group"), by("user_group"));
    // The last queue takes all other queries, and short queries have their own entry.
    let short = |queue: &Value| queue.get("short_query_queue").map(|_| Value::Bool(true));
    let mut parts = Vec::new();
    let mut order = Vec::new();
    let pairs = matched(before, after, &[&name, &query_group, &user_group, &short]);
    for (old, new) in by_place(pairs) {
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
        parts.push(Part::new(Sign::Changed, "order of the queues").note("the first match takes a query"));
    }
    parts
}

/// Pairs the remaining unnamed queues: first those without any identifying member, in order, then
/// those at the same position.
fn by_place(mut pairs: Vec<Pair<'_>>) -> Vec<Pair<'_>> {
    let has = |queue: &Value, member: &str| queue.get(member).is_some_and(is_set);
    let unnamed = |queue: &Value| !has(queue, "name") && queue.get("short_query_queue").is_none();
    let plain = |queue: &Value| unnamed(queue) && !has(queue, "query_group") && !has(queue, "user_group");
    for same_place in [false, true] {
        for at in 0..pairs.len() {
            let Some((None, Some((to, new)))) = pairs.get(at).copied() else { continue };
            let partner = pairs.iter().position(|pair| match pair {
                (Some((from, old)), None) if same_place => *from == to && unnamed(old) && unnamed(new),
                (Some((_, old)), None) => plain(old) && plain(new),
                _ => false,
            });
            if let Some(partner) = partner {
                pairs[at].0 = pairs[partner].0.take();
            }
        }
    }
    pairs
}

fn is_set(value: &Value) -> bool {
    !matches!(value, Value::Null) && !matches!(value, Value::List(list) if list.is_empty())
}

fn title(queue: &Value, place: usize) -> String {
    match (queue.get("name"), queue.get("short_query_queue")) {
        (Some(name), _) => format!("queue {}", super::value_text(name)),
        (None, Some(_)) => "short queries".to_owned(),
        (None, None) => format!("queue {}", place + 1),
    }
}
