//! The invariants of the architecture, over the source tree.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use regex::Regex;

use crate::paper;

mod graph;

/// Files that contain tables, which may be long.
const TABLES: [&str; 0] = [];

/// A file of the project's source.
struct File {
    /// Path below the project's folder, with `/`.
    path: String,
    text: String,
}

impl File {
    /// Its code: without comments and unit tests.
    fn code(&self) -> String {
        if self.path.contains("/tests/") || self.path.ends_with("/tests.rs") {
            return String::new();
        }
        let tests = Regex::new(r"(?m)^#\[cfg\(test\)\]\n(#\[.*\]\n)*mod tests \{").expect("a pattern");
        let end = tests.find(&self.text).map_or(self.text.len(), |tests| tests.start());
        let text = &self.text[..end];
        text.lines()
            .map(|line| {
                let comment = line.trim_start().starts_with("//");
                let end = if comment { 0 } else { line.find(" // ").unwrap_or(line.len()) };
                format!("{}\n", &line[..end])
            })
            .collect()
    }

    fn service(&self) -> Option<&str> {
        self.path.strip_prefix("src/kinds/")?.split_once('/').map(|(service, _)| service)
    }
}

fn files_below(folder: &str, extension: &str) -> Vec<File> {
    fn add(folder: &Path, extension: &str, paths: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                add(&path, extension, paths);
            } else if path.extension().is_some_and(|one| one == extension) {
                paths.push(path);
            }
        }
    }
    let mut paths = Vec::new();
    add(&paper::root().join(folder), extension, &mut paths);
    paths.sort();
    assert!(!paths.is_empty(), "{folder} has no .{extension}");
    paths
        .into_iter()
        .map(|path| File {
            path: path.strip_prefix(paper::root()).expect("below").to_string_lossy().replace('\\', "/"),
            text: std::fs::read_to_string(&path).expect("text"),
        })
        .collect()
}

fn sources() -> Vec<File> {
    files_below("src", "rs")
}

/// Fails with the place of every match of `pattern` in the code of these files.
fn without(files: &[File], pattern: &str, why: &str) {
    let pattern = Regex::new(pattern).expect("a pattern");
    let mut found = Vec::new();
    for file in files {
        for (number, line) in file.code().lines().enumerate() {
            if pattern.is_match(line) {
                found.push(format!("{}:{}: {}", file.path, number + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "{why}:\n{}", found.join("\n"));
}

fn below(folder: &str) -> Vec<File> {
    let files: Vec<File> = sources().into_iter().filter(|file| file.path.starts_with(folder)).collect();
    assert!(!files.is_empty(), "{folder}");
    files
}

#[test]
fn planning_is_pure() {
    let mut files = below("src/plan");
    files.extend(below("src/schema"));
    files.extend(below("src/graph.rs"));
    files.extend(below("src/eval"));
    files.extend(below("src/stack"));
    files.extend(below("src/lang"));
    without(&files, r"\baws_sdk_|\basync\b|\.await\b|\btokio\b", "what a plan is made by waits for nothing");
}

#[test]
fn planning_reads_no_clock_and_no_disk() {
    without(
        &below("src/plan"),
        r"std::fs|std::env|Instant::now|SystemTime|Timestamp::now",
        "the same inputs make the same plan",
    );
}

/// Links in a foreign repository may lead anywhere: see `src/files.rs`.
#[test]
fn files_of_a_stack_are_read_only_by_src_files() {
    let mut files = below("src/stack");
    for room in ["src/lang", "src/kinds", "src/kind", "src/eval", "src/schema", "src/graph.rs", "src/live.rs"]
    {
        files.extend(below(room));
    }
    without(
        &files,
        r"\bfs::[a-z]|\bFile::(open|create|options)|\bOpenOptions\b|\.canonicalize\(|\.(is_file|is_dir|read_dir|read_link|symlink_metadata|try_exists)\(\)|\brustix\b|\btempfile\b",
        "only `Files` opens files of a stack",
    );
}

#[test]
fn a_kind_uses_only_its_own_service_and_the_contract() {
    const FOLDERS: [&str; 3] = ["kind", "aws", "value"];
    const CRATES: [&str; 10] = [
        "std",
        "core",
        "serde",
        "serde_json",
        "schemars",
        "futures_util",
        "aws_smithy_types",
        "base64",
        "percent_encoding",
        "sha2",
    ];
    let room = Regex::new(r"\bcrate::(\w+)").expect("a pattern");
    let import = Regex::new(r"^\s*(?:pub(?:\(\w+\))? )?use (?:::)?(\w+)").expect("a pattern");
    let sdk = Regex::new(r"\baws_sdk_(\w+)").expect("a pattern");
    let mut found = Vec::new();
    for file in below("src/kinds/") {
        let Some(service) = file.service() else { continue };
        for (number, line) in file.code().lines().enumerate() {
            let place = format!("{}:{}", file.path, number + 1);
            for name in room.captures_iter(line).map(|one| one[1].to_owned()) {
                // Another kind of the same service is near enough to share with.
                let own = name == "kinds" && line.contains(&format!("crate::kinds::{service}::"));
                if !FOLDERS.contains(&name.as_str()) && !own {
                    found.push(format!("{place}: crate::{name}"));
                }
            }
            for name in import.captures(line).into_iter().map(|one| one[1].to_owned()) {
                let known = ["crate", "super", "self"].contains(&name.as_str())
                    || name.starts_with("aws_sdk_")
                    || CRATES.contains(&name.as_str())
                    // The variants of an enum.
                    || name.starts_with(char::is_uppercase)
                    || file.text.contains(&format!("mod {name};"))
                    // A macro of the file.
                    || file.text.contains(&format!("macro_rules! {name} "));
                if !known {
                    found.push(format!("{place}: {name}"));
                }
            }
            for name in sdk.captures_iter(line).map(|one| one[1].to_owned()) {
                if name.split("::").next() != Some(service) {
                    found.push(format!("{place}: aws_sdk_{name}"));
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn kinds_do_not_wait_retry_or_print() {
    without(
        &below("src/kinds/"),
        r"\bsleep\(|\btokio::|\bwait_until|print!|println!|\btracing::|\blog::",
        "no kind sleeps, repeats or prints",
    );
}

#[test]
fn the_engine_names_no_kind() {
    let mut engine = Vec::new();
    for room in ["src/plan", "src/apply", "src/ledger", "src/stack", "src/lang", "src/schema", "src/live.rs"]
    {
        engine.extend(below(room));
    }
    let services: Vec<String> = dwctl::kinds::KINDS
        .iter()
        .flat_map(|kind| {
            [format!("\"{}\"", kind.name()), format!("kinds::{}::", kind.name().split('_').next().unwrap())]
        })
        .collect();
    without(&engine, &services.join("|"), "an engine that names a kind would need a change for the next");
}

#[test]
fn only_the_command_line_and_its_diagnostics_write_to_the_terminal() {
    let files: Vec<File> = sources()
        .into_iter()
        .filter(|file| !file.path.starts_with("src/cli/") && !file.path.starts_with("src/diag/"))
        .collect();
    without(&files, r"\be?print(ln)?!|\bstdout\(\)|\bstderr\(\)", "errors are data until they are shown");
}

/// Messages of AWS and of tools, and excerpts of files, may quote a secret.
#[test]
fn foreign_text_is_shown_without_secrets() {
    let decide = ["src/aws/error.rs", "src/kinds/cloudwatch/dashboard.rs", "src/stack/load.rs"];
    let files: Vec<File> = sources()
        .into_iter()
        .filter(|file| !file.path.starts_with("src/diag/") && !decide.contains(&file.path.as_str()))
        .collect();
    without(&files, "as_it_came", "what comes from outside is an `Outside`, and is shown as one");
}

#[test]
fn every_file_of_a_kind_is_in_the_list() {
    let list = std::fs::read_to_string(paper::root().join("src/kinds/mod.rs")).expect("the list");
    let implementations = Regex::new(r"impl Kind for (\w+)").expect("a pattern");
    let mut kinds = 0;
    for file in below("src/kinds/") {
        for name in implementations.captures_iter(&file.text).map(|one| one[1].to_owned()) {
            kinds += 1;
            assert!(
                list.contains(&format!("::{name},\n")),
                "{}: add {name} to `each_kind!` in src/kinds/mod.rs",
                file.path
            );
        }
    }
    assert_eq!(kinds, dwctl::kinds::KINDS.len());
}

#[test]
fn every_file_begins_with_a_comment() {
    for file in sources() {
        let first = file.text.lines().next().unwrap_or_default();
        assert!(first.starts_with("//! ") && first.len() > 8, "{} begins with {first:?}", file.path);
    }
}

#[test]
fn no_file_is_too_large_to_read() {
    let sizes: Vec<(usize, String)> = sources()
        .into_iter()
        .filter(|file| !TABLES.contains(&file.path.as_str()))
        .map(|file| (file.text.len(), file.path))
        .collect();
    let large: Vec<_> = sizes.iter().filter(|(size, _)| *size > 40 << 10).collect();
    assert!(large.is_empty(), "above 40 KB: {large:?}");
    let small = sizes.iter().filter(|(size, _)| *size < 8 << 10).count();
    assert!(small * 2 >= sizes.len(), "{small} of {} files are under 8 KB", sizes.len());
}

#[test]
fn every_possible_panic_has_a_proof_beside_it() {
    let panics = Regex::new(r"\.unwrap\(\)|\.expect\(|\bpanic!|\bunreachable!").expect("a pattern");
    let mut found = Vec::new();
    for file in sources() {
        let code = file.code();
        let original: Vec<&str> = file.text.lines().collect();
        for (number, line) in code.lines().enumerate() {
            if !panics.is_match(line) {
                continue;
            }
            let above = &original[number.saturating_sub(5)..number];
            let proved = above.iter().any(|line| line.trim_start().starts_with("// "))
                && above.iter().any(|line| line.contains("allow(clippy::"));
            if !proved {
                found.push(format!("{}:{}: {}", file.path, number + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_todo_is_left() {
    let later = Regex::new(r"\btodo!|\bunimplemented!|\bdbg!|#\[ignore|\bTODO\b|\bFIXME\b|\bXXX\b")
        .expect("a pattern");
    let mut files = sources();
    files.extend(files_below("tests", "rs").into_iter().filter(|file| file.path != "tests/it/tidy.rs"));
    files.extend(files_below("tests", "toml"));
    files.extend(files_below("examples", "toml"));
    let found: Vec<String> = files
        .iter()
        .flat_map(|file| {
            let path = &file.path;
            file.text
                .lines()
                .enumerate()
                .filter(|(_, line)| later.is_match(line))
                .map(move |(number, line)| format!("{path}:{}: {}", number + 1, line.trim()))
        })
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_file_names_a_path_of_a_machine() {
    let machine = Regex::new(r#"(^|[\s"'`(=])/(root|home|work|Users|tmp)/"#).expect("a pattern");
    let mut files = sources();
    for (folder, extension) in [
        ("src", "py"),
        ("tests", "rs"),
        ("tests", "toml"),
        ("tests", "snap"),
        ("tests", "py"),
        ("examples", "toml"),
    ] {
        files.extend(files_below(folder, extension));
    }
    let found: Vec<String> = files
        .iter()
        .filter(|file| file.path != "tests/it/tidy.rs")
        .flat_map(|file| {
            let path = &file.path;
            file.text
                .lines()
                .enumerate()
                .filter(|(_, line)| machine.is_match(line))
                .map(move |(number, line)| format!("{path}:{}: {}", number + 1, line.trim()))
        })
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_environment_variable_is_documented() {
    let name = Regex::new(r"\bDWCTL_[A-Z][A-Z_]*[A-Z]\b").expect("a pattern");
    let documents: String = ["README.md", "CONTRIBUTING.md"]
        .iter()
        .filter_map(|name| std::fs::read_to_string(paper::root().join(name)).ok())
        .collect();
    let used: BTreeSet<String> = sources()
        .iter()
        .flat_map(|file| name.find_iter(&file.code()).map(|one| one.as_str().to_owned()).collect::<Vec<_>>())
        .collect();
    let missing: Vec<&String> = used.iter().filter(|name| !documents.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "neither README.md nor CONTRIBUTING.md tells of {missing:?}");
}

/// A saved plan is read with the codes of `src/plan/warning.rs`; a code that is missing there would be lost.
#[test]
fn the_warnings_of_a_plan_have_their_codes_from_one_list() {
    let literal = Regex::new("Diagnostic::warning\\(\\s*\"").expect("a pattern");
    let makes = |file: &&File| file.path.starts_with("src/plan/") || file.path.starts_with("src/live");
    let found: Vec<String> = sources()
        .iter()
        .filter(makes)
        .filter(|file| literal.is_match(&file.code()))
        .map(|file| file.path.clone())
        .collect();
    assert_eq!(found, Vec::<String>::new(), "take the code from src/plan/warning.rs");
}
