//! `redshift_cluster_parameter_group`.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_redshift::types::{ClusterParameterGroup, Parameter};

use super::parameters::{check_family, check_parameters};
use super::shared::tag;
use super::wlm::{WLM, check_queues};
use crate::kind::prelude::*;

/// An Amazon Redshift cluster parameter group: database parameters and the workload
/// management of the clusters that use it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// Name of the group, in lower case: letters, digits and single hyphens.
    #[schemars(extend("x-dwctl" = [REPLACE]), length(min = 1, max = 255), regex(pattern = r"^[a-z](-?[a-z0-9])*$"))]
    pub parameter_group_name: String,
    /// Engine version that the group is for, such as `redshift-1.0` or `redshift-2.0`.
    #[schemars(extend("x-dwctl" = [REPLACE]))]
    pub parameter_group_family: String,
    /// What the group is for.
    #[schemars(extend("x-dwctl" = [REPLACE]))]
    pub description: String,
    /// Parameters that differ from the family's defaults, by name; the others keep the default.
    /// Clusters apply static parameters when they are rebooted.
    #[serde(default)]
    #[schemars(extend("x-dwctl-risk" = ["protection when [require_ssl] off: connections without TLS are accepted", "protection when [enable_user_activity_logging] off: the activity of users is no longer logged"]))]
    pub parameters: BTreeMap<String, String>,
    /// Workload management: the list of queues as AWS's `wlm_json_configuration`, the default
    /// queue last. Absent: automatic WLM as AWS configures it. At most 8000 characters.
    #[schemars(extend("x-dwctl-document" = "wlm"))]
    pub wlm_json_configuration: Option<Json>,
}

/// The attributes of a parameter group that AWS decides.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Attrs {
    /// ARN of the group.
    pub arn: String,
}

/// In Terraform, parameters are blocks of name and value, including the queues.
fn arrange(group: &mut Block) -> Vec<TerraformPart> {
    let mut parameters = match take(group, "parameters") {
        Value::Map(parameters) => parameters,
        _ => Block::new(),
    };
    let queues = take(group, "wlm_json_configuration");
    if queues != Value::Null {
        parameters.insert("wlm_json_configuration".to_owned(), queues);
    }
    let blocks = parameters.into_iter().map(|(name, value)| {
        let pair = [("name".to_owned(), Value::from(name)), ("value".to_owned(), value)];
        Value::Map(Block::from(pair))
    });
    group.insert("parameter".to_owned(), Value::List(blocks.collect()));
    Vec::new()
}

/// The kind `redshift_cluster_parameter_group`.
pub struct RedshiftClusterParameterGroup;

/// Maximum number of parameters in a call that modifies or resets them.
const MAX_PARAMETERS: usize = 20;

impl Kind for RedshiftClusterParameterGroup {
    const CFN: Option<&'static str> = Some("AWS::Redshift::ClusterParameterGroup");
    const TERRAFORM: Terraform = Terraform::of(
        "aws_redshift_parameter_group",
        &[("parameter_group_name", "name"), ("parameter_group_family", "family")],
    )
    .arranged(arrange);
    const ACTIONS: Actions = Actions {
        read: &["redshift:DescribeClusterParameterGroups", "redshift:DescribeClusterParameters"],
        create: &["redshift:CreateClusterParameterGroup", "redshift:CreateTags"],
        update: &[
            "redshift:ModifyClusterParameterGroup",
            "redshift:ResetClusterParameterGroup",
            "redshift:CreateTags",
            "redshift:DeleteTags",
        ],
        delete: &["redshift:DeleteClusterParameterGroup"],
    };
    const BATCHES_READS: bool = true;
    const SET_AFTER_CREATE: &'static [&'static str] = &["parameters", "wlm_json_configuration"];
    const USERS: Option<&'static str> = Some(
        "aws redshift describe-clusters --query \"Clusters[?ClusterParameterGroups[?ParameterGroupName=='{}']].ClusterIdentifier\"",
    );
    const ID: Option<&'static str> = Some("parameter_group_name");

    type Spec = Spec;
    type Attrs = Attrs;

    fn predict(spec: Known<'_>, scope: &Scope) -> Predicted {
        Predicted::of("arn", spec.text("parameter_group_name").map(|name| arn(scope, name)))
    }

    fn check(spec: Known<'_>) -> Vec<Problem> {
        let mut problems = Vec::new();
        if spec.is_set("parameters.wlm_json_configuration") {
            problems.push(
                Problem::new(
                    "parameters.wlm_json_configuration",
                    "workload management has its own attribute",
                )
                .help("use `wlm_json_configuration`, which is compared as data"),
            );
        }
        check_family(spec, &mut problems);
        check_parameters(spec, &mut problems);
        if let Some(queues) = spec.get(WLM) {
            problems.extend(check_queues(queues));
        }
        problems
    }

    async fn read_many(cx: &Cx, lookups: &[Lookup<'_>]) -> Reads<Self> {
        let found = groups(cx, lookups).await;
        each_found(lookups, 8, found, |lookup, group| async move { read(cx, lookup, &group).await }).await
    }

    async fn create(cx: &Cx, want: &Spec, new: &NewResource<'_>) -> Result<Created<Self>> {
        cx.aws
            .redshift()
            .create_cluster_parameter_group()
            .parameter_group_name(&want.parameter_group_name)
            .parameter_group_family(&want.parameter_group_family)
            .description(&want.description)
            .set_tags(sdk_tags(new.tags)?)
            .send()
            .await?;
        Ok(want.parameter_group_name.clone().into())
    }

    async fn update(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
        let redshift = cx.aws.redshift();
        let (before, after) = (parameters(live), parameters(want));
        let changed: Vec<Parameter> = after
            .iter()
            // Both texts of the workload management are canonical, so equal data has equal text.
            .filter(|(name, value)| before.get(*name) != Some(*value))
            .map(|(name, value)| Parameter::builder().parameter_name(name).parameter_value(value).build())
            .collect();
        for some in changed.chunks(MAX_PARAMETERS) {
            redshift
                .modify_cluster_parameter_group()
                .parameter_group_name(id)
                .set_parameters(Some(some.to_vec()))
                .send()
                .await?;
        }
        let removed: Vec<Parameter> = before
            .keys()
            .filter(|name| !after.contains_key(*name))
            .map(|name| Parameter::builder().parameter_name(name).build())
            .collect();
        for some in removed.chunks(MAX_PARAMETERS) {
            redshift
                .reset_cluster_parameter_group()
                .parameter_group_name(id)
                .reset_all_parameters(false)
                .set_parameters(Some(some.to_vec()))
                .send()
                .await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx, id: &str, _: &Spec) -> Result<Deletion> {
        cx.aws
            .redshift()
            .delete_cluster_parameter_group()
            .parameter_group_name(id)
            .send()
            .await
            .or_gone()
            .map(Deletion::of)
    }

    async fn tag(cx: &Cx, _: &str, attrs: &Attrs, set: &Tags, remove: &[String]) -> Result<()> {
        tag(cx, &attrs.arn, set, remove).await
    }
}

fn arn(scope: &Scope, name: &str) -> String {
    scope.arn("redshift", format_args!("parametergroup:{name}"))
}

/// Reads one group by name, or several from the list of all, since the call accepts only one name.
async fn groups(cx: &Cx, lookups: &[Lookup<'_>]) -> Result<HashMap<String, ClusterParameterGroup>> {
    let mut request = cx.aws.redshift().describe_cluster_parameter_groups();
    if let [only] = lookups {
        request = request.parameter_group_name(only.id);
    }
    let groups: Vec<ClusterParameterGroup> =
        request.into_paginator().items().send().try_collect().await.or_gone()?.unwrap_or_default();
    Ok(groups
        .into_iter()
        .map(|group| (group.parameter_group_name().unwrap_or_default().to_owned(), group))
        .collect())
}

async fn read(
    cx: &Cx,
    lookup: Lookup<'_>,
    group: &ClusterParameterGroup,
) -> Result<Option<Live<RedshiftClusterParameterGroup>>> {
    let mut parameters = BTreeMap::new();
    if lookup.wants("parameters") || lookup.wants(WLM) {
        let found = cx
            .aws
            .redshift()
            .describe_cluster_parameters()
            .parameter_group_name(lookup.id)
            .source("user")
            .into_paginator()
            .items()
            .send()
            .try_collect()
            .await
            .or_gone()?;
        let Some(found) = found else { return Ok(None) };
        // `Source` is checked again, since an endpoint that ignores the filter also returns the defaults.
        for parameter in
            found.iter().filter(|parameter| parameter.source().is_none_or(|source| source == "user"))
        {
            if let (Some(name), Some(value)) = (parameter.parameter_name(), parameter.parameter_value()) {
                parameters.insert(name.to_owned(), value.to_owned());
            }
        }
    }
    let wlm_json_configuration = Read::read(parameters.remove(WLM).as_deref())?;
    let spec = Spec {
        parameter_group_name: lookup.id.to_owned(),
        parameter_group_family: group.parameter_group_family().unwrap_or_default().to_owned(),
        description: group.description().unwrap_or_default().to_owned(),
        parameters,
        wlm_json_configuration,
    };
    let attrs = Attrs { arn: arn(&cx.scope, lookup.id) };
    Ok(Some(Live::ready(spec, attrs, tags_from(group.tags()))))
}

/// All parameters of a spec in AWS's form.
fn parameters(spec: &Spec) -> BTreeMap<String, String> {
    let mut parameters = spec.parameters.clone();
    if let Some(wlm) = &spec.wlm_json_configuration {
        parameters.insert(WLM.to_owned(), wlm.to_text());
    }
    parameters
}
