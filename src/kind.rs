//! The contract of a resource kind: typed for its author, erased for the engine.
//!
//! A kind is one file: what the user writes ([`Kind::Spec`]), what only AWS decides
//! ([`Kind::Attrs`]), and its verbs. It holds no diff, no retry, no sleep: the engine
//! compares by schema, repeats by error class, and reads until AWS agrees.

mod among;
mod document;
mod erased;
mod link;
mod names;
mod pattern;
mod policy;
mod schedule;
mod statements;
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
pub use among::{Among, Peer};
pub use document::{canonical_json, canonical_pattern, canonical_policy, in_document};
pub use erased::{ErasedKind, ErasedLive, Wanted, erase};
pub use link::{Hold, Link};
pub use names::Names;
pub use pattern::check_pattern;
pub use policy::{PolicyUse, check_policy};
pub use schedule::{check_schedule, least_minutes, never_comes};
pub use statements::{Statement, check_statements, foreign_actions, has_hidden_statement, matches_pattern};
pub use terraform::Terraform;
pub use types::{Json, PolicyDocument, Secret};

/// Marks of a field, set by `#[schemars(extend("x-dwctl" = [REPLACE]))]`.
pub mod mark {
    /// A change needs a new resource.
    pub const REPLACE: &str = "replace";
    /// Absent means: leave what AWS chose. An unmarked absent field means its default, or off.
    pub const AWS_DEFAULT: &str = "aws-default";
    /// Absent means: derived from other attributes by [`derive`](super::Kind::derive), and what AWS
    /// chose where nothing follows from them.
    pub const DERIVED: &str = "derived";
    /// Steers dwctl and is never read back, such as `force_destroy`.
    pub const LOCAL: &str = "local";
    /// Sent to AWS, which never returns it.
    pub const WRITE_ONLY: &str = "write-only";
    /// AWS shows another [stamp](super::Kind::STAMP) once someone else has written it: a `WRITE_ONLY`
    /// field of which that much can be told.
    pub const STAMPED: &str = "stamped";
    /// A list whose order means nothing.
    pub const SET: &str = "set";
    /// Changing it loses data.
    pub const DATA_LOSS: &str = "data-loss";
    /// Changing it interrupts the service.
    pub const DOWNTIME: &str = "downtime";
    /// Adding or removing the table needs a new resource; a change within it does not.
    pub const REPLACE_WHEN_COME_OR_GONE: &str = "replace-when-come-or-gone";
    /// A table in which all is at its default is as if it were absent.
    pub const DEFAULT_IS_ABSENT: &str = "default-is-absent";
    /// A map that others write to as well: only the entries that the stack writes are its own.
    pub const SHARED: &str = "shared";
}

/// Who a resource is at AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The id follows from the spec.
    Named(String),
    /// AWS assigns the id when the resource is created.
    Assigned,
    /// The id follows from the spec, from a part of it that is not known yet.
    Unknown,
}

impl Identity {
    /// `Named` where the name is known.
    pub fn named(name: Option<impl Into<String>>) -> Self {
        name.map_or(Self::Unknown, |name| Self::Named(name.into()))
    }

    /// The id, where it is known before the resource is made.
    pub fn id(self) -> Option<String> {
        match self {
            Self::Named(id) => Some(id),
            Self::Assigned | Self::Unknown => None,
        }
    }
}

/// A spec of which parts may be unknown: what a kind may look at before apply.
#[derive(Clone, Copy)]
pub struct Known<'a>(pub &'a Value);

impl<'a> Known<'a> {
    /// The value at a dotted path such as `command.name`; list elements by number.
    /// `None` where it is absent, null or unknown. Looks through secrecy of containers,
    /// never of the value itself.
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

    /// The string at a path, if it is known and not secret.
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

    /// Whether the user surely wrote something at a path, known or not. What stands in a table that
    /// is not known itself may be written or not: see [`Known::may_be_set`].
    pub fn is_set(&self, path: &str) -> bool {
        self.written(path) == Some(true)
    }

    /// Whether the user may have written something at a path. A rule that misses an attribute asks
    /// this one, so that it stays silent where nobody knows.
    pub fn may_be_set(&self, path: &str) -> bool {
        self.written(path) != Some(false)
    }

    /// Whether surely none or more than one of some paths is written, where AWS asks for exactly one.
    pub fn is_not_one_of(&self, paths: &[&str]) -> bool {
        let surely = paths.iter().filter(|path| self.is_set(path)).count();
        surely > 1 || !paths.iter().any(|path| self.may_be_set(path))
    }

    /// Whether something is written at a path, `None` where nobody knows.
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

/// A rule that a spec breaks and that the schema cannot say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Dotted path of the attribute, as in [`Known::get`].
    pub path: String,
    /// What is wrong, without a full stop.
    pub message: String,
    /// What to do about it; may be empty.
    pub help: String,
    /// Told, but no reason to stop: AWS takes it, or may take it.
    pub warning: bool,
}

impl Problem {
    /// A problem at `path`.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), help: String::new(), warning: false }
    }

    /// Something at `path` that AWS takes, or may take, but that is hardly meant.
    pub fn warning(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { warning: true, ..Self::new(path, message) }
    }

    /// With advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }
}

/// Attributes that follow from the spec before AWS has seen it: ARNs, URLs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Foreseen(pub std::collections::BTreeMap<String, Value>);

impl Foreseen {
    /// Foresees one attribute.
    #[must_use]
    pub fn with(mut self, attribute: &str, value: impl Into<String>) -> Self {
        self.0.insert(attribute.to_owned(), Value::String(value.into()));
        self
    }

    /// Foresees that an attribute is null, with a spec such as this: AWS makes no such thing.
    #[must_use]
    pub fn without(mut self, attribute: &str) -> Self {
        self.0.insert(attribute.to_owned(), Value::Null);
        self
    }
}

/// The resource that a read is for.
#[derive(Clone, Copy)]
pub struct Lookup<'a> {
    /// The physical id.
    pub id: &'a str,
    /// The attributes that are declared, were applied before or are referred to; see
    /// [`Lookup::wants`].
    pub(crate) attributes: Option<&'a std::collections::BTreeSet<String>>,
    /// What the stack declares; `Null` where nothing is declared any more. A kind cannot see it: what it
    /// reads is what AWS says.
    spec: Known<'a>,
    /// The resource's tags, where an index has shown that they are as wanted; the kind
    /// then need not read them.
    pub tags: Option<&'a Tags>,
    /// What is declared as it was last applied; see [`Lookup::stays`].
    pub(crate) applied: Option<&'a Applied>,
}

/// What the stack declares as it was last applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// What [`Kind::STAMP`] was then.
    pub stamp: String,
    /// The attributes, by the paths of their fingerprints, and all that AWS decides.
    pub attributes: std::collections::BTreeSet<String>,
}

impl<'a> Lookup<'a> {
    /// A read of these attributes of a resource, or of all.
    pub fn of(id: &'a str, attributes: Option<&'a std::collections::BTreeSet<String>>) -> Self {
        Self { id, attributes, spec: Known(&Value::Null), tags: None, applied: None }
    }

    /// Whether an attribute is as the spec says, since AWS shows the [stamp](Kind::STAMP)
    /// that it had when exactly that was applied: for what cannot change while the stamp
    /// stays, and would take a call to read.
    pub fn stays(&self, stamp: &str, attribute: &str) -> bool {
        self.applied.is_some_and(|applied| {
            applied.stamp == stamp && (!self.wants(attribute) || applied.attributes.contains(attribute))
        })
    }

    /// The text of an attribute that [stays](Self::stays), which may be absent.
    pub fn text_that_stays(&self, stamp: &str, attribute: &str) -> Option<Option<&str>> {
        let text = self.spec.text(attribute);
        (self.stays(stamp, attribute) && text.is_some() == self.spec.may_be_set(attribute)).then_some(text)
    }

    /// The spec, where all that is wanted of it [stays](Self::stays).
    pub fn applied<S: DeserializeOwned>(&self, stamp: &str) -> Option<S> {
        let stays = self.attributes?.iter().all(|attribute| self.stays(stamp, attribute));
        stays.then(|| erased::typed(self.spec.0).ok()).flatten()
    }

    /// Whether nothing of it is wanted but that it exists, as of what was just deleted.
    pub fn is_bare(&self) -> bool {
        self.attributes.is_some_and(std::collections::BTreeSet::is_empty) && *self.spec.0 == Value::Null
    }

    /// Whether an attribute with a read call of its own is needed: it is declared, was
    /// applied before, is referred to, or everything is asked for.
    pub fn wants(&self, attribute: &str) -> bool {
        self.attributes.is_none_or(|attributes| attributes.contains(attribute))
    }
}

/// What is to be known of a resource before it is deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Parting {
    /// AWS would refuse to delete it.
    Refused {
        /// Why, as what follows its address: `holds 3 objects`.
        why: String,
        /// What to do about it.
        help: String,
    },
    /// It is deleted as far as AWS lets us; this is what stays.
    Stays(String),
}

/// A resource as it is at AWS now.
pub struct Live<K: Kind> {
    /// As AWS tells it: the engine knows by the schema what means the same in other words.
    pub spec: K::Spec,
    /// What only AWS decides.
    pub attrs: K::Attrs,
    /// All tags, those of AWS (`aws:*`) left out.
    pub tags: Tags,
    /// Whether it can be used and changed.
    pub state: State,
    /// What tells this resource from another that is made under its id later: what AWS decides
    /// once, at its birth, such as a unique id or the time, or what only a write changes, such as
    /// the time of the last one. `None` where AWS tells nothing of the kind.
    pub born: Option<String>,
    /// Attributes of the spec that AWS does not tell at present, such as the port of a cluster that
    /// is being made: they count as they were applied last. What the spec holds there is ignored.
    pub untold: Vec<&'static str>,
}

impl<K: Kind> Live<K> {
    /// A resource that is ready.
    pub fn ready(spec: K::Spec, attrs: K::Attrs, tags: Tags) -> Self {
        Self { spec, attrs, tags, state: State::Ready, born: None, untold: Vec::new() }
    }

    /// With what tells it from another of its id, see [`Live::born`].
    #[must_use]
    pub fn born(self, born: Option<impl ToString>) -> Self {
        Self { born: born.map(|born| born.to_string()).filter(|born| !born.is_empty()), ..self }
    }
}

/// Whether a live resource can be used and changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum State {
    /// It can.
    #[default]
    Ready,
    /// AWS is at work on it (`creating`, `modifying`, `resizing`): the engine waits.
    Busy(String),
    /// AWS is deleting it: for a plan it is gone, and it holds its name until it is.
    Leaving(String),
    /// AWS gave up on it, with its reason: the engine stops with an error.
    Failed(String),
}

/// The answer of a read: one for each lookup, in the same order; `None` where the
/// resource does not exist.
pub type Reads<K> = Vec<Result<Option<Live<K>>>>;

/// Who owns a resource: the tags by which a resource with an assigned id is found again.
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
    /// Key of the tag that says `true` on what is protected, for when ledger and block are gone.
    pub const PROTECT: &'static str = "dwctl:protect";
    /// Key of the tag that says `true` on what is retained, likewise.
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

    /// Whether a resource's tags say that it is protected, or retained.
    pub fn says(tags: &Tags, key: &str) -> bool {
        tags.get(key).is_some_and(|value| value == "true")
    }

    /// The owner that a resource's tags name.
    pub fn of(tags: &Tags) -> Option<Self> {
        Some(Self {
            stack: tags.get(Self::STACK)?.clone(),
            env: tags.get(Self::ENV)?.clone(),
            address: tags.get(Self::ADDRESS)?.clone(),
        })
    }
}

/// What `create` is given besides the spec.
pub struct Birth<'a> {
    /// All tags, the owner's included: to be set in the create call where the API allows.
    pub tags: &'a Tags,
    /// A client token: the same for every attempt at the same birth, 36 characters.
    pub token: &'a str,
}

/// IAM actions that a kind's verbs need, such as `glue:CreateJob`.
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

/// What AWS allows in the tags of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TagRules {
    /// Most tags of one resource, the owner's included.
    pub most: usize,
    /// Keys that differ in case alone are one.
    pub any_case: bool,
    /// Keys and values hold letters, digits, spaces and `_.:/=+-@` only.
    pub plain: bool,
}

impl TagRules {
    /// Of most services: 50 tags, any text
    /// (<https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html>).
    pub const USUAL: Self = Self { most: 50, any_case: false, plain: false };
    /// Of services that document the characters.
    pub const PLAIN: Self = Self { plain: true, ..Self::USUAL };
}

/// How long AWS takes: what the engine orders work by and waits for at most.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Usual seconds until a new resource is ready.
    pub create_seconds: u32,
    /// Usual seconds until a deleted resource is gone.
    pub delete_seconds: u32,
    /// Longest wait, in seconds, for any one verb.
    pub deadline_seconds: u32,
}

/// A resource kind. See `CONTRIBUTING.md` for how to add one.
///
/// The verbs run on one thread, so their futures need not be `Send`.
#[allow(async_fn_in_trait)]
pub trait Kind: Sized + 'static {
    /// Suffix of the SDK crate and the CloudFormation type in snake case, `glue_job`.
    const NAME: &'static str;
    /// The CloudFormation type, `AWS::Glue::Job`; `None` where CloudFormation has none.
    const CFN: Option<&'static str>;
    /// What it is in Terraform's AWS provider.
    const TERRAFORM: Terraform;
    /// What else people call it and its attributes, beyond [`Kind::CFN`] and [`Kind::TERRAFORM`], so
    /// that messages lead them home: a path here (empty: the kind itself) and the name. That is a
    /// resource type whose resources are an attribute here (`aws_s3_bucket_policy`,
    /// `AWS::S3::BucketPolicy`), an attribute that CloudFormation calls otherwise, or a plain word.
    const ALSO_CALLED: &'static [(&'static str, &'static str)] = &[];
    /// The example: documentation of the kind and input of its tests.
    const EXAMPLE: &'static str;
    /// The IAM actions of its verbs.
    const ACTIONS: Actions;
    /// Whether AWS can tag it.
    const TAGGABLE: bool;
    /// What AWS allows in its tags.
    const TAG_RULES: TagRules = TagRules::USUAL;
    /// Whether reading its tags takes a call of its own, which [`Lookup::tags`] saves.
    const TAGS_APART: bool = false;
    /// Attributes that `create` can do without and `update` sets: where resources refer to
    /// each other in a circle that runs through them, all are made first, and these follow.
    const DEFERRABLE: &'static [&'static str] = &[];
    /// Attributes that name other resources of the stack: see [`Link`].
    const LINKS: &'static [Link] = &[];
    /// A command that lists who uses a resource, `{}` for its id: what is outside of the stack may
    /// hold it, too.
    const USERS: Option<&'static str> = None;
    /// The kind that it is a part of, and the attribute that has the id of one: AWS deletes it with
    /// that, so the engine makes it anew with that, though nothing of it changes.
    const PART_OF: Option<(&'static str, &'static str)> = None;
    /// Whether AWS keeps it outside of regions.
    const GLOBAL: bool = false;
    /// Whether the create call changes, or returns as if it were new, a resource that exists
    /// already, instead of refusing with [`crate::aws::Class::Exists`]: the engine then looks
    /// right before the call.
    const CREATE_OVERWRITES: bool = false;
    /// The attribute of [`Kind::Attrs`] by which AWS tells a state of the resource from
    /// another, such as the version of an object: see [`Lookup::stays`].
    const STAMP: Option<&'static str> = None;
    /// How long AWS takes.
    const PACE: Pace = Pace { create_seconds: 2, delete_seconds: 2, deadline_seconds: 300 };

    /// What the user writes. Its doc comments are the kind's documentation.
    type Spec: Clone + PartialEq + Serialize + DeserializeOwned + schemars::JsonSchema + 'static;
    /// What only AWS decides, readable as `${kind.name.attribute}`.
    type Attrs: Clone + Serialize + DeserializeOwned + schemars::JsonSchema + 'static;

    /// The id, as far as it follows from the spec.
    fn identity(spec: Known<'_>, scope: &Scope) -> Identity;

    /// Attributes that follow from the spec.
    fn foresee(spec: Known<'_>, scope: &Scope) -> Foreseen {
        let _ = (spec, scope);
        Foreseen::default()
    }

    /// Fills in what follows from other attributes and from files of the stack, such as the
    /// checksum of a file. Called once a spec is evaluated, before it is normalised, checked
    /// and compared; parts of it may be unknown or secret.
    ///
    /// # Errors
    /// A file that cannot be read, or an attribute that contradicts it.
    fn derive(spec: &mut Value, files: &Files) -> Result<(), Problem> {
        let _ = (spec, files);
        Ok(())
    }

    /// Brings a desired spec, whose values are in canonical form, to the attributes by which
    /// [`Kind::read_many`] tells it, where one setting can be written as two of them. Parts of it may
    /// be unknown or secret.
    fn canonical(spec: &mut Value) {
        let _ = spec;
    }

    /// Rules that the schema cannot say.
    fn check(spec: Known<'_>) -> Vec<Problem> {
        let _ = spec;
        Vec::new()
    }

    /// Rules between this resource and others of the stack, such as one range of addresses
    /// that must be within another. Called when all are evaluated, before any call to AWS.
    fn check_among(spec: Known<'_>, among: &Among<'_>) -> Vec<Problem> {
        let _ = (spec, among);
        Vec::new()
    }

    /// Why AWS refuses this resource while that other one of its kind exists, though their
    /// ids differ: what only one of them can have, such as a range of addresses. Said of two
    /// of a stack, and of one that is to be made before its predecessor goes.
    fn clash(own: &Peer<'_>, other: &Peer<'_>) -> Option<Problem> {
        let _ = (own, other);
        None
    }

    /// Reads all of `lookups`, in as few calls as AWS allows: one answer for each, in order.
    async fn read_many(cx: &Cx, lookups: &[Lookup<'_>]) -> Reads<Self>;

    /// Finds a resource with an assigned id again, by its owner tags or, where AWS
    /// cannot tag it, by what makes it unique in its parent. `spec` as far as it is known.
    /// All that there are, which are several where one was replaced by another first.
    ///
    /// # Errors
    /// AWS's, as for every verb.
    async fn find(cx: &Cx, owner: &Owner, spec: Known<'_>) -> Result<Vec<String>> {
        let _ = (cx, owner, spec);
        Ok(Vec::new())
    }

    /// The ids and tags of all that there are, where AWS's index of tags does not know the kind
    /// and one listing tells both; none elsewhere. It serves a lost ledger alone.
    ///
    /// # Errors
    /// AWS's.
    async fn all_tags(cx: &Cx) -> Result<Vec<(String, Tags)>> {
        let _ = cx;
        Ok(Vec::new())
    }

    /// The ids and tags of the parts of the resource `id` of the kind that [`Kind::PART_OF`] names,
    /// where AWS's index of tags does not know them: the objects of a bucket, the subscriptions of
    /// a topic. None by default. It serves a lost ledger and, of what has neither tags nor a name,
    /// an apply that was cut off.
    ///
    /// # Errors
    /// AWS's; there are too many to ask for.
    async fn inside(cx: &Cx, id: &str) -> Result<Vec<(String, Tags)>> {
        let _ = (cx, id);
        Ok(Vec::new())
    }

    /// The id of the resource with this ARN, as AWS's index of tags names it: by default
    /// what follows the type, `orders` of `arn:…:job/orders`. Whose it is, is read then.
    fn id_of_arn(arn: &str) -> Option<String> {
        let resource = arn.splitn(6, ':').nth(5)?;
        Some(resource.split_once(['/', ':']).map_or(resource, |(_, id)| id).to_owned())
    }

    /// Makes the resource and returns its id. What the create call cannot set may be
    /// left to `update`: the engine reads and updates until nothing differs.
    ///
    /// # Errors
    /// AWS's; of class [`crate::aws::Class::Exists`] where the name is taken.
    async fn create(cx: &Cx, want: &Self::Spec, birth: &Birth<'_>) -> Result<String>;

    /// Changes what differs between `live` and `want`. Tags are not its business. Fields
    /// of `want` that are marked `AWS_DEFAULT` and absent hold the live value.
    ///
    /// # Errors
    /// AWS's.
    async fn update(cx: &Cx, id: &str, live: &Self::Spec, want: &Self::Spec) -> Result<()>;

    /// Deletes the resource. Gone already is success. The engine waits until reads say gone.
    ///
    /// # Errors
    /// AWS's; of class [`crate::aws::Class::Conflict`] where something still uses it.
    async fn delete(cx: &Cx, id: &str, live: &Self::Spec) -> Result<()>;

    /// What AWS keeps of a resource that was deleted, in words for the reviewer of that: a final
    /// snapshot, the days in which it can be restored. `attrs` and `born` are those of the live
    /// resource; without AWS they are not known.
    fn leaves(spec: Known<'_>, attrs: Known<'_>, born: Option<&str>) -> Option<String> {
        let _ = (spec, attrs, born);
        None
    }

    /// The content that the resource is made of besides its attributes, if it is a text of at most
    /// [`SHOWN_CONTENT`] bytes. It serves `dwctl diff`, which shows its lines.
    fn content(spec: Known<'_>, files: &Files) -> Option<String> {
        let _ = (spec, files);
        None
    }

    /// What a plan that deletes this resource has to tell before anything is deleted: that AWS would
    /// refuse, or what stays. `parts` are the specs of its parts ([`Kind::PART_OF`]) that the plan
    /// deletes before it. Nothing by default; it takes one call at most.
    ///
    /// # Errors
    /// AWS's.
    async fn parting(
        cx: &Cx,
        id: &str,
        live: &Self::Spec,
        attrs: &Self::Attrs,
        parts: &[Known<'_>],
    ) -> Result<Option<Parting>> {
        let _ = (cx, id, live, attrs, parts);
        Ok(None)
    }

    /// Sets and removes tags of an existing resource.
    ///
    /// # Errors
    /// AWS's.
    async fn tag(cx: &Cx, id: &str, attrs: &Self::Attrs, set: &Tags, remove: &[String]) -> Result<()> {
        let _ = (cx, id, attrs, set, remove);
        Err(Error::finding(crate::aws::Class::Invalid, format!("{} cannot be tagged", Self::NAME)))
    }
}

/// Runs one read for each lookup, at most `limit` at the same time, and keeps the
/// order: for services that offer no batch read.
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

/// Answers every lookup from what one batch read found by id, or with its error.
pub fn answer<K: Kind>(
    lookups: &[Lookup<'_>],
    found: Result<std::collections::HashMap<String, Live<K>>>,
) -> Reads<K> {
    match found {
        Ok(mut found) => lookups.iter().map(|lookup| Ok(found.remove(lookup.id))).collect(),
        Err(error) => lookups.iter().map(|_| Err(error.clone())).collect(),
    }
}

/// Tags of an SDK's tag type, those of AWS itself (`aws:*`) left out.
pub fn user_tags<'a>(tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> Tags {
    tags.into_iter()
        .filter(|(key, _)| !key.starts_with("aws:"))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}
