//! `[module.NAME]`: reads the blocks, the folders that they name, and what they pass to those.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::load::Loader;
use super::{Call, Content, Entry, Module, Node};
use crate::diag::{Diagnostic, Span};
use crate::files::Files;
use crate::limits;
use crate::value::Value;

/// Members of a `[module.NAME]` block that are not inputs. Those that this version does not know are
/// reserved, too, so that no module has a variable of that name.
const RESERVED: [&str; 9] =
    ["source", "for_each", "when", "depends_on", "count", "providers", "version", "lifecycle", "account"];

/// Tables that only the stack's own folder has, with what a module does instead.
const OF_STACK: [(&str, &str); 5] = [
    ("stack", "a module has no name of its own: remove `[stack]`, and call the folder from a stack"),
    ("ledger", "what a module declares is kept in the ledger of the stack that calls it"),
    ("import", "write it in the stack: to = \"module.NAME.KIND.NAME\""),
    ("moved", "write it in the stack: from = \"module.NAME.KIND.OLD\", to = \"module.NAME.KIND.NEW\""),
    ("removed", "write it in the stack: from = \"module.NAME.KIND.NAME\""),
];

impl Loader<'_> {
    /// Refuses a table of a module's file that only a stack has. Returns whether it did.
    pub(super) fn refuse_in_module(&mut self, name: &str, span: Span) -> bool {
        let Some((_, help)) = OF_STACK.into_iter().find(|(table, _)| self.is_module && *table == name) else {
            return false;
        };
        let message = format!("`{name}` does not belong in a module");
        let error = Diagnostic::error("not-in-module", message);
        self.problems.push(error.at(span, "only the stack's own folder has it").help(help));
        true
    }

    /// Reads one `[module.NAME]` block.
    pub(super) fn call(&mut self, entry: Entry) {
        self.name(&entry);
        if let Some(first) = self.calls.get(&entry.name) {
            let first = first.span;
            return self.duplicate(&format!("the module `{}`", entry.name), entry.span, first);
        }
        let name = &entry.name;
        let Content::Table(fields) = entry.value.content else {
            self.unread.insert(format!("module.{name}"));
            self.problems.push(
                Diagnostic::error("wrong-type", format!("`module.{name}` must be a table"))
                    .at(entry.value.span, "expected a table")
                    .help("a module is [module.NAME], with `source` and its inputs below"),
            );
            return;
        };
        let mut call = Call {
            name: name.clone(),
            span: entry.span,
            source: None,
            folder: (String::new(), entry.span),
            inputs: BTreeMap::new(),
            for_each: None,
            when: None,
            depends_on: Vec::new(),
        };
        let mut has_source = false;
        for field in fields {
            match field.name.as_str() {
                "source" => {
                    has_source = true;
                    let source = self.text(&field.value, "`source`");
                    if source.as_deref() == Some("") {
                        self.problems.push(
                            Diagnostic::error("invalid-source", "`source` is empty")
                                .at(field.value.span, "expected a folder, such as \"./modules/lake\""),
                        );
                    }
                    call.folder = (source.unwrap_or_default(), field.value.span);
                }
                "for_each" => call.for_each = Some(field.value),
                "when" => call.when = Some(field.value),
                "depends_on" => call.depends_on = self.texts(&field.value, "`depends_on`"),
                reserved if RESERVED.contains(&reserved) => {
                    let what = format!("`{reserved}` of a module is not supported by this version of dwctl");
                    let error = Diagnostic::error("not-supported", what).at(field.span, "cannot be used yet");
                    self.problems.push(match reserved {
                        "count" => error.help("use for_each with a list of names, or when = true or false"),
                        "version" => error.help("a folder has no version: it is read as it is"),
                        "providers" => error.help("use `region` of a resource to place it in another region"),
                        _ => error,
                    });
                }
                _ => drop(call.inputs.insert(field.name.clone(), field)),
            }
        }
        if !has_source {
            self.problems.push(
                Diagnostic::error("missing-attribute", format!("the module `{name}` needs a `source`"))
                    .at(call.span, "`source` is missing")
                    .help("a folder, from that of this file: source = \"./modules/lake\""),
            );
        }
        self.calls.insert(call.name.clone(), call);
    }

    /// Reads the folders that the calls of the stack name, and those that their calls name, each once.
    pub(super) fn sources(&mut self, root: &mut Module) -> Vec<Module> {
        let home = root.files.clone();
        let mut found: Vec<(PathBuf, Files, Span)> = Vec::new();
        self.find(root, &home, &mut found);
        let mut modules: Vec<Module> = Vec::new();
        while let Some((_, files, span)) = found.get(modules.len()).cloned() {
            let mut module = self.module(files, span);
            self.find(&mut module, &home, &mut found);
            modules.push(module);
        }
        self.refuse_cycles(root, &mut modules);
        for module in std::iter::once(&*root).chain(&modules) {
            for call in module.calls.values() {
                let Some(source) = call.source.and_then(|source| modules.get(source)) else { continue };
                self.problems.extend(inputs(call, source));
            }
        }
        modules
    }

    /// Resolves the sources of a module's calls. New ones are added to `found`.
    fn find(&mut self, module: &mut Module, home: &Files, found: &mut Vec<(PathBuf, Files, Span)>) {
        let files = module.files.clone();
        for call in module.calls.values_mut() {
            let (text, span) = &call.folder;
            if text.is_empty() {
                continue;
            }
            if let Some(problem) = no_path(text, *span) {
                self.problems.push(problem);
                continue;
            }
            match files.module(text, home) {
                Ok((real, files)) => match found.iter().position(|(known, ..)| *known == real) {
                    Some(at) => call.source = Some(at),
                    None if found.len() >= limits::MODULE_FOLDERS => {
                        let what = format!("the stack has more than {} modules", limits::MODULE_FOLDERS);
                        self.problems
                            .push(Diagnostic::error("too-many", what).at(*span, "the limit is reached here"));
                        return;
                    }
                    None => {
                        call.source = Some(found.len());
                        found.push((real, files, *span));
                    }
                },
                Err(why) => self.problems.push(
                    Diagnostic::error("outside-folder", format!("the module folder `{text}` {why}"))
                        .at(*span, "")
                        .note("nothing in it was read")
                        .help("a source is a folder of the stack's own git repository, from that of this file: \"./modules/lake\" or \"../modules/lake\""),
                ),
            }
        }
    }

    /// Reads one folder that is the source at `span`.
    fn module(&mut self, files: Files, span: Span) -> Module {
        let folder = files.folder().display().to_string();
        let listed = files.list("");
        self.files = files;
        self.is_module = true;
        match listed {
            Ok(listed) => {
                let names = listed.into_iter().map(|entry| PathBuf::from(entry.name));
                let is_toml = |name: &PathBuf| {
                    let hidden = name.to_string_lossy().starts_with('.');
                    !hidden && name.extension().is_some_and(|extension| extension == "toml")
                };
                let names: Vec<PathBuf> = names.filter(is_toml).collect();
                if names.is_empty() {
                    self.problems.push(
                        Diagnostic::error("no-module", format!("there is no module in {folder}"))
                            .at(span, "this folder has no *.toml file")
                            .note("a module is a folder with *.toml files: variables, resources and outputs"),
                    );
                }
                for name in names {
                    if let Some(table) = self.parse(&name, None) {
                        self.file(table);
                    }
                }
            }
            Err(refusal) => self.problems.push(
                Diagnostic::error("unreadable", format!("cannot read the module folder {folder}"))
                    .at(span, "")
                    .note(refusal.describe(&folder)),
            ),
        }
        for (name, variable) in self.variables.iter().filter(|(name, _)| RESERVED.contains(&name.as_str())) {
            let what = format!("a module cannot have a variable `{name}`");
            self.problems.push(
                Diagnostic::error("invalid-name", what)
                    .at(variable.span, "a module block has another use for this word")
                    .help("give the variable another name"),
            );
        }
        self.take()
    }

    /// Refuses folders that call each other in a circle.
    fn refuse_cycles(&mut self, root: &mut Module, modules: &mut [Module]) {
        let name = |at: usize, modules: &[Module]| modules[at].files.folder().display().to_string();
        // The current way down, each folder with the number of its calls that were followed.
        let mut done: BTreeSet<usize> = BTreeSet::new();
        let starts: Vec<usize> = root.calls.values().filter_map(|call| call.source).collect();
        for start in starts {
            let mut way: Vec<(usize, usize)> = vec![(start, 0)];
            while let Some((at, followed)) = way.last_mut() {
                let (at, nth) = (*at, *followed);
                *followed += 1;
                let Some(call) = modules[at].calls.values_mut().nth(nth) else {
                    done.insert(at);
                    way.pop();
                    continue;
                };
                let Some(source) = call.source.filter(|source| !done.contains(source)) else { continue };
                match way.iter().position(|(one, _)| *one == source) {
                    Some(first) => {
                        call.source = None;
                        let span = call.folder.1;
                        let mut round: Vec<String> =
                            way[first..].iter().map(|(one, _)| name(*one, modules)).collect();
                        round.push(name(source, modules));
                        let what = format!("modules call each other in a circle: {}", round.join(" → "));
                        self.problems.push(Diagnostic::error("cycle", what).at(span, "closes the circle"));
                    }
                    None => way.push((source, 0)),
                }
            }
        }
    }
}

/// The error for a source that is no path to a folder.
fn no_path(text: &str, span: Span) -> Option<Diagnostic> {
    if ["./", "../"].iter().any(|start| text.starts_with(start)) || matches!(text, "." | "..") {
        return None;
    }
    let error = |what: String| Diagnostic::error("invalid-source", what).at(span, "expected a folder");
    let is_remote = text.starts_with("git::") || text.contains("://") || text.starts_with("git@");
    Some(if is_remote {
        Diagnostic::error(
            "not-supported",
            "modules from other repositories are not supported by this version of dwctl",
        )
        .at(span, "cannot be used yet")
        .help("copy the module into this repository, and name its folder: source = \"./modules/lake\"")
    } else if text.starts_with('/') {
        error(format!("`{text}` is not a path from the folder of this file"))
            .help("write it from there, such as source = \"../modules/lake\"")
    } else {
        error(format!("`{text}` does not begin with ./ or ../"))
            .help(format!("to name a folder: source = \"./{text}\""))
    })
}

/// The errors of a call's inputs that can be found without evaluation.
fn inputs(call: &Call, module: &Module) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    if module.unread.contains("variable") {
        return problems;
    }
    let folder = module.files.folder().display();
    for (name, entry) in call.inputs.iter().filter(|(name, _)| !module.variables.contains_key(*name)) {
        let error = Diagnostic::error(
            "unknown-input",
            format!("the module `{}` has no variable `{name}`", call.name),
        );
        problems.push(match crate::diag::nearest(name, module.variables.keys().map(String::as_str)) {
            Some(near) => error.at(entry.span, format!("did you mean `{near}`?")),
            None => {
                let known: Vec<&str> = module.variables.keys().map(String::as_str).collect();
                let known = if known.is_empty() {
                    "it has none".to_owned()
                } else {
                    format!("known: {}", known.join(", "))
                };
                error.at(entry.span, known).note(format!("its source is {folder}"))
            }
        });
    }
    for (name, variable) in &module.variables {
        if variable.default.is_none() && !call.inputs.contains_key(name) {
            let misspelt = call.inputs.keys().find(|one| {
                !module.variables.contains_key(*one)
                    && crate::diag::nearest(one, module.variables.keys().map(String::as_str)) == Some(name)
            });
            if misspelt.is_some() {
                continue;
            }
            problems.push(
                Diagnostic::error("missing-input", format!("the module `{}` needs `{name}`", call.name))
                    .at(call.span, format!("`{name}` is missing"))
                    .and(variable.span, "declared without a default"),
            );
        }
    }
    problems
}

impl Call {
    /// The expressions of its settings, which are evaluated before its instances exist.
    pub fn settings(&self) -> impl Iterator<Item = &Node> {
        self.for_each.iter().chain(&self.when)
    }

    /// What it passes to a variable.
    pub fn input(&self, name: &str) -> Option<&Node> {
        self.inputs.get(name).map(|entry| &entry.value)
    }
}

/// The value of a variable that its module uses, from the one that the call passes.
///
/// # Errors
/// It does not fit the type of the variable.
pub fn passed(
    call: &Call,
    name: &str,
    variable: &super::Variable,
    value: Value,
) -> Result<Value, Diagnostic> {
    let node = call.input(name).or(variable.default.as_ref());
    let span = node.map_or(call.span, |node| node.span);
    // Mark it secret before any message can show it.
    let value = if variable.is_secret() { value.sensitive() } else { value };
    if value.is_null() && !variable.nullable {
        let what = format!("var.{name} of the module `{}` must not be null", call.name);
        return Err(Diagnostic::error("missing-input", what)
            .at(span, "`nullable` is false")
            .and(variable.span, "declared here"));
    }
    variable.kind.convert(value).map_err(|misfit| {
        let at = node.map_or(span, |node| node.place(&misfit.path(), false));
        let what =
            format!("var.{name}{} of the module `{}`: {}", misfit.place(), call.name, misfit.required());
        Diagnostic::error("wrong-type", what)
            .at(at, format!("must be {}", misfit.wanted()))
            .and(variable.span, format!("declared as {}", variable.kind))
            .note(misfit.found())
    })
}
