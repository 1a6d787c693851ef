//! A resource to be read.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;

use super::known::{Known, typed};
use crate::aws::{Result, Tags};
use crate::value::Value;

/// A resource to be read.
#[derive(Clone, Copy)]
pub struct Lookup<'a> {
    /// The physical id.
    pub id: &'a str,
    /// The attributes that are declared, were applied before, or are referred to; `None` means all.
    /// See [`Lookup::wants`].
    pub(crate) attributes: Option<&'a BTreeSet<String>>,
    /// The desired spec; `Null` if the resource is no longer declared. Private, because a kind must
    /// return what AWS says.
    pub(super) spec: Known<'a>,
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
    /// The value of [`Kind::STAMP`](super::Kind::STAMP) after that apply.
    pub stamp: String,
    /// The paths of the attributes whose fingerprints agree, and all attributes that AWS decides.
    pub attributes: BTreeSet<String>,
    /// The desired tags, if that apply wrote exactly these and a read need not confirm them.
    pub tags: Option<Tags>,
}

impl<'a> Lookup<'a> {
    /// A read of these attributes of a resource, or of all (`None`).
    pub fn of(id: &'a str, attributes: Option<&'a BTreeSet<String>>) -> Self {
        Self { id, attributes, spec: Known(&Value::Null), tags: None, applied: None, known: true }
    }

    /// Returns whether an attribute is certainly as the spec says, because AWS still shows the
    /// [stamp](super::Kind::STAMP) of the apply that wrote it. For attributes that cannot change under one
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
        stays.then(|| typed(self.spec.0).ok()).flatten()
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
        self.attributes.is_some_and(BTreeSet::is_empty) && *self.spec.0 == Value::Null
    }

    /// Returns whether to make the separate call that reads this attribute. True if the attribute is
    /// declared, was applied before or is referred to, or if everything is requested.
    pub fn wants(&self, attribute: &str) -> bool {
        self.attributes.is_none_or(|attributes| attributes.contains(attribute))
    }
}
