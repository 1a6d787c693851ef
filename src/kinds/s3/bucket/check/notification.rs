//! Checks event notifications, and lists with fixed sets of values
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html>).

use aws_sdk_s3::types::{Event, InventoryOptionalField, StorageClass};

use crate::kind::prelude::*;

/// The lists and their destinations.
const DESTINATIONS: [(&str, &str); 3] = [
    ("lambda_function_configurations", "lambda_function_arn"),
    ("queue_configurations", "queue_arn"),
    ("topic_configurations", "topic_arn"),
];

/// The parts of an entry that decide which events it sends.
struct Entry<'a> {
    id: Option<&'a str>,
    events: Vec<(&'a str, String)>,
    /// `None` if unknown.
    prefix: Option<&'a str>,
    suffix: Option<&'a str>,
}

pub(super) fn check(spec: Known<'_>, problems: &mut Vec<Problem>) {
    let mut entries: Vec<Entry<'_>> = Vec::new();
    for (list, target) in DESTINATIONS {
        for (index, entry) in spec.list(&format!("notification.{list}")).iter().enumerate() {
            let path = format!("notification.{list}.{index}");
            let entry = Known(entry);
            if let Some(arn) = entry.text(target) {
                check_destination(arn, &format!("{path}.{target}"), problems);
            }
            let known = |name: &str| if entry.may_be_set(name) { entry.text(name) } else { Some("") };
            let events = entry.list("events").iter().enumerate();
            let events: Vec<(&str, String)> = events
                .filter_map(|(place, event)| Some((event.as_str()?, format!("{path}.events.{place}"))))
                .collect();
            for (event, at) in &events {
                check_event(event, at, problems);
            }
            let one =
                Entry { id: entry.text("id"), events, prefix: known("prefix"), suffix: known("suffix") };
            if let Some((other, event)) =
                entries.iter().find_map(|other| Some((other, overlap(other, &one)?)))
            {
                let other = other.id.map_or_else(|| "another entry".to_owned(), |id| format!("\"{id}\""));
                problems.push(
                    Problem::new(
                        event.1.as_str(),
                        format!("{other} already reports `{}` of the same objects", event.0),
                    )
                    .help(
                        "two entries that share an event need a `prefix` or a `suffix` that no object shares",
                    ),
                );
            }
            entries.push(one);
        }
    }
}

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
fn check_destination(arn: &str, path: &str, problems: &mut Vec<Problem>) {
    if arn.ends_with(".fifo") {
        problems.push(
            Problem::new(path, "S3 does not send events to FIFO queues or FIFO topics")
                .help("use a standard one, or set `event_bridge = true` and forward them with a rule"),
        );
    }
}

fn check_event(event: &str, path: &str, problems: &mut Vec<Problem>) {
    if Event::values().contains(&event) {
        return;
    }
    let help = nearest(event, Event::values().iter().copied())
        .map_or_else(|| "such as `s3:ObjectCreated:*`".to_owned(), |near| format!("did you mean `{near}`?"));
    problems.push(Problem::new(path, format!("S3 has no event `{event}`")).help(help));
}

/// An event of `one` that `other` also sends, if some object matches both.
fn overlap<'e>(other: &Entry<'_>, one: &'e Entry<'_>) -> Option<&'e (&'e str, String)> {
    let (ours, theirs) = (one.prefix?, other.prefix?);
    if !(ours.starts_with(theirs) || theirs.starts_with(ours)) {
        return None;
    }
    let (ours, theirs) = (one.suffix?, other.suffix?);
    if !(ours.ends_with(theirs) || theirs.ends_with(ours)) {
        return None;
    }
    let covers = |wide: &str, narrow: &str| {
        wide == narrow || wide.strip_suffix('*').is_some_and(|stem| narrow.starts_with(stem))
    };
    one.events.iter().find(|(event, _)| {
        other.events.iter().any(|(theirs, _)| covers(event, theirs) || covers(theirs, event))
    })
}

/// Checks the rules for CORS, replication and inventories.
pub(super) fn check_others(spec: Known<'_>, problems: &mut Vec<Problem>) {
    for (index, rule) in spec.list("cors_rules").iter().enumerate() {
        let rule = Known(rule);
        for (list, most) in [("allowed_origins", 1), ("allowed_headers", 1), ("expose_headers", 0)] {
            for (place, text) in rule.list(list).iter().enumerate() {
                if let Value::String(text) = text
                    && text.matches('*').count() > most
                {
                    let path = format!("cors_rules.{index}.{list}.{place}");
                    let message = match most {
                        0 => format!("`{list}` takes no `*`"),
                        _ => format!("`{list}` takes one `*` in an entry"),
                    };
                    problems.push(Problem::new(path, message));
                }
            }
        }
    }
    let mut buckets: Vec<String> = Vec::new();
    for (list, count) in [
        ("replication.rules", spec.list("replication.rules").len()),
        ("inventory", spec.list("inventory").len()),
    ] {
        buckets.extend((0..count).map(|index| format!("{list}.{index}.destination.bucket")));
    }
    for path in buckets {
        let Some(arn) = spec.text(&path) else { continue };
        if !(arn.starts_with("arn:") && arn.contains(":s3:::")) {
            problems.push(
                Problem::new(path, format!("`{arn}` is not the ARN of a bucket"))
                    .help("such as `${s3_bucket.NAME.arn}`"),
            );
        } else if path.starts_with("replication") && arn.rsplit(':').next() == spec.text("bucket") {
            problems
                .push(Problem::new(path, "a bucket is not copied into itself").help("name another bucket"));
        }
    }
    for (index, rule) in spec.list("replication.rules").iter().enumerate() {
        if let Some(class) = Known(rule).text("destination.storage_class") {
            let path = format!("replication.rules.{index}.destination.storage_class");
            check_one_of(class, StorageClass::values(), "storage class", path, problems);
        }
    }
    for (index, list) in spec.list("inventory").iter().enumerate() {
        for (place, field) in Known(list).list("optional_fields").iter().enumerate() {
            if let Some(field) = field.as_str() {
                let path = format!("inventory.{index}.optional_fields.{place}");
                check_one_of(
                    field,
                    InventoryOptionalField::values(),
                    "field of an inventory",
                    path,
                    problems,
                );
            }
        }
    }
}

/// Checks that a text is a value that S3 knows.
fn check_one_of(text: &str, all: &[&'static str], what: &str, path: String, problems: &mut Vec<Problem>) {
    if !all.contains(&text) {
        let help = nearest(text, all.iter().copied())
            .map_or_else(|| format!("one of {}", all.join(", ")), |near| format!("did you mean `{near}`?"));
        problems.push(Problem::new(path, format!("S3 has no {what} `{text}`")).help(help));
    }
}
