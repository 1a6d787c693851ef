//! `glue_job`.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_glue::types::{
    CodeGenConfigurationNode, ConnectionsList, ExecutionClass, ExecutionProperty as AwsExecutionProperty,
    Job as AwsJob, JobCommand, JobMode, JobUpdate, NotificationProperty as AwsNotificationProperty,
    SourceControlAuthStrategy, SourceControlDetails as AwsSourceControlDetails, SourceControlProvider,
    WorkerType,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::job_check::check;
use super::shared;
use crate::aws::{Cx, Result, ResultExt, Scope, Tags};
use crate::kind::mark::{AWS_DEFAULT, REPLACE, WRITE_ONLY};
use crate::kind::{
    Actions, Foreseen, Identity, Kind, Known, Link, Live, Lookup, NewResource, Problem, Reads, Secret,
    Terraform,
};

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
    /// Version of Glue, such as `"5.0"`: the versions of Spark, Python and Scala; `auto`
    /// has AWS upgrade the job. Absent: AWS's newest when the job is made.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT]), length(min = 1, max = 255), regex(pattern = r"^((\w+\.)+\w+|auto)$"))]
    pub glue_version: Option<String>,
    /// Size of a worker: `G.025X` (streaming only), `G.1X` to `G.16X`, memory-rich `R.1X`
    /// to `R.8X`, or `Z.2X` for Ray. Needs `number_of_workers`; excludes `max_capacity`.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT]))]
    #[schemars(extend("x-dwctl-risk" = ["cost when changed: different workers, {before} → {after}"]))]
    pub worker_type: Option<String>,
    /// Workers of a run; with auto scaling, the most. Needs `worker_type`.
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
    /// Minutes after which a run is stopped, at most 7 days. Absent: AWS's choice when the
    /// job is made: 480 for Glue 5.0 and newer, 2880 for older, none for streaming.
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
    /// When to tell that a run takes long.
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
    /// Most runs at the same time; one more fails to start.
    #[serde(default = "max_concurrent_runs")]
    #[schemars(range(min = 1))]
    pub max_concurrent_runs: i32,
}

/// When to tell that a run takes long.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NotificationProperty {
    /// Minutes after a run's start until EventBridge is told that it is late.
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

fn max_concurrent_runs() -> i32 {
    1
}

fn execution_class() -> String {
    "STANDARD".to_owned()
}

fn job_mode() -> String {
    "SCRIPT".to_owned()
}

fn command_name() -> String {
    "glueetl".to_owned()
}

/// What AWS decides about a job.
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
        $builder
            .set_description($want.description.clone())
            .role(&$want.role)
            .command(command(&$want.command))
            .set_glue_version($want.glue_version.clone())
            .set_worker_type($capacity.worker_type.map(WorkerType::from))
            .set_number_of_workers($capacity.number_of_workers)
            .set_max_capacity($capacity.max_capacity)
            .max_retries($want.max_retries)
            .set_timeout($want.timeout_minutes)
            .set_default_arguments(Some(shared::hash_map(&$want.default_arguments)))
            .set_non_overridable_arguments(Some(shared::hash_map(&$want.non_overridable_arguments)))
            .connections(ConnectionsList::builder().set_connections(Some($want.connections.clone())).build())
            .execution_property(
                AwsExecutionProperty::builder()
                    .max_concurrent_runs($want.execution_property.max_concurrent_runs)
                    .build(),
            )
            .job_run_queuing_enabled($want.job_run_queuing_enabled)
            .set_security_configuration($want.security_configuration.clone())
            .set_notification_property($want.notification_property.as_ref().map(|notification| {
                AwsNotificationProperty::builder()
                    .notify_delay_after(notification.notify_delay_after_minutes)
                    .build()
            }))
            // Left out, it is `STANDARD`, which some types of job do not accept explicitly.
            .set_execution_class(
                ($want.execution_class != execution_class())
                    .then(|| ExecutionClass::from($want.execution_class.as_str())),
            )
            .set_log_uri($want.log_uri.clone())
            .set_maintenance_window($want.maintenance_window.clone())
            .job_mode(JobMode::from($want.job_mode.as_str()))
            .set_source_control_details($want.source_control_details.as_ref().map(source_control))
            .set_code_gen_configuration_nodes($nodes)
    };
}

impl Kind for GlueJob {
    const NAME: &'static str = "glue_job";
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
    const EXAMPLE: &'static str = include_str!("../../../examples/kinds/glue_job.toml");
    const ACTIONS: Actions = Actions {
        read: &["glue:BatchGetJobs", "glue:GetTags"],
        create: &["glue:CreateJob", "glue:TagResource", "iam:PassRole"],
        update: &["glue:UpdateJob", "glue:GetJob", "glue:TagResource", "glue:UntagResource", "iam:PassRole"],
        delete: &["glue:DeleteJob"],
    };
    const TAGGABLE: bool = true;
    // `CreateJob` is idempotent by name: it succeeds if the same job exists
    // (<https://docs.aws.amazon.com/glue/latest/webapi/API_CreateJob.html#API_CreateJob_Errors>).
    const CREATE_OVERWRITES: bool = true;
    const LINKS: &'static [Link] = &[Link::to("role", "iam_role")];
    const TAGS_APART: bool = true;

    type Spec = Spec;
    type Attrs = Attrs;

    fn identity(spec: Known<'_>, _: &Scope) -> Identity {
        Identity::named(spec.text("name"))
    }

    fn foresee(spec: Known<'_>, scope: &Scope) -> Foreseen {
        match spec.text("name") {
            Some(name) => Foreseen::default().with("arn", shared::arn(scope, "job", name)),
            None => Foreseen::default(),
        }
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
            let live = Live::ready(to_spec(lookup, &found), Attrs { arn: arn(lookup.id) }, tags);
            Ok(live.with_incarnation(found.created_on()))
        })
        .await
    }

    async fn create(cx: &Cx, want: &Spec, new: &NewResource<'_>) -> Result<String> {
        let request = cx.aws.glue().create_job().name(&want.name).set_tags(Some(shared::tags_map(new.tags)));
        define!(request, want, Capacity::of_new(want), None).send().await.map_err(shared::name_taken)?;
        Ok(want.name.clone())
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

    async fn delete(cx: &Cx, id: &str, _: &Spec) -> Result<()> {
        cx.aws.glue().delete_job().job_name(id).send().await.or_gone()?;
        Ok(())
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

fn to_spec(lookup: &Lookup<'_>, job: &AwsJob) -> Spec {
    let worker_type = job.worker_type().map(|kind| kind.as_str().to_owned());
    Spec {
        name: lookup.id.to_owned(),
        description: shared::text(job.description()),
        role: job.role().unwrap_or_default().to_owned(),
        command: Command {
            name: job.command().and_then(|command| shared::text(command.name())).unwrap_or_else(command_name),
            script_location: job
                .command()
                .and_then(|command| command.script_location())
                .unwrap_or_default()
                .to_owned(),
            python_version: job.command().and_then(|command| shared::text(command.python_version())),
            runtime: job.command().and_then(|command| shared::text(command.runtime())),
        },
        // With `auto`, the current version does not matter. Only such jobs have this metadata.
        glue_version: match job.auto_upgrade_metadata() {
            Some(_) => Some("auto".to_owned()),
            None => shared::text(job.glue_version()),
        },
        number_of_workers: job.number_of_workers(),
        // For a job with workers, AWS returns their total, which is no setting of its own.
        max_capacity: job.max_capacity().filter(|_| worker_type.is_none()),
        worker_type,
        max_retries: job.max_retries(),
        // AWS may return 0 for a streaming job without a timeout.
        timeout_minutes: job.timeout().filter(|minutes| *minutes > 0),
        default_arguments: shared::texts(job.default_arguments()),
        non_overridable_arguments: shared::texts(job.non_overridable_arguments()),
        connections: job.connections().map(|list| list.connections().to_vec()).unwrap_or_default(),
        execution_property: job
            .execution_property()
            .map(|property| ExecutionProperty { max_concurrent_runs: property.max_concurrent_runs().max(1) })
            .unwrap_or_default(),
        job_run_queuing_enabled: job.job_run_queuing_enabled().unwrap_or(false),
        security_configuration: shared::text(job.security_configuration()),
        notification_property: job
            .notification_property()
            .and_then(|property| property.notify_delay_after())
            .map(|minutes| NotificationProperty { notify_delay_after_minutes: minutes }),
        execution_class: job
            .execution_class()
            .map_or_else(execution_class, |class| class.as_str().to_owned()),
        log_uri: shared::text(job.log_uri()),
        maintenance_window: shared::text(job.maintenance_window()),
        job_mode: job.job_mode().map_or_else(job_mode, |mode| mode.as_str().to_owned()),
        source_control_details: job.source_control_details().and_then(to_source_control),
    }
}

fn to_source_control(details: &AwsSourceControlDetails) -> Option<SourceControlDetails> {
    let known = SourceControlDetails {
        provider: details.provider().map(|provider| provider.as_str().to_owned()),
        repository: shared::text(details.repository()),
        owner: shared::text(details.owner()),
        branch: shared::text(details.branch()),
        folder: shared::text(details.folder()),
        last_commit_id: shared::text(details.last_commit_id()),
        auth_strategy: details.auth_strategy().map(|strategy| strategy.as_str().to_owned()),
        auth_token: None,
    };
    (known.provider.is_some() || known.repository.is_some() || known.auth_strategy.is_some()).then_some(known)
}

fn source_control(details: &SourceControlDetails) -> AwsSourceControlDetails {
    AwsSourceControlDetails::builder()
        .set_provider(details.provider.as_deref().map(SourceControlProvider::from))
        .set_repository(details.repository.clone())
        .set_owner(details.owner.clone())
        .set_branch(details.branch.clone())
        .set_folder(details.folder.clone())
        .set_last_commit_id(details.last_commit_id.clone())
        .set_auth_strategy(details.auth_strategy.as_deref().map(SourceControlAuthStrategy::from))
        .set_auth_token(details.auth_token.as_ref().map(|token| token.expose().to_owned()))
        .build()
}

fn command(command: &Command) -> JobCommand {
    JobCommand::builder()
        .name(&command.name)
        .script_location(&command.script_location)
        .set_python_version(command.python_version.clone())
        .set_runtime(command.runtime.clone())
        .build()
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
