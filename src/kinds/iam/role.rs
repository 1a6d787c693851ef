//! `iam_role`.

use std::collections::{BTreeMap, HashMap, HashSet};

use aws_sdk_iam::Client;
use aws_sdk_iam::operation::get_account_authorization_details::paginator::GetAccountAuthorizationDetailsPaginator;
use aws_sdk_iam::types::EntityType;
use futures_util::future::{try_join, try_join_all, try_join3};

use super::shared::{PAGE, READ_ACCOUNT_FROM, TAG_RULES, check_path, check_size, clash, is_limit, size};
use crate::kind::prelude::*;

/// An IAM role: an identity that services, users and other accounts take on to act in
/// this account. Its permissions are exactly those written here: a policy that someone
/// else attaches or embeds is shown as a change and removed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// Name of the role, unique in the account without regard to case.
    #[schemars(extend("x-dwctl" = [REPLACE]), length(min = 1, max = 64), regex(pattern = r"^[\w+=,.@-]+$"))]
    pub role_name: String,
    /// Trust policy: who may assume the role.
    pub assume_role_policy_document: PolicyDocument,
    /// What the role is for.
    #[schemars(length(max = 1000), regex(pattern = r"^[\x09\x0A\x0D\x20-\x7E\xA1-\xFF]*$"))]
    pub description: Option<String>,
    /// Path of the role, such as `/warehouse/`; it is part of the ARN. Default `/`.
    #[serde(default = "root")]
    #[schemars(extend("x-dwctl" = [REPLACE]), length(min = 1, max = 512), regex(pattern = r"^(/|/[\x21-\x7E]+/)$"))]
    pub path: String,
    /// Longest session, in seconds: 3600 (the default, one hour) to 43200 (twelve hours).
    #[serde(default = "one_hour")]
    #[schemars(range(min = 3600, max = 43200))]
    #[schemars(extend("x-dwctl-risk" = ["protection when more: sessions last {after} s instead of {before}"]))]
    pub max_session_duration: i32,
    /// ARN of the policy that limits what the role can be allowed. Absent: no limit.
    #[schemars(length(min = 20, max = 2048))]
    #[schemars(extend("x-dwctl-risk" = ["access when gone: nothing bounds its permissions", "access when changed: bounded by another policy"]))]
    #[schemars(extend("x-dwctl-names" = "policy"))]
    pub permissions_boundary: Option<String>,
    /// ARNs of the managed policies that are attached, AWS's or own: all of them.
    #[serde(default)]
    #[schemars(
        extend("x-dwctl" = [SET]),
        length(max = 20),
        inner(regex(pattern = r"^arn:(aws[a-zA-Z-]*)?:iam::(\d{12}|aws):policy/[a-zA-Z_0-9+=,.@\-_/]+$"))
    )]
    #[schemars(extend("x-dwctl-risk" = ["access when come: {after} is attached"]))]
    #[schemars(extend("x-dwctl-names" = "policy"))]
    pub managed_policy_arns: Vec<String>,
    /// Policies that are part of the role, by name: all of them. Together at most 10,240
    /// characters without white space.
    #[serde(default)]
    pub inline_policies: BTreeMap<String, PolicyDocument>,
}

defaults! {
    root: String = "/";
    one_hour: i32 = 3600;
}

/// The attributes of a role that AWS decides.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Attrs {
    /// ARN of the role.
    pub arn: String,
    /// Unique id of the role, as `aws:userid` shows it.
    pub role_id: String,
}

/// In Terraform, inline policies are separate resources.
fn arrange(role: &mut Block) -> Vec<TerraformPart> {
    let name = role.get("name").cloned().unwrap_or_default();
    let Value::Map(policies) = take(role, "inline_policies") else { return Vec::new() };
    policies
        .into_iter()
        .map(|(key, policy)| {
            let attributes = [("name", Value::from(key.as_str())), ("policy", policy)];
            TerraformPart::new("aws_iam_role_policy", "role", &name, attributes).keyed(key)
        })
        .collect()
}

tagging!(iam(role_name): tag_role.set_tags, untag_role.set_tag_keys);

/// The kind `iam_role`.
pub struct IamRole;

impl Kind for IamRole {
    const CFN: Option<&'static str> = Some("AWS::IAM::Role");
    const TERRAFORM: Terraform = Terraform::of(
        "aws_iam_role",
        &[("role_name", "name"), ("assume_role_policy_document", "assume_role_policy")],
    )
    .arranged(arrange);
    const ALSO_CALLED: &'static [(&'static str, &'static str)] = &[
        ("inline_policies", "aws_iam_role_policy"),
        ("managed_policy_arns", "aws_iam_role_policy_attachment"),
        ("managed_policy_arns", "aws_iam_policy_attachment"),
        ("inline_policies", "aws_iam_role_policies_exclusive"),
        ("managed_policy_arns", "aws_iam_role_policy_attachments_exclusive"),
        ("inline_policies", "AWS::IAM::RolePolicy"),
        ("inline_policies", "Policies"),
        ("inline_policies", "inline_policy"),
        ("assume_role_policy_document", "trust_policy"),
    ];
    const ACTIONS: Actions = Actions {
        read: &[
            "iam:GetRole",
            "iam:ListRoles",
            "iam:ListAttachedRolePolicies",
            "iam:ListRolePolicies",
            "iam:GetRolePolicy",
            "iam:GetAccountAuthorizationDetails",
        ],
        create: &["iam:CreateRole", "iam:TagRole", "iam:PutRolePermissionsBoundary"],
        update: &[
            "iam:UpdateRole",
            "iam:UpdateAssumeRolePolicy",
            "iam:PutRolePermissionsBoundary",
            "iam:DeleteRolePermissionsBoundary",
            "iam:PutRolePolicy",
            "iam:DeleteRolePolicy",
            "iam:AttachRolePolicy",
            "iam:DetachRolePolicy",
            "iam:TagRole",
            "iam:UntagRole",
        ],
        delete: &[
            "iam:ListAttachedRolePolicies",
            "iam:DetachRolePolicy",
            "iam:ListRolePolicies",
            "iam:DeleteRolePolicy",
            "iam:ListInstanceProfilesForRole",
            "iam:RemoveRoleFromInstanceProfile",
            "iam:DeleteRole",
        ],
    };
    const BATCHES_READS: bool = true;
    const SET_AFTER_CREATE: &'static [&'static str] = &["managed_policy_arns", "inline_policies"];
    const TAG_RULES: TagRules = TAG_RULES;
    // See <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html>.
    const LINKS: &'static [Link] = &[
        Link::to("managed_policy_arns", "iam_policy").held(Hold::Loose),
        // Without its boundary, a role would briefly have more permissions.
        Link::to("permissions_boundary", "iam_policy").held(Hold::Firm),
    ];
    const DEFERRABLE: &'static [&'static str] = &["inline_policies", "managed_policy_arns"];
    // A new role takes about ten seconds to reach the services that assume it.
    const PACE: Pace = Pace { create_seconds: 10, delete_seconds: 2, deadline_seconds: 300 };
    const ID: Option<&'static str> = Some("role_name");

    type Spec = Spec;
    type Attrs = Attrs;

    fn id_of_arn(arn: &str) -> Option<String> {
        // The path in the ARN is not part of the name.
        Some(arn.split_once(":role/")?.1.rsplit('/').next()?.to_owned())
    }

    fn predict(spec: Known<'_>, scope: &Scope) -> Predicted {
        let path = if spec.may_be_set("path") { spec.text("path") } else { Some("/") };
        let name = path.zip(spec.text("role_name")).map(|(path, name)| format!("role{path}{name}"));
        Predicted::of("arn", name.map(|name| scope.global_arn("iam", name)))
    }

    fn check(spec: Known<'_>) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(trust) = spec.get("assume_role_policy_document") {
            problems.extend(check_policy(trust, "assume_role_policy_document", PolicyUse::Trust));
        }
        // 2,048 is the default quota; 4,096 the maximum after an increase.
        problems.extend(check_size(
            spec,
            "assume_role_policy_document",
            4096,
            "merge statements, or name an account instead of its roles",
        ));
        problems.extend(check_path(spec));
        if spec.text("path").is_some_and(|path| path.starts_with("/aws-service-role/")) {
            // See https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html
            problems.push(
                Problem::new("path", "roles in `/aws-service-role/` are created by AWS services")
                    .help("choose another path"),
            );
        }
        if let Some(Value::Map(policies)) = spec.get("inline_policies") {
            let mut total = 0;
            for (name, policy) in policies {
                let path = format!("inline_policies.{name}");
                let is_name = (1..=128).contains(&name.chars().count())
                    && name.chars().all(|one| one.is_ascii_alphanumeric() || "_+=,.@-".contains(one));
                if !is_name {
                    problems.push(
                        Problem::new(&*path, format!("\"{name}\" cannot be the name of a policy"))
                            .help("1 to 128 letters, digits and _+=,.@-"),
                    );
                }
                problems.extend(check_policy(policy, &path, PolicyUse::Identity));
                total += size(policy).unwrap_or(0);
            }
            if total > 10_240 {
                problems.push(
                    Problem::new(
                        "inline_policies",
                        format!("the policies have {total} characters in total without white space, but IAM allows 10240"),
                    )
                    .help("move some of them into an `iam_policy`"),
                );
            }
        }
        problems
    }

    /// IAM refuses principals that do not exist, such as a new role in its own trust policy
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>).
    fn check_among(spec: Known<'_>, among: &Among<'_>) -> Vec<Problem> {
        let (Some(trust), Some(name)) = (spec.get("assume_role_policy_document"), spec.text("role_name"))
        else {
            return Vec::new();
        };
        let path = spec.text("path").unwrap_or("/");
        let own = format!(":iam::{}:role{path}{name}", among.account_id());
        check_statements(trust, "assume_role_policy_document", |statements| {
            let itself = statements.iter().filter(|one| one.accounts().iter().any(|arn| arn.ends_with(&own)));
            itself
                .map(|one| {
                    Problem::warning(
                        format!("{}.AWS", one.principal_path()),
                        "the role trusts itself, which IAM refuses for a role that does not exist yet",
                    )
                    .help("it is created without this principal, which is added once the role exists")
                })
                .collect()
        })
    }

    fn claims(own: &Peer<'_>) -> Vec<String> {
        own.spec.text("role_name").map(str::to_ascii_lowercase).into_iter().collect()
    }

    fn clash(own: &Peer<'_>, other: &Peer<'_>) -> Option<Problem> {
        clash(own, other, "role_name")
    }

    async fn read_many(cx: &Cx, lookups: &[Lookup<'_>]) -> Reads<Self> {
        // A deleted role disappears from the account's listings late.
        if lookups.len() < READ_ACCOUNT_FROM || lookups.iter().all(Lookup::is_bare) {
            return each(lookups, 5, |lookup| read(cx, lookup)).await;
        }
        let ids: HashSet<&str> = lookups.iter().map(|lookup| lookup.id).collect();
        let found = match read_account(cx, &ids).await {
            Ok(found) => found,
            // A caller who may read a role may lack permission to list the account.
            Err(error) if error.class == Class::Denied => {
                return each(lookups, 5, |lookup| read(cx, lookup)).await;
            }
            Err(error) => return failed(lookups, &error),
        };
        // The account's listings lag behind new roles. A known role that they lack is read by name before it
        // counts as gone.
        let found = std::cell::RefCell::new(found);
        each(lookups, 5, |lookup| {
            let listed = found.borrow_mut().remove(lookup.id);
            async move {
                match listed {
                    Some(role) => Ok(Some(role)),
                    None if !lookup.known => Ok(None),
                    None => read(cx, lookup).await,
                }
            }
        })
        .await
    }

    /// The tag index has no roles
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html>), so their tags are read from the
    /// account's listing.
    async fn all_tags(cx: &Cx) -> Result<Vec<(String, Tags)>> {
        let mut found = Vec::new();
        let mut pages = all_details(cx.aws.iam()).send();
        while let Some(page) = pages.next().await {
            for role in page?.role_detail_list.unwrap_or_default() {
                let tags = tags_from(role.tags());
                found.push((role.role_name.unwrap_or_default(), tags));
            }
        }
        Ok(found)
    }

    async fn create(cx: &Cx, want: &Spec, new: &NewResource<'_>) -> Result<Created<Self>> {
        cx.aws
            .iam()
            .create_role()
            .role_name(&want.role_name)
            .assume_role_policy_document(trust_of_new(want))
            .set_description(want.description.clone())
            .path(&want.path)
            .max_session_duration(want.max_session_duration)
            .set_permissions_boundary(want.permissions_boundary.clone())
            .set_tags(sdk_tags(new.tags)?)
            .send()
            .await?;
        Ok(want.role_name.clone().into())
    }

    async fn update(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
        let iam = cx.aws.iam();
        // Limits are added first and removed last.
        if let Some(boundary) = &want.permissions_boundary
            && live.permissions_boundary.as_ref() != Some(boundary)
        {
            iam.put_role_permissions_boundary().role_name(id).permissions_boundary(boundary).send().await?;
        }
        if live.assume_role_policy_document != want.assume_role_policy_document {
            iam.update_assume_role_policy()
                .role_name(id)
                .policy_document(want.assume_role_policy_document.to_text())
                .send()
                .await?;
        }
        if (&live.description, live.max_session_duration) != (&want.description, want.max_session_duration) {
            // Both are always sent: without a duration, AWS would reset it to the default
            // (https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateRole.html).
            iam.update_role()
                .role_name(id)
                .description(want.description.clone().unwrap_or_default())
                .max_session_duration(want.max_session_duration)
                .send()
                .await?;
        }
        update_policies(cx, id, live, want).await?;
        if live.permissions_boundary.is_some() && want.permissions_boundary.is_none() {
            iam.delete_role_permissions_boundary().role_name(id).send().await.or_gone()?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx, id: &str, live: &Spec) -> Result<Deletion> {
        let iam = cx.aws.iam();
        detach(cx, id, &live.managed_policy_arns, live.inline_policies.keys()).await?;
        let delete = async || iam.delete_role().role_name(id).send().await.or_gone();
        match delete().await {
            // Others have attached something since.
            Err(error) if error.class == Class::Conflict => {}
            deleted => return deleted.map(Deletion::of),
        }
        let profiles = async {
            let profiles =
                iam.list_instance_profiles_for_role().role_name(id).into_paginator().items().send();
            profiles.collect::<std::result::Result<Vec<_>, _>>().await.or_gone()
        };
        let (attached, inline, profiles) =
            try_join3(attached_policies(cx, id), inline_policy_names(cx, id), profiles).await?;
        for profile in profiles.unwrap_or_default() {
            iam.remove_role_from_instance_profile()
                .instance_profile_name(profile.instance_profile_name())
                .role_name(id)
                .send()
                .await
                .or_gone()?;
        }
        detach(cx, id, &attached.unwrap_or_default(), &inline.unwrap_or_default()).await?;
        delete().await.map(Deletion::of)
    }

    async fn tag(cx: &Cx, id: &str, _: &Attrs, set: &Tags, remove: &[String]) -> Result<()> {
        tag(cx, id, set, remove).await
    }
}

/// Updates attached and inline policies: new ones are added before old ones are removed. So nothing that
/// works is interrupted, and no denial is missing while a permission is in place.
/// Takes policies off a role.
async fn detach<'a>(
    cx: &Cx,
    id: &str,
    attached: &[String],
    inline: impl IntoIterator<Item = &'a String>,
) -> Result<()> {
    let iam = cx.aws.iam();
    for arn in attached {
        iam.detach_role_policy().role_name(id).policy_arn(arn).send().await.or_gone()?;
    }
    for name in inline {
        iam.delete_role_policy().role_name(id).policy_name(name).send().await.or_gone()?;
    }
    Ok(())
}

async fn update_policies(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
    let iam = cx.aws.iam();
    let put = async |name: &str, policy: &PolicyDocument| -> Result<()> {
        iam.put_role_policy()
            .role_name(id)
            .policy_name(name)
            .policy_document(policy.to_text())
            .send()
            .await?;
        Ok(())
    };
    let attach = async |arn: &str| -> Result<()> {
        iam.attach_role_policy().role_name(id).policy_arn(arn).send().await?;
        Ok(())
    };
    // Policies that exceed the role's quotas are retried after the old ones are removed.
    let mut put_later = Vec::new();
    let mut attach_later = Vec::new();
    for (name, policy) in &want.inline_policies {
        if live.inline_policies.get(name) != Some(policy) {
            match put(name, policy).await {
                Err(error) if is_limit(&error) => put_later.push((name, policy)),
                done => done?,
            }
        }
    }
    for arn in want.managed_policy_arns.iter().filter(|arn| !live.managed_policy_arns.contains(arn)) {
        match attach(arn).await {
            Err(error) if is_limit(&error) => attach_later.push(arn),
            done => done?,
        }
    }
    let detached = live.managed_policy_arns.iter().filter(|arn| !want.managed_policy_arns.contains(arn));
    let detached: Vec<String> = detached.cloned().collect();
    let removed = live.inline_policies.keys().filter(|name| !want.inline_policies.contains_key(*name));
    detach(cx, id, &detached, removed).await?;
    for (name, policy) in put_later {
        put(name, policy).await?;
    }
    for arn in attach_later {
        attach(arn).await?;
    }
    Ok(())
}

/// The ARNs of the attached policies; `None` if the role does not exist.
async fn attached_policies(cx: &Cx, id: &str) -> Result<Option<Vec<String>>> {
    let attached = cx.aws.iam().list_attached_role_policies().role_name(id).into_paginator().items().send();
    let attached = attached.collect::<std::result::Result<Vec<_>, _>>().await.or_gone()?;
    Ok(attached.map(|attached| attached.into_iter().filter_map(|policy| policy.policy_arn).collect()))
}

/// The names of the inline policies; `None` if the role does not exist.
async fn inline_policy_names(cx: &Cx, id: &str) -> Result<Option<Vec<String>>> {
    let names = cx.aws.iam().list_role_policies().role_name(id).into_paginator().items().send();
    names.collect::<std::result::Result<Vec<_>, _>>().await.or_gone()
}

/// The inline policies; `None` if the role does not exist.
async fn inline_policies(cx: &Cx, id: &str) -> Result<Option<BTreeMap<String, PolicyDocument>>> {
    let Some(names) = inline_policy_names(cx, id).await? else { return Ok(None) };
    let policies = try_join_all(names.into_iter().map(async |name| {
        let policy =
            cx.aws.iam().get_role_policy().role_name(id).policy_name(&name).send().await.or_gone()?;
        match policy {
            Some(policy) => Ok(Some((name, PolicyDocument::read(Some(policy.policy_document()))?))),
            None => Ok::<_, Error>(None),
        }
    }))
    .await?;
    Ok(Some(policies.into_iter().flatten().collect()))
}

/// Reads one role by its own calls.
async fn read(cx: &Cx, lookup: Lookup<'_>) -> Result<Option<Live<IamRole>>> {
    let id = lookup.id;
    let role = async {
        let role = cx.aws.iam().get_role().role_name(id).send().await.or_gone()?;
        Ok(role.and_then(|answer| answer.role))
    };
    let policies = async {
        if lookup.is_bare() {
            return Ok(Some((Vec::new(), BTreeMap::new())));
        }
        let (attached, inline) = try_join(attached_policies(cx, id), inline_policies(cx, id)).await?;
        Ok(attached.zip(inline))
    };
    let Some((role, (managed_policy_arns, inline_policies))) = lookup.both(role, policies).await? else {
        return Ok(None);
    };
    let tags = tags_from(role.tags());
    let attrs = Attrs { arn: role.arn, role_id: role.role_id };
    let incarnation = Some(attrs.role_id.clone());
    let spec = Spec {
        role_name: role.role_name,
        assume_role_policy_document: PolicyDocument::read(role.assume_role_policy_document.as_deref())?,
        description: role.description.filter(|text| !text.is_empty()),
        path: role.path,
        max_session_duration: role.max_session_duration.unwrap_or_else(one_hour),
        permissions_boundary: role.permissions_boundary.and_then(|one| one.permissions_boundary_arn),
        managed_policy_arns,
        inline_policies,
    };
    Ok(Some(Live::ready(spec, attrs, tags).with_incarnation(incarnation)))
}

/// The account's listing of roles, with their policies and tags.
fn all_details(iam: &Client) -> GetAccountAuthorizationDetailsPaginator {
    iam.get_account_authorization_details().filter(EntityType::Role).max_items(PAGE).into_paginator()
}

/// Reads the roles among `ids` from the account's two listings: one returns everything except description
/// and session duration, the other returns those
/// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_RoleDetail.html>).
async fn read_account(cx: &Cx, ids: &HashSet<&str>) -> Result<HashMap<String, Live<IamRole>>> {
    let iam = cx.aws.iam();
    let details = async {
        let mut found = Vec::new();
        let mut pages = all_details(iam).send();
        while let Some(page) = pages.next().await {
            let roles = page?.role_detail_list.unwrap_or_default();
            found.extend(
                roles.into_iter().filter(|role| role.role_name().is_some_and(|name| ids.contains(name))),
            );
        }
        Ok::<_, Error>(found)
    };
    let summaries = async {
        let mut found = HashMap::new();
        let mut roles = iam.list_roles().max_items(PAGE).into_paginator().items().send();
        while let Some(role) = roles.next().await {
            let role = role?;
            if ids.contains(role.role_name()) {
                found.insert(role.role_name, (role.description, role.max_session_duration));
            }
        }
        Ok::<_, Error>(found)
    };
    let (details, mut summaries) = try_join(details, summaries).await?;
    let mut found = HashMap::new();
    for role in details {
        let name = role.role_name.clone().unwrap_or_default();
        // The role is in only one listing, so it was created or deleted in between.
        let Some((description, max_session_duration)) = summaries.remove(&name) else { continue };
        let tags = tags_from(role.tags());
        let mut inline_policies = BTreeMap::new();
        for policy in role.role_policy_list() {
            let name = policy.policy_name().unwrap_or_default().to_owned();
            inline_policies.insert(name, PolicyDocument::read(policy.policy_document())?);
        }
        let managed_policy_arns =
            role.attached_managed_policies().iter().filter_map(|policy| policy.policy_arn.clone()).collect();
        let spec = Spec {
            role_name: name.clone(),
            assume_role_policy_document: PolicyDocument::read(role.assume_role_policy_document.as_deref())?,
            description: description.filter(|text| !text.is_empty()),
            path: role.path.unwrap_or_else(root),
            max_session_duration: max_session_duration.unwrap_or_else(one_hour),
            permissions_boundary: role.permissions_boundary.and_then(|one| one.permissions_boundary_arn),
            managed_policy_arns,
            inline_policies,
        };
        let attrs = Attrs { arn: role.arn.unwrap_or_default(), role_id: role.role_id.unwrap_or_default() };
        let incarnation = Some(attrs.role_id.clone());
        found.insert(name, Live::ready(spec, attrs, tags).with_incarnation(incarnation));
    }
    Ok(found)
}

/// The trust policy for creating a role. It leaves out the role itself as a principal, because IAM does not
/// know it yet. `update` adds that.
fn trust_of_new(want: &Spec) -> String {
    let own = format!(":role{}{}", want.path, want.role_name);
    let is_own = |arn: &serde_json::Value| arn.as_str().is_some_and(|arn| arn.ends_with(&own));
    let mut document = want.assume_role_policy_document.as_value().clone();
    let Some(statements) = document.get_mut("Statement").and_then(serde_json::Value::as_array_mut) else {
        return document.to_string();
    };
    statements.retain_mut(|statement| {
        let Some(principals) = statement.get_mut("Principal").and_then(serde_json::Value::as_object_mut)
        else {
            return true;
        };
        let left = match principals.get_mut("AWS") {
            Some(serde_json::Value::Array(arns)) => {
                arns.retain(|arn| !is_own(arn));
                !arns.is_empty()
            }
            Some(one) => !is_own(one),
            None => return true,
        };
        if !left {
            principals.remove("AWS");
        }
        !principals.is_empty()
    });
    if statements.is_empty() {
        // A trust policy must have a statement; this one admits nobody.
        statements.push(
            serde_json::json!({ "Effect": "Deny", "Action": "sts:AssumeRole", "Principal": { "AWS": "*" } }),
        );
    }
    document.to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Spec, trust_of_new};

    #[test]
    fn a_role_is_created_without_trust_in_itself() {
        let with = |principal: serde_json::Value| {
            let trust = json!({ "Version": "2012-10-17", "Statement": [
                { "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal }] });
            let spec = json!({ "role_name": "uc", "path": "/data/", "assume_role_policy_document": trust });
            let spec: Spec = serde_json::from_value(spec).expect("a spec");
            let made: serde_json::Value = serde_json::from_str(&trust_of_new(&spec)).expect("JSON");
            made["Statement"][0].clone()
        };
        let (own, other) = ("arn:aws:iam::111122223333:role/data/uc", "arn:aws:iam::111122223333:role/uc");
        assert_eq!(with(json!({ "AWS": [own, other] }))["Principal"]["AWS"], json!([other]));
        assert_eq!(with(json!({ "AWS": other }))["Principal"]["AWS"], other);
        let beside = with(json!({ "AWS": own, "Service": "glue.amazonaws.com" }));
        assert_eq!(beside["Principal"], json!({ "Service": "glue.amazonaws.com" }));
        assert_eq!(with(json!({ "AWS": own }))["Effect"], "Deny");
    }
}
