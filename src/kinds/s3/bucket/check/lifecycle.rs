//! Checks the actions of lifecycle rules, their times and their order. See
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html>

use crate::kind::prelude::*;

/// Storage classes in the order in which objects can move through them.
const WATERFALL: [&str; 6] =
    ["STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"];

/// Minimum days in `STANDARD_IA` and `ONEZONE_IA`, and before a move there.
const MIN_DAYS: i64 = 30;

const ACTIONS: [&str; 5] = [
    "expiration",
    "transitions",
    "noncurrent_version_expiration",
    "noncurrent_version_transitions",
    "abort_incomplete_multipart_upload",
];

/// One transition of a rule.
struct Move<'a> {
    class: &'a str,
    days: i64,
    path: String,
}

pub(super) fn check_rule(rule: Known<'_>, path: &str, problems: &mut Vec<Problem>) {
    if !ACTIONS.iter().any(|action| rule.may_be_set(action)) {
        problems.push(
            Problem::new(path, "the rule does nothing").help("add one of `expiration`, `transitions`, …"),
        );
    }
    check_filter(rule, path, problems);
    check_days(rule, path, ["transitions", "days"], ["expiration", "days"], problems);
    check_days(
        rule,
        path,
        ["noncurrent_version_transitions", "noncurrent_days"],
        ["noncurrent_version_expiration", "noncurrent_days"],
        problems,
    );
    check_dates(rule, path, problems);
}

fn check_filter(rule: Known<'_>, path: &str, problems: &mut Vec<Problem>) {
    let by_tags = rule.is_set("filter.tags");
    let by_size =
        rule.is_set("filter.object_size_greater_than") || rule.is_set("filter.object_size_less_than");
    if rule.is_set("abort_incomplete_multipart_upload") && (by_tags || by_size) {
        problems.push(
            Problem::new(
                format!("{path}.abort_incomplete_multipart_upload"),
                "unfinished uploads have neither tags nor a size to select them by",
            )
            .help("put it in its own rule"),
        );
    }
    if rule.is_set("expiration.expired_object_delete_marker") && by_tags {
        problems.push(
            Problem::new(
                format!("{path}.expiration.expired_object_delete_marker"),
                "delete markers have no tags to select them by",
            )
            .help("put it in its own rule"),
        );
    }
    if let (Some(more), Some(less)) =
        (rule.integer("filter.object_size_greater_than"), rule.integer("filter.object_size_less_than"))
        && more >= less
    {
        problems.push(Problem::new(format!("{path}.filter"), "no object can have such a size"));
    }
}

/// Checks that each transition comes after those before it, and the expiration after all of them.
fn check_days(
    rule: Known<'_>,
    path: &str,
    [transitions, days]: [&str; 2],
    [expiration, end]: [&str; 2],
    problems: &mut Vec<Problem>,
) {
    let mut moves = Vec::new();
    for (index, transition) in rule.list(transitions).iter().enumerate() {
        let transition = Known(transition);
        if let (Some(class), Some(when)) = (transition.text("storage_class"), transition.integer(days)) {
            moves.push(Move { class, days: when, path: format!("{path}.{transitions}.{index}.{days}") });
        }
    }
    for one in
        moves.iter().filter(|one| matches!(one.class, "STANDARD_IA" | "ONEZONE_IA") && one.days < MIN_DAYS)
    {
        problems.push(
            Problem::new(
                &*one.path,
                format!(
                    "objects move to {} after {MIN_DAYS} days at the earliest, not {}",
                    one.class, one.days
                ),
            )
            .help(format!("set `{days}` to {MIN_DAYS} or more")),
        );
    }
    let rank = |class: &str| WATERFALL.iter().position(|one| *one == class);
    for later in &moves {
        for earlier in moves.iter().filter(|one| rank(one.class) < rank(later.class)) {
            let stay = if matches!(earlier.class, "STANDARD_IA" | "ONEZONE_IA") { MIN_DAYS } else { 1 };
            if later.days < earlier.days + stay {
                let why = if stay == 1 {
                    format!("objects cannot come back from {} to {}", later.class, earlier.class)
                } else {
                    format!("objects stay in {} for at least {MIN_DAYS} days", earlier.class)
                };
                problems.push(
                    Problem::new(
                        &*later.path,
                        format!(
                            "{why}, so they move to {} after {} at the earliest",
                            later.class,
                            counted(earlier.days + stay, "day")
                        ),
                    )
                    .help(format!("raise `{days}`, or lower that of {}", earlier.class)),
                );
                break;
            }
        }
    }
    let at = format!("{expiration}.{end}");
    if let (Some(last), Some(end)) = (moves.iter().max_by_key(|one| one.days), rule.integer(&at))
        && end <= last.days
    {
        problems.push(
            Problem::new(
                format!("{path}.{at}"),
                format!(
                    "objects would expire after {}, before they move to {} after {}",
                    counted(end, "day"),
                    last.class,
                    last.days
                ),
            )
            .help(format!("expire them after {} or more", counted(last.days + 1, "day"))),
        );
    }
}

/// S3 accepts either days or dates in one rule.
fn check_dates(rule: Known<'_>, path: &str, problems: &mut Vec<Problem>) {
    let moves = rule.list("transitions").iter().map(|one| (Known(one), "transitions"));
    let uses = |name: &str| {
        rule.is_set(&format!("expiration.{name}")) || moves.clone().any(|(one, _)| one.is_set(name))
    };
    // A single action with both is reported separately.
    let doubled = |one: Known<'_>| one.is_set("days") && one.is_set("date");
    if rule.get("expiration").is_some_and(|one| doubled(Known(one)))
        || moves.clone().any(|(one, _)| doubled(one))
    {
        return;
    }
    if uses("days") && uses("date") {
        problems.push(
            Problem::new(
                if rule.is_set("expiration.date") {
                    format!("{path}.expiration.date")
                } else {
                    format!("{path}.transitions")
                },
                "a rule counts by days or by dates, not by both",
            )
            .help("split it into two rules"),
        );
    }
}
