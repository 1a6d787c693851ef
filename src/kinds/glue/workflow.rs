//! `glue_workflow`.

use std::collections::{BTreeMap, HashMap};

use super::shared;
use crate::kind::prelude::*;

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
    /// Maximum number of concurrent runs. Absent: no limit.
    #[schemars(range(min = 1))]
    pub max_concurrent_runs: Option<i32>,
}

/// The attributes of a workflow that AWS decides.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Attrs {
    /// ARN of the workflow.
    pub arn: String,
}

/// The kind `glue_workflow`.
pub struct GlueWorkflow;

impl Kind for GlueWorkflow {
    const CFN: Option<&'static str> = Some("AWS::Glue::Workflow");
    const TERRAFORM: Terraform = Terraform::of("aws_glue_workflow", &[]);
    const ALSO_CALLED: &'static [(&'static str, &'static str)] = &[("", "pipeline")];
    const ACTIONS: Actions = Actions {
        read: &["glue:BatchGetWorkflows", "glue:GetTags"],
        create: &["glue:CreateWorkflow", "glue:TagResource"],
        update: &["glue:UpdateWorkflow", "glue:TagResource", "glue:UntagResource"],
        delete: &["glue:DeleteWorkflow"],
    };
    const BATCHES_READS: bool = true;
    const TAGS_APART: bool = true;
    const ID: Option<&'static str> = Some("name");

    type Spec = Spec;
    type Attrs = Attrs;

    fn predict(spec: Known<'_>, scope: &Scope) -> Predicted {
        Predicted::of("arn", spec.text("name").map(|name| shared::arn(scope, "workflow", name)))
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
            let spec = read!(&found => Spec {
                name: lookup.id.to_owned(), description, default_run_properties, max_concurrent_runs
            });
            Ok(Live::ready(spec, Attrs { arn: arn(lookup.id) }, tags).with_incarnation(found.created_on()))
        })
        .await
    }

    async fn create(cx: &Cx, want: &Spec, new: &NewResource<'_>) -> Result<Created<Self>> {
        set!(cx.aws.glue().create_workflow(), want =>
            name, description, max_concurrent_runs; default_run_properties
        )
        .set_tags(sdk_tags(new.tags)?)
        .send()
        .await?;
        Ok(want.name.clone().into())
    }

    async fn update(cx: &Cx, id: &str, _: &Spec, want: &Spec) -> Result<()> {
        // A missing `MaxConcurrentRuns` means no limit; the other settings are cleared by empty values
        // (https://docs.aws.amazon.com/glue/latest/webapi/API_UpdateWorkflow.html).
        set!(cx.aws.glue().update_workflow().name(id), want => max_concurrent_runs; description, default_run_properties)
            .send()
            .await?;
        Ok(())
    }

    async fn delete(cx: &Cx, id: &str, _: &Spec) -> Result<Deletion> {
        cx.aws.glue().delete_workflow().name(id).send().await.or_gone()?;
        Ok(Deletion::Begun)
    }

    async fn tag(cx: &Cx, _: &str, attrs: &Attrs, set: &Tags, remove: &[String]) -> Result<()> {
        shared::tag(cx, &attrs.arn, set, remove).await
    }
}
