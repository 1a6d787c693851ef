//! The questions of a plan, in batches.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::aws::{Place, Tags};
use crate::graph::Address;
use crate::kind::{ErasedKind, ReadRequest};
use crate::plan::Question;
use crate::value::Value;

/// Reads of one kind and place together, by the `[aws.NAME]` that reaches it.
pub(super) type Reads =
    BTreeMap<(&'static str, Place, Option<String>), (&'static dyn ErasedKind, Vec<ReadRequest>)>;

/// What is searched for as data, in the same way.
pub(super) type Filters =
    BTreeMap<(&'static str, Place, Option<String>), (&'static dyn ErasedKind, Vec<Value>)>;

/// A resource by kind, place and id.
pub(super) type Id = (&'static str, Place, String);

/// Children to list: their kind, their place, the address that one of them may belong to, and the parents.
type Listing = (&'static dyn ErasedKind, Place, Address, Vec<(String, String)>);

/// The questions of a plan.
#[derive(Default)]
pub(super) struct Batches {
    pub(super) reads: Reads,
    /// Where in its batch a resource is read.
    places: HashMap<(Id, Option<String>), usize>,
    /// The reads that are for resources, and those that are for data.
    pub(super) of_resources: HashSet<Id>,
    pub(super) of_data: HashSet<Id>,
    pub(super) filters: Filters,
    pub(super) searches: Vec<(&'static dyn ErasedKind, Place, Address, Value)>,
    pub(super) listings: Vec<Listing>,
}

impl Batches {
    pub(super) fn of(questions: Vec<Question>) -> Self {
        let mut batches = Self::default();
        let mut data = Vec::new();
        for question in questions {
            match question {
                Question::Read { kind, place, request, tags } => {
                    // The tags to expect, until an index has confirmed them.
                    let request = ReadRequest { tags, ..request };
                    batches.of_resources.insert((kind.name(), place.clone(), request.id.clone()));
                    batches.read(kind, place, request);
                }
                // A read for a resource says more of it.
                Question::Data { kind, place, id, attributes } => data.push((kind, place, id, attributes)),
                Question::Search { kind, place, filter } => {
                    let all = batches.filters.entry((kind.name(), place.clone(), place.name));
                    let (_, all) = all.or_insert_with(|| (kind, Vec::new()));
                    if !all.contains(&filter) {
                        all.push(filter);
                    }
                }
                Question::Find { kind, place, address, spec } => {
                    batches.searches.push((kind, place, address, spec));
                }
                Question::Within { kind, place, address, parents } => {
                    batches.listings.push((kind, place, address, parents));
                }
            }
        }
        for (kind, place, id, attributes) in data {
            batches.of_data.insert((kind.name(), place.clone(), id.clone()));
            let request = ReadRequest { attributes: Some(attributes), ..ReadRequest::of(id) };
            batches.read(kind, place, request);
        }
        batches
    }

    fn read(&mut self, kind: &'static dyn ErasedKind, place: Place, request: ReadRequest) {
        let name = place.name.clone();
        let key = ((kind.name(), place.clone(), request.id.clone()), name.clone());
        let (_, batch) = self.reads.entry((kind.name(), place, name)).or_insert_with(|| (kind, Vec::new()));
        let at = *self.places.entry(key).or_insert(batch.len());
        match batch.get_mut(at) {
            // Two addresses may name the same resource; read it once.
            Some(one) => {
                one.attributes = match (one.attributes.take(), request.attributes) {
                    (Some(one), Some(other)) => Some(one.into_iter().chain(other).collect()),
                    _ => None,
                };
                one.tags = None;
                one.applied = None;
            }
            None => batch.push(request),
        }
    }
}

/// Spares the call that reads the tags of data, if nothing refers to them.
pub(super) fn spare_tags(request: &mut ReadRequest) {
    let is_wanted = request.attributes.as_ref().is_none_or(|attributes| attributes.contains("tags"));
    if !is_wanted {
        request.tags = Some(Tags::new());
    }
}

/// The same in all reads that are for data alone.
pub(super) fn spare_all_tags(reads: &mut Reads, of_data: &HashSet<Id>, of_resources: &HashSet<Id>) {
    for ((kind, place, _), (_, batch)) in reads {
        for request in batch {
            let key = (*kind, place.clone(), request.id.clone());
            if of_data.contains(&key) && !of_resources.contains(&key) {
                spare_tags(request);
            }
        }
    }
}
