//! Exceptions in the tests, each with its reason. Each one is a difference between the emulator, or the
//! models that check requests, and AWS as documented. None is a reason for `dwctl` to behave differently.

use std::collections::BTreeSet;

use crate::exchange::play;
use crate::kind_file::{self, Gap};
use crate::paper::root;

/// The version for which the waivers were found; see `src/sandbox/requirements.txt`.
pub const EMULATOR: &str = "moto==5.2.5";

/// A request that AWS accepts, but the models of the checking proxy refuse.
pub struct Violation {
    /// `service:Operation`.
    pub operation: &'static str,
    /// Path of the member in the request.
    pub member: &'static str,
    /// The kind of rule, such as `enum`.
    pub rule: &'static str,
    pub reason: &'static str,
}

/// Rules of the models that AWS does not have.
pub const VIOLATIONS: &[Violation] = &[];

/// The gaps of the emulator, with their kinds.
fn gaps() -> impl Iterator<Item = (&'static str, &'static Gap)> {
    kind_file::all().flat_map(|(kind, file)| file.gaps.iter().map(move |gap| (kind, gap)))
}

/// Every step that the lives leave out is covered by a script.
#[test]
fn every_waived_step_has_a_script() {
    let names: BTreeSet<&str> = gaps().map(|(_, gap)| gap.exchange.as_str()).collect();
    names.iter().for_each(|name| play::script(name).run(name));
    for entry in std::fs::read_dir(root().join("tests/data/exchanges")).expect("the scripts") {
        let name = entry.expect("an entry").path();
        let name = name.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned();
        assert!(names.contains(name.as_str()), "{name} is for no waiver");
    }
}

#[test]
fn waivers_are_for_this_emulator_and_have_a_reason() {
    let requirements = include_str!("../../src/sandbox/requirements.txt");
    assert!(requirements.contains(EMULATOR), "look again at every waiver: the emulator is another one now");
    for (kind, gap) in gaps() {
        let parts = [&gap.step, &gap.attribute, &gap.predicted];
        let part = parts.iter().copied().flatten().count() == 1;
        assert!(part, "{kind}: one of `step`, `attribute` and `predicted` says what the gap is");
        assert!(!gap.operation.is_empty() && !gap.reason.is_empty(), "{kind}: {parts:?}");
        let exchange = play::script(&gap.exchange);
        assert_eq!(exchange.kind, kind, "{}", gap.exchange);
        assert!(exchange.calls(&gap.operation), "{} has no {}", gap.exchange, gap.operation);
        if let Some(attribute) = &gap.attribute {
            assert!(exchange.shows(attribute), "{} does not change {attribute}", gap.exchange);
        }
    }
    for waiver in VIOLATIONS {
        assert!(!waiver.reason.is_empty(), "{} {} {}", waiver.operation, waiver.member, waiver.rule);
    }
}
