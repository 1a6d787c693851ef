//! The order of a review: the resources of the stack itself, then those of each module. Module instances
//! that change alike share a section.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

use super::alike::alike;
use super::names::names;
use super::review::{Item, Review, Sort};
use crate::graph::{Address, ModulePath};

/// What module instances that change alike have in common: for each resource, the first one like it, and its
/// address within the module.
type Likeness<'r> = Vec<(usize, &'r str, &'r str, Option<&'r str>)>;

/// Which changes that are alike are shown once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// None: every change is shown by itself.
    Nothing,
    /// Those that are shown with differences, and more than two of those that are a line each.
    Lines,
    /// All of them, since each has its differences.
    Details,
}

impl Fold {
    /// How a format folds.
    pub fn of(each: bool, fold: Self) -> Self {
        if each { Self::Nothing } else { fold }
    }
}

/// The changes in one module, or in several instances that change alike.
pub struct Section<'r> {
    /// The module instances; the stack itself is the root.
    pub modules: Vec<&'r ModulePath>,
    /// The changes of the first instance that are shown in this section.
    pub told: Vec<Told>,
    /// The number of resources per sort, in all instances.
    pub counts: Vec<(Sort, usize)>,
    /// The number of changes that an earlier section shows.
    pub above: usize,
}

/// A change that a section shows. All numbers are indices of [`Review::items`].
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// The change that is shown.
    pub index: usize,
    /// The same resource in the other instances of the section.
    pub beside: Vec<usize>,
    /// Resources of the same section that change alike.
    pub here: Vec<usize>,
    /// Resources of other sections that change alike.
    pub elsewhere: Vec<usize>,
}

impl Told {
    /// All changes that this one stands for, itself first.
    pub fn all(&self) -> impl Iterator<Item = usize> {
        let rest = self.beside.iter().chain(&self.here).chain(&self.elsewhere);
        std::iter::once(self.index).chain(rest.copied())
    }
}

impl<'p> Review<'p> {
    /// Arranges the changes by module, the stack itself first.
    pub fn sections(&self, fold: Fold) -> Vec<Section<'_>> {
        let like = if fold == Fold::Nothing { vec![None; self.items.len()] } else { alike(&self.items) };
        let mut by_module: BTreeMap<&ModulePath, Vec<usize>> = BTreeMap::new();
        for (index, item) in self.items.iter().enumerate() {
            by_module.entry(&item.change.address.module).or_default().push(index);
        }
        let mut sections: Vec<Section<'_>> = Vec::new();
        let mut known: HashMap<Likeness<'_>, usize> = HashMap::new();
        for (module, indices) in by_module {
            let likeness = if module.is_root() { None } else { self.likeness(&indices, &like) };
            let place = likeness.map(|likeness| *known.entry(likeness).or_insert(sections.len()));
            if let Some(section) = place.and_then(|place| sections.get_mut(place)) {
                section.modules.push(module);
                for (told, index) in section.told.iter_mut().zip(indices) {
                    told.beside.push(index);
                }
                continue;
            }
            let told = indices.into_iter().map(|index| Told { index, ..Told::default() });
            sections.push(Section {
                modules: vec![module],
                told: told.collect(),
                counts: Vec::new(),
                above: 0,
            });
        }
        for section in &mut sections {
            let items = section.told.iter().flat_map(Told::all).filter_map(|index| self.items.get(index));
            section.counts = super::review::counts(items);
        }
        self.fold(&mut sections, &like, fold);
        sections
    }

    /// What two module instances have in common that change alike: for each resource, the first one
    /// like it, and its address within the module.
    fn likeness(&self, indices: &[usize], like: &[Option<usize>]) -> Option<Likeness<'_>> {
        let of = |&index: &usize| {
            let address = &self.items.get(index)?.change.address;
            let first = like.get(index).copied().flatten()?;
            Some((first, address.kind.as_str(), address.name.as_str(), address.key.as_deref()))
        };
        indices.iter().map(of).collect()
    }

    /// Moves changes to the first one that is like them, if that makes the review shorter.
    fn fold(&self, sections: &mut Vec<Section<'_>>, like: &[Option<usize>], fold: Fold) {
        let mut times: HashMap<usize, usize> = HashMap::new();
        for told in sections.iter().flat_map(|section| &section.told) {
            if let Some(&Some(like)) = like.get(told.index) {
                *times.entry(like).or_default() += 1;
            }
        }
        let mut first: HashMap<usize, (usize, usize)> = HashMap::new();
        for place in 0..sections.len() {
            let Some(section) = sections.get_mut(place) else { break };
            let mut kept: Vec<Told> = Vec::new();
            for told in std::mem::take(&mut section.told) {
                let has_lines = self.items.get(told.index).is_some_and(Item::shows_details);
                let many = |like: &usize| {
                    has_lines || fold == Fold::Details || times.get(like).is_some_and(|&times| times > 2)
                };
                let Some(like) = like.get(told.index).copied().flatten().filter(many) else {
                    kept.push(told);
                    continue;
                };
                match first.get(&like).copied() {
                    None => {
                        first.insert(like, (place, kept.len()));
                        kept.push(told);
                    }
                    Some((at, index)) if at == place => {
                        if let Some(one) = kept.get_mut(index) {
                            one.here.push(told.index);
                            one.beside.extend(told.beside);
                        }
                    }
                    Some((at, index)) => {
                        let count = told.all().count();
                        let earlier = sections.get_mut(at).and_then(|section| section.told.get_mut(index));
                        if let Some(earlier) = earlier {
                            earlier.elsewhere.extend(told.all());
                        }
                        if let Some(section) = sections.get_mut(place) {
                            section.above += count;
                        }
                    }
                }
            }
            if let Some(section) = sections.get_mut(place) {
                section.told = kept;
            }
        }
        sections.retain(|section| !section.told.is_empty());
    }

    /// Groups the changes of a section that have the same description. Each group stands at the place of
    /// its first change.
    pub fn groups<'s>(&self, section: &'s Section<'_>) -> Vec<Vec<&'s Told>> {
        let mut groups: Vec<Vec<&Told>> = Vec::new();
        let mut place: HashMap<usize, usize> = HashMap::new();
        for told in &section.told {
            let Some(item) = self.items.get(told.index) else { continue };
            let first = item.same_as.unwrap_or(told.index);
            match place.get(&first).and_then(|&at| groups.get_mut(at)) {
                Some(group) => group.push(told),
                None => {
                    place.insert(first, groups.len());
                    groups.push(vec![told]);
                }
            }
        }
        groups
    }

    /// The number of changes that a group shows in a section, and whether all of them have one description.
    pub fn times(&self, group: &[&Told]) -> (usize, bool) {
        let description = |index: &usize| Some(self.items.get(*index)?.same_as.unwrap_or(*index));
        let first = group.first().and_then(|told| description(&told.index));
        let named = |told: &&Told| {
            let rest = told.here.iter().chain(&told.elsewhere).copied();
            std::iter::once(told.index).chain(rest).collect::<Vec<_>>()
        };
        let all: Vec<usize> = group.iter().flat_map(named).collect();
        (all.len(), all.iter().all(|index| description(index) == first))
    }

    /// The names of changes that are shown together, as they are called within their section.
    pub fn names_within(&self, section: &Section<'_>, group: &[&Told], most: usize) -> String {
        let address = |&index: &usize| Some(self.items.get(index)?.change.address.clone());
        let here = group.iter().flat_map(|told| std::iter::once(&told.index).chain(&told.here));
        let here = here.filter_map(address);
        let inside = |address: Address| match section.is_root() {
            true => address,
            false => Address { module: ModulePath::default(), ..address },
        };
        let elsewhere = group.iter().flat_map(|told| &told.elsewhere).filter_map(address);
        let all: Vec<Address> = here.map(inside).chain(elsewhere).collect();
        names(&all, most)
    }

    /// The remark on changes that are like the shown one: `and 2 more like it: module.lake["b", "c"].a.b`.
    pub fn like_words(&self, told: &Told, most: usize) -> String {
        let count = told.here.len() + told.elsewhere.len();
        if count == 0 {
            return String::new();
        }
        let address = |&index: &usize| Some(self.items.get(index)?.change.address.clone());
        let here = told.here.iter().filter_map(address);
        let here = here.map(|address| Address { module: ModulePath::default(), ..address });
        let all: Vec<Address> = here.chain(told.elsewhere.iter().filter_map(address)).collect();
        format!("and {count} more like it: {}", names(&all, most))
    }
}

impl Section<'_> {
    /// Returns whether it shows the resources of the stack itself.
    pub fn is_root(&self) -> bool {
        self.modules.first().is_none_or(|module| module.is_root())
    }

    /// The names of the module instances: `module.lake["raw", "curated"]`.
    pub fn name(&self, most: usize) -> String {
        names(&self.modules, most)
    }

    /// The remark beside the counts: `, 5 in each`, ` · 2 shown above`; may be empty.
    pub fn remark(&self) -> String {
        let mut words = String::new();
        if self.modules.len() > 1 {
            let count: usize = self.counts.iter().map(|(_, count)| count).sum();
            let _ = write!(words, ", {} in each", count / self.modules.len());
        }
        if self.above > 0 {
            let _ = write!(words, " · {} shown above", self.above);
        }
        words
    }
}

/// The address of an item within its module.
pub fn within(item: &Item<'_>) -> String {
    let address = &item.change.address;
    if address.module.is_root() {
        return item.address.clone();
    }
    super::words::visible(&Address { module: ModulePath::default(), ..address.clone() }.to_string())
}
