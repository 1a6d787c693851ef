//! Helpers shared by the kinds of AWS Glue: ARNs, tags, batch reads, roles.

use std::collections::{BTreeSet, HashMap};

use futures_util::StreamExt;
use futures_util::stream;

use crate::kind::prelude::*;

/// Maximum number of names per BatchGet call. Only `BatchGetCrawlers` (100) and `BatchGetWorkflows` (25)
/// document a limit; the other calls use the smaller one
/// (<https://docs.aws.amazon.com/glue/latest/webapi/API_BatchGetWorkflows.html>).
pub(super) const BATCH: usize = 25;

/// Maximum number of concurrent tag reads.
const TAG_READS: usize = 10;

/// The ARN of a named resource of Glue, such as `job/orders`
/// (<https://docs.aws.amazon.com/glue/latest/dg/glue-specifying-resource-arns.html>).
pub(super) fn arn(scope: &Scope, thing: &str, name: &str) -> String {
    scope.arn("glue", format_args!("{thing}/{name}"))
}

tagging!(glue(resource_arn): tag_resource.set_tags_to_add, untag_resource.set_tags_to_remove, get_tags.tags);

/// Reads lookups with `batch`, `size` names per call. Returns the results by name.
pub(super) async fn in_batches<T, B, F>(
    lookups: &[Lookup<'_>],
    size: usize,
    batch: B,
) -> Vec<Result<Option<T>>>
where
    T: Clone,
    B: Fn(Vec<String>) -> F,
    F: Future<Output = Result<HashMap<String, T>>>,
{
    let batch = &batch;
    let chunks = lookups.chunks(size).map(|chunk| async move {
        let names: BTreeSet<&str> = chunk.iter().map(|lookup| lookup.id).collect();
        let found = batch(names.into_iter().map(str::to_owned).collect()).await;
        chunk
            .iter()
            .map(|lookup| match &found {
                Ok(found) => Ok(found.get(lookup.id).cloned()),
                Err(error) => Err(error.clone()),
            })
            .collect::<Vec<_>>()
    });
    stream::iter(chunks).buffered(4).collect::<Vec<_>>().await.concat()
}

/// Adds tags to the resources found: Glue's batch reads leave them out, and
/// `GetTags` accepts one ARN (<https://docs.aws.amazon.com/glue/latest/webapi/API_GetTags.html>).
pub(super) async fn with_tags<K: Kind, T>(
    cx: &Cx,
    lookups: &[Lookup<'_>],
    found: Vec<Result<Option<T>>>,
    arn: impl Fn(&str) -> String,
    live: impl Fn(&Lookup<'_>, T, Tags) -> Result<Live<K>>,
) -> Reads<K> {
    let (arn, live) = (&arn, &live);
    let reads = lookups.iter().zip(found).map(|(lookup, found)| async move {
        let Some(thing) = found? else { return Ok(None) };
        let Some(tags) = tags(cx, lookup, &arn(lookup.id)).await? else { return Ok(None) };
        live(lookup, thing, tags).map(Some)
    });
    stream::iter(reads).buffered(TAG_READS).collect().await
}

/// Interprets the error of a failed create. If the name is the only identifier in a call, the error that two
/// different records share an identifier means that the name is taken
/// (<https://docs.aws.amazon.com/glue/latest/webapi/API_CreateJob.html#API_CreateJob_Errors>).
pub(super) fn name_taken(error: impl Into<Error>) -> Error {
    let error = error.into();
    if error.has_code(&["IdempotentParameterMismatchException"]) {
        Error { class: Class::Exists, ..error }
    } else {
        error
    }
}

/// Checks a schedule: Glue only accepts `cron(…)`
/// (<https://docs.aws.amazon.com/glue/latest/dg/monitor-data-warehouse-schedule.html>).
pub(super) fn check_cron(path: &str, schedule: &str) -> Option<Problem> {
    if schedule.starts_with("rate(") {
        let problem = Problem::new(path, "Glue takes a schedule as `cron(…)`, not as `rate(…)`");
        return Some(problem.help("such as `cron(0 2 * * ? *)`, in UTC"));
    }
    if let Err(message) = check_schedule(schedule) {
        return Some(Problem::new(path, message));
    }
    if let Some(why) = never_comes(schedule) {
        return Some(Problem::warning(path, format!("the schedule never runs: {why}")));
    }
    least_minutes(schedule).filter(|minutes| *minutes < 5).map(|minutes| {
        let times = if minutes == 1 { "minute".to_owned() } else { counted(minutes, "minute") };
        Problem::new(path, format!("Glue starts nothing more often than every 5 minutes, not every {times}"))
            .help("such as `cron(0/5 * * * ? *)`")
    })
}
