//! Follows `[[moved]]` blocks from old addresses to new ones.

use std::collections::{BTreeMap, BTreeSet};

use super::Moved;
use crate::diag::Diagnostic;
use crate::graph::{Address, ModulePath, Place};

/// An index of `[[moved]]` blocks.
pub struct Moves<'b> {
    blocks: &'b [Moved],
    /// The first block with each exact address.
    exact: BTreeMap<&'b Place, usize>,
    /// The first block for each declaration or module with all its keys.
    whole: BTreeMap<&'b Place, usize>,
}

impl<'b> Moves<'b> {
    /// An index of these blocks.
    pub fn of(blocks: &'b [Moved]) -> Self {
        let (mut exact, mut whole) = (BTreeMap::new(), BTreeMap::new());
        for (index, block) in blocks.iter().enumerate() {
            exact.entry(&block.from).or_insert(index);
            if block.is_whole() {
                whole.entry(&block.from).or_insert(index);
            }
        }
        Self { blocks, exact, whole }
    }

    /// The first block for a place, and the place after it.
    fn direct(&self, at: &Place) -> Option<(usize, Place)> {
        let exact = self.exact.get(at).copied();
        let whole = self.whole.get(&at.with_key(None)).copied();
        let index = exact.into_iter().chain(whole).min()?;
        let block = self.blocks.get(index)?;
        Some((index, if block.is_whole() { block.to.with_key(at.key().cloned()) } else { block.to.clone() }))
    }

    /// The address after the next block, and that block.
    fn next(&self, at: &Place) -> Option<(Place, &'b Moved)> {
        let mut first = self.direct(at);
        // What is in a module moves with it.
        let steps = at.module().steps();
        for length in 1..=steps.len() {
            let (around, below) = steps.split_at(length);
            let module = Place::Module(ModulePath::of(around.to_vec()));
            if module == *at {
                continue;
            }
            if let Some((index, to)) = self.direct(&module)
                && first.as_ref().is_none_or(|(best, _)| index < *best)
            {
                first = Some((index, at.in_module(to.module().join(&ModulePath::of(below.to_vec())))));
            }
        }
        let (index, to) = first?;
        Some((to, self.blocks.get(index)?))
    }

    /// The current address of an old one, and the last block that leads there.
    ///
    /// # Errors
    /// The blocks form a cycle.
    pub fn follow(&self, from: &Address) -> Result<Option<(Address, &'b Moved)>, Diagnostic> {
        let start = Place::Resource(from.clone());
        let mut seen = BTreeSet::from([start.clone()]);
        let mut found: Option<(Place, &Moved)> = None;
        while let Some((to, block)) = self.next(found.as_ref().map_or(&start, |(place, _)| place)) {
            if !seen.insert(to.clone()) {
                return Err(Diagnostic::error("cycle", format!("{from} is moved in a cycle"))
                    .at(block.span, "part of the cycle"));
            }
            found = Some((to, block));
        }
        Ok(found.and_then(|(place, block)| match place {
            Place::Resource(address) => Some((address, block)),
            // A resource stays one.
            Place::Module(_) => None,
        }))
    }

    /// Errors that do not depend on the ledger: cycles, one address that becomes two, and two that
    /// become one.
    pub(super) fn check(&self) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        // Addresses that were already followed, to an end or around a cycle.
        let mut done: BTreeSet<Place> = BTreeSet::new();
        for block in self.blocks {
            let mut way: Vec<(Place, &Moved)> = Vec::new();
            let mut places: BTreeMap<Place, usize> = BTreeMap::new();
            let mut at = block.from.clone();
            while !done.contains(&at) {
                let Some((to, by)) = self.next(&at) else { break };
                if let Some(start) = places.insert(at.clone(), way.len()) {
                    problems.push(circle(&way[start..]));
                    break;
                }
                way.push((at, by));
                at = to;
            }
            done.extend(way.into_iter().map(|(address, _)| address));
        }
        let (mut sources, mut targets) = (BTreeMap::new(), BTreeMap::new());
        for block in self.blocks {
            let first = *sources.entry(&block.from).or_insert(block);
            if first.to != block.to {
                let what = format!("{} is moved to {} and to {}", block.from, first.to, block.to);
                problems.push(clash(what, block, first));
            }
            let first = *targets.entry(&block.to).or_insert(block);
            if first.from != block.from {
                let what = format!("{} and {} both become {}", first.from, block.from, block.to);
                problems.push(clash(what, block, first));
            }
        }
        problems
    }
}

impl Moved {
    /// Returns whether it moves a declaration or a module with all its keys.
    pub fn is_whole(&self) -> bool {
        self.from.key().is_none() && self.to.key().is_none()
    }
}

/// Maximum number of addresses shown of a cycle.
const SHOWN: usize = 10;

fn clash(what: String, block: &Moved, first: &Moved) -> Diagnostic {
    Diagnostic::error("moved", what).at(block.span, "this one").and(first.span, "and this one")
}

fn circle(way: &[(Place, &Moved)]) -> Diagnostic {
    let mut names: Vec<String> = way.iter().take(SHOWN).map(|(address, _)| address.to_string()).collect();
    if way.len() > SHOWN {
        names.push("…".to_owned());
    }
    names.extend(way.first().map(|(address, _)| address.to_string()));
    let message = format!("the [[moved]] blocks form a cycle: {}", names.join(" → "));
    let mut error = Diagnostic::error("cycle", message);
    for (index, (_, block)) in way.iter().take(SHOWN).enumerate() {
        error = match index {
            0 => error.at(block.span, "part of the cycle"),
            _ => error.and(block.span, "and this one"),
        };
    }
    error.help("remove the outdated block: the resource is declared where the last move ends")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{FileId, Span};

    fn problems(pairs: &[(&str, &str)]) -> Vec<String> {
        let address = |text: &str| {
            let text = if text.contains("module.") { text.to_owned() } else { format!("sns_topic.{text}") };
            text.parse::<Place>().expect("an address")
        };
        let moved = |(from, to): &(&str, &str)| Moved {
            from: address(from),
            to: address(to),
            span: Span::new(FileId(0), 0, 0),
        };
        let blocks: Vec<Moved> = pairs.iter().map(moved).collect();
        let problems = Moves::of(&blocks).check();
        problems.into_iter().map(|one| one.message.replace("sns_topic.", "")).collect()
    }

    #[test]
    fn cycles_and_forks_are_reported_once() {
        let none: [&str; 0] = [];
        assert_eq!(problems(&[("a", "b"), ("b", "c"), ("d", "e")]), none);
        assert_eq!(problems(&[("a", "b"), ("a[\"x\"]", "c")]), none);
        assert_eq!(problems(&[("a", "b"), ("a", "b")]), none);
        assert_eq!(problems(&[("a", "a")]), ["the [[moved]] blocks form a cycle: a → a"]);
        assert_eq!(
            problems(&[("z", "a"), ("a", "b"), ("b", "a")])[0],
            "the [[moved]] blocks form a cycle: a → b → a"
        );
        assert_eq!(
            problems(&[("a", "b"), ("b", "c"), ("c", "a")]),
            ["the [[moved]] blocks form a cycle: a → b → c → a"]
        );
        assert_eq!(
            problems(&[("a", "b"), ("b[\"x\"]", "a[\"x\"]")]),
            ["the [[moved]] blocks form a cycle: b[\"x\"] → a[\"x\"] → b[\"x\"]"]
        );
        assert_eq!(problems(&[("a", "b"), ("a", "c")]), ["a is moved to b and to c"]);
        assert_eq!(problems(&[("a", "c"), ("b", "c")]), ["a and b both become c"]);
    }

    fn moved(from: &str, pairs: &[(&str, &str)]) -> String {
        let place = |text: &str| text.parse::<Place>().expect("an address");
        let block = |(from, to): &(&str, &str)| Moved {
            from: place(from),
            to: place(to),
            span: Span::new(FileId(0), 0, 0),
        };
        let blocks: Vec<Moved> = pairs.iter().map(block).collect();
        let found = Moves::of(&blocks).follow(&from.parse().expect("an address"));
        found.expect("no cycle").map_or_else(|| from.to_owned(), |(to, _)| to.to_string())
    }

    #[test]
    fn a_module_moves_with_all_that_is_in_it() {
        let whole = [("module.a", "module.b")];
        assert_eq!(moved("module.a.s.x", &whole), "module.b.s.x");
        assert_eq!(
            moved("module.a[\"k\"].module.c.s.x[\"y\"]", &whole),
            "module.b[\"k\"].module.c.s.x[\"y\"]"
        );
        assert_eq!(moved("module.ab.s.x", &whole), "module.ab.s.x");
        let one = [("module.a", "module.b[\"k\"]")];
        assert_eq!(moved("module.a.s.x", &one), "module.b[\"k\"].s.x");
        assert_eq!(moved("module.a[\"k\"].s.x", &one), "module.a[\"k\"].s.x");
        // Into, out of and between modules, one after the other.
        let way = [
            ("s.x", "module.a.s.y"),
            ("module.a", "module.b.module.c"),
            ("module.b.module.c.s.y", "module.d[\"k\"].s.z"),
            ("module.d[\"k\"].s.z", "s.last"),
        ];
        assert_eq!(moved("s.x", &way), "s.last");
        assert_eq!(moved("s.x[\"q\"]", &way), "s.last[\"q\"]");
        assert_eq!(
            problems(&[("module.a", "module.b"), ("module.b", "module.a")]),
            ["the [[moved]] blocks form a cycle: module.a → module.b → module.a"]
        );
        assert_eq!(
            problems(&[("module.a", "module.c"), ("module.b", "module.c")]),
            ["module.a and module.b both become module.c"]
        );
    }

    /// Ten thousand blocks in a row are followed once each.
    #[test]
    fn a_long_chain_of_moves_is_resolved_quickly() {
        let names: Vec<String> = (0..10_001).map(|index| format!("t{index}")).collect();
        let mut pairs: Vec<(&str, &str)> = names.windows(2).map(|pair| (&*pair[0], &*pair[1])).collect();
        assert_eq!(problems(&pairs).len(), 0);
        pairs.push((&*names[10_000], &*names[0]));
        assert_eq!(problems(&pairs).len(), 1);
    }
}
