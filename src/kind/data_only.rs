//! Kinds that a stack can only read: `[data.KIND.NAME]`, and no `[KIND.NAME]`.

use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Actions, Created, Deletion, Filter, Finder, Kind, Live, Lookup, NewResource, Reads, Terraform};
use crate::aws::{Class, Cx, Error, Result, Tags};

/// A kind of things that AWS or others make, such as snapshots.
#[allow(async_fn_in_trait)]
pub trait DataKind: Sized + 'static {
    /// The equivalent in Terraform's AWS provider.
    const TERRAFORM: &'static str;
    /// The IAM actions that [`Filter::search`] and [`DataKind::read_many`] need.
    const ACTIONS: &'static [&'static str];

    /// The attributes by which it is found, beyond its id and its ARN.
    type Filter: Filter;
    /// The attributes. Their doc comment is the documentation of the kind.
    type Attrs: Clone + Serialize + DeserializeOwned + JsonSchema + 'static;

    /// The id of the thing with this ARN.
    fn id_of_arn(arn: &str) -> Option<String>;

    /// Reads the things with these ids, and their tags, in as few calls as AWS allows. Returns one answer for each,
    /// in order.
    async fn read_many(cx: &Cx, ids: &[&str]) -> Vec<Result<Option<(Self::Attrs, Tags)>>>;
}

/// A [`DataKind`] as a kind that cannot be declared.
pub struct Only<D>(PhantomData<D>);

/// No settings.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NoSpec {}

/// No resource of the kind can be declared, so the engine never asks for this.
fn never<T>() -> Result<T> {
    Err(Error::finding(Class::Invalid, "this kind can only be read"))
}

impl<D: DataKind> Kind for Only<D> {
    const CFN: Option<&'static str> = None;
    const TERRAFORM: Terraform = Terraform::of(D::TERRAFORM, &[]);
    const ACTIONS: Actions = Actions { read: D::ACTIONS, create: &[], update: &[], delete: &[] };
    const BATCHES_READS: bool = true;
    const FINDER: Finder = Finder::by::<D::Filter>(&[]);

    type Spec = NoSpec;
    type Attrs = D::Attrs;

    async fn read_many(cx: &Cx, lookups: &[Lookup<'_>]) -> Reads<Self> {
        let ids: Vec<&str> = lookups.iter().map(|lookup| lookup.id).collect();
        let live = |(attrs, tags)| Live::ready(NoSpec {}, attrs, tags);
        D::read_many(cx, &ids).await.into_iter().map(|read| read.map(|found| found.map(live))).collect()
    }

    fn id_of_arn(arn: &str) -> Option<String> {
        D::id_of_arn(arn)
    }

    async fn create(_: &Cx, _: &NoSpec, _: &NewResource<'_>) -> Result<Created<Self>> {
        never()
    }

    async fn update(_: &Cx, _: &str, _: &NoSpec, _: &NoSpec) -> Result<()> {
        never()
    }

    async fn delete(_: &Cx, _: &str, _: &NoSpec) -> Result<Deletion> {
        never()
    }
}
