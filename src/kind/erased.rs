//! The contract of a kind without its types, so that the engine can hold all kinds in one list.

use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;
use std::sync::OnceLock;

use futures_util::future::LocalBoxFuture;

use super::known::typed;
use super::{
    Actions, Among, Applied, DeleteCheck, Deletion, FoundBy, Identity, Kind, Known, Link, Live, Lookup,
    NewResource, OnExisting, Owner, Pace, Peer, Predicted, Problem, Settling, State, TagRules, Terraform,
    Way, finder, named::check_names, rules::check_rules,
};
use crate::aws::{Class, Cx, Error, Result, Scope, Tags};
use crate::schema::{Node, Schema, Shape, normalize, without_absent};
use crate::value::Value;

/// A live resource without its types.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ErasedLive {
    /// The settings as AWS returns them.
    pub spec: Value,
    /// The attributes that AWS decides.
    pub attrs: Value,
    /// All tags except AWS's own.
    pub tags: Tags,
    /// The readiness for use and changes.
    pub state: State,
    /// Distinguishes it from a later resource with its id; see [`Live::incarnation`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incarnation: Option<String>,
    /// Attributes missing from the spec because AWS does not return them at present.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_returned: Vec<String>,
}

/// A resource that was created, without its types; see [`super::Created`].
#[derive(Clone, Debug, PartialEq)]
pub struct ErasedCreated {
    /// The physical id.
    pub id: String,
    /// The resource, if AWS's answer describes all of it.
    pub live: Option<ErasedLive>,
}

/// A read that the engine asks for: the owned form of [`Lookup`].
#[derive(Clone, Debug, PartialEq)]
pub struct ReadRequest {
    /// The physical id.
    pub id: String,
    /// The attributes that are declared or were applied; `None` means all.
    pub attributes: Option<BTreeSet<String>>,
    /// The desired spec.
    pub spec: Value,
    /// The tags, if an index has shown that they are as desired. The kind then need not read them.
    pub tags: Option<Tags>,
    /// The part of the desired spec that the last apply wrote.
    pub applied: Option<Applied>,
    /// True if the resource should exist.
    pub known: bool,
}

impl ReadRequest {
    /// A read of everything of a resource that should exist.
    pub fn of(id: impl Into<String>) -> Self {
        let (attributes, tags, applied) = (None, None, None);
        Self { id: id.into(), attributes, spec: Value::Null, tags, applied, known: true }
    }
}

/// A kind without its types. Every method corresponds to an item of [`Kind`].
pub trait ErasedKind: Send + Sync {
    /// The suffix of the SDK crate and the CloudFormation type, in snake case: `glue_job`.
    fn name(&self) -> &'static str;
    /// See [`Kind::CFN`].
    fn cloudformation(&self) -> Option<&'static str>;
    /// See [`Kind::TERRAFORM`].
    fn terraform(&self) -> Terraform;
    /// See [`Kind::ALSO_CALLED`].
    fn also_called(&self) -> &'static [(&'static str, &'static str)];
    /// The example. It documents the kind, and the kind's tests use it.
    fn example(&self) -> &'static str;
    /// See [`Kind::ACTIONS`].
    fn actions(&self) -> Actions;
    /// See [`Kind::TAGGABLE`].
    fn taggable(&self) -> bool;
    /// See [`Kind::TAG_RULES`].
    fn tag_rules(&self) -> TagRules;
    /// See [`Kind::TAGS_APART`].
    fn tags_apart(&self) -> bool;
    /// See [`Kind::id_of_arn`].
    fn id_of_arn(&self, arn: &str) -> Option<String>;
    /// The id of a resource that a user names by its id or its ARN. AWS accepts both for some kinds, but
    /// the engine would take them for two resources.
    fn id_given(&self, given: &str) -> String {
        let of_arn = if given.starts_with("arn:") { self.id_of_arn(given) } else { None };
        of_arn.unwrap_or_else(|| given.to_owned())
    }
    /// See [`Kind::DEFERRABLE`].
    fn deferrable(&self) -> &'static [&'static str];
    /// See [`Kind::LINKS`].
    fn links(&self) -> &'static [Link];
    /// See [`Kind::TAKES_OVER`].
    fn takes_over(&self) -> &'static [&'static str];
    /// See [`Kind::USERS`].
    fn users(&self) -> Option<&'static str>;
    /// See [`Kind::GLOBAL`].
    fn global(&self) -> bool;
    /// See [`Kind::on_existing`].
    fn on_existing(&self, scope: &Scope) -> OnExisting;
    /// See [`Kind::BATCHES_READS`].
    fn batches_reads(&self) -> bool;
    /// See [`Kind::SET_AFTER_CREATE`].
    fn set_after_create(&self) -> &'static [&'static str];
    /// See [`Kind::PART_OF`].
    fn part_of(&self) -> Option<(&'static str, &'static str)>;
    /// Returns whether resources of this kind are children of those of `kind`.
    fn is_part_of(&self, kind: &str) -> bool {
        self.part_of().is_some_and(|(whole, _)| whole == kind)
    }
    /// Returns whether AWS assigns the ids of its resources, for any spec.
    fn assigns_ids(&self) -> bool;
    /// See [`Kind::stamp`].
    fn stamp(&self, live: &ErasedLive) -> Option<String>;
    /// See [`Kind::PACE`].
    fn pace(&self) -> Pace;
    /// See [`Kind::SETTLING`].
    fn settling(&self) -> Settling;
    /// The schema of the spec and of the attributes that AWS decides.
    fn schema(&self) -> &Schema;
    /// The attribute of the spec that is both its name and its id, if it has one: a stack can declare the
    /// beginning of it (`name_prefix`).
    fn name_attribute(&self) -> Option<&'static str>;
    /// See [`Kind::identity`].
    fn identity(&self, spec: Known<'_>, scope: &Scope) -> Identity;
    /// The attributes by which `[data.KIND.NAME]` finds a resource.
    fn found_by(&self) -> &FoundBy;
    /// The IAM actions of a search by its filter, beyond those of a read.
    fn search_actions(&self) -> &'static [&'static str];
    /// How a sound block with these attributes finds its resource; `None` if an ARN is not one of the kind.
    fn way(&self, query: &Value, scope: &Scope) -> Option<Way>;
    /// The ids of the resources that match each filter.
    fn search<'a>(&'a self, cx: &'a Cx, filters: &'a [Value])
    -> LocalBoxFuture<'a, Vec<Result<Vec<String>>>>;
    /// See [`Kind::predict`].
    fn predict(&self, spec: Known<'_>, scope: &Scope) -> Predicted;
    /// See [`Kind::derive`].
    ///
    /// # Errors
    /// See there.
    fn derive(&self, spec: &mut Value, files: &crate::files::Files) -> Result<(), Problem>;
    /// See [`Kind::canonical`].
    fn canonical(&self, spec: &mut Value);
    /// See [`Kind::check`].
    fn check(&self, spec: Known<'_>) -> Vec<Problem>;
    /// See [`Kind::check_among`].
    fn check_among(&self, spec: Known<'_>, among: &Among<'_>) -> Vec<Problem>;
    /// See [`Kind::claims`].
    fn claims(&self, own: &Peer<'_>) -> Vec<String>;
    /// See [`Kind::clash`].
    fn clash(&self, own: &Peer<'_>, other: &Peer<'_>) -> Option<Problem>;
    /// Checks that a complete spec converts to the kind's own type: the last check before AWS.
    ///
    /// # Errors
    /// The mismatch, in words.
    fn accepts(&self, spec: &Value) -> Result<(), String>;
    /// See [`Kind::read_many`].
    fn read_many<'a>(
        &'a self,
        cx: &'a Cx,
        requests: &'a [ReadRequest],
    ) -> LocalBoxFuture<'a, Vec<Result<Option<ErasedLive>>>>;
    /// See [`Kind::find`].
    fn find<'a>(
        &'a self,
        cx: &'a Cx,
        owner: &'a Owner,
        spec: &'a Value,
    ) -> LocalBoxFuture<'a, Result<Vec<String>>>;
    /// See [`Kind::all_tags`].
    fn all_tags<'a>(&'a self, cx: &'a Cx) -> LocalBoxFuture<'a, Result<Vec<(String, Tags)>>>;
    /// See [`Kind::inside`].
    fn inside<'a>(&'a self, cx: &'a Cx, id: &'a str) -> LocalBoxFuture<'a, Result<Vec<(String, Tags)>>>;
    /// See [`Kind::create`].
    fn create<'a>(
        &'a self,
        cx: &'a Cx,
        want: &'a Value,
        new: NewResource<'a>,
    ) -> LocalBoxFuture<'a, Result<ErasedCreated>>;
    /// See [`Kind::update`].
    fn update<'a>(
        &'a self,
        cx: &'a Cx,
        id: &'a str,
        live: &'a Value,
        want: &'a Value,
    ) -> LocalBoxFuture<'a, Result<()>>;
    /// See [`Kind::delete`].
    fn delete<'a>(&'a self, cx: &'a Cx, id: &'a str, live: &'a Value)
    -> LocalBoxFuture<'a, Result<Deletion>>;
    /// See [`Kind::leaves`].
    fn kept_after_delete(
        &self,
        spec: Known<'_>,
        attrs: Known<'_>,
        incarnation: Option<&str>,
    ) -> Option<String>;
    /// See [`Kind::content`].
    fn content(&self, spec: Known<'_>, files: &crate::files::Files) -> Option<String>;
    /// See [`Kind::check_delete`]; `existing` as for [`ErasedKind::delete`].
    fn check_delete<'a>(
        &'a self,
        cx: &'a Cx,
        id: &'a str,
        existing: &'a Value,
        attrs: &'a Value,
        parts: &'a [&'a Value],
    ) -> LocalBoxFuture<'a, Result<Option<DeleteCheck>>>;
    /// See [`Kind::tag`].
    fn tag<'a>(
        &'a self,
        cx: &'a Cx,
        id: &'a str,
        attrs: &'a Value,
        set: &'a Tags,
        remove: &'a [String],
    ) -> LocalBoxFuture<'a, Result<()>>;
}

/// Erases a kind, given its name and its example.
pub fn erase<K: Kind>(name: &'static str, example: &'static str) -> Box<dyn ErasedKind> {
    let (schema, found_by) = (OnceLock::new(), OnceLock::new());
    Box::new(Of::<K> { name, example, schema, found_by, kind: PhantomData })
}

/// All problems of a spec as it is written: those of the kind and those of its schema's rules.
#[cfg(test)]
pub(crate) fn problems_of<K: Kind>(spec: &Value) -> Vec<Problem> {
    let kind = erase::<K>("", "");
    kind.check(Known(&crate::schema::as_written(&kind.schema().spec, spec.clone())))
}

struct Of<K> {
    name: &'static str,
    example: &'static str,
    schema: OnceLock<Schema>,
    found_by: OnceLock<FoundBy>,
    kind: PhantomData<fn() -> K>,
}

/// Converts a typed part of a live resource to a value, without what is absent.
fn untyped<T: serde::Serialize>(typed: &T, node: &Node) -> Result<Value> {
    serde_json::to_value(typed)
        .map(|json| without_absent(node, Value::from_json(&json)))
        .map_err(|error| Error::finding(Class::Other, format!("AWS's answer cannot be represented: {error}")))
}

fn untype<K: Kind>(live: Live<K>, schema: &Schema) -> Result<ErasedLive> {
    let mut spec = untyped(&live.spec, &schema.spec)?;
    if let Value::Map(spec) = &mut spec {
        spec.retain(|name, _| !live.not_returned.contains(&name.as_str()));
    }
    Ok(ErasedLive {
        spec,
        attrs: untyped(&live.attrs, &schema.attrs)?,
        tags: live.tags,
        state: live.state,
        incarnation: live.incarnation,
        not_returned: live.not_returned.into_iter().map(str::to_owned).collect(),
    })
}

/// The attributes of the spec that make up the id, and whether each has no default: the id is unknown without
/// it.
fn parts_of_id<K: Kind>(schema: &Schema) -> Vec<(String, bool)> {
    let scope = Scope::of("us-east-1", "111122223333");
    let fields = schema.spec.fields().into_iter().flatten();
    let texts = fields.filter(|(_, field)| matches!(field.shape, Shape::String { .. }));
    let all: BTreeMap<String, Value> = texts.map(|(name, _)| (name.clone(), Value::from("a"))).collect();
    let named = |spec: BTreeMap<String, Value>| {
        K::identity(Known(&normalize(&schema.spec, Value::Map(spec))), &scope).id().is_some()
    };
    if !named(all.clone()) {
        return Vec::new();
    }
    let with = |name: &String, value: Option<Value>| {
        let mut spec = all.clone();
        spec.remove(name);
        spec.extend(value.map(|value| (name.clone(), value)));
        named(spec)
    };
    let parts = all.keys().filter(|name| !with(name, Some(Value::unknown("", name.as_str()))));
    parts.map(|name| (name.clone(), !with(name, None))).collect()
}

impl<K: Kind> ErasedKind for Of<K> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cloudformation(&self) -> Option<&'static str> {
        K::CFN
    }

    fn terraform(&self) -> Terraform {
        K::TERRAFORM
    }
    fn also_called(&self) -> &'static [(&'static str, &'static str)] {
        K::ALSO_CALLED
    }

    fn example(&self) -> &'static str {
        self.example
    }

    fn actions(&self) -> Actions {
        K::ACTIONS
    }

    fn taggable(&self) -> bool {
        K::TAGGABLE
    }

    fn tag_rules(&self) -> TagRules {
        K::TAG_RULES
    }

    fn tags_apart(&self) -> bool {
        K::TAGS_APART
    }

    fn id_of_arn(&self, arn: &str) -> Option<String> {
        K::id_of_arn(arn)
    }

    fn deferrable(&self) -> &'static [&'static str] {
        K::DEFERRABLE
    }

    fn part_of(&self) -> Option<(&'static str, &'static str)> {
        K::PART_OF
    }

    fn links(&self) -> &'static [Link] {
        K::LINKS
    }

    fn takes_over(&self) -> &'static [&'static str] {
        K::TAKES_OVER
    }

    fn users(&self) -> Option<&'static str> {
        K::USERS
    }

    fn global(&self) -> bool {
        K::GLOBAL
    }

    fn assigns_ids(&self) -> bool {
        let none = String::new;
        let nowhere = Scope { partition: none(), account_id: none(), region: none() };
        K::identity(Known(&Value::Null), &nowhere) == Identity::Assigned
    }

    fn on_existing(&self, scope: &Scope) -> OnExisting {
        K::on_existing(scope)
    }

    fn batches_reads(&self) -> bool {
        K::BATCHES_READS
    }

    fn set_after_create(&self) -> &'static [&'static str] {
        K::SET_AFTER_CREATE
    }

    fn stamp(&self, live: &ErasedLive) -> Option<String> {
        K::stamp(Known(&live.attrs), live.incarnation.as_deref())
    }

    fn pace(&self) -> Pace {
        K::PACE
    }

    fn settling(&self) -> Settling {
        K::SETTLING
    }

    fn schema(&self) -> &Schema {
        self.schema.get_or_init(Schema::of::<K::Spec, K::Attrs>)
    }

    fn name_attribute(&self) -> Option<&'static str> {
        K::ID.filter(|id| self.schema().spec.fields().is_some_and(|fields| fields.contains_key(*id)))
    }

    fn identity(&self, spec: Known<'_>, scope: &Scope) -> Identity {
        K::identity(spec, scope)
    }

    fn found_by(&self) -> &FoundBy {
        let schema = self.schema();
        self.found_by.get_or_init(|| FoundBy::of(schema, parts_of_id::<K>(schema), &K::FINDER))
    }

    fn search_actions(&self) -> &'static [&'static str] {
        K::FINDER.actions
    }

    fn way(&self, query: &Value, scope: &Scope) -> Option<Way> {
        let given = query.as_map()?;
        if let (Some(Value::String(id)), 1) = (given.get(finder::ID), given.len()) {
            return Some(Way::Id(self.id_given(id)));
        }
        if let (Some(Value::String(arn)), 1) = (given.get(finder::ARN), given.len()) {
            return if arn.starts_with("arn:") { K::id_of_arn(arn).map(Way::Id) } else { None };
        }
        let by = self.found_by();
        if given.keys().all(|name| by.identity.contains(name)) {
            let mut spec = normalize(&self.schema().spec, query.clone());
            K::canonical(&mut spec);
            return K::identity(Known(&spec), scope).id().map(Way::Id);
        }
        Some(Way::Filter(query.clone()))
    }

    fn search<'a>(
        &'a self,
        cx: &'a Cx,
        filters: &'a [Value],
    ) -> LocalBoxFuture<'a, Vec<Result<Vec<String>>>> {
        K::FINDER.search(cx, filters)
    }

    fn predict(&self, spec: Known<'_>, scope: &Scope) -> Predicted {
        K::predict(spec, scope)
    }

    fn derive(&self, spec: &mut Value, files: &crate::files::Files) -> Result<(), Problem> {
        K::derive(spec, files)
    }

    fn canonical(&self, spec: &mut Value) {
        K::canonical(spec);
    }

    fn check(&self, spec: Known<'_>) -> Vec<Problem> {
        let mut problems = K::check(spec);
        problems.extend(check_rules(&self.schema().spec, spec));
        problems.extend(check_names(&self.schema().spec, spec, None));
        problems
    }

    fn check_among(&self, spec: Known<'_>, among: &Among<'_>) -> Vec<Problem> {
        let mut problems = K::check_among(spec, among);
        problems.extend(check_names(&self.schema().spec, spec, Some(among.region())));
        problems
    }

    fn claims(&self, own: &Peer<'_>) -> Vec<String> {
        K::claims(own)
    }

    fn clash(&self, own: &Peer<'_>, other: &Peer<'_>) -> Option<Problem> {
        K::clash(own, other)
    }

    fn kept_after_delete(
        &self,
        spec: Known<'_>,
        attrs: Known<'_>,
        incarnation: Option<&str>,
    ) -> Option<String> {
        K::kept_after_delete(spec, attrs, incarnation)
    }

    fn content(&self, spec: Known<'_>, files: &crate::files::Files) -> Option<String> {
        K::content(spec, files)
    }

    fn accepts(&self, spec: &Value) -> Result<(), String> {
        // Serde's messages quote values, so with a secret in the spec only a general message is shown.
        typed::<K::Spec>(spec).map(drop).map_err(|error| {
            if spec.contains_secret() {
                "it does not have the kind's shape".to_owned()
            } else {
                error.message.to_string()
            }
        })
    }

    fn read_many<'a>(
        &'a self,
        cx: &'a Cx,
        requests: &'a [ReadRequest],
    ) -> LocalBoxFuture<'a, Vec<Result<Option<ErasedLive>>>> {
        Box::pin(async move {
            let lookups: Vec<Lookup<'_>> = requests
                .iter()
                .map(|request| Lookup {
                    id: &request.id,
                    attributes: request.attributes.as_ref(),
                    spec: Known(&request.spec),
                    tags: request.tags.as_ref(),
                    applied: request.applied.as_ref(),
                    known: request.known,
                })
                .collect();
            let reads = K::read_many(cx, &lookups).await;
            reads
                .into_iter()
                .map(|read| read.and_then(|live| live.map(|live| untype(live, self.schema())).transpose()))
                .collect()
        })
    }

    fn find<'a>(
        &'a self,
        cx: &'a Cx,
        owner: &'a Owner,
        spec: &'a Value,
    ) -> LocalBoxFuture<'a, Result<Vec<String>>> {
        Box::pin(K::find(cx, owner, Known(spec)))
    }

    fn all_tags<'a>(&'a self, cx: &'a Cx) -> LocalBoxFuture<'a, Result<Vec<(String, Tags)>>> {
        Box::pin(K::all_tags(cx))
    }

    fn inside<'a>(&'a self, cx: &'a Cx, id: &'a str) -> LocalBoxFuture<'a, Result<Vec<(String, Tags)>>> {
        Box::pin(K::inside(cx, id))
    }

    fn create<'a>(
        &'a self,
        cx: &'a Cx,
        want: &'a Value,
        new: NewResource<'a>,
    ) -> LocalBoxFuture<'a, Result<ErasedCreated>> {
        Box::pin(async move {
            let created = K::create(cx, &typed(want)?, &new).await?;
            // The resource exists, whatever its description is like: if it cannot be used, it is read.
            let live = created.live.and_then(|live| untype(live, self.schema()).ok());
            Ok(ErasedCreated { id: created.id, live })
        })
    }

    fn update<'a>(
        &'a self,
        cx: &'a Cx,
        id: &'a str,
        live: &'a Value,
        want: &'a Value,
    ) -> LocalBoxFuture<'a, Result<()>> {
        Box::pin(async move { K::update(cx, id, &typed(live)?, &typed(want)?).await })
    }

    fn delete<'a>(
        &'a self,
        cx: &'a Cx,
        id: &'a str,
        live: &'a Value,
    ) -> LocalBoxFuture<'a, Result<Deletion>> {
        Box::pin(async move { K::delete(cx, id, &typed(live)?).await })
    }

    fn check_delete<'a>(
        &'a self,
        cx: &'a Cx,
        id: &'a str,
        existing: &'a Value,
        attrs: &'a Value,
        parts: &'a [&'a Value],
    ) -> LocalBoxFuture<'a, Result<Option<DeleteCheck>>> {
        Box::pin(async move {
            let parts: Vec<Known<'_>> = parts.iter().map(|part| Known(part)).collect();
            K::check_delete(cx, id, &typed(existing)?, &typed(attrs)?, &parts).await
        })
    }

    fn tag<'a>(
        &'a self,
        cx: &'a Cx,
        id: &'a str,
        attrs: &'a Value,
        set: &'a Tags,
        remove: &'a [String],
    ) -> LocalBoxFuture<'a, Result<()>> {
        Box::pin(async move { K::tag(cx, id, &typed(attrs)?, set, remove).await })
    }
}
