//! Finds what a new kind still lacks besides its source, and says in words what to add.

use std::collections::{BTreeMap, BTreeSet};
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
fn nothing_is_missing(missing: &[String]) {
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
    nothing_is_missing(&wrong);
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
    nothing_is_missing(&missing);
}

#[test]
fn every_example_is_of_a_kind() {
    let names: BTreeSet<&str> = KINDS.iter().map(|kind| kind.name()).collect();
    let foreign = std::fs::read_dir(root().join("examples/kinds"))
        .expect("a folder")
        .map(|file| file.expect("a file").file_name().into_string().expect("a name"))
        .filter(|file| !file.strip_suffix(".toml").is_some_and(|name| names.contains(name)))
        .map(|file| format!("examples/kinds/{file} is of no kind: remove it, or add the kind"));
    nothing_is_missing(&foreign.collect::<Vec<_>>());
}

/// An emulator file that extends a service without being loaded for it would have no effect.
#[test]
fn every_addition_to_the_emulator_is_loaded() {
    let folder = root().join("src/sandbox/emulator");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("a file");
    let entry = Regex::new(r#"(?m)^    "([\w-]+)": \(([^)]*)\),$"#).expect("a pattern");
    let module = Regex::new(r#""(\w+)""#).expect("a pattern");
    let loaded: BTreeMap<String, BTreeSet<String>> = entry
        .captures_iter(&read("additions.py"))
        .map(|one| {
            (one[1].to_owned(), module.captures_iter(&one[2]).map(|name| name[1].to_owned()).collect())
        })
        .collect();
    let extends = Regex::new(r#"(?m)^@extends\(\s*"([\w-]+)""#).expect("a pattern");
    let mut missing = Vec::new();
    let mut extended = BTreeSet::new();
    for file in std::fs::read_dir(&folder).expect("a folder") {
        let file = file.expect("a file").file_name().into_string().expect("a name");
        let Some(name) = file.strip_suffix(".py") else { continue };
        for service in extends.captures_iter(&read(&file)).map(|one| one[1].to_owned()) {
            if !loaded.get(&service).is_some_and(|modules| modules.contains(name)) {
                missing.push(format!(
                    "{file} extends {service}: add \"{name}\" to \"{service}\" in `MODULES` of \
                     src/sandbox/emulator/additions.py"
                ));
            }
            extended.insert((service, name.to_owned()));
        }
    }
    for (service, modules) in &loaded {
        for name in modules {
            if !extended.contains(&(service.clone(), name.clone())) {
                missing.push(format!(
                    "additions.py loads {name}.py for {service}, which it does not extend: take it out"
                ));
            }
        }
    }
    assert!(extended.len() > 10, "the additions are not recognised any more: {extended:?}");
    missing.sort();
    missing.dedup();
    nothing_is_missing(&missing);
}
