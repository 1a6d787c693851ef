//! `kms_key`.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_kms::types::{KeyMetadata, KeySpec, KeyState, KeyUsageType, OriginType};
use futures_util::StreamExt;

use crate::kind::prelude::*;

/// An AWS KMS key with its aliases. Deleting it only schedules its deletion; until the
/// waiting period ends, it can be brought back with `aws kms cancel-key-deletion`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// What the key is for.
    #[schemars(length(max = 8192))]
    pub description: Option<String>,
    /// Who may use and manage the key. Absent or removed: AWS's default, which leaves it to the
    /// account's IAM policies.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT], "x-dwctl-restored" = default_policy()))]
    pub key_policy: Option<PolicyDocument>,
    /// Set a `key_policy` even if it locks the caller out of changing it again.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [LOCAL]))]
    #[schemars(extend("x-dwctl-risk" = ["protection when on: the policy may lock everybody out"]))]
    pub bypass_policy_lockout_safety_check: bool,
    /// Names of the key, each beginning with `alias/`.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET]), inner(length(max = 256), regex(pattern = r"^alias/[a-zA-Z0-9/_-]+$")))]
    pub aliases: Vec<String>,
    /// Whether the key can be used. Data under a disabled key cannot be read.
    #[serde(default = "yes")]
    #[schemars(extend("x-dwctl-risk" = ["downtime when off: what is encrypted with it cannot be read until it is enabled again"]))]
    pub enabled: bool,
    /// New key material every `rotation_period_in_days`. Symmetric encryption keys only.
    #[serde(default)]
    #[schemars(extend("x-dwctl-risk" = ["protection when off: the key is no longer rotated"]))]
    pub enable_key_rotation: bool,
    /// Days between rotations, 90 to 2560. Absent: 365.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT], "x-dwctl-restored" = { "value": 365, "with": "enable_key_rotation" }), range(min = 90, max = 2560))]
    #[schemars(extend("x-dwctl-risk" = ["protection when more: rotated every {after} days instead of {before}"]))]
    pub rotation_period_in_days: Option<i32>,
    /// A key that can be replicated to other regions.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [REPLACE, DATA_LOSS]))]
    pub multi_region: bool,
    /// What kind of key material.
    #[serde(default = "key_spec")]
    #[schemars(extend("x-dwctl" = [REPLACE, DATA_LOSS], "enum" = [
        "SYMMETRIC_DEFAULT", "RSA_2048", "RSA_3072", "RSA_4096", "ECC_NIST_P256", "ECC_NIST_P384",
        "ECC_NIST_P521", "ECC_SECG_P256K1", "HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512", "SM2",
        "ML_DSA_44", "ML_DSA_65", "ML_DSA_87", "ECC_NIST_EDWARDS25519"]))]
    pub key_spec: String,
    /// What the key does; asymmetric and HMAC keys need it.
    #[serde(default = "key_usage")]
    #[schemars(extend("x-dwctl" = [REPLACE, DATA_LOSS], "enum" = ["ENCRYPT_DECRYPT", "SIGN_VERIFY", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT"]))]
    pub key_usage: String,
    /// Where the key material comes from: created by KMS, or `EXTERNAL`, imported by you after the
    /// key is created.
    #[serde(default = "origin")]
    #[schemars(extend("x-dwctl" = [REPLACE, DATA_LOSS], "enum" = ["AWS_KMS", "EXTERNAL"]))]
    pub origin: String,
    /// Days that AWS waits before it destroys a deleted key, 7 to 30.
    #[serde(default = "deletion_window")]
    #[schemars(extend("x-dwctl" = [LOCAL]), range(min = 7, max = 30))]
    #[schemars(extend("x-dwctl-risk" = ["protection when less: once destroyed, it can be restored for only {after} days", "irreversible when destroyed: after {before} days nothing encrypted with it can be read"]))]
    pub deletion_window_days: i32,
}

/// The policy that AWS gives to a key created through the API without one
/// (<https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html>).
fn default_policy() -> serde_json::Value {
    serde_json::json!({ "value": {
        "Version": "2012-10-17",
        "Id": "key-default-1",
        "Statement": [{
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": { "AWS": "arn:{partition}:iam::{account_id}:root" },
            "Action": "kms:*",
            "Resource": "*",
        }],
    } })
}

defaults! {
    key_spec: String = "SYMMETRIC_DEFAULT";
    key_usage: String = "ENCRYPT_DECRYPT";
    origin: String = "AWS_KMS";
    deletion_window: i32 = 30;
}

/// The attributes of a key that AWS decides.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Attrs {
    /// ARN of the key.
    pub arn: String,
    /// Id of the key: a UUID, or `mrk-…` if it is multi-region.
    pub key_id: String,
}

/// In Terraform, aliases are separate resources.
fn arrange(key: &mut Block) -> Vec<TerraformPart> {
    let Value::List(aliases) = take(key, "aliases") else { return Vec::new() };
    aliases
        .into_iter()
        .map(|alias| {
            let key = alias.as_str().unwrap_or_default().to_owned();
            TerraformPart::new("aws_kms_alias", "target_key_id", &Value::Null, [("name", alias)]).keyed(key)
        })
        .collect()
}

tag_type!(aws_sdk_kms::types::Tag, tag_key, tag_value);
tagging!(kms(key_id): tag_resource.set_tags, untag_resource.set_tag_keys);

/// An existing key.
#[derive(Deserialize, JsonSchema)]
struct Existing {
    /// An alias of the key, such as `alias/data`, or `alias/aws/s3` for a key of AWS.
    #[schemars(regex(pattern = r"^alias/[a-zA-Z0-9/_-]+$"))]
    alias: String,
}

impl Filter for Existing {
    /// One list serves all aliases. A key of AWS is made when it is first described
    /// (<https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html>).
    async fn search(cx: &Cx, filters: &[Self]) -> Vec<Result<Vec<String>>> {
        let is_of_aws = |one: &Self| one.alias.starts_with("alias/aws/");
        let listed = match filters.iter().all(is_of_aws) {
            true => Ok(HashMap::new()),
            false => all_aliases(cx, None).await,
        };
        each_filter(filters, async |one: &Self| {
            if is_of_aws(one) {
                let key = describe(cx, &one.alias).await?;
                return Ok(key.map(|key| key.key_id).into_iter().collect());
            }
            let has_it = |(_, aliases): &(&String, &Vec<String>)| aliases.contains(&one.alias);
            Ok(listed
                .as_ref()
                .map_err(Error::clone)?
                .iter()
                .filter(has_it)
                .map(|(key, _)| key.clone())
                .collect())
        })
        .await
    }
}

/// The kind `kms_key`.
pub struct KmsKey;

impl Kind for KmsKey {
    const CFN: Option<&'static str> = Some("AWS::KMS::Key");
    const TERRAFORM: Terraform = Terraform::of(
        "aws_kms_key",
        &[
            ("key_policy", "policy"),
            ("enabled", "is_enabled"),
            ("key_spec", "customer_master_key_spec"),
            ("deletion_window_days", "deletion_window_in_days"),
        ],
    )
    .arranged(arrange);
    const ALSO_CALLED: &'static [(&'static str, &'static str)] = &[
        ("", "encryption"),
        ("aliases", "aws_kms_alias"),
        ("aliases", "AWS::KMS::Alias"),
        ("key_policy", "aws_kms_key_policy"),
        ("deletion_window_days", "PendingWindowInDays"),
    ];
    const ACTIONS: Actions = Actions {
        read: &[
            "kms:DescribeKey",
            "kms:GetKeyPolicy",
            "kms:GetKeyRotationStatus",
            "kms:ListAliases",
            "kms:ListKeys",
            "kms:ListResourceTags",
        ],
        create: &["kms:CreateKey", "kms:TagResource"],
        update: &[
            "kms:CreateAlias",
            "kms:DeleteAlias",
            "kms:DisableKey",
            "kms:DisableKeyRotation",
            "kms:EnableKey",
            "kms:EnableKeyRotation",
            "kms:PutKeyPolicy",
            "kms:TagResource",
            "kms:UntagResource",
            "kms:UpdateAlias",
            "kms:UpdateKeyDescription",
        ],
        delete: &["kms:DeleteAlias", "kms:DescribeKey", "kms:ListAliases", "kms:ScheduleKeyDeletion"],
    };
    const BATCHES_READS: bool = true;
    const FINDER: Finder = Finder::by::<Existing>(&[]);
    const SET_AFTER_CREATE: &'static [&'static str] =
        &["aliases", "enabled", "enable_key_rotation", "rotation_period_in_days"];
    const DEFERRABLE: &'static [&'static str] = &["key_policy"];
    const TAKES_OVER: &'static [&'static str] = &["aliases"];
    const TAGS_APART: bool = true;
    // Most changes show within seconds, but some take minutes
    // (<https://docs.aws.amazon.com/kms/latest/developerguide/accessing-kms.html#programming-eventual-consistency>).
    const SETTLING: Settling = Settling {
        slower: &[("description", 180), ("key_policy", 180), ("enabled", 180), ("aliases", 180)],
        ..Settling::USUAL
    };

    type Spec = Spec;
    type Attrs = Attrs;

    fn check(spec: Known<'_>) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(policy) = spec.get("key_policy") {
            problems.extend(check_policy(policy, "key_policy", PolicyUse::Resource));
            problems.extend(check_lockout(spec, policy));
        }
        let symmetric = spec.text("key_spec").is_none_or(|spec| spec == "SYMMETRIC_DEFAULT");
        if spec.flag("enable_key_rotation") == Some(true) {
            if !symmetric {
                problems.push(
                    Problem::new(
                        "enable_key_rotation",
                        "only symmetric encryption keys rotate by themselves",
                    )
                    .help("remove `enable_key_rotation`, and replace the key by hand when needed"),
                );
            } else if spec.text("origin") == Some("EXTERNAL") {
                problems.push(Problem::new(
                    "enable_key_rotation",
                    "imported key material does not rotate by itself",
                ));
            }
        } else if spec.is_set("rotation_period_in_days")
            && (!spec.may_be_set("enable_key_rotation") || spec.flag("enable_key_rotation") == Some(false))
        {
            problems.push(
                Problem::new("rotation_period_in_days", "the key does not rotate")
                    .help("set `enable_key_rotation = true`, or remove the period"),
            );
        }
        // An absent value is the default; with an unknown one nothing can be said.
        let or_default = |path: &str, default: &'static str| {
            if spec.may_be_set(path) { spec.text(path).map(str::to_owned) } else { Some(default.to_owned()) }
        };
        if let (Some(key_spec), Some(usage)) =
            (or_default("key_spec", "SYMMETRIC_DEFAULT"), or_default("key_usage", "ENCRYPT_DECRYPT"))
        {
            let usages = usages(&key_spec);
            if !usages.is_empty() && !usages.contains(&usage.as_str()) {
                problems.push(
                    Problem::new("key_usage", format!("a key of spec {key_spec} cannot be used for {usage}"))
                        .help(format!("set `key_usage` to {}", usages.join(" or "))),
                );
            }
        }
        for (index, alias) in spec.list("aliases").iter().enumerate() {
            if let crate::value::Value::String(alias) = alias
                && alias.starts_with("alias/aws/")
            {
                problems.push(Problem::new(
                    format!("aliases.{index}"),
                    "names that begin with `alias/aws/` are reserved for AWS's own keys",
                ));
            }
        }
        problems
    }

    fn claims(own: &Peer<'_>) -> Vec<String> {
        own.spec
            .list("aliases")
            .iter()
            .filter_map(|alias| Some(format!("{} {}", own.place, alias.as_str()?)))
            .collect()
    }

    fn check_among(spec: Known<'_>, among: &Among<'_>) -> Vec<Problem> {
        let mut problems: Vec<Problem> = check_others(spec, among).into_iter().collect();
        for (index, alias) in spec.list("aliases").iter().enumerate() {
            let Some(alias) = alias.as_str() else { continue };
            for other in among.before() {
                if other.spec.list("aliases").iter().any(|one| one.as_str() == Some(alias)) {
                    problems.push(
                        Problem::new(
                            format!("aliases.{index}"),
                            format!("`{alias}` is also a name of {}", other.address),
                        )
                        .help("an alias names one key"),
                    );
                }
            }
        }
        problems
    }

    async fn read_many(cx: &Cx, lookups: &[Lookup<'_>]) -> Reads<Self> {
        let aliases = async {
            match lookups.iter().any(|lookup| lookup.wants("aliases")) {
                true => all_aliases(cx, None).await,
                false => Ok(HashMap::new()),
            }
        };
        let keys = each(lookups, 8, |lookup| read(cx, lookup));
        let (mut keys, aliases) = futures_util::join!(keys, aliases);
        let mut aliases = match aliases {
            Ok(aliases) => aliases,
            Err(error) => return failed(lookups, &error),
        };
        for (key, lookup) in keys.iter_mut().zip(lookups) {
            if let Ok(Some(live)) = key
                && lookup.wants("aliases")
            {
                live.spec.aliases = aliases.remove(&live.attrs.key_id).unwrap_or_default();
            }
        }
        keys
    }

    async fn find(cx: &Cx, owner: &Owner, _: Known<'_>) -> Result<Vec<String>> {
        let mut ids = Vec::new();
        let mut pages = cx.aws.kms().list_keys().limit(1000).into_paginator().send();
        while let Some(page) = pages.next().await {
            ids.extend(page?.keys().iter().filter_map(|key| key.key_id().map(str::to_owned)));
        }
        // KMS cannot filter keys, so the tags of each are read. Keys that the caller may not read, such as
        // those with a policy of their own, do not count as the caller's.
        let tags: Vec<(String, Result<Tags>)> = futures_util::stream::iter(ids)
            .map(|id| async move {
                let tags = tags_of(cx, &id).await;
                (id, tags)
            })
            .buffer_unordered(8)
            .collect()
            .await;
        let mut found: Vec<(f64, String)> = Vec::new();
        for (id, tags) in tags {
            let tags = match tags {
                Ok(tags) => tags,
                Err(error) if matches!(error.class, Class::Denied | Class::Gone) => continue,
                Err(error) => return Err(error),
            };
            if Owner::of(&tags).as_ref() != Some(owner) {
                continue;
            }
            let Some(key) = describe(cx, &id).await? else { continue };
            found.push((key.creation_date().map_or(0.0, |date| date.as_secs_f64()), id));
        }
        // Newest first.
        found.sort_by(|one, other| other.0.total_cmp(&one.0));
        Ok(found.into_iter().map(|(_, id)| id).collect())
    }

    async fn create(cx: &Cx, want: &Spec, new: &NewResource<'_>) -> Result<Created<Self>> {
        let created = cx
            .aws
            .kms()
            .create_key()
            .set_description(want.description.clone())
            .set_policy(want.key_policy.as_ref().map(PolicyDocument::to_text))
            .bypass_policy_lockout_safety_check(want.bypass_policy_lockout_safety_check)
            .multi_region(want.multi_region)
            .key_spec(KeySpec::from(want.key_spec.as_str()))
            .key_usage(KeyUsageType::from(want.key_usage.as_str()))
            .origin(OriginType::from(want.origin.as_str()))
            .set_tags(sdk_tags(new.tags)?)
            .send()
            .await?;
        Created::with(created.key_metadata().map(|key| key.key_id().to_owned()))
    }

    async fn update(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
        let kms = cx.aws.kms();
        if live.description != want.description {
            kms.update_key_description()
                .key_id(id)
                .description(want.description.as_deref().unwrap_or_default())
                .send()
                .await?;
        }
        if let Some(policy) = &want.key_policy
            && live.key_policy.as_ref() != Some(policy)
        {
            kms.put_key_policy()
                .key_id(id)
                .policy_name("default")
                .policy(policy.to_text())
                .bypass_policy_lockout_safety_check(want.bypass_policy_lockout_safety_check)
                .send()
                .await?;
        }
        // Rotation can only change while the key is enabled, so enable first and disable last
        // (https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html).
        if want.enabled && !live.enabled {
            kms.enable_key().key_id(id).send().await?;
        }
        let rotation_differs = live.enable_key_rotation != want.enable_key_rotation
            || want.enable_key_rotation && live.rotation_period_in_days != want.rotation_period_in_days;
        if rotation_differs {
            if !live.enabled && !want.enabled {
                return Err(Error::finding(
                    Class::Invalid,
                    "AWS does not change the rotation of a disabled key: enable the key first",
                ));
            }
            if want.enable_key_rotation {
                kms.enable_key_rotation()
                    .key_id(id)
                    .set_rotation_period_in_days(want.rotation_period_in_days)
                    .send()
                    .await?;
            } else {
                kms.disable_key_rotation().key_id(id).send().await?;
            }
        }
        if !want.enabled && live.enabled {
            kms.disable_key().key_id(id).send().await?;
        }
        let (before, after): (BTreeSet<_>, BTreeSet<_>) =
            (live.aliases.iter().collect(), want.aliases.iter().collect());
        for alias in after.difference(&before) {
            add_alias(cx, id, alias).await?;
        }
        drop_aliases(cx, id, before.difference(&after).map(|alias| alias.as_str())).await
    }

    async fn delete(cx: &Cx, id: &str, live: &Spec) -> Result<Deletion> {
        let kms = cx.aws.kms();
        // Otherwise the alias names would stay taken until the key is deleted, weeks later.
        drop_aliases(cx, id, live.aliases.iter().map(String::as_str)).await?;
        let scheduled = kms
            .schedule_key_deletion()
            .key_id(id)
            .pending_window_in_days(live.deletion_window_days)
            .send()
            .await
            .or_gone();
        match scheduled {
            Ok(_) => Ok(Deletion::Begun),
            // A key that is already scheduled for deletion returns this error, too.
            Err(error) if error.has_code(&["KMSInvalidStateException"]) => match describe(cx, id).await? {
                None => Ok(Deletion::Begun),
                Some(_) => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    async fn tag(cx: &Cx, id: &str, _: &Attrs, set: &Tags, remove: &[String]) -> Result<()> {
        tag(cx, id, set, remove).await
    }
}

/// The valid usages of a key spec; empty for an unknown spec
/// (<https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html>).
fn usages(key_spec: &str) -> &'static [&'static str] {
    match key_spec {
        "SYMMETRIC_DEFAULT" => &["ENCRYPT_DECRYPT"],
        spec if spec.starts_with("HMAC_") => &["GENERATE_VERIFY_MAC"],
        spec if spec.starts_with("RSA_") => &["ENCRYPT_DECRYPT", "SIGN_VERIFY"],
        "ECC_NIST_P256" | "ECC_NIST_P384" | "ECC_NIST_P521" => &["SIGN_VERIFY", "KEY_AGREEMENT"],
        "ECC_SECG_P256K1" | "ECC_NIST_EDWARDS25519" => &["SIGN_VERIFY"],
        spec if spec.starts_with("ML_DSA_") => &["SIGN_VERIFY"],
        "SM2" => &["ENCRYPT_DECRYPT", "SIGN_VERIFY", "KEY_AGREEMENT"],
        _ => &[],
    }
}

/// All aliases of a key or of the region, by key id, from one paged list.
async fn all_aliases(cx: &Cx, key: Option<&str>) -> Result<HashMap<String, Vec<String>>> {
    let mut aliases: HashMap<String, Vec<String>> = HashMap::new();
    let mut pages =
        cx.aws.kms().list_aliases().set_key_id(key.map(str::to_owned)).limit(100).into_paginator().send();
    while let Some(page) = pages.next().await {
        for alias in page?.aliases() {
            if let (Some(name), Some(key)) = (alias.alias_name(), alias.target_key_id()) {
                aliases.entry(key.to_owned()).or_default().push(name.to_owned());
            }
        }
    }
    Ok(aliases)
}

/// The key, unless it is deleted or scheduled for deletion: such a key cannot be used, and its
/// id is never reused.
async fn describe(cx: &Cx, id: &str) -> Result<Option<KeyMetadata>> {
    let key = cx.aws.kms().describe_key().key_id(id).send().await.or_gone()?;
    Ok(key.and_then(|key| key.key_metadata).filter(|key| {
        !matches!(key.key_state(), Some(KeyState::PendingDeletion | KeyState::PendingReplicaDeletion))
    }))
}

async fn tags_of(cx: &Cx, id: &str) -> Result<Tags> {
    let mut tags = Tags::new();
    let mut pages = cx.aws.kms().list_resource_tags().key_id(id).into_paginator().send();
    while let Some(page) = pages.next().await {
        tags.extend(tags_from(page?.tags()));
    }
    Ok(tags)
}

/// Reads a key without its aliases.
async fn read(cx: &Cx, lookup: Lookup<'_>) -> Result<Option<Live<KmsKey>>> {
    let kms = cx.aws.kms();
    let policy = async {
        if !lookup.wants("key_policy") {
            return Ok(None);
        }
        kms.get_key_policy().key_id(lookup.id).policy_name("default").send().await.or_gone()
    };
    let rotation = async {
        if !lookup.wants("enable_key_rotation") && !lookup.wants("rotation_period_in_days") {
            return Ok(None);
        }
        // A key that cannot rotate may answer that the operation is unsupported. A key that was scheduled for
        // deletion meanwhile answers that its state is invalid.
        kms.get_key_rotation_status().key_id(lookup.id).send().await.or_none_on(&[
            "UnsupportedOperationException",
            "NotFoundException",
            "KMSInvalidStateException",
        ])
    };
    let tags = async {
        match lookup.tags {
            Some(tags) => Ok(tags.clone()),
            None => tags_of(cx, lookup.id).await,
        }
    };
    let (key, tags, policy, rotation) = futures_util::join!(describe(cx, lookup.id), tags, policy, rotation);
    let Some(key) = key? else { return Ok(None) };
    let rotation = rotation?;
    let key_policy = Read::read(policy?.as_ref().and_then(|answer| answer.policy()))?;
    let enable_key_rotation = rotation.as_ref().is_some_and(|rotation| rotation.key_rotation_enabled());
    let or = |text: Option<&str>, default: fn() -> String| text.map_or_else(default, str::to_owned);
    let spec = Spec {
        description: key.description().filter(|text| !text.is_empty()).map(str::to_owned),
        key_policy,
        bypass_policy_lockout_safety_check: false,
        aliases: Vec::new(),
        // A key that waits for its material is not disabled, and AWS refuses to enable it.
        enabled: key.key_state() != Some(&KeyState::Disabled),
        enable_key_rotation,
        rotation_period_in_days: rotation
            .as_ref()
            .filter(|_| enable_key_rotation)
            .and_then(|rotation| rotation.rotation_period_in_days()),
        multi_region: key.multi_region().unwrap_or(false),
        key_spec: or(key.key_spec().map(KeySpec::as_str), key_spec),
        key_usage: or(key.key_usage().map(KeyUsageType::as_str), key_usage),
        origin: or(key.origin().map(OriginType::as_str), origin),
        deletion_window_days: deletion_window(),
    };
    let attrs = Attrs { arn: key.arn().unwrap_or_default().to_owned(), key_id: key.key_id().to_owned() };
    let state = match key.key_state() {
        Some(KeyState::Creating) => State::Busy("creating".to_owned()),
        Some(KeyState::Updating) => State::Busy("updating".to_owned()),
        _ => State::Ready,
    };
    let incarnation = Some(attrs.key_id.clone());
    Ok(Some(Live { state, ..Live::ready(spec, attrs, tags?).with_incarnation(incarnation) }))
}

/// Deletes the aliases that still belong to this key. Those moved to another key meanwhile are left alone.
async fn drop_aliases(cx: &Cx, id: &str, aliases: impl Iterator<Item = &str>) -> Result<()> {
    let aliases: Vec<&str> = aliases.collect();
    let now = if aliases.is_empty() { HashMap::new() } else { all_aliases(cx, Some(id)).await? };
    let now = now.get(id).map(Vec::as_slice).unwrap_or_default();
    for alias in now.iter().filter(|alias| aliases.contains(&alias.as_str())) {
        cx.aws.kms().delete_alias().alias_name(alias).send().await.or_gone()?;
    }
    Ok(())
}

/// Adds an alias to the key. If another key of the stack has it, such as a predecessor, the alias moves.
/// An alias of a foreign key stays where it is.
async fn add_alias(cx: &Cx, id: &str, alias: &str) -> Result<()> {
    let kms = cx.aws.kms();
    let taken = match kms.create_alias().alias_name(alias).target_key_id(id).send().await.map_err(Error::from)
    {
        Ok(_) => return Ok(()),
        Err(error) if error.class == Class::Exists => error,
        Err(error) => return Err(error),
    };
    let holder = kms.describe_key().key_id(alias).send().await.map_err(Error::from)?;
    let Some(holder) = holder.key_metadata() else { return Err(taken) };
    if holder.key_id() == id {
        return Ok(());
    }
    let stack = |tags: Tags| Owner::of(&tags).map(|owner| (owner.stack, owner.env));
    let ours = stack(tags_of(cx, id).await?);
    if ours.is_none() || stack(tags_of(cx, holder.key_id()).await?) != ours {
        return Err(Error {
            class: Class::Invalid,
            message: format!("`{alias}` is a name of the key {}, which is not this stack's", holder.key_id())
                .into(),
            ..taken
        });
    }
    match kms.update_alias().alias_name(alias).target_key_id(id).send().await.map_err(Error::from) {
        Ok(_) => Ok(()),
        // An alias cannot move between keys of different type or usage
        // (https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateAlias.html).
        Err(error) if error.class == Class::Invalid => {
            kms.delete_alias().alias_name(alias).send().await.or_gone()?;
            kms.create_alias().alias_name(alias).target_key_id(id).send().await?;
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// KMS refuses a policy that would lock out the caller. A policy that lets nobody in any account change it
/// locks out every caller
/// (<https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html>).
fn check_lockout(spec: Known<'_>, policy: &Value) -> Option<Problem> {
    let bypass = "bypass_policy_lockout_safety_check";
    if spec.flag(bypass) == Some(true) || (spec.is_set(bypass) && spec.flag(bypass).is_none()) {
        return None;
    }
    check_statements(policy, "key_policy", |statements| {
        let hidden = has_hidden_statement(policy) || statements.is_empty();
        let holders: Vec<&Statement<'_>> = statements.iter().filter(|one| may_put_policy(one)).collect();
        if hidden || holders.iter().any(|one| may_be_about_itself(one)) {
            return Vec::new();
        }
        // An existing key may be named by its ARN.
        if holders.iter().any(|one| is_about_keys(one)) {
            return vec![
                Problem::warning(
                    "key_policy",
                    "the statement that permits changing the policy names a key by its ARN: if that is not this key, KMS refuses the policy",
                )
                .help("write `Resource = \"*\"`, which is this key in its own policy"),
            ];
        }
        vec![locked_out()]
    })
    .pop()
}

fn locked_out() -> Problem {
    Problem::new("key_policy", "nobody could change the policy again, so KMS refuses it").help(
        "allow the account: { Effect = \"Allow\", Principal = { AWS = \"${aws.account_id}\" }, Action = \"kms:*\", Resource = \"*\" }",
    )
}

/// Reports a policy whose permissions to change it are all about other keys of the stack.
fn check_others(spec: Known<'_>, among: &Among<'_>) -> Option<Problem> {
    let policy = spec.get("key_policy")?;
    let bypass = "bypass_policy_lockout_safety_check";
    if spec.may_be_set(bypass) && spec.flag(bypass) != Some(false) {
        return None;
    }
    let is_other = |resource: &Value| {
        among
            .referred(resource)
            .is_some_and(|(peer, _)| peer.kind == "kms_key" && peer.address != among.address())
    };
    check_statements(policy, "key_policy", |statements| {
        let holders: Vec<&Statement<'_>> = statements.iter().filter(|one| may_put_policy(one)).collect();
        let is_elsewhere = |one: &&Statement<'_>| match one.get("Resource") {
            Some(Value::List(list)) => !list.is_empty() && list.iter().all(is_other),
            Some(one) => is_other(one),
            None => false,
        };
        let hidden = has_hidden_statement(policy) || holders.is_empty();
        if hidden || !holders.iter().all(is_elsewhere) { Vec::new() } else { vec![locked_out()] }
    })
    .pop()
}

/// Returns whether a statement may be about the key that its policy belongs to
/// (<https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html>).
fn may_be_about_itself(statement: &Statement<'_>) -> bool {
    if statement.get("Resource").is_none() || !statement.knows("Resource") {
        return true;
    }
    let is_pattern = |resource: &str| resource.contains(['*', '?', '$']);
    statement.texts("Resource").iter().any(|(resource, _)| is_pattern(resource))
}

fn is_about_keys(statement: &Statement<'_>) -> bool {
    statement
        .texts("Resource")
        .iter()
        .any(|(resource, _)| resource.contains(":kms:") && resource.contains(":key/"))
}

/// Returns whether a statement may allow someone in an account to call `PutKeyPolicy`.
fn may_put_policy(statement: &Statement<'_>) -> bool {
    let put = |action: &str| matches_pattern(&action.to_ascii_lowercase(), "kms:putkeypolicy");
    let granted = match statement.get("NotAction") {
        Some(_) => !statement.texts("NotAction").iter().any(|(action, _)| put(action)),
        None => !statement.knows("Action") || statement.texts("Action").iter().any(|(action, _)| put(action)),
    };
    // An unknown effect may be either.
    let allows = statement.allows() || !statement.knows("Effect");
    allows && granted && statement.may_name_accounts()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    fn paths(spec: serde_json::Value) -> Vec<String> {
        KmsKey::check(Known(&Value::from_json(&spec))).into_iter().map(|problem| problem.path).collect()
    }

    #[test]
    fn usage_fits_the_key_spec() {
        assert!(paths(serde_json::json!({})).is_empty());
        assert_eq!(paths(serde_json::json!({ "key_spec": "HMAC_256" })), ["key_usage"]);
        assert!(paths(serde_json::json!({ "key_spec": "RSA_4096", "key_usage": "SIGN_VERIFY" })).is_empty());
    }

    #[test]
    fn rotation_fits_the_key() {
        let rsa = serde_json::json!({ "key_spec": "RSA_4096", "enable_key_rotation": true });
        assert_eq!(paths(rsa), ["enable_key_rotation"]);
        assert_eq!(paths(serde_json::json!({ "rotation_period_in_days": 90 })), ["rotation_period_in_days"]);
        assert_eq!(paths(serde_json::json!({ "aliases": ["alias/aws/s3"] })), ["aliases.0"]);
    }
}
