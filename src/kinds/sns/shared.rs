//! Helpers shared by the kinds of Amazon SNS.

use crate::kind::prelude::*;

tag_type!(aws_sdk_sns::types::Tag);
tagging!(sns(resource_arn): tag_resource.set_tags, untag_resource.set_tag_keys, list_tags_for_resource.tags);

/// How the delay grows from retry to retry.
const BACKOFFS: [&str; 4] = ["linear", "arithmetic", "geometric", "exponential"];

/// The numbers of a healthy retry policy, each with its minimum and maximum
/// (<https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html#creating-delivery-policy>).
const RETRIES: [(&str, i64, i64); 6] = [
    ("minDelayTarget", 1, 3600),
    ("maxDelayTarget", 1, 3600),
    ("numRetries", 0, 100),
    ("numNoDelayRetries", 0, 100),
    ("numMinDelayRetries", 0, 100),
    ("numMaxDelayRetries", 0, 100),
];

/// Checks the healthy retry policy at `path`.
pub fn check_retries(policy: Option<&Value>, path: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let Some(policy) = policy.map(Known) else { return problems };
    for (name, least, most) in RETRIES {
        if let Some(number) = policy.integer(name)
            && !(least..=most).contains(&number)
        {
            problems.push(Problem::new(
                format!("{path}.{name}"),
                format!("`{name}` is from {least} to {most}, not {number}"),
            ));
        }
    }
    if let (Some(least), Some(most)) = (policy.integer("minDelayTarget"), policy.integer("maxDelayTarget"))
        && least > most
    {
        problems.push(Problem::new(
            format!("{path}.minDelayTarget"),
            format!("`minDelayTarget` ({least}) is more than `maxDelayTarget` ({most})"),
        ));
    }
    let phases: i64 = RETRIES.iter().skip(3).filter_map(|(name, _, _)| policy.integer(name)).sum();
    if let Some(all) = policy.integer("numRetries")
        && phases > all
    {
        problems.push(
            Problem::new(
                format!("{path}.numRetries"),
                format!("the phases add up to {phases} retries, but `numRetries` is {all}"),
            )
            .help("raise `numRetries`, or lower those of a phase"),
        );
    }
    if let Some(backoff) = policy.text("backoffFunction")
        && !BACKOFFS.contains(&backoff)
    {
        problems.push(
            Problem::new(format!("{path}.backoffFunction"), format!("there is no back-off `{backoff}`"))
                .help(format!("one of {}", BACKOFFS.join(", "))),
        );
    }
    problems
}
