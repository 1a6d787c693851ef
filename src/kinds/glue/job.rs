//! `glue_job`.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_glue::types::{
    self, CodeGenConfigurationNode, ConnectionsList, ExecutionClass, JobUpdate, WorkerType,
};

use super::job_check::check;
use super::shared;
use crate::kind::prelude::*;

/// An AWS Glue job: a script that runs on Spark, Spark streaming, Ray, or in a Python shell.
// Arguments may hold secrets, so there is no `Debug`.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// Name of the job, unique in the account and region.
    #[schemars(extend("x-dwctl" = [REPLACE]), length(min = 1, max = 255))]
    pub name: String,
    /// What the job does.
    #[schemars(length(max = 2048))]
    pub description: Option<String>,
    /// Role that the job runs as: its ARN, or its path and name.
    #[schemars(extend("x-dwctl-spelling" = "role"))]
    #[schemars(extend("x-dwctl-names" = "role or name"))]
    pub role: String,
    /// What the job runs.
    pub command: Command,
    /// Version of Glue, such as `"5.0"`: the versions of Spark, Python and Scala; `auto` has AWS upgrade the
    /// job. Absent: AWS's newest when the job is created.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT]), length(min = 1, max = 255), regex(pattern = r"^((\w+\.)+\w+|auto)$"))]
    pub glue_version: Option<String>,
    /// Size of a worker: `G.025X` (streaming only), `G.1X` to `G.16X`, memory-rich `R.1X`
    /// to `R.8X`, or `Z.2X` for Ray. Needs `number_of_workers`; excludes `max_capacity`.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT]))]
    #[schemars(extend("x-dwctl-risk" = ["cost when changed: different workers, {before} → {after}"]))]
    pub worker_type: Option<String>,
    /// Workers of a run; with auto scaling, their maximum. Needs `worker_type`.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT]), range(min = 0))]
    #[schemars(extend("x-dwctl-risk" = ["cost when more: {before} → {after} workers"]))]
    pub number_of_workers: Option<i32>,
    /// Data processing units of a run: 0.0625 or 1 for a Python shell job; 2 to 100 for
    /// Spark with Glue 1.0 and older. Everything else has workers.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT]))]
    #[schemars(extend("x-dwctl-risk" = ["cost when more: {before} → {after} DPU"]))]
    pub max_capacity: Option<f64>,
    /// How often a failed run is retried.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub max_retries: i32,
    /// Minutes after which a run is stopped, at most 7 days. Absent: AWS's choice when the job is created:
    /// 480 for Glue 5.0 and newer, 2880 for older, none for streaming.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT]), range(min = 1, max = 10080))]
    pub timeout_minutes: Option<i32>,
    /// Arguments of every run, such as `"--job-bookmark-option"`; a run may give others.
    /// AWS shows and may log them: keep secrets in Secrets Manager.
    #[serde(default)]
    pub default_arguments: BTreeMap<String, String>,
    /// Arguments that no run can change.
    #[serde(default)]
    pub non_overridable_arguments: BTreeMap<String, String>,
    /// Names of Glue connections that a run uses: databases, and the VPC to run in.
    #[serde(default)]
    #[schemars(length(max = 1000), inner(length(max = 255)))]
    pub connections: Vec<String>,
    /// How many runs there may be at the same time.
    #[serde(default)]
    pub execution_property: ExecutionProperty,
    /// Have runs wait in a queue when the account's limits are reached, instead of failing.
    #[serde(default)]
    pub job_run_queuing_enabled: bool,
    /// Name of a Glue security configuration: encryption of output, logs and bookmarks.
    #[schemars(length(min = 1, max = 255))]
    #[schemars(extend("x-dwctl-risk" = ["protection when gone: logs and results are no longer encrypted"]))]
    pub security_configuration: Option<String>,
    /// When to notify that a run takes long.
    pub notification_property: Option<NotificationProperty>,
    /// `STANDARD`, or `FLEX`: spare capacity, cheaper, without a promised start. `FLEX`
    /// is for Spark jobs with Glue 3.0 and newer.
    #[serde(default = "execution_class")]
    #[schemars(extend("enum" = ["STANDARD", "FLEX"]))]
    pub execution_class: String,
    /// Reserved by AWS for future use.
    pub log_uri: Option<String>,
    /// Day and hour (UTC), such as `Sun:02`, in which AWS may restart a streaming job.
    #[schemars(regex(pattern = r"^(Sun|Mon|Tue|Wed|Thu|Fri|Sat):([01]?[0-9]|2[0-3])$"))]
    pub maintenance_window: Option<String>,
    /// How Glue Studio edits the job.
    #[serde(default = "job_mode")]
    #[schemars(extend("enum" = ["SCRIPT", "VISUAL", "NOTEBOOK"]))]
    pub job_mode: String,
    /// Repository that Glue Studio keeps the job in.
    pub source_control_details: Option<SourceControlDetails>,
}

/// What a job runs.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Command {
    /// `glueetl` for Spark, `gluestreaming` for Spark streaming, `pythonshell`, or `glueray`.
    #[serde(default = "command_name")]
    pub name: String,
    /// The script, as an `s3://` URL.
    #[schemars(length(max = 400_000))]
    pub script_location: String,
    /// Version of Python: `"3"`, or `"3.9"` for a Python shell job.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT]), regex(pattern = r"^([2-3]|3[.]9)$"))]
    pub python_version: Option<String>,
    /// Versions of a Ray job's environment, such as `Ray2.4`.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT]), length(max = 64))]
    pub runtime: Option<String>,
}

/// How many runs of a job there may be.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExecutionProperty {
    /// Maximum number of concurrent runs; one more fails to start.
    #[serde(default = "max_concurrent_runs")]
    #[schemars(range(min = 1))]
    pub max_concurrent_runs: i32,
}

/// When to notify that a run takes long.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NotificationProperty {
    /// Minutes after a run's start until EventBridge is notified that it is late.
    #[schemars(range(min = 1))]
    pub notify_delay_after_minutes: i32,
}

/// The repository that Glue Studio keeps a job in.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SourceControlDetails {
    /// `GITHUB`, `GITLAB`, `BITBUCKET` or `AWS_CODE_COMMIT`.
    pub provider: Option<String>,
    /// Name of the repository.
    #[schemars(length(min = 1, max = 512))]
    pub repository: Option<String>,
    /// Owner of the repository.
    #[schemars(length(min = 1, max = 512))]
    pub owner: Option<String>,
    /// Branch of the repository.
    #[schemars(length(min = 1, max = 512))]
    pub branch: Option<String>,
    /// Folder in the repository.
    #[schemars(length(min = 1, max = 512))]
    pub folder: Option<String>,
    /// Last commit of the job. Absent: as Glue Studio last synchronized it.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT]), length(min = 1, max = 512))]
    pub last_commit_id: Option<String>,
    /// Where the token is: `PERSONAL_ACCESS_TOKEN` for `auth_token`, or `AWS_SECRETS_MANAGER`.
    #[schemars(extend("enum" = ["PERSONAL_ACCESS_TOKEN", "AWS_SECRETS_MANAGER"]))]
    pub auth_strategy: Option<String>,
    /// The token, or the name or ARN of the secret that holds it. Never read back.
    #[schemars(extend("x-dwctl" = [WRITE_ONLY]))]
    pub auth_token: Option<Secret>,
}

impl Default for ExecutionProperty {
    fn default() -> Self {
        Self { max_concurrent_runs: max_concurrent_runs() }
    }
}

defaults! {
    max_concurrent_runs: i32 = 1;
    execution_class: String = "STANDARD";
    job_mode: String = "SCRIPT";
    command_name: String = "glueetl";
}

/// The attributes of a job that AWS decides.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Attrs {
    /// ARN of the job.
    pub arn: String,
}

/// The kind `glue_job`.
pub struct GlueJob;

/// Builds the definition of a job, for both `CreateJob` and `JobUpdate`.
macro_rules! define {
    ($builder:expr, $want:expr, $capacity:expr, $nodes:expr) => {
        set!($builder, $want =>
            description, role, command, glue_version, max_retries, timeout_minutes as timeout, execution_property,
            job_run_queuing_enabled, security_configuration, notification_property, log_uri,
            maintenance_window, job_mode, source_control_details; default_arguments, non_overridable_arguments
        )
        .set_worker_type($capacity.worker_type.map(WorkerType::from))
        .set_number_of_workers($capacity.number_of_workers)
        .set_max_capacity($capacity.max_capacity)
        .connections(ConnectionsList::builder().set_connections(Some($want.connections.clone())).build())
        // Left out, it is `STANDARD`, which some types of job do not accept explicitly.
        .set_execution_class(
            ($want.execution_class != execution_class())
                .then(|| ExecutionClass::from($want.execution_class.as_str())),
        )
        .set_code_gen_configuration_nodes($nodes)
    };
}

impl Kind for GlueJob {
    const CFN: Option<&'static str> = Some("AWS::Glue::Job");
    const TERRAFORM: Terraform = Terraform::of(
        "aws_glue_job",
        &[
            ("role", "role_arn"),
            ("timeout_minutes", "timeout"),
            ("notification_property.notify_delay_after_minutes", "notify_delay_after"),
        ],
    );
    const ALSO_CALLED: &'static [(&'static str, &'static str)] = &[
        ("", "etl"),
        ("timeout_minutes", "Timeout"),
        ("command.script_location", "script"),
        ("command.name", "type"),
        ("number_of_workers", "workers"),
        ("max_capacity", "AllocatedCapacity"),
    ];
    const ACTIONS: Actions = Actions {
        read: &["glue:BatchGetJobs", "glue:GetTags"],
        create: &["glue:CreateJob", "glue:TagResource", "iam:PassRole"],
        update: &["glue:UpdateJob", "glue:GetJob", "glue:TagResource", "glue:UntagResource", "iam:PassRole"],
        delete: &["glue:DeleteJob"],
    };
    const BATCHES_READS: bool = true;
    // `CreateJob` is idempotent by name: it succeeds if the same job exists
    // (<https://docs.aws.amazon.com/glue/latest/webapi/API_CreateJob.html#API_CreateJob_Errors>).
    const ON_EXISTING: OnExisting = OnExisting::Returns;
    const LINKS: &'static [Link] = &[Link::to("role", "iam_role")];
    const TAGS_APART: bool = true;
    const ID: Option<&'static str> = Some("name");

    type Spec = Spec;
    type Attrs = Attrs;

    fn predict(spec: Known<'_>, scope: &Scope) -> Predicted {
        Predicted::of("arn", spec.text("name").map(|name| shared::arn(scope, "job", name)))
    }

    fn check(spec: Known<'_>) -> Vec<Problem> {
        check(spec)
    }

    async fn read_many(cx: &Cx, lookups: &[Lookup<'_>]) -> Reads<Self> {
        let found = shared::in_batches(lookups, shared::BATCH, |names| async move {
            let answer = cx.aws.glue().batch_get_jobs().set_job_names(Some(names)).send().await?;
            let jobs = answer.jobs.unwrap_or_default().into_iter();
            Ok(jobs.filter_map(|found| Some((found.name.clone()?, found))).collect::<HashMap<_, _>>())
        })
        .await;
        let arn = |name: &str| shared::arn(&cx.scope, "job", name);
        shared::with_tags(cx, lookups, found, arn, |lookup, found, tags| {
            let live = Live::ready(to_spec(lookup, &found)?, Attrs { arn: arn(lookup.id) }, tags);
            Ok(live.with_incarnation(found.created_on()))
        })
        .await
    }

    async fn create(cx: &Cx, want: &Spec, new: &NewResource<'_>) -> Result<Created<Self>> {
        let request = cx.aws.glue().create_job().name(&want.name).set_tags(sdk_tags(new.tags)?);
        define!(request, want, Capacity::of_new(want), None).send().await.map_err(shared::name_taken)?;
        Ok(want.name.clone().into())
    }

    async fn update(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
        // "The previous job definition is completely overwritten"
        // (https://docs.aws.amazon.com/glue/latest/webapi/API_UpdateJob.html), so all of it is sent. The
        // graph of a visual job, which only Glue Studio edits, is kept.
        let nodes = if want.job_mode == "VISUAL" { visual_graph(cx, id).await? } else { None };
        let update = define!(JobUpdate::builder(), want, Capacity::of_changed(live, want), nodes).build();
        cx.aws.glue().update_job().job_name(id).job_update(update).send().await?;
        Ok(())
    }

    async fn delete(cx: &Cx, id: &str, _: &Spec) -> Result<Deletion> {
        cx.aws.glue().delete_job().job_name(id).send().await.or_gone().map(Deletion::of)
    }

    async fn tag(cx: &Cx, _: &str, attrs: &Attrs, set: &Tags, remove: &[String]) -> Result<()> {
        shared::tag(cx, &attrs.arn, set, remove).await
    }
}

/// The graph from which Glue Studio draws a visual job.
async fn visual_graph(cx: &Cx, id: &str) -> Result<Option<HashMap<String, CodeGenConfigurationNode>>> {
    let answer = cx.aws.glue().get_job().job_name(id).send().await?;
    Ok(answer.job.and_then(|job| job.code_gen_configuration_nodes).filter(|nodes| !nodes.is_empty()))
}

/// The capacity of a run: either workers or data processing units.
#[derive(Debug, PartialEq)]
struct Capacity<'a> {
    worker_type: Option<&'a str>,
    number_of_workers: Option<i32>,
    max_capacity: Option<f64>,
}

impl<'a> Capacity<'a> {
    fn workers(want: &'a Spec) -> Self {
        Self {
            worker_type: want.worker_type.as_deref(),
            number_of_workers: want.number_of_workers,
            max_capacity: None,
        }
    }

    fn units(want: &Spec) -> Self {
        Self { worker_type: None, number_of_workers: None, max_capacity: want.max_capacity }
    }

    fn of_new(want: &'a Spec) -> Self {
        if want.max_capacity.is_some() { Self::units(want) } else { Self::workers(want) }
    }

    /// If the stack switches from one to the other, `want` holds both: the declared one, which differs from
    /// `live`, and the other, unchanged.
    fn of_changed(live: &Spec, want: &'a Spec) -> Self {
        let has_workers = want.worker_type.is_some() || want.number_of_workers.is_some();
        if has_workers && (want.max_capacity == live.max_capacity || want.max_capacity.is_none()) {
            Self::workers(want)
        } else {
            Self::units(want)
        }
    }
}

fn to_spec(lookup: &Lookup<'_>, job: &types::Job) -> Result<Spec> {
    Ok(read!(job => Spec {
        name: lookup.id.to_owned(), description, role,
        command: job.command().map(Table::of).transpose()?.unwrap_or_else(no_command),
        // With `auto`, the current version does not matter. Only such jobs have this metadata.
        glue_version: match job.auto_upgrade_metadata() {
            Some(_) => Some("auto".to_owned()),
            None => text(job.glue_version()),
        },
        worker_type, number_of_workers,
        // For a job with workers, AWS returns their total, which is no setting of its own.
        max_capacity: job.max_capacity().filter(|_| job.worker_type().is_none()),
        max_retries,
        // AWS may return 0 for a streaming job without a timeout.
        timeout_minutes as timeout if is_positive, default_arguments, non_overridable_arguments,
        connections: job.connections().map(|list| list.connections().to_vec()).unwrap_or_default(),
        execution_property, job_run_queuing_enabled, security_configuration,
        notification_property if is_delayed,
        execution_class or execution_class, log_uri, maintenance_window, job_mode or job_mode,
        source_control_details if is_controlled,
    }))
}

fn no_command() -> Command {
    Command { name: command_name(), script_location: String::new(), python_version: None, runtime: None }
}

/// AWS returns an empty table for a job without source control.
fn is_controlled(details: &SourceControlDetails) -> bool {
    details.provider.is_some() || details.repository.is_some() || details.auth_strategy.is_some()
}

fn is_delayed(notification: &NotificationProperty) -> bool {
    notification.notify_delay_after_minutes > 0
}

table! {
    Command = types::JobCommand { name or command_name, script_location, python_version, runtime }
    NotificationProperty = types::NotificationProperty { notify_delay_after_minutes as notify_delay_after }
}

impl Own for ExecutionProperty {}

impl Table<types::ExecutionProperty> for ExecutionProperty {
    fn of(property: &types::ExecutionProperty) -> Result<Self> {
        Ok(Self { max_concurrent_runs: property.max_concurrent_runs().max(1) })
    }

    fn to_sdk(&self) -> Result<types::ExecutionProperty> {
        Ok(set!(types::ExecutionProperty::builder(), self => max_concurrent_runs).build())
    }
}

impl Own for SourceControlDetails {}

impl Table<types::SourceControlDetails> for SourceControlDetails {
    fn of(details: &types::SourceControlDetails) -> Result<Self> {
        Ok(read!(details => Self {
            provider, repository, owner, branch, folder, last_commit_id, auth_strategy, auth_token: None
        }))
    }

    fn to_sdk(&self) -> Result<types::SourceControlDetails> {
        Ok(set!(types::SourceControlDetails::builder(), self =>
            provider, repository, owner, branch, folder, last_commit_id, auth_strategy, auth_token
        )
        .build())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Capacity, GlueJob, Spec};
    use crate::kind::{Kind, Known};
    use crate::value::Value;

    fn broken(mut spec: serde_json::Value) -> Vec<String> {
        spec["command"]["script_location"] = json!("s3://scripts/orders.py");
        let problems = GlueJob::check(Known(&Value::from_json(&spec)));
        problems.into_iter().map(|problem| problem.path).collect()
    }

    #[test]
    fn capacity_fits_command_and_version() {
        let none: [&str; 0] = [];
        assert_eq!(broken(json!({ "worker_type": "G.1X", "number_of_workers": 2 })), none);
        assert_eq!(broken(json!({ "worker_type": "G.1X" })), ["worker_type"]);
        assert_eq!(
            broken(json!({ "worker_type": "G.1X", "number_of_workers": 2, "max_capacity": 2 })),
            ["max_capacity"]
        );
        assert_eq!(broken(json!({ "command": { "name": "pythonshell" }, "max_capacity": 0.0625 })), none);
        assert_eq!(
            broken(json!({ "command": { "name": "pythonshell" }, "max_capacity": 2 })),
            ["max_capacity"]
        );
        assert_eq!(broken(json!({ "max_capacity": 2, "glue_version": "1.0" })), none);
        assert_eq!(broken(json!({ "max_capacity": 2.5, "glue_version": "1.0" })), ["max_capacity"]);
        assert_eq!(broken(json!({ "max_capacity": 2, "glue_version": "4.0" })), ["max_capacity"]);
        assert_eq!(broken(json!({ "max_capacity": 2 })), ["max_capacity"]);
        let old = json!({ "worker_type": "R.2X", "number_of_workers": 2, "glue_version": "3.0" });
        assert_eq!(broken(old), ["worker_type"]);
        let ray = json!({ "command": { "name": "glueray" }, "worker_type": "G.1X", "number_of_workers": 2 });
        assert_eq!(broken(ray), ["worker_type"]);
    }

    #[test]
    fn one_kind_of_capacity_is_sent() -> Result<(), serde_json::Error> {
        let spec = |extra: &serde_json::Value| -> Result<Spec, _> {
            let mut spec = json!({ "name": "n", "role": "r", "command": { "script_location": "s3://b/k" } });
            for (name, value) in extra.as_object().into_iter().flatten() {
                spec[name] = value.clone();
            }
            serde_json::from_value(spec)
        };
        let workers = json!({ "worker_type": "G.1X", "number_of_workers": 2 });
        let units = json!({ "max_capacity": 10.0 });
        let both = json!({ "worker_type": "G.1X", "number_of_workers": 2, "max_capacity": 10.0 });
        // Switching to units: the workers equal what AWS has. Switching to workers: the units do.
        let (by_workers, by_units, both) = (spec(&workers)?, spec(&units)?, spec(&both)?);
        assert_eq!(Capacity::of_changed(&by_workers, &both).max_capacity, Some(10.0));
        assert_eq!(Capacity::of_changed(&by_units, &both).worker_type, Some("G.1X"));
        assert_eq!(Capacity::of_changed(&by_workers, &by_workers).worker_type, Some("G.1X"));
        assert_eq!(Capacity::of_changed(&by_units, &by_units).max_capacity, Some(10.0));
        Ok(())
    }
}
