//! How `[data.KIND.NAME]` finds an existing resource.

use std::collections::BTreeMap;

use futures_util::future::LocalBoxFuture;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::known::typed;
use crate::aws::{Cx, Result};
use crate::schema::{Node, Schema, Shape};
use crate::value::Value;

/// The attributes by which AWS's own list call finds resources of a kind. The fields are what users write in
/// `[data.KIND.NAME]`, and their doc comments are its documentation. Keep them private: the compiler then
/// reports a field that [`Filter::search`] does not use.
#[allow(async_fn_in_trait)]
pub trait Filter: DeserializeOwned + JsonSchema + 'static {
    /// The ids of all resources that match each filter, in the order of the filters. Several filters share the
    /// calls that can serve all of them.
    async fn search(cx: &Cx, filters: &[Self]) -> Vec<Result<Vec<String>>>;
}

/// Runs one search for each filter, side by side: for list calls that filter at AWS.
pub async fn each_filter<'a, F, Fut>(
    filters: &'a [F],
    search: impl Fn(&'a F) -> Fut,
) -> Vec<Result<Vec<String>>>
where
    Fut: Future<Output = Result<Vec<String>>>,
{
    futures_util::future::join_all(filters.iter().map(search)).await
}

type Search = for<'a> fn(&'a Cx, &'a [Value]) -> LocalBoxFuture<'a, Vec<Result<Vec<String>>>>;

/// The ways to find a resource of a kind beyond its identity: see [`super::Kind::FINDER`].
#[derive(Clone, Copy)]
pub struct Finder {
    filter: Option<(fn() -> Schema, Search)>,
    /// The IAM actions that a search needs, beyond those of a read.
    pub(super) actions: &'static [&'static str],
}

impl Finder {
    /// By its identity alone.
    pub const IDENTITY: Self = Self { filter: None, actions: &[] };

    /// Also by this filter, whose search needs these IAM actions.
    pub const fn by<F: Filter>(actions: &'static [&'static str]) -> Self {
        Self { filter: Some((Schema::of::<F, ()>, search::<F>)), actions }
    }

    /// Runs a search.
    pub(super) fn search<'a>(
        &self,
        cx: &'a Cx,
        filters: &'a [Value],
    ) -> LocalBoxFuture<'a, Vec<Result<Vec<String>>>> {
        match self.filter {
            Some((_, search)) => search(cx, filters),
            // A block that names no filter needs none.
            None => Box::pin(async { filters.iter().map(|_| Ok(Vec::new())).collect() }),
        }
    }
}

fn search<'a, F: Filter>(cx: &'a Cx, filters: &'a [Value]) -> LocalBoxFuture<'a, Vec<Result<Vec<String>>>> {
    Box::pin(async move {
        let filters: Vec<Result<F>> = filters.iter().map(typed).collect();
        let is_sound: Vec<Option<crate::aws::Error>> =
            filters.iter().map(|filter| filter.as_ref().err().cloned()).collect();
        let sound: Vec<F> = filters.into_iter().filter_map(Result::ok).collect();
        let mut found = F::search(cx, &sound).await.into_iter();
        let of = |broken: Option<crate::aws::Error>| match broken {
            Some(error) => Err(error),
            None => found.next().unwrap_or_else(|| Ok(Vec::new())),
        };
        is_sound.into_iter().map(of).collect()
    })
}

/// The attributes that any kind can be found by.
#[derive(serde::Deserialize, JsonSchema)]
#[allow(dead_code, reason = "only its schema is used")]
struct Anything {
    /// Its id at AWS, as `dwctl import` takes it: a name, an id or an ARN.
    id: Option<String>,
    /// Its ARN.
    arn: Option<String>,
}

/// The attributes by which `[data.KIND.NAME]` finds a resource of a kind.
#[derive(Clone, Debug)]
pub struct FoundBy {
    /// Those that make up its id, if that follows from its spec.
    pub identity: Vec<String>,
    /// Those of them that have no default.
    pub required: Vec<String>,
    /// Those of the kind's [`Filter`], which can be combined.
    pub filter: Vec<String>,
    /// Those of them that every search needs.
    pub filter_required: Vec<String>,
    /// All of them, and `id` and `arn`.
    pub query: Node,
    /// The JSON Schema of each, for editors.
    pub json: BTreeMap<String, serde_json::Value>,
}

/// The attribute that finds any resource by its id.
pub(super) const ID: &str = "id";
/// The attribute that finds a resource by its ARN.
pub(super) const ARN: &str = "arn";

impl FoundBy {
    /// The ways of a kind. `parts` are the attributes that make up its id, and whether each has no default.
    pub(super) fn of(schema: &Schema, parts: Vec<(String, bool)>, finder: &Finder) -> Self {
        let (mut fields, mut json) = (BTreeMap::new(), BTreeMap::new());
        let mut add = |of: &Schema, name: &str| {
            let field = of.spec.fields().and_then(|fields| fields.get(name));
            let Some(field) = field else { return };
            fields.insert(name.to_owned(), Node { default: None, ..field.clone() });
            json.extend(of.json["properties"].get(name).map(|field| (name.to_owned(), field.clone())));
        };
        let anything = Schema::of::<Anything, ()>();
        add(&anything, ID);
        if schema.attrs.fields().is_some_and(|fields| fields.contains_key(ARN)) {
            add(&anything, ARN);
        }
        parts.iter().for_each(|(name, _)| add(schema, name));
        let (mut filter, mut filter_required) = (Vec::new(), Vec::new());
        if let Some((of, _)) = finder.filter {
            let of = of();
            filter.extend(of.spec.fields().into_iter().flatten().map(|(name, _)| name.clone()));
            filter.iter().for_each(|name| add(&of, name));
            filter_required.extend(filter.iter().filter(|name| of.spec.requires(name)).cloned());
        }
        let shape = Shape::Object { fields, required: Vec::new() };
        let query = Node { shape, rules: Vec::new(), ..schema.spec.clone() };
        let required = parts.iter().filter(|(_, required)| *required).map(|(name, _)| name.clone());
        let (required, identity) = (required.collect(), parts.iter().map(|(name, _)| name.clone()).collect());
        Self { identity, required, filter, filter_required, query, json }
    }

    /// The ways in words: ``by `id`, by `name`, or by `vpc_id`, `tags` ``.
    pub fn in_words(&self) -> String {
        let quoted =
            |names: &[String]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let alone = [ID, ARN]
            .into_iter()
            .filter(|name| self.query.fields().is_some_and(|all| all.contains_key(*name)));
        let mut ways: Vec<String> = Vec::new();
        ways.extend((!self.identity.is_empty()).then(|| quoted(&self.identity)));
        ways.extend((!self.filter.is_empty()).then(|| quoted(&self.filter)));
        ways.extend(alone.map(|name| format!("`{name}`")));
        format!("by {}", ways.join(", or by "))
    }

    /// The problem with a block that names these attributes, if there is one.
    pub fn misuse(&self, given: &[&str]) -> Option<String> {
        let is_in = |names: &[String]| given.iter().all(|name| names.iter().any(|one| one == name));
        let is_alone = matches!(given, [ID | ARN]);
        if given.is_empty() {
            return Some(format!("does not say what it looks for: {}", self.in_words()));
        }
        let required = match (is_in(&self.identity), is_in(&self.filter)) {
            _ if is_alone => return None,
            (true, _) => &self.required,
            (false, true) => &self.filter_required,
            (false, false) => {
                return Some(format!("combines attributes that cannot be combined: {}", self.in_words()));
            }
        };
        let missing = required.iter().find(|name| !given.contains(&name.as_str()));
        missing.map(|missing| format!("needs `{missing}`, too"))
    }
}

/// How one `[data.KIND.NAME]` finds its resource.
#[derive(Clone, Debug, PartialEq)]
pub enum Way {
    /// It has this id.
    Id(String),
    /// It matches this filter.
    Filter(Value),
}
