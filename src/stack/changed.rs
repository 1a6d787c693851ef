//! What changed in the folders of modules between two revisions of a stack.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Call, Stack};
use crate::files::{Files, Kind};
use crate::limits;

/// A module whose source or files differ in two revisions of a stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangedModule {
    /// Its source, as the new revision writes it.
    pub source: String,
    /// The source in the old revision, if that is another.
    pub before: Option<String>,
    /// The calls of it in both revisions: `module.lake.module.alarms`.
    pub calls: Vec<String>,
    /// The files that differ, by their path in its folder.
    pub files: BTreeMap<String, ChangedFile>,
}

/// How a file differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangedFile {
    /// Only the new revision has it.
    Added,
    /// Only the old revision has it.
    Removed,
    /// Its content differs.
    Changed,
}

/// The most files of a module that are compared.
const MOST_FILES: usize = 10_000;
/// The most bytes of them that are read.
const MOST_BYTES: u64 = 64 << 20;

/// The content of each file of a folder, as a hash. What cannot be read has none.
type Contents = BTreeMap<String, Option<[u8; 32]>>;

/// Compares the modules that both revisions call under the same name.
pub fn changed_modules(old: &Stack, new: &Stack) -> Vec<ChangedModule> {
    let (before, after) = (calls(old), calls(new));
    let mut pairs: BTreeMap<(usize, usize, &str, &str), Vec<String>> = BTreeMap::new();
    for (name, (source, call)) in after {
        if let Some((earlier, was)) = before.get(&name) {
            pairs.entry((*earlier, source, &was.folder.0, &call.folder.0)).or_default().push(name);
        }
    }
    let (mut old_contents, mut new_contents) = (BTreeMap::new(), BTreeMap::new());
    let mut changed = Vec::new();
    for ((earlier, source, was, is), calls) in pairs {
        let left = old_contents.entry(earlier).or_insert_with(|| contents(old, earlier));
        let right = new_contents.entry(source).or_insert_with(|| contents(new, source));
        let names: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
        let files = names.into_iter().filter_map(|name| {
            let how = match (left.get(name), right.get(name)) {
                (None, _) => ChangedFile::Added,
                (_, None) => ChangedFile::Removed,
                (Some(left), Some(right)) if left == right => return None,
                _ => ChangedFile::Changed,
            };
            Some((name.clone(), how))
        });
        let files: BTreeMap<String, ChangedFile> = files.collect();
        let before = (was != is).then(|| was.to_owned());
        if before.is_some() || !files.is_empty() {
            changed.push(ChangedModule { source: is.to_owned(), before, calls, files });
        }
    }
    changed.sort_by(|left, right| left.calls.cmp(&right.calls));
    changed
}

/// The calls of a stack and its modules, by `module.lake.module.alarms`, each with the place of its module.
fn calls(stack: &Stack) -> BTreeMap<String, (usize, &Call)> {
    let mut found = BTreeMap::new();
    let mut open = vec![(String::new(), &stack.root, 0)];
    while let Some((prefix, module, depth)) = open.pop() {
        for call in module.calls.values() {
            let Some((source, inner)) =
                call.source.and_then(|source| Some((source, stack.modules.get(source)?)))
            else {
                continue;
            };
            // Larger stacks were refused when they were read.
            if depth < limits::MODULE_DEPTH && found.len() < limits::MODULES {
                let name = format!("{prefix}module.{}", call.name);
                open.push((format!("{name}."), inner, depth + 1));
                found.insert(name, (source, call));
            }
        }
    }
    found
}

/// The files in the folder of a module, without those of other modules in it.
fn contents(stack: &Stack, module: usize) -> Contents {
    let mut found = Contents::new();
    let Some(module) = stack.modules.get(module) else { return found };
    let real = |files: &Files| files.leads_to(".").ok();
    let others: BTreeSet<PathBuf> = stack.modules.iter().filter_map(|one| real(&one.files)).collect();
    let mut open = vec![PathBuf::new()];
    let mut room = MOST_BYTES;
    while let Some(folder) = open.pop() {
        let listed = if folder.as_os_str().is_empty() { Path::new(".") } else { &folder };
        for entry in module.files.list(listed).unwrap_or_default() {
            let path = folder.join(&entry.name);
            match entry.kind {
                Kind::Folder => {
                    let is_other = module.files.leads_to(&path).map_or(true, |real| others.contains(&real));
                    if !is_other {
                        open.push(path);
                    }
                }
                // A link is compared by what it leads to.
                Kind::File | Kind::Link if found.len() < MOST_FILES => {
                    let hash = match module.files.read(&path, room) {
                        Ok(bytes) => {
                            room -= bytes.len() as u64;
                            Some(Sha256::digest(bytes).into())
                        }
                        // One that is too large is compared by its length.
                        Err(_) => {
                            let opened = module.files.open(&path).ok();
                            opened.map(|opened| Sha256::digest(opened.length.to_le_bytes()).into())
                        }
                    };
                    found.insert(path.to_string_lossy().replace('\\', "/"), hash);
                }
                Kind::File | Kind::Link | Kind::Special => {}
            }
        }
    }
    found
}
