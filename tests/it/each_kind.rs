//! Finds what a new kind still lacks besides its source, and says in words what to add.

use std::collections::BTreeSet;
use std::process::Command;

use dwctl::kinds::KINDS;
use regex::Regex;

use crate::paper::root;

macro_rules! names {
    ($($kind:ident: $_type:path,)*) => {
        const LISTED: &[&str] = &[$(stringify!($kind)),*];
    };
}

dwctl::each_kind!(names);

#[track_caller]
fn expect_none_missing(missing: &[String]) {
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// The names in the list generate tests.
#[test]
fn every_kind_is_listed_by_its_own_name() {
    let kinds = KINDS.iter().map(|kind| kind.name());
    let wrong: Vec<String> = kinds
        .zip(LISTED)
        .filter(|(kind, listed)| kind != *listed)
        .map(|(kind, listed)| {
            format!("`each_kind!` in src/kinds/mod.rs calls it {listed}, and its `NAME` is {kind}")
        })
        .collect();
    expect_none_missing(&wrong);
}

/// Ensures that `cargo test <kind>` never passes only because it ran nothing.
#[test]
fn every_kind_has_a_test_by_its_name() {
    let this = std::env::current_exe().expect("this program");
    let listed = Command::new(this).args(["--list", "--format", "terse"]).output().expect("the tests");
    let listed = String::from_utf8(listed.stdout).expect("names");
    let tests: BTreeSet<&str> = listed.lines().filter_map(|line| line.strip_suffix(": test")).collect();
    let lives = KINDS.iter().map(|kind| format!("lives::{}", kind.name()));
    let missing: Vec<String> = lives
        .filter(|life| !tests.contains(life.as_str()))
        .map(|life| format!("there is no test {life}: make it with `each_kind!`"))
        .collect();
    expect_none_missing(&missing);
}

#[test]
fn every_example_is_of_a_kind() {
    let names: BTreeSet<&str> = KINDS.iter().map(|kind| kind.name()).collect();
    let foreign = std::fs::read_dir(root().join("examples/kinds"))
        .expect("a folder")
        .map(|file| file.expect("a file").file_name().into_string().expect("a name"))
        .filter(|file| !file.strip_suffix(".toml").is_some_and(|name| names.contains(name)))
        .map(|file| format!("examples/kinds/{file} is of no kind: remove it, or add the kind"));
    expect_none_missing(&foreign.collect::<Vec<_>>());
}

/// `additions.py` finds what extends a service by the text of the decorator. An addition that it did not
/// find would have no effect.
#[test]
fn every_addition_to_the_emulator_is_found() {
    let named = Regex::new(r#"@extends\(\s*"[\w-]+""#).expect("a pattern");
    let (mut found, mut missing) = (0, Vec::new());
    for file in std::fs::read_dir(root().join("src/sandbox/emulator")).expect("a folder") {
        let path = file.expect("a file").path();
        if path.extension().is_none_or(|extension| extension != "py") || path.ends_with("additions.py") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("text");
        let (lines, all) = (text.matches("\n@extends(").count(), text.matches("@extends(").count());
        found += lines;
        if named.find_iter(&text).count() != all || lines != all {
            missing.push(format!(
                "{}: write `@extends(\"<service>\", …)` at the start of a line, with the service as a literal",
                path.display()
            ));
        }
    }
    expect_none_missing(&missing);
    assert!(found > 10, "the additions are not recognised any more: {found}");
}
