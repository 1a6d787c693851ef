//! `glue_workflow`.

use std::collections::{BTreeMap, HashMap};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shared;
use crate::aws::{Cx, Result, ResultExt, Scope, Tags};
use crate::kind::mark::REPLACE;
use crate::kind::{Actions, Foreseen, Identity, Kind, Known, Live, Lookup, NewResource, Reads, Terraform};

/// An AWS Glue workflow: jobs, crawlers and the triggers that chain them, run and
/// watched as one. A trigger joins it by `workflow_name`.
// Run properties may hold secrets, so there is no `Debug`.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// Name of the workflow, unique in the account and region.
    #[schemars(extend("x-dwctl" = [REPLACE]), length(min = 1, max = 255))]
    pub name: String,
    /// What the workflow is for.
    #[schemars(length(max = 120_000))]
    pub description: Option<String>,
    /// Properties that every run starts with and that its jobs can read. AWS may log
    /// them: keep secrets in Secrets Manager.
    #[serde(default)]
    pub default_run_properties: BTreeMap<String, String>,
    /// Most runs at the same time. Absent: no limit.
    #[schemars(range(min = 1))]
    pub max_concurrent_runs: Option<i32>,
}

/// What AWS decides about a workflow.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Attrs {
    /// ARN of the workflow.
    pub arn: String,
}

/// The kind `glue_workflow`.
pub struct GlueWorkflow;

impl Kind for GlueWorkflow {
    const NAME: &'static str = "glue_workflow";
    const CFN: Option<&'static str> = Some("AWS::Glue::Workflow");
    const TERRAFORM: Terraform = Terraform::of("aws_glue_workflow", &[]);
    const ALSO_CALLED: &'static [(&'static str, &'static str)] = &[("", "pipeline")];
    const EXAMPLE: &'static str = include_str!("../../../examples/kinds/glue_workflow.toml");
    const ACTIONS: Actions = Actions {
        read: &["glue:BatchGetWorkflows", "glue:GetTags"],
        create: &["glue:CreateWorkflow", "glue:TagResource"],
        update: &["glue:UpdateWorkflow", "glue:TagResource", "glue:UntagResource"],
        delete: &["glue:DeleteWorkflow"],
    };
    const TAGGABLE: bool = true;
    const TAGS_APART: bool = true;

    type Spec = Spec;
    type Attrs = Attrs;

    fn identity(spec: Known<'_>, _: &Scope) -> Identity {
        Identity::named(spec.text("name"))
    }

    fn foresee(spec: Known<'_>, scope: &Scope) -> Foreseen {
        match spec.text("name") {
            Some(name) => Foreseen::default().with("arn", shared::arn(scope, "workflow", name)),
            None => Foreseen::default(),
        }
    }

    async fn read_many(cx: &Cx, lookups: &[Lookup<'_>]) -> Reads<Self> {
        let found = shared::in_batches(lookups, shared::BATCH, |names| async move {
            let answer = cx
                .aws
                .glue()
                .batch_get_workflows()
                .set_names(Some(names))
                .include_graph(false)
                .send()
                .await?;
            let workflows = answer.workflows.unwrap_or_default().into_iter();
            Ok(workflows.filter_map(|found| Some((found.name.clone()?, found))).collect::<HashMap<_, _>>())
        })
        .await;
        let arn = |name: &str| shared::arn(&cx.scope, "workflow", name);
        shared::with_tags(cx, lookups, found, arn, |lookup, found, tags| {
            let spec = Spec {
                name: lookup.id.to_owned(),
                description: shared::text(found.description()),
                default_run_properties: shared::texts(found.default_run_properties()),
                max_concurrent_runs: found.max_concurrent_runs(),
            };
            Ok(Live::ready(spec, Attrs { arn: arn(lookup.id) }, tags).with_incarnation(found.created_on()))
        })
        .await
    }

    async fn create(cx: &Cx, want: &Spec, new: &NewResource<'_>) -> Result<String> {
        cx.aws
            .glue()
            .create_workflow()
            .name(&want.name)
            .set_description(want.description.clone())
            .set_default_run_properties(Some(shared::hash_map(&want.default_run_properties)))
            .set_max_concurrent_runs(want.max_concurrent_runs)
            .set_tags(Some(shared::tags_map(new.tags)))
            .send()
            .await?;
        Ok(want.name.clone())
    }

    async fn update(cx: &Cx, id: &str, _: &Spec, want: &Spec) -> Result<()> {
        // A missing `MaxConcurrentRuns` means no limit; the other settings are cleared by empty values
        // (https://docs.aws.amazon.com/glue/latest/webapi/API_UpdateWorkflow.html).
        cx.aws
            .glue()
            .update_workflow()
            .name(id)
            .description(want.description.clone().unwrap_or_default())
            .set_default_run_properties(Some(shared::hash_map(&want.default_run_properties)))
            .set_max_concurrent_runs(want.max_concurrent_runs)
            .send()
            .await?;
        Ok(())
    }

    async fn delete(cx: &Cx, id: &str, _: &Spec) -> Result<()> {
        cx.aws.glue().delete_workflow().name(id).send().await.or_gone()?;
        Ok(())
    }

    async fn tag(cx: &Cx, _: &str, attrs: &Attrs, set: &Tags, remove: &[String]) -> Result<()> {
        shared::tag(cx, &attrs.arn, set, remove).await
    }
}
