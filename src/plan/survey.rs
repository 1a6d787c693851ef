//! The first stage of a plan: finds out what AWS has of each resource, and how it comes to be known.
//! It is the only stage that asks AWS.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use super::addresses::Addresses;
use super::applied::{prints, read_request};
use super::inputs::Stop;
use super::intents::is_as_intended;
use super::not_ours::{imported_before, not_ours, nothing_to_import};
use super::tags::tags;
use super::{Inputs, Origin, Question, Selection, ownership, parent, parent_decides, read_failed, refusal};
use crate::aws::{Error, Place, Tags};
use crate::diag::Diagnostic;
use crate::eval::Instance;
use crate::graph::Address;
use crate::kind::{Applied, ErasedKind, ErasedLive, Identity, Known, Owner, ReadRequest, State};
use crate::kinds;
use crate::ledger::Entry;
use crate::value::Value;

/// What AWS has of a resource, and how that is known.
pub(super) struct Finding<'p> {
    pub(super) origin: Origin,
    /// Where it is, was, or is to be.
    pub(super) place: Place,
    /// Its id; `None` if it never had one.
    pub(super) id: Option<String>,
    /// The resource; `None` if AWS does not have it.
    pub(super) live: Option<ErasedLive>,
    /// The entry of the last apply, or the one that an interrupted apply would have written.
    pub(super) applied: Option<Cow<'p, Entry>>,
    /// Why the stack may not touch it: its tags say that it is not the stack's any more.
    pub(super) refusal: Option<Diagnostic>,
    /// The resource that this one replaces, if it still exists.
    pub(super) predecessor: Option<Box<Finding<'p>>>,
}

impl<'p> Finding<'p> {
    /// Nothing: the resource was never created.
    pub(super) fn absent(place: &Place) -> Self {
        Self {
            origin: Origin::Absent,
            place: place.clone(),
            id: None,
            live: None,
            applied: None,
            refusal: None,
            predecessor: None,
        }
    }

    /// A resource that the ledger has, or had, by an entry.
    pub(super) fn recorded(origin: Origin, entry: Cow<'p, Entry>, live: Option<ErasedLive>) -> Self {
        Self {
            origin,
            live,
            id: Some(entry.id.clone()),
            applied: Some(entry.clone()),
            ..Self::absent(&entry.place)
        }
    }

    /// The ledger's entry of this resource.
    pub(super) fn entry(&self) -> Option<&Entry> {
        self.applied.as_deref().filter(|_| self.origin.is_recorded())
    }
}

/// Places by id, and whether the resource there is deposed.
type Places<'p> = BTreeMap<&'p str, Vec<(&'p Place, bool)>>;

/// Looks for resources in AWS's answers, and collects the questions that are open.
pub(super) struct Surveyor<'p, 'w, 'a> {
    pub(super) inputs: &'p Inputs<'w, 'a>,
    pub(super) addresses: Addresses<'p>,
    pub(super) questions: Vec<Question>,
    /// The reads that are already among the questions, by kind, place and id.
    asked: BTreeSet<(&'static str, Place, String)>,
    /// The searches that are already among the questions, by address and place.
    looked_for: BTreeSet<(Address, Place)>,
    /// The places of the ledger's resources by kind and id, and whether they are deposed.
    recorded: OnceCell<BTreeMap<&'p str, Places<'p>>>,
    /// Declared resources that the ledger does not record, with their id if it follows from the spec.
    pub(super) newcomers: BTreeMap<Address, (Instance<'a>, Option<String>)>,
}

impl<'p, 'w, 'a> Surveyor<'p, 'w, 'a> {
    pub(super) fn new(inputs: &'p Inputs<'w, 'a>, addresses: Addresses<'p>) -> Self {
        Self {
            inputs,
            addresses,
            questions: Vec::new(),
            asked: BTreeSet::new(),
            looked_for: BTreeSet::new(),
            recorded: OnceCell::new(),
            newcomers: BTreeMap::new(),
        }
    }

    /// Where the ledger has resources with this id: their places, and whether they are deposed.
    pub(super) fn recorded_in(&self, kind: &str, id: &str) -> &[(&'p Place, bool)] {
        let recorded = self.recorded.get_or_init(|| {
            let ledger = self.inputs.ledger;
            let mut recorded: BTreeMap<&str, Places<'_>> = BTreeMap::new();
            let current = ledger.resources.iter().map(|(address, entry)| (address, entry, false));
            let deposed = ledger.deposed.iter();
            let deposed =
                deposed.flat_map(|(address, all)| all.iter().map(move |entry| (address, entry, true)));
            for (address, entry, is_deposed) in current.chain(deposed) {
                let places = recorded.entry(&address.kind).or_default().entry(&entry.id).or_default();
                places.push((&entry.place, is_deposed));
            }
            recorded
        });
        recorded.get(kind).and_then(|ids| ids.get(id)).map(Vec::as_slice).unwrap_or_default()
    }

    /// Surveys a declared resource.
    pub(super) fn declared(&mut self, instance: &Instance<'a>) -> Result<Finding<'p>, Stop> {
        let import = self.import(&instance.address)?;
        match self.addresses.entry(&instance.address) {
            Some(entry) => {
                let entry = self.addresses.applied(&instance.address, entry);
                self.recorded(instance, entry, import)
            }
            None => self.unrecorded(instance, import),
        }
    }

    /// Surveys a declared resource that has a ledger entry.
    fn recorded(
        &mut self,
        instance: &Instance<'a>,
        entry: Cow<'p, Entry>,
        import: Option<String>,
    ) -> Result<Finding<'p>, Stop> {
        if let Some(import) = import.filter(|import| *import != entry.id) {
            return Err(imported_before(instance, &entry.id, &import).into());
        }
        let live = self.read_declared(instance, &entry.place, &entry.id, Some(&entry))?;
        let successor = self.successor(instance, &entry, live.is_none())?;
        let refusal = match &live {
            Some(live) => self.refuse(&instance.address, instance.kind, &entry, live)?,
            None => None,
        };
        let origin = if refusal.is_some() { Origin::Taken } else { Origin::Ledger };
        let found = Finding { refusal, ..Finding::recorded(origin, entry, live) };
        Ok(match successor {
            None => found,
            Some(successor) => {
                let old = Finding { origin: Origin::Deposed, ..found };
                let predecessor = old.live.is_some().then(|| Box::new(old));
                Finding { predecessor, ..successor }
            }
        })
    }

    /// Surveys a declared resource without a ledger entry.
    fn unrecorded(&mut self, instance: &Instance<'a>, import: Option<String>) -> Result<Finding<'p>, Stop> {
        let id = match &import {
            Some(id) => id.clone(),
            None => {
                let identified = self.identify(instance, None);
                let id = identified.as_ref().ok().cloned().flatten();
                self.newcomers.insert(instance.address.clone(), (instance.clone(), id));
                match identified? {
                    Some(id) => id,
                    None => return Ok(Finding::absent(&instance.place)),
                }
            }
        };
        let place = instance.place.clone();
        let intended = self.inputs.ledger.intended_entry(&instance.address, &place, &id);
        let Some(live) = self.read_declared(instance, &place, &id, intended.as_ref())? else {
            return match import {
                Some(_) => Err(nothing_to_import(instance, &id).into()),
                None => Ok(Finding::absent(&place)),
            };
        };
        let ours = self.is_ours(instance, &id, &live);
        let origin = match (ours, &intended) {
            (true, Some(_)) => Origin::Intent,
            (true, None) => Origin::Tags,
            (false, _) if import.is_some() => Origin::Import,
            (false, _) => Origin::Foreign,
        };
        let applied = intended.filter(|_| ours).map(Cow::Owned);
        Ok(Finding { origin, id: Some(id), live: Some(live), applied, ..Finding::absent(&place) })
    }

    /// The id that an address is to take over, from an `[[import]]` or the import command.
    fn import(&self, address: &Address) -> Result<Option<String>, Stop> {
        let import = &self.inputs.selection.import;
        if let Some((_, id)) = import.as_ref().filter(|(asked, _)| asked == address) {
            return Ok(Some(id.clone()));
        }
        let mut problems = Vec::new();
        let id = self.inputs.eval.import(address, &mut problems);
        if problems.is_empty() { Ok(id) } else { Err(Stop::Refused(problems)) }
    }

    /// Returns the id of a resource that the ledger does not record, or records as `old`; `None` if
    /// it has none yet.
    fn identify(&mut self, instance: &Instance<'_>, old: Option<&Entry>) -> Result<Option<String>, Stop> {
        let scope = self.inputs.eval.facts.scope.at(&instance.place);
        match instance.kind.identity(Known(&instance.spec), &scope) {
            Identity::Named(id) => Ok(Some(id)),
            Identity::Unknown => Ok(None),
            Identity::Assigned => match self.found(&instance.address, &instance.place) {
                Some(Ok(ids)) => Ok(self.unknown(ids, &instance.place, &instance.address, old)),
                Some(Err(error)) => {
                    let problem = read_failed(&instance.address.to_string(), "", error);
                    Err(problem.at(instance.resource.span, "cannot be looked for").into())
                }
                None => {
                    let (address, place) = (instance.address.clone(), instance.place.clone());
                    self.look_for(instance.kind, place, address, instance.spec.clone());
                    Err(Stop::Ask)
                }
            },
        }
    }

    /// Returns the first id in a place that `address` has no deposed entry for, and that is not
    /// `old`.
    pub(super) fn unknown(
        &self,
        ids: &[String],
        place: &Place,
        address: &Address,
        old: Option<&Entry>,
    ) -> Option<String> {
        let deposed = self.inputs.ledger.deposed.get(address).into_iter().flatten();
        let known: Vec<&str> =
            deposed.chain(old).filter(|entry| entry.place == *place).map(|entry| entry.id.as_str()).collect();
        ids.iter().find(|id| !known.contains(&id.as_str())).cloned()
    }

    /// Returns the ids found for an address in a place, if they were searched for.
    pub(super) fn found(&self, address: &Address, place: &Place) -> Option<&'p Result<Vec<String>, Error>> {
        self.inputs.answers.found.get(&(address.clone(), place.clone()))
    }

    /// Asks AWS for the resources that belong to an address in a place.
    pub(super) fn look_for(
        &mut self,
        kind: &'static dyn ErasedKind,
        place: Place,
        address: Address,
        spec: Value,
    ) {
        if self.looked_for.insert((address.clone(), place.clone())) {
            self.questions.push(Question::Find { kind, place, address, spec });
        }
    }

    /// Reads a declared resource. One that AWS is deleting counts as gone, except that its name is
    /// still taken; apply waits for the name. A destroy waits for the deletion to end.
    fn read_declared(
        &mut self,
        instance: &Instance<'_>,
        place: &Place,
        id: &str,
        applied: Option<&Entry>,
    ) -> Result<Option<ErasedLive>, Stop> {
        let live = self.read(&instance.address, instance.kind, place, id, Some(instance), applied)?;
        let destroy = self.inputs.selection.destroy;
        Ok(live.filter(|live| destroy || !matches!(live.state, State::Leaving(_))))
    }

    /// Reads the resource with this id: the attributes that are declared or, according to `entry`,
    /// were applied. Resources to be deleted are read in full, because every setting is deleted
    /// with them.
    pub(super) fn read(
        &mut self,
        address: &Address,
        kind: &'static dyn ErasedKind,
        place: &Place,
        id: &str,
        instance: Option<&Instance<'_>>,
        entry: Option<&Entry>,
    ) -> Result<Option<ErasedLive>, Stop> {
        let key = (kind.name(), place.clone(), id.to_owned());
        match self.inputs.answers.reads.get(&key) {
            Some(Ok(live)) => Ok(live.clone()),
            Some(Err(error)) => {
                let problem = read_failed(&address.to_string(), id, error);
                Err(match instance {
                    Some(instance) => problem.at(instance.resource.span, "cannot be read"),
                    None => problem,
                }
                .into())
            }
            None => {
                // Resources in a reference cycle are visited twice.
                if self.asked.insert(key) {
                    let deep = self.inputs.selection.deep || instance.is_none();
                    self.questions.push(Question::Read {
                        kind,
                        place: place.clone(),
                        request: ReadRequest {
                            applied: self.applied(instance, entry),
                            ..read_request(id, instance, entry, deep)
                        },
                        tags: instance.and_then(|instance| self.known_tags(instance, id)),
                    });
                }
                Err(Stop::Ask)
            }
        }
    }

    /// The desired tags of a resource, if an index may confirm them. This holds only for resources
    /// in the ledger: for others, the tags decide who owns them.
    fn known_tags(&self, instance: &Instance<'_>, id: &str) -> Option<Tags> {
        let entry = self.addresses.entry(&instance.address);
        entry.filter(|entry| entry.id == id && instance.kind.tags_apart())?;
        self.desired_tags(instance)
    }

    /// The desired tags of a resource, if all are known.
    fn desired_tags(&self, instance: &Instance<'_>) -> Option<Tags> {
        let stack = self.inputs.eval.stack;
        tags(instance, &stack.name, &stack.env)
            .into_iter()
            .map(|(key, value)| match value {
                Value::String(text) => Some((key, text)),
                _ => None,
            })
            .collect()
    }

    /// The attributes that are declared as they were last applied, for kinds whose state AWS
    /// stamps.
    fn applied(&self, instance: Option<&Instance<'_>>, entry: Option<&Entry>) -> Option<Applied> {
        let (instance, entry) = instance.zip(entry)?;
        let stamp = entry.stamp.clone()?;
        let now = prints(instance, &Value::Null, self.inputs.ledger);
        let of_tags = |path: &String| path.starts_with("tags.");
        let tagged = entry.fingerprints.keys().filter(|path| of_tags(path)).count();
        let wanted = now.keys().filter(|path| of_tags(path)).count();
        let same: BTreeSet<String> = now
            .into_iter()
            .filter(|(path, print)| entry.fingerprints.get(path) == Some(print))
            .map(|(path, _)| path)
            .collect();
        let is_tagged = same.iter().filter(|path| of_tags(path)).count() == wanted && tagged == wanted;
        let Selection { deep, drift, .. } = *self.inputs.selection;
        let tags = is_tagged && !deep && !drift;
        let tags = tags.then(|| self.desired_tags(instance)).flatten();
        let decided =
            instance.kind.schema().attrs.fields().into_iter().flatten().map(|(name, _)| name.clone());
        Some(Applied { stamp, attributes: same.into_iter().chain(decided).collect(), tags })
    }

    /// Returns whether a live resource without a ledger entry is provably ours: its owner tags say
    /// so or, for kinds without tags, an interrupted apply intended to create it.
    fn is_ours(&self, instance: &Instance<'_>, id: &str, live: &ErasedLive) -> bool {
        let (ledger, place) = (self.inputs.ledger, &instance.place);
        if instance.kind.taggable() {
            // The resource may have been renamed since an apply was interrupted.
            let former = ledger.intended(&instance.address.kind, place, id).map(|(address, _)| address);
            let former = former.filter(|address| !self.addresses.is_declared(address));
            return Owner::of(&live.tags).is_some_and(|owner| {
                owner == self.owner(&instance.address)
                    || former.is_some_and(|former| owner == self.owner(former))
            });
        }
        ledger.intended_entry(&instance.address, place, id).is_some() || self.was_intended(instance, id, live)
    }

    /// Returns whether an untaggable resource was created for an address that is no longer
    /// declared.
    fn was_intended(&self, instance: &Instance<'_>, id: &str, live: &ErasedLive) -> bool {
        let (kind, ledger) = (instance.kind, self.inputs.ledger);
        let mut former = ledger.intents.iter().filter(|(address, intent)| {
            address.kind == kind.name()
                && intent.place == instance.place
                && !self.addresses.is_declared(address)
        });
        former.any(|(address, intent)| match &intent.id {
            Some(intended) => intended == id,
            None => is_as_intended(kind, address, intent, live, ledger),
        })
    }

    /// Finds the resource that an interrupted apply created to replace the ledger's one. It is
    /// searched for only if the old one is `gone`, or if such an apply is recorded.
    fn successor(
        &mut self,
        instance: &Instance<'_>,
        old: &Entry,
        gone: bool,
    ) -> Result<Option<Finding<'p>>, Stop> {
        if !gone && !self.inputs.ledger.intents.contains_key(&instance.address) {
            return Ok(None);
        }
        let place = instance.place.clone();
        let id = match self.identify(instance, Some(old))? {
            Some(id) if id != old.id || place != old.place => id,
            _ => return Ok(None),
        };
        let intended = self.inputs.ledger.intended_entry(&instance.address, &place, &id);
        match self.read(&instance.address, instance.kind, &place, &id, Some(instance), intended.as_ref()) {
            Ok(Some(live)) if self.is_ours(instance, &id, &live) => {
                let origin = if intended.is_some() { Origin::Intent } else { Origin::Tags };
                let applied = intended.map(Cow::Owned);
                Ok(Some(Finding {
                    origin,
                    id: Some(id),
                    live: Some(live),
                    applied,
                    ..Finding::absent(&place)
                }))
            }
            // A resource that is not ours or cannot be read is reported only if it is in the way.
            Ok(_) | Err(Stop::Refused(_)) => Ok(None),
            Err(Stop::Ask) => Err(Stop::Ask),
        }
    }

    /// Finds a resource that occupies the name of the successor to be created, so that it can be
    /// taken over. `old` is the predecessor. Resources in the ledger do not count, because they are
    /// deleted or renamed first; nor do ours, because an earlier apply created them.
    pub(super) fn occupant(
        &mut self,
        instance: &Instance<'_>,
        old: (&Place, &str),
    ) -> Result<Option<Finding<'p>>, Stop> {
        let (kind, ledger) = (instance.kind, self.inputs.ledger);
        let place = instance.place.clone();
        let Some(id) = self.inputs.eval.id(instance).filter(|_| !self.inputs.selection.destroy) else {
            return Ok(None);
        };
        let is_near = |other: &Place| other.is_near(&place, kind.global());
        let mut known = self.recorded_in(kind.name(), &id).iter();
        if (is_near(old.0) && id == old.1) || known.any(|(place, _)| is_near(place)) {
            return Ok(None);
        }
        let intended = ledger.intended_entry(&instance.address, &place, &id);
        let live = self.read(&instance.address, kind, &place, &id, Some(instance), intended.as_ref())?;
        let is_free =
            |live: &ErasedLive| matches!(live.state, State::Leaving(_)) || self.is_ours(instance, &id, live);
        match live.filter(|live| !is_free(live)) {
            None => Ok(None),
            Some(live) if self.inputs.selection.adopt => {
                let origin = Origin::Foreign;
                Ok(Some(Finding { origin, id: Some(id), live: Some(live), ..Finding::absent(&place) }))
            }
            Some(live) => {
                let words = format!(
                    "{} is still {}; another resource already has the new name",
                    instance.address, old.1
                );
                Err(not_ours(instance, &id, &live, self.inputs.eval.stack).note(words).into())
            }
        }
    }

    /// Refuses to touch a resource in the ledger that the stack no longer owns.
    pub(super) fn refuse(
        &mut self,
        address: &Address,
        kind: &dyn ErasedKind,
        entry: &Entry,
        live: &ErasedLive,
    ) -> Result<Option<Diagnostic>, Stop> {
        let ledger = self.inputs.ledger;
        let mut owner = ownership(kind, self.addresses.recorded_as(address), entry, live, ledger);
        if parent_decides(kind, &owner)
            && let Some((of, of_entry)) = parent(kind, &entry.place, &entry.id, live, ledger)
            && let Some(kind) = kinds::kind(&of.kind)
            && let Some(live) = self.read(&of, kind, &of_entry.place, &of_entry.id, None, Some(&of_entry))?
        {
            owner = ownership(kind, &of, &of_entry, &live, ledger);
        }
        let declared = self.addresses.is_declared(address) && !self.inputs.selection.destroy;
        Ok(refusal(self.addresses.recorded_as(address), &entry.id, &owner, declared))
    }

    pub(super) fn owner(&self, address: &Address) -> Owner {
        let stack = self.inputs.eval.stack;
        Owner::new(&stack.name, &stack.env, address)
    }
}
