//! The trait that every kind implements, and the types of its verbs.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::template;
use super::{Among, Finder, Identity, Known, Link, Lookup, Owner, Peer, Predicted, Problem, Terraform};
use crate::aws::{Cx, Error, Result, Scope, Tags};
use crate::files::Files;
use crate::value::Value;

/// A finding about a resource that a plan is going to delete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum DeleteCheck {
    /// AWS would refuse to delete it.
    Refused {
        /// The reason, worded to follow the address: `holds 3 objects`.
        why: String,
        /// Advice.
        help: String,
    },
    /// AWS deletes the resource, but leaves this behind.
    Stays(String),
}

/// The current state of a resource at AWS.
pub struct Live<K: Kind> {
    /// The settings as AWS returns them. The engine knows by the schema which values are equivalent.
    pub spec: K::Spec,
    /// The attributes that AWS decides.
    pub attrs: K::Attrs,
    /// All tags except those of AWS (`aws:*`).
    pub tags: Tags,
    /// The readiness for use and changes.
    pub state: State,
    /// Distinguishes this resource from one created later under the same id. AWS sets such a value
    /// once, at creation (a unique id, a time), or only a write changes it (the time of the last
    /// write). `None` if AWS has nothing of the kind.
    pub incarnation: Option<String>,
    /// Attributes of the spec that AWS does not return at present, such as the port of a cluster that
    /// is still being created. They count as last applied, and their values in `spec` are ignored.
    pub not_returned: Vec<&'static str>,
}

impl<K: Kind> Live<K> {
    /// A resource that is ready.
    pub fn ready(spec: K::Spec, attrs: K::Attrs, tags: Tags) -> Self {
        Self { spec, attrs, tags, state: State::Ready, incarnation: None, not_returned: Vec::new() }
    }

    /// Sets [`Live::incarnation`].
    #[must_use]
    pub fn with_incarnation(self, incarnation: Option<impl ToString>) -> Self {
        Self { incarnation: incarnation.map(|one| one.to_string()).filter(|one| !one.is_empty()), ..self }
    }
}

/// A resource that [`Kind::create`] has created.
pub struct Created<K: Kind> {
    /// The physical id.
    pub id: String,
    /// The resource, if AWS's answer describes all of it: it needs no read.
    pub live: Option<Live<K>>,
}

impl<K: Kind> Created<K> {
    /// A resource with the id that AWS returned.
    ///
    /// # Errors
    /// AWS returned none.
    pub fn with(id: Option<String>) -> Result<Self> {
        id.map(Self::from).ok_or_else(|| {
            Error::finding(crate::aws::Class::Other, "AWS created it but did not return its id")
        })
    }
}

impl<K: Kind> From<String> for Created<K> {
    fn from(id: String) -> Self {
        Self { id, live: None }
    }
}

/// What a create call does with an existing resource of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnExisting {
    /// It fails with [`crate::aws::Class::Exists`], so a success proves that the resource is new.
    Refuses,
    /// It succeeds and changes nothing that matters. The engine then proves by its tags whose the resource is,
    /// before it changes more.
    Returns,
    /// It changes the resource. The engine looks right before the call, and then proves whose it is.
    Overwrites,
}

/// How far a deletion is when its call has succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// AWS has deleted it.
    Done,
    /// Reads show when it is gone: AWS deletes it in the background, or has answered that no such resource
    /// exists, which a single answer does not prove.
    Begun,
}

impl Deletion {
    /// A deletion that AWS carries out at once, by the answer to its call (`None`: there is no such resource).
    pub fn of<T>(answer: Option<T>) -> Self {
        match answer {
            Some(_) => Self::Done,
            None => Self::Begun,
        }
    }
}

/// The readiness of a live resource for use and changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum State {
    /// It can be used and changed.
    #[default]
    Ready,
    /// AWS is working on it (`creating`, `modifying`, `resizing`): the engine waits.
    Busy(String),
    /// AWS is deleting it. A plan treats it as gone, but its name stays taken until it is.
    Leaving(String),
    /// AWS gave up on it, for this reason. The engine stops with an error.
    Failed(String),
}

/// The answers to a read: one for each lookup, in the same order; `None` if the resource does
/// not exist.
pub type Reads<K> = Vec<Result<Option<Live<K>>>>;

/// The arguments of `create` besides the spec.
pub struct NewResource<'a> {
    /// All tags, the owner's included. Set them in the create call if the API allows it.
    pub tags: &'a Tags,
    /// A client token of 36 characters, the same for every attempt to create this resource.
    pub token: &'a str,
}

/// The IAM actions that a kind's verbs need, such as `glue:CreateJob`.
#[derive(Clone, Copy, Debug)]
pub struct Actions {
    /// For `read_many` and `find`.
    pub read: &'static [&'static str],
    /// For `create`.
    pub create: &'static [&'static str],
    /// For `update` and `tag`.
    pub update: &'static [&'static str],
    /// For `delete`.
    pub delete: &'static [&'static str],
}

/// AWS's limits on the tags of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TagRules {
    /// The maximum number of tags of a resource, the owner's included.
    pub most: usize,
    /// True if keys that differ only in case are the same key.
    pub any_case: bool,
    /// True if keys and values may contain only letters, digits, spaces and `_.:/=+-@`.
    pub plain: bool,
}

impl TagRules {
    /// The rules of most services: 50 tags, any text
    /// (<https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html>).
    pub const USUAL: Self = Self { most: 50, any_case: false, plain: false };
    /// The rules of services that document the allowed characters.
    pub const PLAIN: Self = Self { plain: true, ..Self::USUAL };
}

/// How long AWS takes. The engine orders work by it and derives its timeout from it.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Typical seconds until a new resource is ready.
    pub create_seconds: u32,
    /// Typical seconds until a deleted resource is gone.
    pub delete_seconds: u32,
    /// Timeout of any one verb, in seconds.
    pub deadline_seconds: u32,
}

/// How long AWS may return the state before a write that it has accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settling {
    /// Seconds until every read shows a write.
    pub seconds: u32,
    /// Attributes for which AWS documents another time.
    pub slower: &'static [(&'static str, u32)],
    /// The number of reads in a row that must agree with the declaration after a write. More than one if
    /// AWS answers from replicas, of which one may lag behind another.
    pub agreeing: u32,
}

impl Settling {
    /// AWS is eventually consistent within seconds, if a service documents nothing else.
    pub const USUAL: Self = Self { seconds: 15, slower: &[], agreeing: 1 };

    /// As [`Self::USUAL`], within these seconds.
    pub const fn within(seconds: u32) -> Self {
        Self { seconds, ..Self::USUAL }
    }

    /// How long to wait until AWS shows changes of these attributes.
    pub fn time<'a>(&self, attributes: impl IntoIterator<Item = &'a str>) -> std::time::Duration {
        let of =
            |attribute| self.slower.iter().find(|(slow, _)| *slow == attribute).map(|(_, seconds)| *seconds);
        let longest = attributes.into_iter().filter_map(of).fold(self.seconds, u32::max);
        std::time::Duration::from_secs(longest.into())
    }
}

/// A resource kind. See `CONTRIBUTING.md` for how to add one.
///
/// The verbs run on one thread, so their futures need not be `Send`.
#[allow(async_fn_in_trait)]
pub trait Kind: Sized + 'static {
    /// The CloudFormation type, `AWS::Glue::Job`; `None` if CloudFormation has none.
    const CFN: Option<&'static str>;
    /// The equivalent in Terraform's AWS provider.
    const TERRAFORM: Terraform;
    /// More names by which users may look for the kind and its attributes, beyond [`Kind::CFN`] and
    /// [`Kind::TERRAFORM`], so that error messages can suggest the right one. Each entry is a path here
    /// (empty for the kind itself) and a foreign name: a resource type that is an attribute here
    /// (`aws_s3_bucket_policy`, `AWS::S3::BucketPolicy`), CloudFormation's name of an attribute, or a
    /// plain word.
    const ALSO_CALLED: &'static [(&'static str, &'static str)] = &[];
    /// The IAM actions that its verbs need.
    const ACTIONS: Actions;
    /// True if AWS can tag it.
    const TAGGABLE: bool = true;
    /// AWS's limits on its tags.
    const TAG_RULES: TagRules = TagRules::USUAL;
    /// True if its tags need a separate read call, which [`Lookup::tags`] can save.
    const TAGS_APART: bool = false;
    /// The attribute of the spec, or of [`Kind::PREDICTED`], that is the id. `None`: AWS assigns the id, or
    /// [`Kind::identity`] makes it of several attributes.
    const ID: Option<&'static str> = None;
    /// Attributes that AWS decides and that follow from the spec before AWS has seen it, with names in
    /// braces: `("arn", "arn:{partition}:sqs:{region}:{account_id}:{queue_name}")`. `partition`, `region`,
    /// `account_id` and `dns_suffix` are those of the resource, all others are attributes of the spec.
    const PREDICTED: &'static [(&'static str, &'static str)] = &[];
    /// Attributes that `create` can omit and `update` sets. If resources form a reference cycle through
    /// them, the engine creates all resources first and sets these attributes afterwards.
    const DEFERRABLE: &'static [&'static str] = &[];
    /// Attributes that name other resources of the stack; see [`Link`].
    const LINKS: &'static [Link] = &[];
    /// List attributes with names that AWS gives to one resource at a time, such as aliases. `create` and
    /// `update` take such a name from the resource that has it, and the engine lets them go first, so that
    /// the name always leads somewhere.
    const TAKES_OVER: &'static [&'static str] = &[];
    /// A shell command that lists the users of a resource, with `{}` for its id. Users outside the
    /// stack may also prevent its deletion.
    const USERS: Option<&'static str> = None;
    /// The parent kind, and the attribute that holds the parent's id. AWS deletes a child with its
    /// parent, so the engine recreates the child with it even if none of its settings changes.
    const PART_OF: Option<(&'static str, &'static str)> = None;
    /// True if AWS keeps it outside of regions.
    const GLOBAL: bool = false;
    /// What the create call does with an existing resource of the same name.
    const ON_EXISTING: OnExisting = OnExisting::Refuses;
    /// True if [`Kind::read_many`] reads several resources with one call. The engine then reads them together
    /// where it can.
    const BATCHES_READS: bool = false;
    /// Attributes that [`Kind::create`] does not send, if AWS takes them as soon as the resource exists. The
    /// engine sets them right after the create call, without a read between, and takes them to be absent
    /// until then.
    const SET_AFTER_CREATE: &'static [&'static str] = &[];
    /// The attribute of [`Kind::Attrs`] that changes with each state of the resource, such as the
    /// version of a secret; see [`Kind::stamp`].
    const STAMP: Option<&'static str> = None;
    /// How long AWS takes.
    const PACE: Pace = Pace { create_seconds: 2, delete_seconds: 2, deadline_seconds: 300 };
    /// How long reads may be stale after a write.
    const SETTLING: Settling = Settling::USUAL;

    /// How `[data.KIND.NAME]` finds an existing resource, beyond its id, its ARN, and the attributes of the
    /// spec that make up its id: those need nothing here.
    const FINDER: Finder = Finder::IDENTITY;

    /// The settings that the user writes. Its doc comments are the documentation of the kind.
    type Spec: Clone + PartialEq + Serialize + DeserializeOwned + schemars::JsonSchema + 'static;
    /// The attributes that AWS decides, readable as `${kind.name.attribute}`.
    type Attrs: Clone + Serialize + DeserializeOwned + schemars::JsonSchema + 'static;

    /// The id, if it follows from the spec.
    fn identity(spec: Known<'_>, scope: &Scope) -> Identity {
        Self::ID.map_or(Identity::Assigned, |id| template::identity(id, Self::PREDICTED, spec, scope))
    }

    /// [`Kind::ON_EXISTING`] in a region, for a call that is not the same everywhere.
    fn on_existing(scope: &Scope) -> OnExisting {
        let _ = scope;
        Self::ON_EXISTING
    }

    /// Attributes that follow from the spec before AWS has seen it.
    fn predict(spec: Known<'_>, scope: &Scope) -> Predicted {
        template::predict(Self::PREDICTED, spec, scope)
    }

    /// Fills in attributes that follow from others or from files of the stack, such as the checksum
    /// of a file. Called right after evaluation, before the spec is normalised, checked and compared.
    /// Parts of it may be unknown or secret.
    ///
    /// # Errors
    /// A file cannot be read, or an attribute contradicts it.
    fn derive(spec: &mut Value, files: &Files) -> Result<(), Problem> {
        let _ = (spec, files);
        Ok(())
    }

    /// Moves settings that can be written in two attributes to the one that [`Kind::read_many`] fills.
    /// The values of the desired spec are already in canonical form; parts may be unknown or secret.
    fn canonical(spec: &mut Value) {
        let _ = spec;
    }

    /// A value that changes with each state of the resource; see [`Lookup::stays`]. By default the attribute
    /// [`Kind::STAMP`].
    fn stamp(attrs: Known<'_>, incarnation: Option<&str>) -> Option<String> {
        let _ = incarnation;
        attrs.text(Self::STAMP?).map(str::to_owned)
    }

    /// Checks rules that the schema cannot express.
    fn check(spec: Known<'_>) -> Vec<Problem> {
        let _ = spec;
        Vec::new()
    }

    /// The claims of this resource, such as a name or a place in a VPC. Two resources of a kind
    /// are compared only if they claim the same text: a stack may have thousands of a kind. So a kind
    /// with [`Kind::clash`], or that uses [`Among::before`], names here what the two have in common.
    fn claims(own: &Peer<'_>) -> Vec<String> {
        let _ = own;
        Vec::new()
    }

    /// Checks rules between this resource and others of the stack, such as address ranges that must
    /// lie within another. Called once all resources are evaluated, before any call to AWS.
    fn check_among(spec: Known<'_>, among: &Among<'_>) -> Vec<Problem> {
        let _ = (spec, among);
        Vec::new()
    }

    /// The reason why AWS refuses this resource while `other`, of the same kind and with another id,
    /// exists: both claim something exclusive, such as an address range. Asked for two resources of a
    /// stack, and for a replacement that is created before the old object is deleted.
    fn clash(own: &Peer<'_>, other: &Peer<'_>) -> Option<Problem> {
        let _ = (own, other);
        None
    }

    /// Reads all `lookups` in as few calls as AWS allows. Returns one answer for each, in order.
    async fn read_many(cx: &Cx, lookups: &[Lookup<'_>]) -> Reads<Self>;

    /// Finds resources with an assigned id again: by their owner tags or, if AWS cannot tag them, by
    /// what makes them unique in their parent. `spec` may be unknown in part. Returns every match;
    /// there are several if a replacement was created before the old object was deleted.
    ///
    /// # Errors
    /// Errors from AWS, as for every verb.
    async fn find(cx: &Cx, owner: &Owner, spec: Known<'_>) -> Result<Vec<String>> {
        let _ = (cx, owner, spec);
        Ok(Vec::new())
    }

    /// The ids and tags of all resources of the kind. Implement it only if AWS's tag index does not
    /// cover the kind and one listing returns both. Used only to rebuild a lost ledger.
    ///
    /// # Errors
    /// Errors from AWS.
    async fn all_tags(cx: &Cx) -> Result<Vec<(String, Tags)>> {
        let _ = cx;
        Ok(Vec::new())
    }

    /// The ids and tags of the children within parent `id` (see [`Kind::PART_OF`]) that AWS's tag index
    /// does not cover: the objects of a bucket, the subscriptions of a topic. None by default. Used to
    /// rebuild a lost ledger, and to find resources without tags or names after an interrupted apply.
    ///
    /// # Errors
    /// Errors from AWS; too many children to list.
    async fn inside(cx: &Cx, id: &str) -> Result<Vec<(String, Tags)>> {
        let _ = (cx, id);
        Ok(Vec::new())
    }

    /// The id of the resource with this ARN, as AWS's tag index lists it. By default the part after
    /// the type: `orders` of `arn:…:job/orders`. If the ARN is [predicted](Kind::PREDICTED), what it is made
    /// of. The engine checks the owner afterwards.
    fn id_of_arn(arn: &str) -> Option<String> {
        template::id_of_arn(Self::ID, Self::PREDICTED, arn)
    }

    /// Creates the resource and returns its id, and the resource itself if AWS's answer describes all of it.
    /// Settings that the create call lacks may be left to `update`: the engine reads and updates until nothing
    /// differs.
    ///
    /// # Errors
    /// Errors from AWS; of class [`crate::aws::Class::Exists`] if the name is taken.
    async fn create(cx: &Cx, want: &Self::Spec, new: &NewResource<'_>) -> Result<Created<Self>>;

    /// Changes the settings that differ between `live` and `want`; not tags. `AWS_DEFAULT` fields
    /// that are not declared hold the live value in `want`.
    ///
    /// # Errors
    /// Errors from AWS.
    async fn update(cx: &Cx, id: &str, live: &Self::Spec, want: &Self::Spec) -> Result<()>;

    /// Deletes the resource. Success if it is already gone. Unless AWS has deleted it at once, the engine waits
    /// until reads say so.
    ///
    /// # Errors
    /// Errors from AWS; of class [`crate::aws::Class::Conflict`] if something still uses it.
    async fn delete(cx: &Cx, id: &str, live: &Self::Spec) -> Result<Deletion>;

    /// A note for the reviewer of a deletion about what AWS keeps: a final snapshot, the days in which
    /// the resource can be restored. `attrs` and `incarnation` are those of the live resource, and unknown if
    /// AWS was not asked.
    fn kept_after_delete(spec: Known<'_>, attrs: Known<'_>, incarnation: Option<&str>) -> Option<String> {
        let _ = (spec, attrs, incarnation);
        None
    }

    /// The content of the resource besides its attributes, if it is a text of at most
    /// [`SHOWN_CONTENT`](super::SHOWN_CONTENT) bytes. Only `dwctl diff` uses it, to show changed lines.
    fn content(spec: Known<'_>, files: &Files) -> Option<String> {
        let _ = (spec, files);
        None
    }

    /// A finding that the plan must report before this resource is deleted: AWS would refuse, or
    /// something stays. `parts` are the specs of its children ([`Kind::PART_OF`]) that the plan deletes
    /// before it. Nothing by default; an implementation makes one call at most.
    ///
    /// # Errors
    /// Errors from AWS.
    async fn check_delete(
        cx: &Cx,
        id: &str,
        live: &Self::Spec,
        attrs: &Self::Attrs,
        parts: &[Known<'_>],
    ) -> Result<Option<DeleteCheck>> {
        let _ = (cx, id, live, attrs, parts);
        Ok(None)
    }

    /// Sets and removes tags of an existing resource.
    ///
    /// # Errors
    /// Errors from AWS.
    async fn tag(cx: &Cx, id: &str, attrs: &Self::Attrs, set: &Tags, remove: &[String]) -> Result<()> {
        let _ = (cx, id, attrs, set, remove);
        Err(Error::finding(crate::aws::Class::Invalid, "this kind has no tags"))
    }
}

/// The id that follows from a whole spec; empty if AWS assigns it.
///
/// # Errors
/// The spec is no table.
pub fn id_of<K: Kind>(spec: &K::Spec, scope: &Scope) -> Result<String> {
    let spec = serde_json::to_value(spec).map_err(|error| {
        Error::finding(crate::aws::Class::Invalid, format!("the specification is not a table: {error}"))
    })?;
    Ok(K::identity(Known(&Value::from_json(&spec)), scope).id().unwrap_or_default())
}

/// Runs one read for each lookup, at most `limit` at a time, and keeps the order. For services
/// without a batch read.
pub async fn each<'a, K, F, Fut>(lookups: &'a [Lookup<'a>], limit: usize, read: F) -> Reads<K>
where
    K: Kind,
    F: Fn(Lookup<'a>) -> Fut,
    Fut: Future<Output = Result<Option<Live<K>>>>,
{
    use futures_util::StreamExt;
    futures_util::stream::iter(lookups.iter().map(|lookup| read(*lookup)))
        .buffered(limit.max(1))
        .collect()
        .await
}

/// Answers every lookup with the error of a call that was made for all of them.
pub fn failed<K: Kind>(lookups: &[Lookup<'_>], error: &Error) -> Reads<K> {
    lookups.iter().map(|_| Err(error.clone())).collect()
}

/// Reads the rest of each resource that one batch read found, at most `limit` at a time. The others do not
/// exist, and an error of the batch read is the answer to every lookup.
pub async fn each_found<'a, K, T, F, Fut>(
    lookups: &'a [Lookup<'a>],
    limit: usize,
    found: Result<std::collections::HashMap<String, T>>,
    read: F,
) -> Reads<K>
where
    K: Kind,
    T: Clone,
    F: Fn(Lookup<'a>, T) -> Fut,
    Fut: Future<Output = Result<Option<Live<K>>>>,
{
    let found = match found {
        Ok(found) => found,
        Err(error) => return failed(lookups, &error),
    };
    each(lookups, limit, |lookup| {
        let rest = found.get(lookup.id).cloned().map(|found| read(lookup, found));
        async move {
            match rest {
                Some(rest) => rest.await,
                None => Ok(None),
            }
        }
    })
    .await
}

/// Answers every lookup from the result of one batch read, or with its error.
pub fn answer<K: Kind>(
    lookups: &[Lookup<'_>],
    found: Result<std::collections::HashMap<String, Live<K>>>,
) -> Reads<K> {
    match found {
        Ok(mut found) => lookups.iter().map(|lookup| Ok(found.remove(lookup.id))).collect(),
        Err(error) => failed(lookups, &error),
    }
}
