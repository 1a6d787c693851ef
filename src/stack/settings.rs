//! Settings that are lists of texts: ignored attributes and tags, and shared folders.

use std::path::{Path, PathBuf};

use super::{Ignored, LOCK_FILE};
use crate::diag::{Diagnostic, Span};
use crate::elsewhere;
use crate::files::Files;
use crate::lang::{Reference, Template};
use crate::limits;
use crate::schema::{PathStep, parse_path};

/// The paths in `ignore_changes` of a kind. Whether they exist is checked later, when everything is
/// known. `all`, as in Terraform, means every attribute.
pub(super) fn ignored(
    kind: &str,
    texts: Vec<(String, Span)>,
    problems: &mut Vec<Diagnostic>,
) -> Vec<Ignored> {
    let mut ignored = Vec::new();
    for (text, span) in texts {
        if matches!(text.as_str(), "all" | "*") {
            let whole = |name| Ignored { path: vec![PathStep::Name(name)], span };
            ignored.extend(elsewhere::everything(kind).into_iter().map(whole));
            continue;
        }
        // A tag's key may contain dots.
        let tag = text.strip_prefix("tags.").filter(|key| !key.is_empty());
        let path = match tag {
            Some(key) => Ok(["tags", key].map(|name| PathStep::Name(name.to_owned())).to_vec()),
            None => parse_path(&text),
        };
        match path {
            Ok(path) => ignored.push(Ignored { path, span }),
            Err(why) => problems.push(
                Diagnostic::error("invalid-value", format!("`{text}` names no attribute: {why}"))
                    .at(span, "such as command.script_location, or tags[\"org:cost\"]"),
            ),
        }
    }
    ignored
}

/// The references in `replace_triggered_by`: `kind.name`, `kind.name["key"]`, or an attribute of these.
pub(super) fn triggers(texts: Vec<(String, Span)>, problems: &mut Vec<Diagnostic>) -> Vec<Reference> {
    let mut triggers = Vec::new();
    for (text, span) in texts {
        let template = Template::parse(&format!("${{{text}}}"), span, false).ok();
        match template.as_ref().and_then(Template::reference) {
            Some(reference) => triggers.push(reference.clone()),
            None => problems.push(
                Diagnostic::error(
                    "invalid-reference",
                    format!("`{text}` names no resource and no attribute"),
                )
                .at(span, "such as s3_object.script, or glue_job.load[each.key].command"),
            ),
        }
    }
    triggers
}

/// The patterns of `ignore_tags`.
pub(super) fn tag_patterns(texts: Vec<(String, Span)>, problems: &mut Vec<Diagnostic>) -> Vec<String> {
    let mut patterns = Vec::new();
    for (pattern, span) in texts {
        let mut refuse = |message: String, label: &str| {
            problems.push(Diagnostic::error("invalid-value", message).at(span, label));
        };
        // A wider pattern such as `*` may match the owner's tags: these are excluded from it.
        let hides_owner = pattern.starts_with("dwctl:");
        if pattern.is_empty() {
            refuse("a pattern of `ignore_tags` is empty".to_owned(), "such as \"org:*\"");
        } else if hides_owner {
            refuse(
                format!("`{pattern}` would hide the owner of a resource"),
                "the tags of dwctl itself are never ignored",
            );
        } else {
            patterns.push(pattern);
        }
    }
    patterns
}

/// Adds the folders of `shared` to the files.
pub(super) fn share(mut files: Files, shared: &[(String, Span)], problems: &mut Vec<Diagnostic>) -> Files {
    if let Some((_, span)) = shared.get(limits::SHARED) {
        let message = format!("`shared` names more than {} folders", limits::SHARED);
        problems.push(Diagnostic::error("too-many", message).at(*span, "the limit is reached here"));
    }
    for (path, span) in shared.iter().take(limits::SHARED) {
        match files.share(path) {
            Ok(more) => files = more,
            Err(why) => problems.push(
                Diagnostic::error("outside-folder", format!("the shared folder `{path}` {why}"))
                    .at(*span, "")
                    .note("nothing in it was read")
                    .help("a stack can share folders of its own git repository, beside its own folder"),
            ),
        }
    }
    files
}

/// The folders in `[stack] shared` of the files in a folder, as far as they can be read. Errors are
/// reported when the stack is loaded.
pub fn shared_of(files: &Files) -> Vec<String> {
    let mut shared = Vec::new();
    for table in tables(files) {
        let named = table.get("stack").and_then(|stack| stack.get("shared")).and_then(toml::Value::as_array);
        let named = named.into_iter().flatten().filter_map(toml::Value::as_str);
        shared.extend(named.take(limits::SHARED).map(str::to_owned));
    }
    shared
}

/// The sources of the modules that the files of a folder call, and the folders of the stacks whose outputs they
/// read, as [`shared_of`].
pub fn sources_of(files: &Files) -> Vec<String> {
    let mut sources = Vec::new();
    for table in tables(files) {
        let calls = table.get("module").and_then(toml::Value::as_table).into_iter().flatten();
        let named = calls.filter_map(|(_, call)| call.get("source").and_then(toml::Value::as_str));
        sources.extend(named.take(limits::MODULE_FOLDERS).map(str::to_owned));
        let others = table.get("stack_output").and_then(toml::Value::as_table).into_iter().flatten();
        let named = others.filter_map(|(_, other)| other.get("folder").and_then(toml::Value::as_str));
        sources.extend(named.take(limits::MODULE_FOLDERS).map(str::to_owned));
    }
    sources
}

/// Returns whether a file in the folder of a stack or module declares something.
pub(super) fn is_stack_file(name: &Path) -> bool {
    let is_hidden = name.to_string_lossy().starts_with('.');
    !is_hidden && name != Path::new(LOCK_FILE) && name.extension().is_some_and(|one| one == "toml")
}

/// The files of a stack or module in a folder, as far as they can be read.
fn tables(files: &Files) -> impl Iterator<Item = toml::Table> {
    let listed = files.list("").unwrap_or_default().into_iter().map(|entry| PathBuf::from(entry.name));
    let named = listed.filter(|name| is_stack_file(name));
    named.filter_map(|name| {
        let bytes = files.read(&name, limits::STACK_FILE).unwrap_or_default();
        String::from_utf8_lossy(&bytes).parse().ok()
    })
}
