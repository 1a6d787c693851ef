//! `s3_object`.

mod body;
mod listing;

use std::collections::BTreeMap;

use aws_sdk_s3::primitives::{ByteStream, DateTime, DateTimeFormat};
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, CompletedMultipartUpload, CompletedPart, ObjectIdentifier,
    ObjectLockLegalHold, ObjectLockRetention, ObjectVersion, StorageClass, Tag, Tagging,
};
use futures_util::{StreamExt, TryStreamExt, stream};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::shared::{changed_tags, delete_versions, of_tags, to_tags};
use crate::kind::prelude::*;
use body::{Body, checksum, media_type};
use listing::{listed, parts};

/// An object in an Amazon S3 bucket: a job's script, a configuration, a small table. Its
/// content is a file (`source`) or written in the stack (`content`, `content_base64`);
/// without any of them it is empty. Changes of it, in the file or at AWS, are seen by its
/// checksum. An object has at most ten tags: three or more identify its owner, then come its own, and
/// the tags of the stack are left off, with a warning, where there is no room for all of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-dwctl-together" = [["object_lock_mode", "object_lock_retain_until_date"]]))]
pub struct Spec {
    /// Name of the bucket.
    #[schemars(extend("x-dwctl" = [REPLACE]), length(min = 3, max = 63))]
    #[schemars(extend("x-dwctl-names" = "bucket"))]
    pub bucket: String,
    /// Key of the object, such as `jobs/orders.py`.
    #[schemars(extend("x-dwctl" = [REPLACE]), length(min = 1, max = 1024))]
    pub key: String,
    /// Path of a file in the stack's folder.
    #[schemars(extend("x-dwctl" = [LOCAL], "x-dwctl-document" = "file"))]
    pub source: Option<String>,
    /// The content as text.
    #[schemars(extend("x-dwctl" = [LOCAL], "x-dwctl-document" = "content"))]
    pub content: Option<String>,
    /// The content as bytes, in base64.
    #[schemars(extend("x-dwctl" = [LOCAL]))]
    pub content_base64: Option<String>,
    /// SHA-256 of the content in base64; of an object of 64 MiB or more, that of its parts of
    /// 16 MiB. dwctl computes it.
    #[schemars(extend("x-dwctl" = [DERIVED], "x-dwctl-document" = "checksum"))]
    pub checksum_sha256: Option<String>,
    /// Media type. Absent: by the extension of the key.
    #[schemars(extend("x-dwctl" = [DERIVED]))]
    pub content_type: Option<String>,
    /// How caches may keep it, such as `max-age=3600`.
    pub cache_control: Option<String>,
    /// How it is presented, such as `attachment; filename="orders.csv"`.
    pub content_disposition: Option<String>,
    /// How it is compressed, such as `gzip`.
    pub content_encoding: Option<String>,
    /// Its language, such as `en-US`.
    pub content_language: Option<String>,
    /// The user's own metadata; keys in lower case, 2 KB in all.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// Where the web site of the bucket sends requests for it.
    pub website_redirect_location: Option<String>,
    /// Storage class, such as `STANDARD_IA`.
    #[serde(default = "storage_class")]
    #[schemars(extend("x-dwctl-risk" = ["protection when to ONEZONE_IA: kept in one availability zone only", "protection when to REDUCED_REDUNDANCY: kept in fewer copies"]))]
    pub storage_class: String,
    /// How it is encrypted: `AES256`, `aws:kms` or `aws:kms:dsse`. Absent: as the bucket says.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT]))]
    #[schemars(extend("x-dwctl-risk" = ["protection when lower aws:kms:dsse > aws:kms > AES256: encrypted by {after} instead of {before}"]))]
    pub server_side_encryption: Option<String>,
    /// KMS key that encrypts it: id or ARN. Absent: as the bucket says.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT], "x-dwctl-spelling" = "kms-key"))]
    #[schemars(extend("x-dwctl-names" = "kms-key"))]
    pub ssekms_key_id: Option<String>,
    /// Fewer calls to KMS, by a key of the bucket. Absent: as the bucket says.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT]))]
    pub bucket_key_enabled: Option<bool>,
    /// How it is locked: `GOVERNANCE` can be lifted by permission, `COMPLIANCE` by nobody. Absent: as the bucket says.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT], "enum" = ["GOVERNANCE", "COMPLIANCE"]))]
    #[schemars(extend("x-dwctl-risk" = ["protection when lower COMPLIANCE > GOVERNANCE: the lock can be lifted", "irreversible when higher COMPLIANCE > GOVERNANCE: nobody can lift the lock until its retention ends"]))]
    pub object_lock_mode: Option<String>,
    /// Until when it is locked, as `2030-01-01T00:00:00Z`.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT]), regex(pattern = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$"))]
    #[schemars(extend("x-dwctl-risk" = ["protection when earlier: locked until {after} instead of {before}"]))]
    pub object_lock_retain_until_date: Option<String>,
    /// A lock without an end: `ON` or `OFF`.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT], "enum" = ["ON", "OFF"]))]
    #[schemars(extend("x-dwctl-risk" = ["protection when lower ON > OFF: the legal hold is lifted"]))]
    pub object_lock_legal_hold_status: Option<String>,
    /// When it is deleted from a bucket with versioning, delete all its versions. Otherwise
    /// they stay, hidden by a delete marker.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [LOCAL]))]
    #[schemars(extend("x-dwctl-risk" = ["protection when on: destroying it deletes all its versions", "data-loss when destroyed true: all its versions are deleted"]))]
    pub force_destroy: bool,
}

defaults! {
    storage_class: String = "STANDARD";
}

/// The attributes of an object that AWS decides.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Attrs {
    /// ARN of the object.
    pub arn: String,
    /// Address of the object, `s3://bucket/key`.
    pub uri: String,
    /// Entity tag of the content.
    pub e_tag: String,
    /// Version, in a bucket with versioning.
    pub version_id: Option<String>,
}

/// The kind `s3_object`.
pub struct S3Object;

impl Kind for S3Object {
    const CFN: Option<&'static str> = None;
    const TERRAFORM: Terraform = Terraform::of(
        "aws_s3_object",
        &[("ssekms_key_id", "kms_key_id"), ("website_redirect_location", "website_redirect")],
    );
    const ALSO_CALLED: &'static [(&'static str, &'static str)] = &[
        ("", "aws_s3_bucket_object"),
        ("", "file"),
        ("", "upload"),
        ("content", "body"),
        ("source", "body"),
        ("key", "id"),
        ("key", "name"),
        ("source", "path"),
        ("checksum_sha256", "etag"),
        ("checksum_sha256", "source_hash"),
    ];
    const ACTIONS: Actions = Actions {
        // KMS is asked for the checksum of an object that its keys encrypt.
        read: &[
            "kms:Decrypt",
            "s3:GetObject",
            "s3:GetObjectTagging",
            "s3:ListBucket",
            "s3:ListBucketVersions",
        ],
        create: &[
            "kms:Decrypt",
            "kms:GenerateDataKey",
            "s3:AbortMultipartUpload",
            "s3:PutObject",
            "s3:PutObjectLegalHold",
            "s3:PutObjectRetention",
            "s3:PutObjectTagging",
        ],
        update: &[
            "kms:Decrypt",
            "kms:GenerateDataKey",
            "s3:AbortMultipartUpload",
            "s3:DeleteObjectTagging",
            "s3:GetObjectTagging",
            "s3:PutObject",
            "s3:PutObjectLegalHold",
            "s3:PutObjectRetention",
            "s3:PutObjectTagging",
        ],
        delete: &["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:ListBucketVersions"],
    };
    const BATCHES_READS: bool = true;
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
    const TAG_RULES: TagRules = TagRules { most: 10, ..TagRules::PLAIN };
    // <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucket.html>
    const LINKS: &'static [Link] = &[Link::to("bucket", "s3_bucket").held(Hold::Firm)];
    const PART_OF: Option<(&'static str, &'static str)> = Some(("s3_bucket", "bucket"));
    // A large file takes its time.
    const PACE: Pace = Pace { create_seconds: 1, delete_seconds: 1, deadline_seconds: 3600 };

    type Spec = Spec;
    type Attrs = Attrs;

    fn id_of_arn(arn: &str) -> Option<String> {
        arn.splitn(6, ':').nth(5).map(str::to_owned)
    }

    fn identity(spec: Known<'_>, _: &Scope) -> Identity {
        Identity::named(
            spec.text("bucket").zip(spec.text("key")).map(|(bucket, key)| format!("{bucket}/{key}")),
        )
    }

    fn predict(spec: Known<'_>, scope: &Scope) -> Predicted {
        match spec.text("bucket").zip(spec.text("key")) {
            Some((bucket, key)) => Predicted::default()
                .with("arn", format!("arn:{}:s3:::{bucket}/{key}", scope.partition))
                .with("uri", format!("s3://{bucket}/{key}")),
            None => Predicted::default(),
        }
    }

    /// A version keeps its content and metadata for ever. Without versions, a write changes the entity tag or
    /// the time.
    fn stamp(attrs: Known<'_>, incarnation: Option<&str>) -> Option<String> {
        stamp(attrs.text("version_id"), attrs.text("e_tag")?, incarnation)
    }

    /// The checksum represents the content: it is compared with AWS's, and recorded in the ledger.
    fn derive(spec: &mut Value, files: &Files) -> Result<(), Problem> {
        let Value::Map(fields) = spec else { return Ok(()) };
        let is_absent = |fields: &BTreeMap<String, Value>, name: &str| {
            matches!(fields.get(name), None | Some(Value::Null))
        };
        if (is_absent(fields, "content_type") || fields["content_type"].as_str() == Some(""))
            && let Some(Value::String(key)) = fields.get("key")
            && let Some(media_type) = media_type(key)
        {
            fields.insert("content_type".to_owned(), media_type.into());
        }
        let written =
            ["source", "content", "content_base64"].into_iter().find(|name| !is_absent(fields, name));
        let (path, given) = match written {
            Some(name) => (name, fields.get(name).cloned().unwrap_or_default()),
            None => ("content", Value::from("")),
        };
        let computed = match &given {
            Value::Unknown(unknown) => Value::Unknown(unknown.clone()),
            Value::String(text) => derive_checksum(path, text, files)?,
            // The checksum of a guessable secret gives it away.
            Value::Secret(inner) => match inner.as_ref() {
                Value::String(text) => derive_checksum(path, text, files)?.tainted(),
                _ => return Ok(()),
            },
            // Not a text: validation says so.
            _ => return Ok(()),
        };
        match (fields.get("checksum_sha256"), &computed) {
            (Some(Value::String(declared)), Value::String(computed)) if declared != computed => {
                return Err(Problem::new(
                    "checksum_sha256",
                    format!("the content has the checksum {computed}"),
                )
                .help("remove `checksum_sha256`: dwctl computes it"));
            }
            (None | Some(Value::Null), _) => {
                fields.insert("checksum_sha256".to_owned(), computed);
            }
            _ => {}
        }
        Ok(())
    }

    fn check(spec: Known<'_>) -> Vec<Problem> {
        check(spec)
    }

    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html>
    fn kept_after_delete(spec: Known<'_>, attrs: Known<'_>, _: Option<&str>) -> Option<String> {
        let versioned = attrs.text("version_id").is_some_and(|version| version != "null");
        (versioned && spec.flag("force_destroy") != Some(true))
            .then(|| "its versions stay in the bucket, under a delete marker".to_owned())
    }

    fn content(spec: Known<'_>, files: &Files) -> Option<String> {
        let given = ["source", "content", "content_base64"].map(|name| spec.text(name));
        // A secret or unknown value is present, but is not a text here.
        if given.iter().all(Option::is_none) {
            return None;
        }
        let [source, content, content_base64] = given;
        Body::of(source, content, content_base64, files).ok()?.text()
    }

    /// A listing shows which objects exist, and which are still as they were applied. The others take
    /// `HeadObject` and `GetObjectTagging`: no listing shows the SHA-256, the metadata or the media type. The
    /// tags of an object that is as applied are read with `--deep`.
    async fn read_many(cx: &Cx, lookups: &[Lookup<'_>]) -> Reads<Self> {
        let listed = listed(cx, lookups).await;
        each(lookups, 16, |lookup| read(cx, lookup, listed.get(lookup.id))).await
    }

    /// The index of tags has no objects; each is asked for its own, so that a bucket of
    /// more than one page of objects, a data lake, is left alone.
    async fn inside(cx: &Cx, id: &str) -> Result<Vec<(String, Tags)>> {
        let s3 = cx.aws.s3();
        let page = s3.list_objects_v2().bucket(id).send().await.or_gone()?;
        if page.as_ref().is_some_and(|page| page.is_truncated() == Some(true)) {
            let why = "it has more than 1,000 objects, whose tags are not read one by one";
            return Err(Error::finding(Class::Invalid, why));
        }
        let keys = page.and_then(|page| page.contents).unwrap_or_default();
        let tags = keys.into_iter().filter_map(|object| object.key).map(|key| async move {
            let answer = s3.get_object_tagging().bucket(id).key(&key).send().await.or_gone()?;
            Ok::<_, Error>(answer.map(|answer| (format!("{id}/{key}"), tags_from(answer.tag_set()))))
        });
        let found: Vec<Option<(String, Tags)>> = stream::iter(tags).buffered(8).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn create(cx: &Cx, want: &Spec, new: &NewResource<'_>) -> Result<Created<Self>> {
        // An object that appeared since the plan is not overwritten.
        let stored = put(cx, want, new.tags, Some("*")).await?;
        let id = format!("{}/{}", want.bucket, want.key);
        // Without a version, S3 does not return when it wrote the object.
        let live = (stored.version_id.is_some() && want.content_type.is_some()).then(|| {
            let attrs =
                attrs(cx, &want.bucket, &want.key, stored.e_tag.as_deref(), stored.version_id.as_deref());
            let incarnation = incarnation(&attrs, None);
            let spec = Spec {
                source: None,
                content: None,
                content_base64: None,
                server_side_encryption: stored.server_side_encryption,
                ssekms_key_id: stored.ssekms_key_id,
                bucket_key_enabled: stored.bucket_key_enabled,
                force_destroy: false,
                ..want.clone()
            };
            Live::ready(spec, attrs, new.tags.clone()).with_incarnation(incarnation)
        });
        Ok(Created { id, live })
    }

    async fn update(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
        let (bucket, key) = parts(id)?;
        let s3 = cx.aws.s3();
        let stored = |spec: &Spec| Spec {
            source: None,
            content: None,
            content_base64: None,
            object_lock_mode: None,
            object_lock_retain_until_date: None,
            object_lock_legal_hold_status: None,
            force_destroy: false,
            ..spec.clone()
        };
        if stored(live) != stored(want) {
            // An object is only written whole, and without its tags it would lose them.
            let tags = s3.get_object_tagging().bucket(bucket).key(key).send().await?;
            return put(cx, want, &of_tags(tags.tag_set()), None).await.map(drop);
        }
        let retention =
            |spec: &Spec| (spec.object_lock_mode.clone(), spec.object_lock_retain_until_date.clone());
        if retention(live) != retention(want) {
            let retention = ObjectLockRetention::builder()
                .set_mode(want.object_lock_mode.as_deref().map(Into::into))
                .set_retain_until_date(date(want)?)
                .build();
            s3.put_object_retention().bucket(bucket).key(key).retention(retention).send().await?;
        }
        if live.object_lock_legal_hold_status != want.object_lock_legal_hold_status {
            let hold = ObjectLockLegalHold::builder()
                .set_status(want.object_lock_legal_hold_status.as_deref().map(Into::into))
                .build();
            s3.put_object_legal_hold().bucket(bucket).key(key).legal_hold(hold).send().await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx, id: &str, live: &Spec) -> Result<Deletion> {
        let (bucket, key) = parts(id)?;
        if live.force_destroy {
            return delete_all_versions(cx, bucket, key).await.map(|()| Deletion::Done);
        }
        cx.aws.s3().delete_object().bucket(bucket).key(key).send().await.or_gone().map(Deletion::of)
    }

    async fn tag(cx: &Cx, id: &str, _: &Attrs, set: &Tags, remove: &[String]) -> Result<()> {
        let (bucket, key) = parts(id)?;
        let s3 = cx.aws.s3();
        let before: Vec<Tag> = s3.get_object_tagging().bucket(bucket).key(key).send().await?.tag_set;
        let tags = changed_tags(&before, set, remove);
        if tags.is_empty() {
            s3.delete_object_tagging().bucket(bucket).key(key).send().await?;
        } else {
            let tagging = built(Tagging::builder().set_tag_set(Some(to_tags(&tags)?)).build())?;
            s3.put_object_tagging().bucket(bucket).key(key).tagging(tagging).send().await?;
        }
        Ok(())
    }
}

fn derive_checksum(path: &str, text: &str, files: &Files) -> Result<Value, Problem> {
    let given = |name: &str| (name == path).then_some(text);
    Body::of(given("source"), given("content"), given("content_base64"), files)
        .and_then(|body| body.checksum().map_err(|error| format!("`{path}` cannot be read: {error}")))
        .map(Value::String)
        .map_err(|message| Problem::new(path, message))
}

fn check(spec: Known<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let given: Vec<&str> =
        ["source", "content", "content_base64"].into_iter().filter(|name| spec.is_set(name)).collect();
    if let [first, second, ..] = given.as_slice() {
        problems.push(
            Problem::new(*second, format!("the content is already given by `{first}`"))
                .help("keep one of `source`, `content` and `content_base64`"),
        );
    }
    if spec.text("key").is_some_and(|key| key.len() > 1024) {
        problems.push(Problem::new("key", "the key has more than 1024 bytes in UTF-8"));
    }
    if let Some(class) = spec.text("storage_class").filter(|class| !StorageClass::values().contains(class)) {
        let help = nearest(class, StorageClass::values().iter().copied())
            .map_or_else(|| "such as `STANDARD_IA`".to_owned(), |near| format!("did you mean `{near}`?"));
        problems.push(Problem::new("storage_class", format!("S3 has no storage class `{class}`")).help(help));
    }
    let encryption = spec.text("server_side_encryption");
    if let Some(other) = encryption
        && !["AES256", "aws:kms", "aws:kms:dsse", "aws:fsx"].contains(&other)
    {
        problems.push(
            Problem::new("server_side_encryption", format!("there is no encryption `{other}`"))
                .help("one of AES256, aws:kms, aws:kms:dsse"),
        );
    }
    if spec.is_set("ssekms_key_id")
        && (encryption == Some("AES256") || !spec.may_be_set("server_side_encryption"))
    {
        problems.push(
            Problem::new("ssekms_key_id", "the key is for encryption by KMS")
                .help("set `server_side_encryption = \"aws:kms\"`"),
        );
    }
    if spec.text("ssekms_key_id").is_some_and(|key| key.starts_with("alias/") || key.contains(":alias/")) {
        problems.push(
            Problem::new("ssekms_key_id", "an alias cannot be compared with the key that AWS returns")
                .help("give the key's ARN or id, such as `${kms_key.NAME.arn}`"),
        );
    }
    // They are sent as headers of HTTP, which are one line each.
    for name in [
        "content_type",
        "cache_control",
        "content_disposition",
        "content_encoding",
        "content_language",
        "website_redirect_location",
    ] {
        problems.extend(spec.text(name).and_then(|text| not_a_header(name, text)));
    }
    if let Some(Value::Map(metadata)) = spec.get("metadata") {
        for (name, value) in metadata {
            let path = format!("metadata.{name}");
            problems.extend(value.as_str().and_then(|text| not_a_header(&path, text)));
            let is_token = |one: u8| one.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&one);
            if name.is_empty() || !name.bytes().all(is_token) {
                problems.push(
                    Problem::new(path, format!("\"{name}\" cannot be the key of metadata"))
                        .help("it is sent as an HTTP header: letters, digits, `-` and `_`"),
                );
            }
        }
        let mut size = 0;
        for (name, value) in metadata {
            size += name.len() + if let Value::String(text) = value { text.len() } else { 0 };
            if name.chars().any(char::is_uppercase) {
                problems.push(
                    Problem::new(format!("metadata.{name}"), "S3 keeps the keys of metadata in lower case")
                        .help(format!("write `{}`", name.to_lowercase())),
                );
            }
        }
        if size > 2048 {
            problems
                .push(Problem::new("metadata", format!("the metadata has {size} bytes, of at most 2048")));
        }
    }
    problems
}

/// The problem of a text that is sent as the value of a header
/// (<https://www.rfc-editor.org/rfc/rfc9110#section-5.5>).
fn not_a_header(path: &str, text: &str) -> Option<Problem> {
    let is_control = |one: char| one.is_ascii_control() && one != '\t';
    text.contains(is_control).then(|| {
        Problem::new(
            path,
            "it is sent as an HTTP header, which cannot have line breaks or other control characters",
        )
        .help("write it in one line")
    })
}

/// The settings of an object as they were applied, if a listed version shows that it is unchanged.
fn unchanged(lookup: Lookup<'_>, version: &ObjectVersion, stamp: &str) -> Option<Spec> {
    let applied: Spec = lookup.applied(stamp)?;
    Some(Spec {
        source: None,
        content: None,
        content_base64: None,
        force_destroy: false,
        // Rules of the bucket move a version to another class.
        storage_class: class_of(version),
        ..applied
    })
}

fn class_of(version: &ObjectVersion) -> String {
    version.storage_class().map_or_else(storage_class, |class| class.as_str().to_owned())
}

/// An object as a listing shows it, for somebody who only asks whose it is.
fn bare(bucket: &str, key: &str, version: &ObjectVersion) -> Spec {
    Spec {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        source: None,
        content: None,
        content_base64: None,
        checksum_sha256: None,
        content_type: None,
        cache_control: None,
        content_disposition: None,
        content_encoding: None,
        content_language: None,
        metadata: BTreeMap::new(),
        website_redirect_location: None,
        storage_class: class_of(version),
        server_side_encryption: None,
        ssekms_key_id: None,
        bucket_key_enabled: None,
        object_lock_mode: None,
        object_lock_retain_until_date: None,
        object_lock_legal_hold_status: None,
        force_destroy: false,
    }
}

/// See [`Kind::stamp`].
fn stamp(version_id: Option<&str>, e_tag: &str, incarnation: Option<&str>) -> Option<String> {
    match version_id {
        Some(version) => Some(version.to_owned()),
        None => Some(format!("{e_tag}@{}", incarnation?)),
    }
}

fn attrs(cx: &Cx, bucket: &str, key: &str, e_tag: Option<&str>, version_id: Option<&str>) -> Attrs {
    Attrs {
        arn: format!("arn:{}:s3:::{bucket}/{key}", cx.scope.partition),
        uri: format!("s3://{bucket}/{key}"),
        e_tag: e_tag.unwrap_or_default().trim_matches('"').to_owned(),
        version_id: text(version_id).filter(|version| version != "null"),
    }
}

/// What distinguishes an object from a later one with the same key: its version or, if the bucket has none,
/// when it was written, to the second.
fn incarnation(attrs: &Attrs, written: Option<&DateTime>) -> Option<String> {
    attrs.version_id.clone().or_else(|| written.map(|written| written.secs().to_string()))
}

async fn read(
    cx: &Cx,
    lookup: Lookup<'_>,
    listed: Option<&Option<ObjectVersion>>,
) -> Result<Option<Live<S3Object>>> {
    let (bucket, key) = parts(lookup.id)?;
    let s3 = cx.aws.s3();
    match listed {
        Some(None) => return Ok(None),
        Some(Some(version)) => {
            let attrs = attrs(cx, bucket, key, version.e_tag(), version.version_id());
            let incarnation = incarnation(&attrs, version.last_modified());
            let stamp = stamp(attrs.version_id.as_deref(), &attrs.e_tag, incarnation.as_deref());
            let spec = match stamp.as_deref().and_then(|stamp| unchanged(lookup, version, stamp)) {
                // Only who owns it is asked.
                None if lookup.is_bare() => Some(bare(bucket, key, version)),
                spec => spec,
            };
            if let Some(spec) = spec {
                let tags = match lookup.applied_tags(stamp.as_deref()) {
                    Some(tags) => Some(tags.clone()),
                    None => tags(cx, &lookup).await?,
                };
                return Ok(tags.map(|tags| Live::ready(spec, attrs, tags).with_incarnation(incarnation)));
            }
        }
        None => {}
    }
    let head = async {
        s3.head_object().bucket(bucket).key(key).checksum_mode(ChecksumMode::Enabled).send().await.or_gone()
    };
    let Some((head, tags)) = lookup.both(head, tags(cx, &lookup)).await? else { return Ok(None) };
    let spec = Spec {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        source: None,
        content: None,
        content_base64: None,
        checksum_sha256: text(head.checksum_sha256()),
        content_type: text(head.content_type()),
        cache_control: text(head.cache_control()),
        content_disposition: text(head.content_disposition()),
        content_encoding: text(head.content_encoding()),
        content_language: text(head.content_language()),
        metadata: head
            .metadata()
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
        website_redirect_location: text(head.website_redirect_location()),
        // S3 names every class but the standard one.
        storage_class: head.storage_class().map_or_else(storage_class, |class| class.as_str().to_owned()),
        server_side_encryption: head
            .server_side_encryption()
            .map(|encryption| encryption.as_str().to_owned()),
        ssekms_key_id: text(head.ssekms_key_id()),
        // S3 says nothing of a key that is not used.
        bucket_key_enabled: Some(head.bucket_key_enabled().unwrap_or(false)),
        object_lock_mode: head.object_lock_mode().map(|mode| mode.as_str().to_owned()),
        object_lock_retain_until_date: head
            .object_lock_retain_until_date()
            .and_then(|date| DateTime::from_secs(date.secs()).fmt(DateTimeFormat::DateTime).ok()),
        object_lock_legal_hold_status: head
            .object_lock_legal_hold_status()
            .map(|hold| hold.as_str().to_owned()),
        force_destroy: false,
    };
    let attrs = attrs(cx, bucket, key, head.e_tag(), head.version_id());
    let incarnation = incarnation(&attrs, head.last_modified());
    Ok(Some(Live::ready(spec, attrs, tags).with_incarnation(incarnation)))
}

/// The tags of an object; `None` if it does not exist.
async fn tags(cx: &Cx, lookup: &Lookup<'_>) -> Result<Option<Tags>> {
    if let Some(tags) = lookup.tags {
        return Ok(Some(tags.clone()));
    }
    let (bucket, key) = parts(lookup.id)?;
    let tags = cx.aws.s3().get_object_tagging().bucket(bucket).key(key).send().await.or_gone()?;
    Ok(tags.map(|tags| tags_from(tags.tag_set())))
}

fn date(want: &Spec) -> Result<Option<DateTime>> {
    want.object_lock_retain_until_date
        .as_ref()
        .map(|text| {
            DateTime::from_str(text, DateTimeFormat::DateTime)
                .map_err(|error| Error::finding(Class::Invalid, format!("`{text}` is not a date: {error}")))
        })
        .transpose()
}

/// A lock that is still in force: S3 refuses to write one that is over.
fn lock(want: &Spec) -> Result<(Option<String>, Option<DateTime>)> {
    let now = DateTime::from(std::time::SystemTime::now());
    Ok(match date(want)? {
        Some(date) if date > now => (want.object_lock_mode.clone(), Some(date)),
        _ => (None, None),
    })
}

/// The settings of an upload besides its content, for single and multipart uploads alike.
macro_rules! described {
    ($request:expr, $want:expr, $tags:expr) => {{
        let want: &Spec = $want;
        let kms = want.server_side_encryption.as_deref().is_some_and(|kind| kind.starts_with("aws:kms"));
        let (mode, until) = lock(want)?;
        $request
            .bucket(&want.bucket)
            .key(&want.key)
            .set_content_type(want.content_type.clone().or_else(|| media_type(&want.key).map(str::to_owned)))
            .set_cache_control(want.cache_control.clone())
            .set_content_disposition(want.content_disposition.clone())
            .set_content_encoding(want.content_encoding.clone())
            .set_content_language(want.content_language.clone())
            .set_metadata(Some(want.metadata.clone().into_iter().collect()))
            .set_website_redirect_location(want.website_redirect_location.clone())
            .storage_class(want.storage_class.as_str().into())
            .set_server_side_encryption(want.server_side_encryption.as_deref().map(Into::into))
            .set_ssekms_key_id(want.ssekms_key_id.clone().filter(|_| kms))
            .set_bucket_key_enabled(want.bucket_key_enabled.filter(|_| kms))
            .set_object_lock_mode(mode.as_deref().map(Into::into))
            .set_object_lock_retain_until_date(until)
            .set_object_lock_legal_hold_status(want.object_lock_legal_hold_status.as_deref().map(Into::into))
            .set_tagging(tagging($tags))
    }};
}

/// Tags as a header.
fn tagging(tags: &Tags) -> Option<String> {
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs: Vec<String> =
        tags.iter().map(|(key, value)| format!("{}={}", encode(key), encode(value))).collect();
    (!pairs.is_empty()).then(|| pairs.join("&"))
}

fn unreadable(error: std::io::Error) -> Error {
    Error::finding(Class::Invalid, format!("the source cannot be read: {error}"))
}

/// S3's description of an object that it has stored.
struct Stored {
    e_tag: Option<String>,
    /// Absent in a bucket without versioning.
    version_id: Option<String>,
    server_side_encryption: Option<String>,
    ssekms_key_id: Option<String>,
    bucket_key_enabled: Option<bool>,
}

/// Takes [`Stored`] from the answer of `PutObject` or `CompleteMultipartUpload`.
macro_rules! stored {
    ($answer:expr) => {{
        let answer = $answer;
        let encryption = answer.server_side_encryption.map(|encryption| encryption.as_str().to_owned());
        Stored {
            e_tag: answer.e_tag,
            version_id: answer.version_id.filter(|version| version != "null"),
            server_side_encryption: encryption,
            ssekms_key_id: answer.ssekms_key_id,
            bucket_key_enabled: Some(answer.bucket_key_enabled.unwrap_or(false)),
        }
    }};
}

/// Uploads an object; with `if_none_match` only if there is none.
async fn put(cx: &Cx, want: &Spec, tags: &Tags, if_none_match: Option<&str>) -> Result<Stored> {
    let body =
        Body::of(want.source.as_deref(), want.content.as_deref(), want.content_base64.as_deref(), &cx.files)
            .map_err(|message| Error::finding(Class::Invalid, message))?;
    let sum = body.checksum().map_err(unreadable)?;
    if want.checksum_sha256.as_ref().is_some_and(|planned| *planned != sum) {
        return Err(Error::finding(
            Class::Invalid,
            format!(
                "the content of `{}` is not what was planned (the file changed meanwhile): plan again",
                want.key
            ),
        ));
    }
    let uploaded = match body.parts() {
        None => {
            let bytes = body.whole().map_err(unreadable)?;
            described!(cx.aws.s3().put_object(), want, tags)
                .checksum_algorithm(ChecksumAlgorithm::Sha256)
                .checksum_sha256(checksum(&bytes))
                .set_if_none_match(if_none_match.map(str::to_owned))
                .body(ByteStream::from(bytes))
                .send()
                .await
                .map(|answer| stored!(answer))
                .map_err(Error::from)
        }
        Some(count) => put_in_parts(cx, want, tags, &body, count, if_none_match).await,
    };
    match uploaded {
        Err(error) if error.has_code(&["PreconditionFailed"]) => Err(Error { class: Class::Exists, ..error }),
        uploaded => uploaded,
    }
}

async fn put_in_parts(
    cx: &Cx,
    want: &Spec,
    tags: &Tags,
    body: &Body,
    count: u64,
    if_none_match: Option<&str>,
) -> Result<Stored> {
    let s3 = cx.aws.s3();
    let upload = described!(s3.create_multipart_upload(), want, tags)
        .checksum_algorithm(ChecksumAlgorithm::Sha256)
        .send()
        .await?;
    let upload_id = upload.upload_id().unwrap_or_default();
    let finish = async {
        // Four parts at a time: 64 MiB of memory at most.
        let parts: Vec<CompletedPart> = futures_util::stream::iter((0..count).map(Ok))
            .map_ok(|number| upload_part(cx, want, body, upload_id, number))
            .try_buffered(4)
            .try_collect()
            .await?;
        s3.complete_multipart_upload()
            .bucket(&want.bucket)
            .key(&want.key)
            .upload_id(upload_id)
            .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts)).build())
            .set_if_none_match(if_none_match.map(str::to_owned))
            .send()
            .await
            .map(|answer| stored!(answer))
            .map_err(Error::from)
    };
    let finished = finish.await;
    if finished.is_err() {
        // The parts of an upload that nobody ends are stored, and paid for. The first error
        // is what the user must know.
        let _ =
            s3.abort_multipart_upload().bucket(&want.bucket).key(&want.key).upload_id(upload_id).send().await;
    }
    finished
}

async fn upload_part(
    cx: &Cx,
    want: &Spec,
    body: &Body,
    upload_id: &str,
    number: u64,
) -> Result<CompletedPart> {
    let bytes = body.part(number).map_err(unreadable)?;
    let sum = checksum(&bytes);
    // The numbers begin at 1 and end at 10,000.
    let number = i32::try_from(number + 1).unwrap_or(i32::MAX);
    let part = cx
        .aws
        .s3()
        .upload_part()
        .bucket(&want.bucket)
        .key(&want.key)
        .upload_id(upload_id)
        .part_number(number)
        .checksum_algorithm(ChecksumAlgorithm::Sha256)
        .checksum_sha256(&sum)
        .body(ByteStream::from(bytes))
        .send()
        .await?;
    Ok(CompletedPart::builder().part_number(number).set_e_tag(part.e_tag).checksum_sha256(sum).build())
}

async fn delete_all_versions(cx: &Cx, bucket: &str, key: &str) -> Result<()> {
    let s3 = cx.aws.s3();
    let mut markers = (None, None);
    loop {
        let page = s3
            .list_object_versions()
            .bucket(bucket)
            .prefix(key)
            .max_keys(1000)
            .set_key_marker(markers.0.take())
            .set_version_id_marker(markers.1.take())
            .send()
            .await
            .or_gone()?;
        let Some(page) = page else { return Ok(()) };
        let versions = page.versions().iter().map(|version| (version.key(), version.version_id()));
        let hidden = page.delete_markers().iter().map(|marker| (marker.key(), marker.version_id()));
        // Other keys begin as this one does.
        let all: Result<Vec<ObjectIdentifier>> = versions
            .chain(hidden)
            .filter(|(found, _)| *found == Some(key))
            .map(|(_, version)| {
                built(ObjectIdentifier::builder().key(key).set_version_id(version.map(str::to_owned)).build())
            })
            .collect();
        let all = all?;
        // Keys are listed in order, so a page without this one is past it.
        let past = all.is_empty();
        delete_versions(s3, bucket, all).await?;
        if past || page.is_truncated() != Some(true) {
            return Ok(());
        }
        markers = (page.next_key_marker, page.next_version_id_marker);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_identifies_the_content() {
        let mut spec = Value::map([("key", "a.json"), ("content", "hello")]);
        assert_eq!(S3Object::derive(&mut spec, &Files::default()), Ok(()));
        assert_eq!(
            Known(&spec).text("checksum_sha256"),
            Some("LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=")
        );
        assert_eq!(Known(&spec).text("content_type"), Some("application/json"));
        // S3 takes an empty one for none.
        let mut empty = Value::map([("key", "a.json"), ("content", "hello"), ("content_type", "")]);
        assert_eq!(S3Object::derive(&mut empty, &Files::default()), Ok(()));
        assert_eq!(Known(&empty).text("content_type"), Some("application/json"));
        let mut wrong = Value::map([("content", "hello"), ("checksum_sha256", "other")]);
        assert!(S3Object::derive(&mut wrong, &Files::default()).is_err());
    }

    #[test]
    fn the_checksum_of_a_secret_is_secret() {
        let mut spec = Value::map([("content", Value::from("hello").into_secret())]);
        assert_eq!(S3Object::derive(&mut spec, &Files::default()), Ok(()));
        assert!(matches!(Known(&spec).get("checksum_sha256"), Some(Value::Secret(_))));
        let mut unknown = Value::map([("content", Value::unknown("kms_key.a", "arn"))]);
        assert_eq!(S3Object::derive(&mut unknown, &Files::default()), Ok(()));
        assert!(unknown.get("checksum_sha256").is_some_and(|sum| matches!(sum, Value::Unknown(_))));
    }

    #[test]
    fn tags_are_a_header() {
        let tags = Tags::from([("dwctl:address".to_owned(), "s3_object.a b".to_owned())]);
        assert_eq!(tagging(&tags).as_deref(), Some("dwctl%3Aaddress=s3%5Fobject%2Ea%20b"));
        assert_eq!(tagging(&Tags::new()), None);
    }
}
