//! `iam_policy`.

use std::collections::{HashMap, HashSet};

use aws_sdk_iam::types::{EntityType, ManagedPolicyDetail, PolicyVersion};

use super::shared::{PAGE, READ_ACCOUNT_FROM, TAG_RULES, check_path, check_size, clash};
use crate::kind::prelude::*;

/// A managed IAM policy of this account: permissions that roles, users and groups share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// Name of the policy, unique in the account without regard to case.
    #[schemars(extend("x-dwctl" = [REPLACE]), length(min = 1, max = 128), regex(pattern = r"^[\w+=,.@-]+$"))]
    pub policy_name: String,
    /// Path of the policy, such as `/warehouse/`; it is part of the ARN. Default `/`.
    #[serde(default = "root")]
    #[schemars(extend("x-dwctl" = [REPLACE]), length(min = 1, max = 512), regex(pattern = r"^((/[A-Za-z0-9\.,\+@=_-]+)*)/$"))]
    pub path: String,
    /// What the policy is for. AWS cannot change it later.
    #[schemars(extend("x-dwctl" = [REPLACE]), length(max = 1000))]
    pub description: Option<String>,
    /// What the policy allows and denies; at most 6,144 characters without white space.
    /// A change becomes the policy's new default version; AWS keeps five, and the
    /// oldest makes room.
    pub policy_document: PolicyDocument,
}

defaults! {
    root: String = "/";
}

/// The attributes of a policy that AWS decides.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Attrs {
    /// ARN of the policy.
    pub arn: String,
    /// Unique id of the policy.
    pub policy_id: String,
}

tagging!(iam(policy_arn): tag_policy.set_tags, untag_policy.set_tag_keys);

/// The kind `iam_policy`.
pub struct IamPolicy;

/// Maximum number of versions of a policy
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>).
const MAX_VERSIONS: usize = 5;

impl Kind for IamPolicy {
    const CFN: Option<&'static str> = Some("AWS::IAM::ManagedPolicy");
    const TERRAFORM: Terraform =
        Terraform::of("aws_iam_policy", &[("policy_name", "name"), ("policy_document", "policy")])
            .called_by_arn();
    const ALSO_CALLED: &'static [(&'static str, &'static str)] = &[("policy_name", "ManagedPolicyName")];
    const ACTIONS: Actions = Actions {
        read: &["iam:GetPolicy", "iam:GetPolicyVersion", "iam:GetAccountAuthorizationDetails"],
        create: &["iam:CreatePolicy", "iam:TagPolicy"],
        update: &[
            "iam:ListPolicyVersions",
            "iam:CreatePolicyVersion",
            "iam:DeletePolicyVersion",
            "iam:TagPolicy",
            "iam:UntagPolicy",
        ],
        delete: &["iam:ListPolicyVersions", "iam:DeletePolicyVersion", "iam:DeletePolicy"],
    };
    const BATCHES_READS: bool = true;
    const TAG_RULES: TagRules = TAG_RULES;
    const USERS: Option<&'static str> = Some("aws iam list-entities-for-policy --policy-arn {}");
    const TAGS_APART: bool = true;
    const GLOBAL: bool = true;
    // The description of a policy never changes, so it stays as long as this id does.
    const STAMP: Option<&'static str> = Some("policy_id");

    type Spec = Spec;
    type Attrs = Attrs;

    fn identity(spec: Known<'_>, scope: &Scope) -> Identity {
        Identity::named(arn(spec, scope))
    }

    fn predict(spec: Known<'_>, scope: &Scope) -> Predicted {
        Predicted::of("arn", arn(spec, scope))
    }

    fn check(spec: Known<'_>) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(policy) = spec.get("policy_document") {
            problems.extend(check_policy(policy, "policy_document", PolicyUse::Identity));
        }
        problems.extend(check_size(spec, "policy_document", 6144, "split it into two policies"));
        problems.extend(check_path(spec));
        problems
    }

    fn claims(own: &Peer<'_>) -> Vec<String> {
        own.spec.text("policy_name").map(str::to_ascii_lowercase).into_iter().collect()
    }

    fn clash(own: &Peer<'_>, other: &Peer<'_>) -> Option<Problem> {
        let name = own.spec.text("policy_name")?;
        // The ARN contains the path, but the name must be unique regardless of the path
        // (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html>).
        if other.spec.text("policy_name") == Some(name) && own.spec.text("path") != other.spec.text("path") {
            let message = format!("`{name}` is also the name of {}", other.address);
            return Some(
                Problem::new("policy_name", message).help("a different path does not make a different name"),
            );
        }
        clash(own, other, "policy_name")
    }

    fn id_of_arn(arn: &str) -> Option<String> {
        Some(arn.to_owned())
    }

    async fn read_many(cx: &Cx, lookups: &[Lookup<'_>]) -> Reads<Self> {
        // The account's listing has all documents in one call, but no tags or descriptions. `GetPolicy`
        // has these, but no document.
        let listed = if lookups.len() < READ_ACCOUNT_FROM || lookups.iter().all(Lookup::is_bare) {
            None
        } else {
            match read_account(cx, &lookups.iter().map(|lookup| lookup.id).collect()).await {
                Ok(listed) => Some(listed),
                // A caller who may read a policy may lack permission to list the account.
                Err(error) if error.class == Class::Denied => None,
                Err(error) => return failed(lookups, &error),
            }
        };
        each(lookups, 5, |lookup| {
            let found = listed.as_ref().and_then(|listed| listed.get(lookup.id));
            let is_absent = listed.is_some() && found.is_none() && !lookup.known;
            async move {
                match found.map(|found| from_listing(lookup, found)).transpose()?.flatten() {
                    Some(live) => Ok(Some(live)),
                    None if is_absent => Ok(None),
                    None => {
                        let versions = found.map_or(&[][..], ManagedPolicyDetail::policy_version_list);
                        read(cx, lookup, versions).await
                    }
                }
            }
        })
        .await
    }

    async fn create(cx: &Cx, want: &Spec, new: &NewResource<'_>) -> Result<Created<Self>> {
        let created = cx
            .aws
            .iam()
            .create_policy()
            .policy_name(&want.policy_name)
            .path(&want.path)
            .set_description(want.description.clone())
            .policy_document(want.policy_document.to_text())
            .set_tags(sdk_tags(new.tags)?)
            .send()
            .await?;
        let Some(policy) = created.policy else { return Created::with(None) };
        let live = policy.policy_id.zip(policy.arn.clone()).map(|(policy_id, arn)| {
            let incarnation = Some(policy_id.clone());
            let tags = new.tags.clone();
            Live::ready(want.clone(), Attrs { arn, policy_id }, tags).with_incarnation(incarnation)
        });
        Ok(Created { live, ..Created::with(policy.arn)? })
    }

    async fn update(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
        if live.policy_document == want.policy_document {
            return Ok(());
        }
        let mut others = other_versions(cx, id).await?.unwrap_or_default();
        if others.len() + 1 >= MAX_VERSIONS {
            others.sort_by_key(|version| number(version));
            if let Some(oldest) = others.first() {
                delete_version(cx, id, oldest).await?;
            }
        }
        cx.aws
            .iam()
            .create_policy_version()
            .policy_arn(id)
            .policy_document(want.policy_document.to_text())
            .set_as_default(true)
            .send()
            .await?;
        Ok(())
    }

    async fn delete(cx: &Cx, id: &str, _: &Spec) -> Result<Deletion> {
        let delete = async || cx.aws.iam().delete_policy().policy_arn(id).send().await.or_gone();
        match delete().await {
            // Other versions than the default one come first.
            Err(error) if error.class == Class::Conflict => {
                for version in other_versions(cx, id).await?.unwrap_or_default() {
                    delete_version(cx, id, &version).await?;
                }
                delete().await.map(Deletion::of)
            }
            deleted => deleted.map(Deletion::of),
        }
    }

    async fn tag(cx: &Cx, id: &str, _: &Attrs, set: &Tags, remove: &[String]) -> Result<()> {
        tag(cx, id, set, remove).await
    }
}

fn arn(spec: Known<'_>, scope: &Scope) -> Option<String> {
    let path = if spec.may_be_set("path") { spec.text("path")? } else { "/" };
    let name = spec.text("policy_name")?;
    Some(scope.global_arn("iam", format_args!("policy{path}{name}")))
}

/// The number of a version: 12 for `v12`.
fn number(version: &str) -> u32 {
    version.trim_start_matches('v').parse().unwrap_or(u32::MAX)
}

/// The versions that are not the default; `None` if the policy does not exist.
async fn other_versions(cx: &Cx, id: &str) -> Result<Option<Vec<String>>> {
    let versions = cx.aws.iam().list_policy_versions().policy_arn(id).into_paginator().items().send();
    let versions = versions.collect::<std::result::Result<Vec<_>, _>>().await.or_gone()?;
    Ok(versions.map(|versions| {
        versions
            .into_iter()
            .filter(|version| !version.is_default_version())
            .filter_map(|version| version.version_id)
            .collect()
    }))
}

async fn delete_version(cx: &Cx, id: &str, version: &str) -> Result<()> {
    cx.aws.iam().delete_policy_version().policy_arn(id).version_id(version).send().await.or_gone()?;
    Ok(())
}

/// The document of the default version, if it is among the given versions.
fn default_document<'a>(versions: &'a [PolicyVersion], default: Option<&str>) -> Option<&'a str> {
    let default = default.unwrap_or("v1");
    versions.iter().find(|version| version.version_id() == Some(default))?.document()
}

/// A policy from the account's listing, if that and the lookup contain everything. The listing has no
/// description, contrary to its API model.
fn from_listing(lookup: Lookup<'_>, listed: &ManagedPolicyDetail) -> Result<Option<Live<IamPolicy>>> {
    let (Some(tags), Some(policy_id)) = (lookup.tags, listed.policy_id()) else { return Ok(None) };
    let versions = listed.policy_version_list();
    let Some(text) = default_document(versions, listed.default_version_id()) else { return Ok(None) };
    let Some(description) = lookup.text_that_stays(policy_id, "description") else { return Ok(None) };
    let spec = Spec {
        policy_name: listed.policy_name().unwrap_or_default().to_owned(),
        path: listed.path().map_or_else(root, str::to_owned),
        description: description.map(str::to_owned),
        policy_document: PolicyDocument::read(Some(text))?,
    };
    let attrs = Attrs { arn: lookup.id.to_owned(), policy_id: policy_id.to_owned() };
    Ok(Some(Live::ready(spec, attrs, tags.clone()).with_incarnation(Some(policy_id))))
}

/// Reads one policy. `listed` are the versions that are already known. The document is taken from there
/// if the default version is among them.
async fn read(cx: &Cx, lookup: Lookup<'_>, listed: &[PolicyVersion]) -> Result<Option<Live<IamPolicy>>> {
    let (iam, id) = (cx.aws.iam(), lookup.id);
    let Some(policy) =
        iam.get_policy().policy_arn(id).send().await.or_gone()?.and_then(|answer| answer.policy)
    else {
        return Ok(None);
    };
    let default = policy.default_version_id().unwrap_or("v1");
    let policy_document = match default_document(listed, Some(default)) {
        Some(text) => PolicyDocument::read(Some(text))?,
        None if lookup.is_bare() => PolicyDocument::read(Some("{}"))?,
        None => {
            let version =
                iam.get_policy_version().policy_arn(id).version_id(default).send().await.or_gone()?;
            let Some(version) = version.and_then(|answer| answer.policy_version) else { return Ok(None) };
            PolicyDocument::read(version.document())?
        }
    };
    let tags = tags_from(policy.tags());
    let spec = Spec {
        policy_name: policy.policy_name.unwrap_or_default(),
        path: policy.path.unwrap_or_else(root),
        description: policy.description.filter(|text| !text.is_empty()),
        policy_document,
    };
    let attrs = Attrs { arn: id.to_owned(), policy_id: policy.policy_id.unwrap_or_default() };
    let incarnation = Some(attrs.policy_id.clone());
    Ok(Some(Live::ready(spec, attrs, tags).with_incarnation(incarnation)))
}

/// The policies among `ids` that the account's listing contains.
async fn read_account(cx: &Cx, ids: &HashSet<&str>) -> Result<HashMap<String, ManagedPolicyDetail>> {
    let mut found = HashMap::new();
    let mut pages = cx
        .aws
        .iam()
        .get_account_authorization_details()
        .filter(EntityType::LocalManagedPolicy)
        .max_items(PAGE)
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        for policy in page?.policies.unwrap_or_default() {
            if let Some(arn) = policy.arn.clone().filter(|arn| ids.contains(arn.as_str())) {
                found.insert(arn, policy);
            }
        }
    }
    Ok(found)
}
