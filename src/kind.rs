//! The contract of a resource kind: typed for its author, erased for the engine.
//!
//! A kind is one file. It defines the user's settings ([`Kind::Spec`]), the attributes that AWS
//! assigns ([`Kind::Attrs`]), and its verbs. It has no diff, no retry and no sleep: the engine
//! compares by schema, retries by error class, and reads until AWS has converged.

mod among;
mod attributes;
mod document;
mod erased;
mod link;
mod names;
mod pattern;
mod policy;
pub mod prelude;
mod rules;
mod schedule;
pub mod sdk;
mod service_policy;
mod statements;
mod template;
pub mod terraform;
mod types;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::aws::{Cx, Error, Result, Scope, Tags};
pub use crate::files::Files;
pub use crate::limits::SHOWN_CONTENT;
pub use crate::schema::Form;
use crate::value::Value;

pub use crate::diag::{a, counted, nearest};
pub(crate) use among::Peers;
pub use among::{Among, Peer};
pub use attributes::{Attributes, attributes_of, from_attributes, keyed, to_attributes};
pub use document::{canonical_json, canonical_pattern, canonical_policy, in_document};
#[cfg(test)]
pub(crate) use erased::problems_of;
pub use erased::{ErasedCreated, ErasedKind, ErasedLive, ReadRequest, erase};
pub use link::{Hold, Link};
pub use names::Names;
pub use pattern::check_pattern;
pub use policy::{PolicyUse, check_policy};
pub use schedule::{check_schedule, least_minutes, never_comes};
pub use service_policy::check_service_policy;
pub use statements::{
    Statement, check_actions, check_statements, foreign_actions, has_hidden_statement, matches_pattern,
};
pub use template::id_of;
pub use terraform::Terraform;
pub use types::{Json, PolicyDocument, Secret};

/// Marks of a field, set by `#[schemars(extend("x-dwctl" = [REPLACE]))]`.
pub mod mark {
    /// A change needs a replacement.
    pub const REPLACE: &str = "replace";
    /// If absent, AWS's choice is kept. Without this mark, an absent field means its default, or off.
    pub const AWS_DEFAULT: &str = "aws-default";
    /// If absent, [`derive`](super::Kind::derive) computes the field from other attributes. If it
    /// cannot, AWS's choice is kept.
    pub const DERIVED: &str = "derived";
    /// Controls dwctl itself, such as `force_destroy`. It is never read back.
    pub const LOCAL: &str = "local";
    /// Sent to AWS, which never returns it.
    pub const WRITE_ONLY: &str = "write-only";
    /// A `WRITE_ONLY` field whose changes are noticed: AWS shows another
    /// [stamp](super::Kind::STAMP) once someone else has written it.
    pub const STAMPED: &str = "stamped";
    /// A list whose order has no meaning.
    pub const SET: &str = "set";
    /// A change loses data.
    pub const DATA_LOSS: &str = "data-loss";
    /// A change interrupts the service.
    pub const DOWNTIME: &str = "downtime";
    /// Adding or removing the table needs a replacement; a change within it does not.
    pub const REPLACE_WHEN_COME_OR_GONE: &str = "replace-when-come-or-gone";
    /// A table whose members are all at their defaults equals an absent one.
    pub const DEFAULT_IS_ABSENT: &str = "default-is-absent";
    /// A map that others write, too. The resource owns only the entries that the stack declares.
    pub const SHARED: &str = "shared";
}

/// How the id of a resource at AWS is determined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The id follows from the spec.
    Named(String),
    /// AWS assigns the id when the resource is created.
    Assigned,
    /// The id follows from a part of the spec that is not known yet.
    Unknown,
}

impl Identity {
    /// `Named` if the name is known, else `Unknown`.
    pub fn named(name: Option<impl Into<String>>) -> Self {
        name.map_or(Self::Unknown, |name| Self::Named(name.into()))
    }

    /// The id, if it is known before the resource is created.
    pub fn id(self) -> Option<String> {
        match self {
            Self::Named(id) => Some(id),
            Self::Assigned | Self::Unknown => None,
        }
    }
}

/// A spec whose parts may be unknown. A kind sees this before apply.
#[derive(Clone, Copy)]
pub struct Known<'a>(pub &'a Value);

impl<'a> Known<'a> {
    /// The value at a dotted path such as `command.name`; a number selects a list element.
    /// `None` if it is absent, null or unknown. A path does not lead into a secret, but the value
    /// itself may be one.
    pub fn get(&self, path: &str) -> Option<&'a Value> {
        let mut value = self.0;
        for step in path.split('.') {
            value = match value {
                Value::Map(map) => map.get(step)?,
                Value::List(list) => list.get(step.parse::<usize>().ok()?)?,
                _ => return None,
            };
        }
        (!matches!(value, Value::Null | Value::Unknown(_))).then_some(value)
    }

    /// The string at a path, if it is known and no secret.
    pub fn text(&self, path: &str) -> Option<&'a str> {
        match self.get(path)? {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The integer at a path, if it is known.
    pub fn integer(&self, path: &str) -> Option<i64> {
        match self.get(path)? {
            Value::Number(crate::value::Number::Integer(number)) => Some(*number),
            _ => None,
        }
    }

    /// The bool at a path, if it is known.
    pub fn flag(&self, path: &str) -> Option<bool> {
        match self.get(path)? {
            Value::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    /// The elements of the list at a path; empty if it is absent or unknown.
    pub fn list(&self, path: &str) -> &'a [Value] {
        match self.get(path) {
            Some(Value::List(list)) => list,
            _ => &[],
        }
    }

    /// Returns whether the user certainly set the path, to a known value or not. False if the path
    /// leads through an unknown table; see [`Known::may_be_set`].
    pub fn is_set(&self, path: &str) -> bool {
        self.written(path) == Some(true)
    }

    /// Returns whether the user may have set the path. A rule that requires an attribute asks this,
    /// so that it stays silent if the answer is not known.
    pub fn may_be_set(&self, path: &str) -> bool {
        self.written(path) != Some(false)
    }

    /// Returns whether the path is set; `None` if that is not known.
    fn written(&self, path: &str) -> Option<bool> {
        let mut value = self.0;
        for step in path.split('.') {
            let next = match value {
                Value::Map(map) => map.get(step),
                Value::List(list) => step.parse::<usize>().ok().and_then(|index| list.get(index)),
                Value::Unknown(_) => return None,
                _ => None,
            };
            match next {
                Some(next) => value = next,
                None => return Some(false),
            }
        }
        Some(!matches!(value, Value::Null))
    }
}

/// A violation of a rule that the schema cannot express.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Dotted path of the attribute, as in [`Known::get`].
    pub path: String,
    /// The error, without a full stop.
    pub message: String,
    /// Advice; may be empty.
    pub help: String,
    /// A warning is shown but stops nothing: AWS accepts the value, or may accept it.
    pub warning: bool,
}

impl Problem {
    /// A problem at `path`.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), help: String::new(), warning: false }
    }

    /// A value at `path` that AWS accepts, or may accept, but that is hardly intended.
    pub fn warning(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { warning: true, ..Self::new(path, message) }
    }

    /// Adds advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }
}

/// The problems whose conditions hold, in order:
///
/// ```ignore
/// problems! {
///     "queue_name" if is_other => "only the name of a FIFO queue ends in `.fifo`", "end it in `.fifo`";
/// }
/// ```
macro_rules! problems {
    ($($path:literal if $broken:expr => $message:expr, $help:expr;)+) => {{
        let mut problems = Vec::new();
        $(if $broken {
            problems.push($crate::kind::Problem::new($path, $message).help($help));
        })+
        problems
    }};
}

pub(crate) use problems;

/// Returns whether an attribute is absent, null or an empty text.
pub fn is_unset(spec: &Value, name: &str) -> bool {
    spec.get(name).is_none_or(|value| *value == Value::Null || value.as_str() == Some(""))
}

/// Sets an attribute that [is unset](is_unset), for [`Kind::derive`].
pub fn fill_in(spec: &mut Value, name: &str, value: impl Into<Value>) {
    if is_unset(spec, name)
        && let Value::Map(fields) = spec
    {
        fields.insert(name.to_owned(), value.into());
    }
}

/// Attributes that can be computed from the spec before AWS has seen it: ARNs, URLs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Predicted(pub std::collections::BTreeMap<String, Value>);

impl Predicted {
    /// Predicts one attribute, if its value is known.
    pub fn of(attribute: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => Self::default().with(attribute, value),
            None => Self::default(),
        }
    }

    /// Predicts another attribute.
    #[must_use]
    pub fn with(mut self, attribute: &str, value: impl Into<String>) -> Self {
        self.0.insert(attribute.to_owned(), Value::String(value.into()));
        self
    }

    /// Predicts that an attribute is null, because AWS creates no such thing for this spec.
    #[must_use]
    pub fn without(mut self, attribute: &str) -> Self {
        self.0.insert(attribute.to_owned(), Value::Null);
        self
    }
}

/// A resource to be read.
#[derive(Clone, Copy)]
pub struct Lookup<'a> {
    /// The physical id.
    pub id: &'a str,
    /// The attributes that are declared, were applied before, or are referred to; `None` means all.
    /// See [`Lookup::wants`].
    pub(crate) attributes: Option<&'a std::collections::BTreeSet<String>>,
    /// The desired spec; `Null` if the resource is no longer declared. Private, because a kind must
    /// return what AWS says.
    spec: Known<'a>,
    /// The tags, if an index has shown that they are as desired. The kind then need not read them.
    pub tags: Option<&'a Tags>,
    /// The part of the desired spec that the last apply wrote; see [`Lookup::stays`].
    pub(crate) applied: Option<&'a Applied>,
    /// True if the resource should exist: an apply created it. If one listing does not show it, this proves
    /// nothing.
    pub known: bool,
}

/// The part of the desired spec that the last apply wrote.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// The value of [`Kind::STAMP`] after that apply.
    pub stamp: String,
    /// The paths of the attributes whose fingerprints agree, and all attributes that AWS decides.
    pub attributes: std::collections::BTreeSet<String>,
    /// The desired tags, if that apply wrote the same, and if it is enough to know that.
    pub tags: Option<Tags>,
}

impl<'a> Lookup<'a> {
    /// A read of these attributes of a resource, or of all (`None`).
    pub fn of(id: &'a str, attributes: Option<&'a std::collections::BTreeSet<String>>) -> Self {
        Self { id, attributes, spec: Known(&Value::Null), tags: None, applied: None, known: true }
    }

    /// Returns whether an attribute is certainly as the spec says, because AWS still shows the
    /// [stamp](Kind::STAMP) of the apply that wrote it. For attributes that cannot change under one
    /// stamp and would take a call to read.
    pub fn stays(&self, stamp: &str, attribute: &str) -> bool {
        self.applied.is_some_and(|applied| {
            applied.stamp == stamp && (!self.wants(attribute) || applied.attributes.contains(attribute))
        })
    }

    /// The text of an attribute that [stays](Self::stays); `Some(None)` if the attribute is absent.
    pub fn text_that_stays(&self, stamp: &str, attribute: &str) -> Option<Option<&str>> {
        let text = self.spec.text(attribute);
        (self.stays(stamp, attribute) && text.is_some() == self.spec.may_be_set(attribute)).then_some(text)
    }

    /// The tags of a resource with this stamp, if they need not be read: the last apply wrote them. For kinds
    /// whose tags cannot be read in batches, so that a plan does not take a call for each.
    pub fn applied_tags(&self, stamp: Option<&str>) -> Option<&'a Tags> {
        let applied = self.applied.filter(|applied| stamp == Some(applied.stamp.as_str()))?;
        applied.tags.as_ref()
    }

    /// The spec, if every requested attribute [stays](Self::stays).
    pub fn applied<S: DeserializeOwned>(&self, stamp: &str) -> Option<S> {
        let stays = self.attributes?.iter().all(|attribute| self.stays(stamp, attribute));
        stays.then(|| erased::typed(self.spec.0).ok()).flatten()
    }

    /// Reads two parts of a resource, side by side if it should exist. Otherwise the second is read only if the
    /// first one is there, which saves calls. `None` if a part says that there is no such resource.
    ///
    /// # Errors
    /// That of the first part before that of the second.
    pub async fn both<A, B>(
        &self,
        first: impl Future<Output = Result<Option<A>>>,
        second: impl Future<Output = Result<Option<B>>>,
    ) -> Result<Option<(A, B)>> {
        if self.known {
            let (first, second) = futures_util::future::join(first, second).await;
            return Ok(first?.zip(second?));
        }
        let Some(first) = first.await? else { return Ok(None) };
        Ok(second.await?.map(|second| (first, second)))
    }

    /// Returns whether only the existence of the resource is asked for, as after its deletion.
    pub fn is_bare(&self) -> bool {
        self.attributes.is_some_and(std::collections::BTreeSet::is_empty) && *self.spec.0 == Value::Null
    }

    /// Returns whether to make the separate call that reads this attribute. True if the attribute is
    /// declared, was applied before or is referred to, or if everything is requested.
    pub fn wants(&self, attribute: &str) -> bool {
        self.attributes.is_none_or(|attributes| attributes.contains(attribute))
    }
}

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
    /// The resource, if the answer of AWS describes all of it: it needs no read.
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

/// How far a deletion is when its call has succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// AWS has deleted it.
    Done,
    /// Reads tell when it is gone: AWS takes its time, or has answered that there is no such resource, which
    /// one answer does not prove.
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

/// The owner of a resource, kept in its tags. They find a resource with an assigned id again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The name of the stack.
    pub stack: String,
    /// The environment.
    pub env: String,
    /// The address in the stack, as [`crate::graph::Address::as_tag`] writes it.
    pub address: String,
}

impl Owner {
    /// Key of the stack's tag.
    pub const STACK: &'static str = "dwctl:stack";
    /// Key of the environment's tag.
    pub const ENV: &'static str = "dwctl:env";
    /// Key of the address's tag.
    pub const ADDRESS: &'static str = "dwctl:address";
    /// Key of the tag that is `true` on a protected resource, in case ledger and declaration are lost.
    pub const PROTECT: &'static str = "dwctl:protect";
    /// Key of the tag that is `true` on a retained resource, for the same reason.
    pub const RETAIN: &'static str = "dwctl:retain";
    /// Every key that dwctl sets.
    pub const KEYS: [&'static str; 5] = [Self::STACK, Self::ENV, Self::ADDRESS, Self::PROTECT, Self::RETAIN];

    /// The owner of a resource of a stack.
    pub fn new(stack: &str, env: &str, address: &crate::graph::Address) -> Self {
        Self { stack: stack.to_owned(), env: env.to_owned(), address: address.as_tag() }
    }

    /// The owner as tags.
    pub fn tags(&self) -> Tags {
        Tags::from([
            (Self::STACK.to_owned(), self.stack.clone()),
            (Self::ENV.to_owned(), self.env.clone()),
            (Self::ADDRESS.to_owned(), self.address.clone()),
        ])
    }

    /// Returns whether the tag `key`, [`Self::PROTECT`] or [`Self::RETAIN`], is `true`.
    pub fn says(tags: &Tags, key: &str) -> bool {
        tags.get(key).is_some_and(|value| value == "true")
    }

    /// The owner named by a resource's tags.
    pub fn of(tags: &Tags) -> Option<Self> {
        Some(Self {
            stack: tags.get(Self::STACK)?.clone(),
            env: tags.get(Self::ENV)?.clone(),
            address: tags.get(Self::ADDRESS)?.clone(),
        })
    }
}

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

/// The limits of AWS on the tags of a kind.
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
    /// The limits of AWS on its tags.
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
    /// True if the create call changes an existing resource, or returns it as if it were new, instead of
    /// refusing with [`crate::aws::Class::Exists`]. The engine then checks right before the call that
    /// there is none.
    const CREATE_OVERWRITES: bool = false;
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

    /// The settings that the user writes. Its doc comments are the documentation of the kind.
    type Spec: Clone + PartialEq + Serialize + DeserializeOwned + schemars::JsonSchema + 'static;
    /// The attributes that AWS decides, readable as `${kind.name.attribute}`.
    type Attrs: Clone + Serialize + DeserializeOwned + schemars::JsonSchema + 'static;

    /// The id, if it follows from the spec.
    fn identity(spec: Known<'_>, scope: &Scope) -> Identity {
        Self::ID.map_or(Identity::Assigned, |id| template::identity(id, Self::PREDICTED, spec, scope))
    }

    /// [`Kind::CREATE_OVERWRITES`] in a region, for a call that is not the same everywhere.
    fn create_overwrites(scope: &Scope) -> bool {
        let _ = scope;
        Self::CREATE_OVERWRITES
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

    /// What this resource claims for itself, such as a name or a place in a VPC. Two resources of a kind
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
    /// Errors of AWS, as for every verb.
    async fn find(cx: &Cx, owner: &Owner, spec: Known<'_>) -> Result<Vec<String>> {
        let _ = (cx, owner, spec);
        Ok(Vec::new())
    }

    /// The ids and tags of all resources of the kind. Implement it only if AWS's tag index does not
    /// cover the kind and one listing returns both. Used only to rebuild a lost ledger.
    ///
    /// # Errors
    /// Errors of AWS.
    async fn all_tags(cx: &Cx) -> Result<Vec<(String, Tags)>> {
        let _ = cx;
        Ok(Vec::new())
    }

    /// The ids and tags of the children within parent `id` (see [`Kind::PART_OF`]) that AWS's tag index
    /// does not cover: the objects of a bucket, the subscriptions of a topic. None by default. Used to
    /// rebuild a lost ledger, and to find resources without tags or names after an interrupted apply.
    ///
    /// # Errors
    /// Errors of AWS; too many children to list.
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
    /// Errors of AWS; of class [`crate::aws::Class::Exists`] if the name is taken.
    async fn create(cx: &Cx, want: &Self::Spec, new: &NewResource<'_>) -> Result<Created<Self>>;

    /// Changes the settings that differ between `live` and `want`; not tags. `AWS_DEFAULT` fields
    /// that are not declared hold the live value in `want`.
    ///
    /// # Errors
    /// Errors of AWS.
    async fn update(cx: &Cx, id: &str, live: &Self::Spec, want: &Self::Spec) -> Result<()>;

    /// Deletes the resource. Success if it is already gone. Unless AWS has deleted it at once, the engine waits
    /// until reads say so.
    ///
    /// # Errors
    /// Errors of AWS; of class [`crate::aws::Class::Conflict`] if something still uses it.
    async fn delete(cx: &Cx, id: &str, live: &Self::Spec) -> Result<Deletion>;

    /// A note for the reviewer of a deletion about what AWS keeps: a final snapshot, the days in which
    /// the resource can be restored. `attrs` and `incarnation` are those of the live resource, and unknown if
    /// AWS was not asked.
    fn kept_after_delete(spec: Known<'_>, attrs: Known<'_>, incarnation: Option<&str>) -> Option<String> {
        let _ = (spec, attrs, incarnation);
        None
    }

    /// The content of the resource besides its attributes, if it is a text of at most
    /// [`SHOWN_CONTENT`] bytes. Only `dwctl diff` uses it, to show changed lines.
    fn content(spec: Known<'_>, files: &Files) -> Option<String> {
        let _ = (spec, files);
        None
    }

    /// A finding that the plan must report before this resource is deleted: AWS would refuse, or
    /// something stays. `parts` are the specs of its children ([`Kind::PART_OF`]) that the plan deletes
    /// before it. Nothing by default; an implementation makes one call at most.
    ///
    /// # Errors
    /// Errors of AWS.
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
    /// Errors of AWS.
    async fn tag(cx: &Cx, id: &str, attrs: &Self::Attrs, set: &Tags, remove: &[String]) -> Result<()> {
        let _ = (cx, id, attrs, set, remove);
        Err(Error::finding(crate::aws::Class::Invalid, "this kind has no tags"))
    }
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
