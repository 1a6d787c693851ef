//! `[module.NAME]`: reads the blocks, the folders that they name, and what they pass to those.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::load::Loader;
use super::settings::is_stack_file;
use super::{Call, Content, Entry, LOCK_FILE, LockFile, Module, Node, Remote};
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
    ("stack_output", "read it in the stack, and pass what the module needs as an input"),
    ("stack", "a module has no name of its own: remove `[stack]`, and call the folder from a stack"),
    ("aws", "write it in the stack; a module is placed by `account` of its block"),
    ("ledger", "what a module declares is kept in the ledger of the stack that calls it"),
    ("import", "write it in the stack: to = \"module.NAME.KIND.NAME\""),
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
            account: None,
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
                "account" => call.account = Some(field.value),
                "depends_on" => call.depends_on = self.texts(&field.value, "`depends_on`"),
                reserved if RESERVED.contains(&reserved) => {
                    let what = format!("`{reserved}` of a module is not supported by this version of dwctl");
                    let error = Diagnostic::error("not-supported", what).at(field.span, "cannot be used yet");
                    self.problems.push(match reserved {
                        "count" => error.help("use for_each with a list of names, or when = true or false"),
                        "version" => error.help("name the version in the source: git::https://HOST/REPOSITORY.git//FOLDER?ref=VERSION"),
                        "providers" => error.help("use `account = \"NAME\"` of an [aws.NAME], and `region` of a resource"),
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
        let stack = root.files.clone();
        let mut packages = Packages { stack: &stack, lock: None, read: BTreeMap::new() };
        let mut found: Vec<Source> = Vec::new();
        self.find(root, &stack, &mut packages, &mut found);
        let mut modules: Vec<Module> = Vec::new();
        while let Some(Source { files, home, span, .. }) = found.get(modules.len()).cloned() {
            let mut module = self.module(files, span);
            self.find(&mut module, &home, &mut packages, &mut found);
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

    /// Resolves the sources of a module's calls. New ones are added to `found`. `home` are the files whose
    /// repository the module may read.
    fn find(
        &mut self,
        module: &mut Module,
        home: &Files,
        packages: &mut Packages<'_>,
        found: &mut Vec<Source>,
    ) {
        let files = module.files.clone();
        for call in module.calls.values_mut() {
            let (text, span) = &call.folder;
            if text.is_empty() {
                continue;
            }
            let source = if Remote::is_one(text) {
                packages.source(text, *span)
            } else {
                match no_path(text, *span) {
                    Some(problem) => Err(problem),
                    None => local(text, *span, &files, home),
                }
            };
            match source {
                Ok(source) => match found.iter().position(|known| known.real == source.real) {
                    Some(at) => call.source = Some(at),
                    None if found.len() >= limits::MODULE_FOLDERS => {
                        let what = format!("the stack has more than {} modules", limits::MODULE_FOLDERS);
                        self.problems
                            .push(Diagnostic::error("too-many", what).at(*span, "the limit is reached here"));
                        return;
                    }
                    None => {
                        call.source = Some(found.len());
                        found.push(source);
                    }
                },
                Err(problem) => self.problems.push(problem),
            }
        }
    }

    /// Reads one folder that is the source at `span`.
    fn module(&mut self, files: Files, span: Span) -> Module {
        let folder = files.shown().display().to_string();
        let listed = files.list("");
        self.files = files;
        self.is_module = true;
        match listed {
            Ok(listed) => {
                let names = listed.into_iter().map(|entry| PathBuf::from(entry.name));
                let names: Vec<PathBuf> = names.filter(|name| is_stack_file(name)).collect();
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
        let name = |at: usize, modules: &[Module]| modules[at].files.shown().display().to_string();
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

/// A folder that a call names.
#[derive(Clone)]
struct Source {
    /// The folder without links.
    real: PathBuf,
    files: Files,
    /// The files whose repository the module may read.
    home: Files,
    /// Where it is named first.
    span: Span,
}

/// The fetched modules of other repositories, each checked once.
struct Packages<'l> {
    stack: &'l Files,
    /// The lock file, once it is needed.
    lock: Option<Result<LockFile, Diagnostic>>,
    read: BTreeMap<String, Result<Files, Diagnostic>>,
}

impl Packages<'_> {
    /// The folder that a source in another repository names.
    fn source(&mut self, text: &str, span: Span) -> Result<Source, Diagnostic> {
        let remote = Remote::parse(text).map_err(|(what, help)| {
            let error = Diagnostic::error("invalid-source", format!("the source of the module {what}"));
            error.at(span, "expected a folder of a git repository").help(help)
        })?;
        let (stack, lock) = (self.stack, &mut self.lock);
        let read = || {
            let lock = lock.get_or_insert_with(|| LockFile::read(stack)).as_ref().map_err(Clone::clone)?;
            let Some(pinned) = lock.0.get(text) else {
                let what = format!("{LOCK_FILE} does not have this module");
                return Err(Diagnostic::error("not-locked", what)
                    .help("to fetch the module and pin it to a commit: dwctl modules fetch"));
            };
            pinned.files(&remote)
        };
        let files = self.read.entry(text.to_owned()).or_insert_with(read).clone();
        let files = files.map_err(|problem| problem.at(span, "called here"))?;
        let real = files.real().map_err(|refusal| {
            Diagnostic::error("unreadable", refusal.describe(text)).at(span, "called here")
        })?;
        Ok(Source { real: real.to_owned(), home: files.clone(), files, span })
    }
}

/// The folder of the same repository that a source names.
fn local(text: &str, span: Span, files: &Files, home: &Files) -> Result<Source, Diagnostic> {
    let (real, files) = files.module(text, home).map_err(|why| {
        Diagnostic::error("outside-folder", format!("the module folder `{text}` {why}"))
            .at(span, "")
            .note("nothing in it was read")
            .help("a source is a folder of the same git repository, from that of this file: \"./modules/lake\" or \"../modules/lake\"")
            .help("a module of another one: \"git::https://HOST/REPOSITORY.git//FOLDER?ref=REVISION\"")
    })?;
    Ok(Source { real, files, home: home.clone(), span })
}

/// The error for a source that is no path to a folder.
fn no_path(text: &str, span: Span) -> Option<Diagnostic> {
    if ["./", "../"].iter().any(|start| text.starts_with(start)) || matches!(text, "." | "..") {
        return None;
    }
    let error = |what: String| Diagnostic::error("invalid-source", what).at(span, "expected a folder");
    Some(if text.starts_with('/') {
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
    let folder = module.files.shown().display();
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
        self.for_each.iter().chain(&self.when).chain(&self.account)
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
