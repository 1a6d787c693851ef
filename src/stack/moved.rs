//! Follows `[[moved]]` blocks from old addresses to new ones.

use std::collections::{BTreeMap, BTreeSet};

use super::{Module, Moved, Removed, Stack};
use crate::diag::{Diagnostic, Span};
use crate::graph::{Address, ModulePath, Place};
use crate::limits;

/// An index of `[[moved]]` blocks.
pub struct Moves<'b> {
    blocks: &'b [Moved],
    /// The blocks of each module, by the names of the calls that lead to it.
    scopes: BTreeMap<Vec<&'b str>, Blocks<'b>>,
}

/// The blocks of one module.
#[derive(Default)]
struct Blocks<'b> {
    /// The first block with each exact address.
    exact: BTreeMap<&'b Place, usize>,
    /// The first block for each declaration or module with all its keys.
    whole: BTreeMap<&'b Place, usize>,
}

impl<'b> Moves<'b> {
    /// An index of these blocks.
    pub fn of(blocks: &'b [Moved]) -> Self {
        let mut scopes: BTreeMap<Vec<&str>, Blocks<'_>> = BTreeMap::new();
        for (index, block) in blocks.iter().enumerate() {
            let scope = scopes.entry(block.within.iter().map(String::as_str).collect()).or_default();
            scope.exact.entry(&block.from).or_insert(index);
            if block.is_whole() {
                scope.whole.entry(&block.from).or_insert(index);
            }
        }
        Self { blocks, scopes }
    }

    /// The first block for a place, and the place after it.
    fn direct(&self, at: &Place) -> Option<(usize, Place)> {
        let steps = at.module().steps();
        let found = (0..=steps.len()).filter_map(|length| {
            let (around, _) = steps.split_at_checked(length)?;
            let names: Vec<&str> = around.iter().map(|step| step.name.as_str()).collect();
            let scope = self.scopes.get(&names)?;
            let place = at.below(length)?;
            let exact = scope.exact.get(&place).copied();
            let whole = scope.whole.get(&place.with_key(None)).copied();
            let index = exact.into_iter().chain(whole).min()?;
            let block = self.blocks.get(index)?;
            let to =
                if block.is_whole() { block.to.with_key(place.key().cloned()) } else { block.to.clone() };
            Some((index, to.within(&ModulePath::of(around.to_vec()))))
        });
        found.min_by_key(|(index, _)| *index)
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
            if !seen.insert(to.clone()) || is_too_deep(&to) {
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
            let mut at = block.from.within(&block.module());
            while !done.contains(&at) {
                let Some((to, by)) = self.next(&at) else { break };
                if let Some(start) = places.insert(at.clone(), way.len()) {
                    problems.push(circle(&way[start..]));
                    break;
                }
                if is_too_deep(&at) {
                    problems.push(circle(&way));
                    break;
                }
                way.push((at, by));
                at = to;
            }
            done.extend(way.into_iter().map(|(address, _)| address));
        }
        let (mut sources, mut targets) = (BTreeMap::new(), BTreeMap::new());
        for block in self.blocks {
            let first = *sources.entry((&block.within, &block.from)).or_insert(block);
            if first.to != block.to {
                let what = format!("{} is moved to {} and to {}", block.from, first.to, block.to);
                problems.push(clash(what, block, first));
            }
            let first = *targets.entry((&block.within, &block.to)).or_insert(block);
            if first.from != block.from {
                let what = format!("{} and {} both become {}", first.from, block.from, block.to);
                problems.push(clash(what, block, first));
            }
        }
        problems
    }
}

/// Returns whether no module can be so deep: `module.a` that becomes `module.a.module.b` does so for ever.
fn is_too_deep(place: &Place) -> bool {
    place.module().steps().len() > limits::MODULE_DEPTH
}

impl Moved {
    /// The module that says so, without keys.
    pub fn module(&self) -> ModulePath {
        let names = self.within.iter();
        names.fold(ModulePath::default(), |module, name| module.child(name, None))
    }

    /// Returns whether it moves a declaration or a module with all its keys.
    pub fn is_whole(&self) -> bool {
        self.from.key().is_none() && self.to.key().is_none()
    }
}

/// The blocks of the stack itself, then those of its modules, once for each call.
///
/// # Errors
/// There are too many.
pub(super) fn expand(root: &Module, modules: &[Module]) -> Result<(Vec<Moved>, Vec<Removed>), Diagnostic> {
    let (mut moved, mut removed) = (Vec::new(), Vec::new());
    let mut open: Vec<(Vec<String>, &Module)> = vec![(Vec::new(), root)];
    let mut at = 0;
    while let Some((within, module)) = open.get(at).cloned() {
        moved.extend(module.moved.iter().map(|block| Moved { within: within.clone(), ..block.clone() }));
        let prefix = within.iter().fold(ModulePath::default(), |prefix, name| prefix.child(name, None));
        removed.extend(
            module.removed.iter().map(|block| Removed { from: block.from.within(&prefix), ..block.clone() }),
        );
        if moved.len() + removed.len() > limits::MOVES {
            let what = format!("modules have more than {} [[moved]] and [[removed]] blocks", limits::MOVES);
            let span = moved.last().map(|block| block.span).or(removed.last().map(|block| block.span));
            let error =
                Diagnostic::error("too-many", what).note("each counts once for each call of its module");
            return Err(match span {
                Some(span) => error.at(span, "the limit is reached here"),
                None => error,
            });
        }
        for call in module.calls.values() {
            // Too many modules, and circles of them, are reported elsewhere.
            if within.len() < limits::MODULE_DEPTH
                && open.len() <= limits::MODULES
                && let Some(source) = call.source.and_then(|source| modules.get(source))
            {
                open.push((within.iter().chain([&call.name]).cloned().collect(), source));
            }
        }
        at += 1;
    }
    Ok((moved, removed))
}

/// A block that says that a place is no longer declared.
struct Claim<'s> {
    from: &'s Place,
    span: Span,
    what: &'static str,
    /// The place, in all instances of its module.
    place: Place,
    /// For one instance: the number of modules around the block.
    exact: Option<usize>,
}

impl Claim<'_> {
    fn covers(&self, address: &Address) -> bool {
        match (self.exact, self.from) {
            (None, _) => self.place.contains(address),
            (Some(length), Place::Resource(from)) => Place::Resource(address.clone())
                .below(length)
                .is_some_and(|below| below == Place::Resource(from.clone())),
            (Some(length), Place::Module(path)) => {
                address.module.steps().get(length..).is_some_and(|steps| steps.starts_with(path.steps()))
            }
        }
    }
}

/// Returns an error for each block that calls a declared resource or module moved or removed.
pub fn still_declared<'d>(stack: &Stack, declared: impl Iterator<Item = &'d Address>) -> Vec<Diagnostic> {
    let moved = stack.moved.iter().map(|block| Claim {
        from: &block.from,
        span: block.span,
        what: "has moved",
        place: block.from.within(&block.module()),
        exact: (!block.is_whole()).then_some(block.within.len()),
    });
    let removed = stack.removed.iter().map(|block| Claim {
        from: &block.from,
        span: block.span,
        what: "is removed",
        place: block.from.clone(),
        exact: None,
    });
    let claims: Vec<Claim<'_>> = moved.chain(removed).collect();
    if claims.is_empty() {
        return Vec::new();
    }
    let mut by_place: BTreeMap<Place, Vec<usize>> = BTreeMap::new();
    for (index, claim) in claims.iter().enumerate() {
        by_place.entry(claim.place.without_keys()).or_default().push(index);
    }
    let mut wrong = BTreeSet::new();
    for address in declared {
        let whole = Place::Resource(address.clone()).without_keys();
        let steps = whole.module().steps();
        let around = (1..=steps.len()).filter_map(|length| steps.get(..length));
        let around: Vec<Place> = around.map(|steps| Place::Module(ModulePath::of(steps.to_vec()))).collect();
        let near = around.iter().chain([&whole]).filter_map(|place| by_place.get(place)).flatten().copied();
        wrong.extend(near.filter(|&index| claims.get(index).is_some_and(|claim| claim.covers(address))));
    }
    let told = wrong.into_iter().filter_map(|index| claims.get(index)).map(|claim| {
        Diagnostic::error("still-declared", format!("{} {}, and is still declared", claim.from, claim.what))
            .at(claim.span, "remove this block, or the declaration")
    });
    told.collect()
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
    use crate::diag::FileId;

    fn problems(pairs: &[(&str, &str)]) -> Vec<String> {
        let address = |text: &str| {
            let text = if text.contains("module.") { text.to_owned() } else { format!("sns_topic.{text}") };
            text.parse::<Place>().expect("an address")
        };
        let moved = |(from, to): &(&str, &str)| Moved {
            within: Vec::new(),
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
            within: Vec::new(),
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
