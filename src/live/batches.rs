//! The questions of a plan, in batches.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::aws::Tags;
use crate::graph::Address;
use crate::kind::{ErasedKind, ReadRequest};
use crate::plan::Question;
use crate::value::Value;

/// Reads of one kind and region together.
pub(super) type Reads = BTreeMap<(&'static str, String), (&'static dyn ErasedKind, Vec<ReadRequest>)>;

/// What is searched for as data, by kind and region.
pub(super) type Filters = BTreeMap<(&'static str, String), (&'static dyn ErasedKind, Vec<Value>)>;

/// A resource by kind, region and id.
pub(super) type Place = (&'static str, String, String);

/// The questions of a plan.
#[derive(Default)]
pub(super) struct Batches {
    pub(super) reads: Reads,
    /// Where in its batch a resource is read.
    places: HashMap<Place, usize>,
    /// The reads that are for resources, and those that are for data.
    pub(super) of_resources: HashSet<Place>,
    pub(super) of_data: HashSet<Place>,
    pub(super) filters: Filters,
    pub(super) searches: Vec<(&'static dyn ErasedKind, String, Address, Value)>,
    pub(super) listings: Vec<(&'static dyn ErasedKind, String, Address, Vec<(String, String)>)>,
}

impl Batches {
    pub(super) fn of(questions: Vec<Question>) -> Self {
        let mut batches = Self::default();
        let mut data = Vec::new();
        for question in questions {
            match question {
                Question::Read { kind, region, request, tags } => {
                    // The tags to expect, until an index has confirmed them.
                    let request = ReadRequest { tags, ..request };
                    batches.of_resources.insert((kind.name(), region.clone(), request.id.clone()));
                    batches.read(kind, region, request);
                }
                // A read for a resource says more of it.
                Question::Data { kind, region, id, attributes } => data.push((kind, region, id, attributes)),
                Question::Search { kind, region, filter } => {
                    let all = batches.filters.entry((kind.name(), region));
                    let (_, all) = all.or_insert_with(|| (kind, Vec::new()));
                    if !all.contains(&filter) {
                        all.push(filter);
                    }
                }
                Question::Find { kind, region, address, spec } => {
                    batches.searches.push((kind, region, address, spec));
                }
                Question::Within { kind, region, address, parents } => {
                    batches.listings.push((kind, region, address, parents));
                }
            }
        }
        for (kind, region, id, attributes) in data {
            batches.of_data.insert((kind.name(), region.clone(), id.clone()));
            let request = ReadRequest { attributes: Some(attributes), ..ReadRequest::of(id) };
            batches.read(kind, region, request);
        }
        batches
    }

    fn read(&mut self, kind: &'static dyn ErasedKind, region: String, request: ReadRequest) {
        let place = (kind.name(), region.clone(), request.id.clone());
        let (_, batch) = self.reads.entry((kind.name(), region)).or_insert_with(|| (kind, Vec::new()));
        let at = *self.places.entry(place).or_insert(batch.len());
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
pub(super) fn spare_all_tags(reads: &mut Reads, of_data: &HashSet<Place>, of_resources: &HashSet<Place>) {
    for ((kind, region), (_, batch)) in reads {
        for request in batch {
            let place = (*kind, region.clone(), request.id.clone());
            if of_data.contains(&place) && !of_resources.contains(&place) {
                spare_tags(request);
            }
        }
    }
}
