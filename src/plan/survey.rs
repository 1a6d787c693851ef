//! Surveys a declared resource: finds it at AWS, and how it is known. This happens once, here; all
//! decisions use the result.

use super::applied::{prints, read_request};
use super::decide::{Planner, Question, read_failed};
use super::ownership::{imported_before, not_ours, nothing_to_import};
use super::tags::tags;
use crate::aws::{Error, Scope, Tags};
use crate::diag::Diagnostic;
use crate::eval::Instance;
use crate::graph::Address;
use crate::kind::{Applied, ErasedKind, ErasedLive, Identity, Known, Owner, ReadRequest, State};
use crate::ledger::Entry;
use crate::value::Value;

/// How an existing resource is known.
pub(super) enum Origin {
    /// The ledger has an entry for it.
    Ledger(Entry),
    /// The ledger has an entry, but the resource belongs to someone else by now. The diagnostic
    /// refuses to touch it.
    Taken(Entry, Diagnostic),
    /// An interrupted apply created it. The entry is the one that apply would have written.
    Intent(Entry),
    /// Only its owner tags name this address.
    Tags,
    /// An import names it.
    Import,
    /// It has the declared name, but nothing shows that it is the stack's.
    Foreign,
}

impl Origin {
    /// The ledger's entry.
    pub(super) fn entry(&self) -> Option<&Entry> {
        match self {
            Self::Ledger(entry) | Self::Taken(entry, _) => Some(entry),
            Self::Intent(_) | Self::Tags | Self::Import | Self::Foreign => None,
        }
    }

    /// The entry that was applied, as far as it is known.
    pub(super) fn applied(&self) -> Option<&Entry> {
        match self {
            Self::Ledger(entry) | Self::Taken(entry, _) | Self::Intent(entry) => Some(entry),
            Self::Tags | Self::Import | Self::Foreign => None,
        }
    }

    /// Returns whether this plan takes ownership of the resource.
    pub(super) fn is_taken_over(&self) -> bool {
        match self {
            Self::Taken(..) | Self::Import | Self::Foreign => true,
            Self::Ledger(_) | Self::Intent(_) | Self::Tags => false,
        }
    }
}

/// An existing resource.
pub(super) struct Found {
    pub(super) origin: Origin,
    pub(super) region: String,
    pub(super) id: String,
    pub(super) live: ErasedLive,
}

/// The result of a survey: what AWS has for a declared resource.
pub(super) enum Survey {
    /// Nothing: it was never created.
    New,
    /// Nothing any more: it was applied in this region, with this id.
    Vanished { region: String, id: String },
    /// The resource exists.
    There(Box<Found>),
}

/// Why no decision is possible.
pub(super) enum Stop {
    /// AWS must be asked first.
    Ask,
    /// The plan refuses it.
    Refused(Vec<Diagnostic>),
}

impl From<Diagnostic> for Stop {
    fn from(problem: Diagnostic) -> Self {
        Self::Refused(vec![problem])
    }
}

impl<'p, 'a> Planner<'p, '_, 'a> {
    /// Records a refusal that concerns the whole plan.
    pub(super) fn tell(&mut self, stop: Stop) {
        match stop {
            Stop::Ask => {}
            Stop::Refused(problems) => self.problems.extend(problems),
        }
    }

    /// Finds out what AWS has for a declared resource.
    pub(super) fn survey(&mut self, instance: &Instance<'a>) -> Result<Survey, Stop> {
        let import = self.import(&instance.address)?;
        let Some(mut entry) = self.entry(&instance.address).cloned() else {
            return self.survey_new(instance, import);
        };
        if let Some(from) = self.moves.get(&instance.address) {
            // The fingerprints were taken with the previous address.
            entry.fingerprinted_as.get_or_insert_with(|| from.clone());
        }
        self.survey_applied(instance, entry, import)
    }

    /// Surveys a resource that has a ledger entry.
    fn survey_applied(
        &mut self,
        instance: &Instance<'a>,
        entry: Entry,
        import: Option<String>,
    ) -> Result<Survey, Stop> {
        if let Some(import) = import.filter(|import| *import != entry.id) {
            return Err(imported_before(instance, &entry.id, &import).into());
        }
        let live = self.read_declared(instance, &entry.region, &entry.id, Some(&entry))?;
        if let Some(successor) = self.successor(instance, &entry, live.is_none())? {
            if let Some(live) = live {
                self.depose_ours(&instance.address, instance.kind, &entry, live)?;
            }
            return Ok(Survey::There(Box::new(successor)));
        }
        let (region, id) = (entry.region.clone(), entry.id.clone());
        let Some(live) = live else { return Ok(Survey::Vanished { region, id }) };
        let origin = match self.refuse(&instance.address, instance.kind, &entry, &live)? {
            Some(refusal) => Origin::Taken(entry, refusal),
            None => Origin::Ledger(entry),
        };
        Ok(Survey::There(Box::new(Found { origin, region, id, live })))
    }

    /// Surveys a resource without a ledger entry.
    fn survey_new(&mut self, instance: &Instance<'a>, import: Option<String>) -> Result<Survey, Stop> {
        let id = match &import {
            Some(id) => id.clone(),
            None => {
                let identified = self.identify(instance, None);
                let id = identified.as_ref().ok().cloned().flatten();
                self.newcomers.insert(instance.address.clone(), (instance.clone(), id));
                match identified? {
                    Some(id) => id,
                    None => return Ok(Survey::New),
                }
            }
        };
        let region = instance.region.clone();
        let intended = self.inputs.ledger.intended_entry(&instance.address, &region, &id);
        let Some(live) = self.read_declared(instance, &region, &id, intended.as_ref())? else {
            return match import {
                Some(_) => Err(nothing_to_import(instance, &id).into()),
                None => Ok(Survey::New),
            };
        };
        let origin = match (self.is_ours(instance, &id, &live), intended) {
            (true, Some(entry)) => Origin::Intent(entry),
            (true, None) => Origin::Tags,
            (false, _) if import.is_some() => Origin::Import,
            (false, _) => Origin::Foreign,
        };
        Ok(Survey::There(Box::new(Found { origin, region, id, live })))
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
        let scope = Scope { region: instance.region.clone(), ..self.inputs.eval.facts.scope.clone() };
        match instance.kind.identity(Known(&instance.spec), &scope) {
            Identity::Named(id) => Ok(Some(id)),
            Identity::Unknown => Ok(None),
            Identity::Assigned => match self.found(&instance.address, &instance.region) {
                Some(Ok(ids)) => Ok(self.unknown(ids, &instance.region, &instance.address, old)),
                Some(Err(error)) => {
                    let problem = read_failed(&instance.address.to_string(), "", error);
                    Err(problem.at(instance.resource.span, "cannot be looked for").into())
                }
                None => {
                    let (address, region) = (instance.address.clone(), instance.region.clone());
                    self.look_for(instance.kind, region, address, instance.spec.clone());
                    Err(Stop::Ask)
                }
            },
        }
    }

    /// Returns the ids found for an address in a region, if they were searched for.
    pub(super) fn found(&self, address: &Address, region: &str) -> Option<&'p Result<Vec<String>, Error>> {
        self.inputs.answers.found.get(&(address.clone(), region.to_owned()))
    }

    /// Asks AWS for the resources that belong to an address in a region.
    pub(super) fn look_for(
        &mut self,
        kind: &'static dyn ErasedKind,
        region: String,
        address: Address,
        spec: Value,
    ) {
        let is_asked = |question: &Question| match question {
            Question::Find { address: of, region: within, .. } => *of == address && *within == region,
            _ => false,
        };
        if !self.questions.iter().any(is_asked) {
            self.questions.push(Question::Find { kind, region, address, spec });
        }
    }

    /// Reads a declared resource. One that AWS is deleting counts as gone, except that its name is
    /// still taken; apply waits for the name. A destroy waits for the deletion to end.
    fn read_declared(
        &mut self,
        instance: &Instance<'_>,
        region: &str,
        id: &str,
        applied: Option<&Entry>,
    ) -> Result<Option<ErasedLive>, Stop> {
        let live = self.read(&instance.address, instance.kind, region, id, Some(instance), applied)?;
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
        region: &str,
        id: &str,
        instance: Option<&Instance<'_>>,
        entry: Option<&Entry>,
    ) -> Result<Option<ErasedLive>, Stop> {
        let key = (kind.name(), region.to_owned(), id.to_owned());
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
                        region: region.to_owned(),
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
        self.entry(&instance.address).filter(|entry| entry.id == id && instance.kind.tags_apart())?;
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
        let same = now.into_iter().filter(|(path, print)| entry.fingerprints.get(path) == Some(print));
        let decided =
            instance.kind.schema().attrs.fields().into_iter().flatten().map(|(name, _)| name.clone());
        Some(Applied { stamp, attributes: same.map(|(path, _)| path).chain(decided).collect() })
    }

    /// Returns whether a live resource without a ledger entry is provably ours: its owner tags say
    /// so or, for kinds without tags, an interrupted apply intended to create it.
    fn is_ours(&self, instance: &Instance<'_>, id: &str, live: &ErasedLive) -> bool {
        if instance.kind.taggable() {
            // The resource may have been renamed since an apply was interrupted.
            let former = self.intended(&instance.address.kind, &instance.region, id);
            return Owner::of(&live.tags).is_some_and(|owner| {
                owner == self.owner(&instance.address)
                    || former.is_some_and(|former| owner == self.owner(former))
            });
        }
        let intended = self.inputs.ledger.intended_entry(&instance.address, &instance.region, id);
        intended.is_some() || self.was_intended(instance, id, live)
    }

    /// Finds the resource that an interrupted apply created to replace the ledger's one. It is
    /// searched for only if the old one is `gone`, or if such an apply is recorded.
    fn successor(&mut self, instance: &Instance<'_>, old: &Entry, gone: bool) -> Result<Option<Found>, Stop> {
        if !gone && !self.inputs.ledger.intents.contains_key(&instance.address) {
            return Ok(None);
        }
        let region = instance.region.clone();
        let id = match self.identify(instance, Some(old))? {
            Some(id) if id != old.id || region != old.region => id,
            _ => return Ok(None),
        };
        let intended = self.inputs.ledger.intended_entry(&instance.address, &region, &id);
        match self.read(&instance.address, instance.kind, &region, &id, Some(instance), intended.as_ref()) {
            Ok(Some(live)) if self.is_ours(instance, &id, &live) => {
                let origin = intended.map_or(Origin::Tags, Origin::Intent);
                Ok(Some(Found { origin, region, id, live }))
            }
            // A resource that is not ours or cannot be read is reported only if it is in the way.
            Ok(_) | Err(Stop::Refused(_)) => Ok(None),
            Err(Stop::Ask) => Err(Stop::Ask),
        }
    }

    /// Finds a resource that occupies the name of the successor to be created, so that it can be
    /// taken over. `old` is the region and id of the predecessor. Resources in the ledger do not
    /// count, because they are deleted or renamed first; nor do ours, because an earlier apply
    /// created them.
    pub(super) fn in_the_way(
        &mut self,
        instance: &Instance<'_>,
        old: (&str, &str),
    ) -> Result<Option<Found>, Stop> {
        let (kind, ledger) = (instance.kind, self.inputs.ledger);
        let region = instance.region.clone();
        let Some(id) = self.inputs.eval.id(instance).filter(|_| !self.inputs.selection.destroy) else {
            return Ok(None);
        };
        let is_near = |other: &str| kind.global() || other == region;
        let deposed =
            ledger.deposed.iter().flat_map(|(address, all)| all.iter().map(move |one| (address, one)));
        let mut known = ledger.resources.iter().chain(deposed);
        if (is_near(old.0) && id == old.1)
            || known
                .any(|(other, entry)| other.kind == kind.name() && entry.id == id && is_near(&entry.region))
        {
            return Ok(None);
        }
        let intended = ledger.intended_entry(&instance.address, &region, &id);
        let live = self.read(&instance.address, kind, &region, &id, Some(instance), intended.as_ref())?;
        let is_free =
            |live: &ErasedLive| matches!(live.state, State::Leaving(_)) || self.is_ours(instance, &id, live);
        match live.filter(|live| !is_free(live)) {
            None => Ok(None),
            Some(live) if self.inputs.selection.adopt => {
                Ok(Some(Found { origin: Origin::Foreign, region, id, live }))
            }
            Some(live) => {
                let words = format!(
                    "{} is {} until now; what has the new name is in its way",
                    instance.address, old.1
                );
                Err(not_ours(instance, &id, &live, self.inputs.eval.stack).note(words).into())
            }
        }
    }

    pub(super) fn owner(&self, address: &Address) -> Owner {
        let stack = self.inputs.eval.stack;
        Owner::new(&stack.name, &stack.env, address)
    }
}
