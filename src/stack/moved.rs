//! Follows `[[moved]]` blocks from old addresses to new ones.

use std::collections::{BTreeMap, BTreeSet};

use super::Moved;
use crate::diag::Diagnostic;
use crate::graph::Address;

/// An index of `[[moved]]` blocks.
pub struct Moves<'b> {
    blocks: &'b [Moved],
    /// The first block with each exact address.
    exact: BTreeMap<&'b Address, usize>,
    /// The first block for each declaration with all its keys.
    whole: BTreeMap<String, usize>,
}

impl<'b> Moves<'b> {
    /// An index of these blocks.
    pub fn of(blocks: &'b [Moved]) -> Self {
        let (mut exact, mut whole) = (BTreeMap::new(), BTreeMap::new());
        for (index, block) in blocks.iter().enumerate() {
            exact.entry(&block.from).or_insert(index);
            if is_whole(block) {
                whole.entry(block.from.declaration()).or_insert(index);
            }
        }
        Self { blocks, exact, whole }
    }

    /// The address after the next block, and that block.
    fn next(&self, at: &Address) -> Option<(Address, &'b Moved)> {
        let exact = self.exact.get(at).copied();
        let whole = self.whole.get(&at.declaration()).copied();
        let block = self.blocks.get(exact.into_iter().chain(whole).min()?)?;
        let key = if is_whole(block) { at.key.clone() } else { block.to.key.clone() };
        Some((Address { key, ..block.to.clone() }, block))
    }

    /// The current address of an old one, and the last block that leads there.
    ///
    /// # Errors
    /// The blocks form a cycle.
    pub fn follow(&self, from: &Address) -> Result<Option<(Address, &'b Moved)>, Diagnostic> {
        let mut seen = BTreeSet::from([from.clone()]);
        let mut found: Option<(Address, &Moved)> = None;
        while let Some((to, block)) = self.next(found.as_ref().map_or(from, |(address, _)| address)) {
            if !seen.insert(to.clone()) {
                return Err(Diagnostic::error("cycle", format!("{from} is moved in a cycle"))
                    .at(block.span, "part of the cycle"));
            }
            found = Some((to, block));
        }
        Ok(found)
    }

    /// Errors that do not depend on the ledger: cycles, one address that becomes two, and two that
    /// become one.
    pub(super) fn check(&self) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        // Addresses that were already followed, to an end or around a cycle.
        let mut done: BTreeSet<Address> = BTreeSet::new();
        for block in self.blocks {
            let mut way: Vec<(Address, &Moved)> = Vec::new();
            let mut places: BTreeMap<Address, usize> = BTreeMap::new();
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

fn is_whole(block: &Moved) -> bool {
    block.from.key.is_none() && block.to.key.is_none()
}

/// Maximum number of addresses shown of a cycle.
const SHOWN: usize = 10;

fn clash(what: String, block: &Moved, first: &Moved) -> Diagnostic {
    Diagnostic::error("moved", what).at(block.span, "this one").and(first.span, "and this one")
}

fn circle(way: &[(Address, &Moved)]) -> Diagnostic {
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
        let address = |text: &str| format!("sns_topic.{text}").parse::<Address>().expect("an address");
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
