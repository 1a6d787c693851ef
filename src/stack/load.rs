//! Reads the files of a stack's folder into one [`Stack`].

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::account::Account;
use super::condition::Condition;
use super::moved::expand;
use super::settings::is_stack_file;
use super::{
    Call, Content, DEFAULT_ENV, Entry, Import, Module, Moved, Moves, Node, OtherStack, Output, Removed,
    Resource, Stack, Variable, region, requires, settings,
};
use crate::diag::{Diagnostic, FileId, Outside, Sources, Span, a, counted};
use crate::elsewhere;
use crate::files::{Files, Kind, Refusal, read_given};
use crate::graph::Place;
use crate::limits;
use crate::value::Value;

/// A hint for users whose folder has no stack yet.
const BEGINNING: &str = "stack.toml begins with [stack], its name and its region; `dwctl explain KIND` has an example of each kind";

/// Maximum number of syntax errors reported for a file; only the count of the others is shown.
const MAX_MISTAKES: usize = 1_000;

/// Maximum size of a file in which parsing continues after a syntax error.
const RECOVERED: usize = 1 << 20;

/// Reads the stack in `folder`, with `env/<env>.toml` if an environment is named.
/// `kinds` are the names of all kinds.
///
/// # Errors
/// All problems found, with the sources they point into.
pub fn load(folder: &Path, env: Option<&str>, kinds: &[&str]) -> Result<Stack, (Vec<Diagnostic>, Sources)> {
    let Loaded { stack, problems, .. } = read(folder, env, kinds, &[]);
    if problems.is_empty() { Ok(stack) } else { Err((problems, stack.sources)) }
}

/// The result of reading a stack.
#[derive(Debug)]
pub struct Loaded {
    /// The stack.
    pub stack: Stack,
    /// Its errors. A stack with errors must not be used.
    pub problems: Vec<Diagnostic>,
    /// True if all files could be read. Further errors in the stack are then no consequences of
    /// these problems.
    pub is_whole: bool,
}

/// As [`load`], but returns what could be read in spite of problems. Files named `apart` are left
/// out: they are passed as variables.
pub fn read(folder: &Path, env: Option<&str>, kinds: &[&str], apart: &[OsString]) -> Loaded {
    let files = Files::new(folder);
    let way: Vec<PathBuf> = files.real().into_iter().map(Path::to_owned).collect();
    read_in(files, folder, env, kinds, apart, &way)
}

/// The folders of the stacks that read each other's outputs, from the first one to the one that is read.
pub(super) type Way<'a> = &'a [PathBuf];

/// The same, from these files of the folder.
pub(super) fn read_in(
    files: Files,
    folder: &Path,
    env: Option<&str>,
    kinds: &[&str],
    apart: &[OsString],
    way: Way<'_>,
) -> Loaded {
    let mut loader = Loader {
        sources: Sources::default(),
        problems: Vec::new(),
        is_incomplete: false,
        is_module: false,
        unread: BTreeSet::new(),
        files,
        bytes: 0,
        kinds,
        stack: None,
        env_settings: None,
        ledger: None,
        env_ledger: None,
        variables: BTreeMap::new(),
        locals: BTreeMap::new(),
        resources: BTreeMap::new(),
        data: BTreeMap::new(),
        outputs: BTreeMap::new(),
        checks: BTreeMap::new(),
        calls: BTreeMap::new(),
        others: BTreeMap::new(),
        imports: Vec::new(),
        moved: Vec::new(),
        removed: Vec::new(),
        aws: BTreeMap::new(),
    };
    for file in loader.stack_files(folder, apart) {
        if let Some(table) = loader.parse(&file, None) {
            loader.file(table);
        }
    }
    let mut env_values: BTreeMap<String, Entry> = BTreeMap::new();
    if let Some(env) = env {
        loader.environment(folder, env, &mut env_values);
    }
    loader.finish(folder, env.unwrap_or(DEFAULT_ENV), env_values, way)
}

pub(super) struct Loader<'a> {
    sources: Sources,
    pub(super) problems: Vec<Diagnostic>,
    /// True if a file or the folder could not be read, so that declarations may be missing.
    is_incomplete: bool,
    /// True while the files of a module are read.
    pub(super) is_module: bool,
    /// See [`Module::unread`].
    pub(super) unread: BTreeSet<String>,
    pub(super) files: Files,
    /// The size of all files read so far.
    bytes: u64,
    pub(super) kinds: &'a [&'a str],
    stack: Option<Entry>,
    env_settings: Option<Node>,
    ledger: Option<Entry>,
    env_ledger: Option<Node>,
    pub(super) variables: BTreeMap<String, Variable>,
    locals: BTreeMap<String, Entry>,
    pub(super) resources: BTreeMap<(String, String), Resource>,
    pub(super) data: BTreeMap<(String, String), Resource>,
    pub(super) outputs: BTreeMap<String, Output>,
    pub(super) checks: BTreeMap<String, Vec<Condition>>,
    pub(super) calls: BTreeMap<String, Call>,
    pub(super) aws: BTreeMap<String, Account>,
    /// See [`Stack::others`].
    pub(super) others: BTreeMap<String, OtherStack>,
    imports: Vec<Import>,
    moved: Vec<Moved>,
    removed: Vec<Removed>,
}

impl Loader<'_> {
    /// The names of the stack's files, in order.
    fn stack_files(&mut self, folder: &Path, apart: &[OsString]) -> Vec<PathBuf> {
        let listing = match self.files.list("") {
            Ok(listing) => listing,
            Err(refusal) => {
                self.is_incomplete = true;
                let message = format!("cannot read the stack's folder {}", folder.display());
                let note = match refusal {
                    Refusal::Failed(error) => error.to_string(),
                    refusal => refusal.describe(&folder.display().to_string()),
                };
                self.problems.push(
                    Diagnostic::error("unreadable", message)
                        .note(note)
                        .help("name the folder that holds stack.toml: dwctl plan path/to/stack"),
                );
                return Vec::new();
            }
        };
        let names = listing.into_iter().filter(|entry| !apart.contains(&entry.name));
        let names = names.map(|entry| PathBuf::from(entry.name));
        let files: Vec<PathBuf> = names.filter(|name| is_stack_file(name)).collect();
        if files.is_empty() {
            self.is_incomplete = true;
            self.problems.push(
                Diagnostic::error("no-stack", format!("there is no stack in {}", folder.display()))
                    .note("a stack is a folder with a stack.toml and other *.toml files beside it")
                    .help("name the folder that holds stack.toml: dwctl plan path/to/stack")
                    .help(BEGINNING),
            );
        }
        files
    }

    /// Parses a file of the stack's folder to a table, registered under its path relative to the working
    /// folder. For an environment's file, `secret` names the secret variables.
    pub(super) fn parse(&mut self, path: &Path, secret: Option<&BTreeSet<String>>) -> Option<Node> {
        let folder = self.files.shown();
        let shown = if folder == Path::new(".") { path.to_owned() } else { folder.join(path) };
        let read = self.files.read(path, limits::STACK_FILE);
        let text = match read.map_err(|refusal| refused(&refusal, &shown)).and_then(|one| text(one, &shown)) {
            Ok(text) => text,
            Err(problem) => {
                self.is_incomplete = true;
                let file = self.sources.add(shown, "");
                self.problems.push(problem.at(Span::new(file, 0, 0), ""));
                return None;
            }
        };
        self.bytes += text.len() as u64;
        if self.bytes > limits::STACK_FILES {
            self.is_incomplete = true;
            let limit = limits::bytes(limits::STACK_FILES);
            let what = format!("the files of the stack are larger than {limit} in total");
            let file = self.sources.add(shown, "");
            self.problems.push(Diagnostic::error("too-large", what).at(Span::new(file, 0, 0), ""));
            return None;
        }
        let file = self.sources.add(shown, text.as_str());
        // A large file that is not TOML at all has more errors than there is room for.
        let (table, errors) = if text.len() > RECOVERED {
            match DeTable::parse(&text) {
                Ok(table) => (table, Vec::new()),
                Err(error) => (toml::Spanned::new(0..0, DeTable::new()), vec![error]),
            }
        } else {
            DeTable::parse_recoverable(&text)
        };
        let broken = !errors.is_empty();
        // Excerpts show text that could not be parsed, where no schema shows what is secret.
        let learn = || {
            let has_sensitive = text.contains("sensitive") || text.contains("ephemeral");
            let named = |name: &str| match secret {
                Some(secret) => secret.contains(name),
                None => has_sensitive && name == "default",
            };
            super::broken::secrets(&text, named).for_each(crate::diag::learn);
        };
        if broken {
            self.is_incomplete = true;
            learn();
        }
        let left = errors.len().saturating_sub(MAX_MISTAKES);
        // The lines with a string that ends too early. What the parser says after it follows from that.
        let mut cut_off = BTreeSet::new();
        for error in errors.into_iter().take(MAX_MISTAKES) {
            let span = error.span().map(|range| widen(&text, file, range));
            let advice = span.and_then(|span| super::quotes::advice(&text, span.start));
            let is_new = match &advice {
                Some((line, _)) => cut_off.insert(*line),
                None => cut_off.is_empty(),
            };
            if !is_new {
                continue;
            }
            let message = Outside::new(error.message().lines().next().unwrap_or("not TOML"));
            self.problems.push(match message.as_it_came() {
                "duplicate key" => {
                    let name = span.map(|span| self.sources.snippet(span).to_owned()).unwrap_or_default();
                    Diagnostic::error("duplicate", format!("`{name}` is declared twice"))
                        .at_maybe(span, "declared again")
                }
                // The parser gives no place for it.
                text if text.contains("recurs") => {
                    let what = "keys, arrays and tables are nested too deeply: at most 80 levels";
                    Diagnostic::error("syntax", what).at(span.unwrap_or(Span::new(file, 0, 0)), "")
                }
                _ => {
                    let error = Diagnostic::error("syntax", message.to_string()).at_maybe(span, "");
                    match advice {
                        Some((_, help)) => error.help(help),
                        None => error,
                    }
                }
            });
        }
        if left > 0 && cut_off.is_empty() {
            let what = format!("not TOML: {}", counted(left, "more place"));
            let end = text.len();
            self.problems.push(Diagnostic::error("syntax", what).at(Span::new(file, end, end), ""));
        }
        let found = self.problems.len();
        let range = table.span();
        let value = toml::Spanned::new(range, toml::de::DeValue::Table(table.into_inner()));
        let node = Node::read(&value, file, &text, &mut self.problems);
        if !broken {
            if self.problems.len() > found {
                learn();
            }
            return Some(node);
        }
        // Use what could be parsed, so that it is not reported as missing from the stack. Its apparent
        // problems follow from the syntax errors that were already reported.
        self.file(node);
        self.problems.truncate(found);
        None
    }

    pub(super) fn file(&mut self, table: Node) {
        let Content::Table(entries) = table.content else { return };
        for entry in entries {
            if self.refuse_in_module(&entry.name, entry.span) {
                continue;
            }
            match entry.name.as_str() {
                "stack" => match &self.stack {
                    None => self.stack = Some(entry),
                    Some(first) => {
                        let first = first.span;
                        self.duplicate("`[stack]`", entry.span, first);
                    }
                },
                "ledger" => match &self.ledger {
                    None => self.ledger = Some(entry),
                    Some(first) => {
                        let first = first.span;
                        self.duplicate("`[ledger]`", entry.span, first);
                    }
                },
                "variable" => self.each(entry, Self::variable),
                "local" => self.each(entry, |loader, local| match loader.locals.get(&local.name) {
                    None => {
                        loader.locals.insert(local.name.clone(), local);
                    }
                    Some(first) => {
                        let first = first.span;
                        loader.duplicate(&format!("the local `{}`", local.name), local.span, first);
                    }
                }),
                "output" => self.each(entry, Self::output),
                "check" => self.each(entry, Self::check),
                "module" => self.each(entry, Self::call),
                "aws" => self.each(entry, Self::account),
                "data" => self.each(entry, Self::data),
                "stack_output" => self.each(entry, Self::other),
                "import" | "moved" | "removed" => self.ownership(&entry),
                kind if self.kinds.contains(&kind) => {
                    let kind = kind.to_owned();
                    self.each(entry, |loader, resource| loader.resource(&kind, resource));
                }
                other => {
                    let is_table = matches!(entry.value.content, Content::Table(_) | Content::List(_));
                    self.unread.extend(super::foreign::declares(other, &entry.value));
                    self.problems.push(super::foreign::table(other, is_table, entry.span));
                }
            }
        }
    }

    /// Calls `take` for every entry of a table, which `entry` must be.
    fn each(&mut self, entry: Entry, mut take: impl FnMut(&mut Self, Entry)) {
        match entry.value.content {
            Content::Table(entries) => entries.into_iter().for_each(|entry| take(self, entry)),
            _ => {
                let all = if self.kinds.contains(&entry.name.as_str()) { "resource" } else { &entry.name };
                self.unread.insert(all.to_owned());
                let named =
                    matches!(entry.name.as_str(), "variable" | "check" | "module" | "stack_output" | "aws")
                        || self.kinds.contains(&entry.name.as_str());
                let label = if entry.name == "data" {
                    "write [data.KIND.NAME]".to_owned()
                } else if named {
                    format!("write [{}.NAME]", entry.name)
                } else {
                    "expected a table".to_owned()
                };
                self.problems.push(
                    Diagnostic::error("wrong-type", format!("`{}` must be a table", entry.name))
                        .at(entry.value.span, label),
                );
            }
        }
    }

    pub(super) fn duplicate(&mut self, what: &str, span: Span, first: Span) {
        self.problems.push(
            Diagnostic::error("duplicate", format!("{what} is declared twice"))
                .at(span, "declared again")
                .and(first, "first declared here"),
        );
    }

    pub(super) fn name(&mut self, entry: &Entry) {
        let mut characters = entry.name.chars();
        let starts_well = characters.next().is_some_and(|first| first.is_alphabetic() || first == '_');
        if !starts_well
            || !characters.all(|character| character.is_alphanumeric() || matches!(character, '_' | '-'))
        {
            self.problems.push(
                Diagnostic::error("invalid-name", format!("`{}` cannot be a name", entry.name))
                    .at(entry.span, "letters, digits, `_` and `-`, beginning with a letter"),
            );
        }
    }

    pub(super) fn text(&mut self, node: &Node, what: &str) -> Option<String> {
        match node.literal() {
            Some(Value::String(text)) => Some(text),
            _ => {
                self.problems.push(
                    Diagnostic::error("wrong-type", format!("{what} must be a string without expressions"))
                        .at(node.span, "expected a plain string"),
                );
                None
            }
        }
    }

    /// Reads the region. An expression of variables is evaluated later ([`Stack::settle_region`]).
    fn region(&mut self, node: &Node) -> (String, Option<Node>) {
        if !matches!(node.content, Content::Template(_)) {
            let region = self.text(node, "`region`").unwrap_or_default();
            self.problems.extend((!region.is_empty()).then(|| region::fault(&region, node.span)).flatten());
            return (region, None);
        }
        for reference in node.references() {
            let is_early = match reference.root.as_str() {
                "var" | "env" => true,
                "stack" => reference.name(0) == Some("name"),
                _ => false,
            };
            if !is_early {
                self.problems.push(
                    Diagnostic::error("undecided", "the region must be known before AWS is asked")
                        .at(reference.span, format!("`{reference}` is not known yet"))
                        .help("use var.NAME, env and stack.name here"),
                );
            }
        }
        (String::new(), Some(node.clone()))
    }

    pub(super) fn flag(&mut self, node: &Node, what: &str) -> bool {
        match node.literal() {
            Some(Value::Bool(flag)) => flag,
            _ => {
                self.problems.push(
                    Diagnostic::error("wrong-type", format!("{what} must be true or false"))
                        .at(node.span, "expected a bool without expressions"),
                );
                false
            }
        }
    }

    pub(super) fn texts(&mut self, node: &Node, what: &str) -> Vec<(String, Span)> {
        match &node.content {
            Content::List(list) => list
                .iter()
                .filter_map(|item| Some((self.text(item, &format!("each of {what}"))?, item.span)))
                .collect(),
            _ => {
                self.problems.push(
                    Diagnostic::error("wrong-type", format!("{what} must be a list of strings"))
                        .at(node.span, "expected a list"),
                );
                Vec::new()
            }
        }
    }

    /// Refuses an expression in a key that is a name.
    fn plain_key(&mut self, entry: &Entry) {
        if entry.key.is_some() {
            self.problems.push(
                Diagnostic::error(
                    "invalid-key",
                    format!("`{}` must be a name without expressions", entry.name),
                )
                .at(entry.span, "write the name itself"),
            );
        }
    }

    pub(super) fn unknown_key(&mut self, entry: &Entry, whose: &str, known: &[&str]) {
        let error = Diagnostic::error("unknown-attribute", format!("{whose} has no `{}`", entry.name));
        self.problems.push(match super::foreign::member(&entry.name, known) {
            Some(near) => error.at(entry.span, format!("did you mean `{near}`?")),
            None => error.at(entry.span, format!("known: {}", known.join(", "))),
        });
    }

    /// Reads the blocks of `[[import]]`, `[[moved]]` or `[[removed]]`.
    fn ownership(&mut self, entry: &Entry) {
        let known: &[&str] = match entry.name.as_str() {
            "import" => &["to", "id"],
            "moved" => &["from", "to"],
            _ => &["from", "destroy"],
        };
        let Content::List(blocks) = &entry.value.content else {
            self.problems.push(
                Diagnostic::error("wrong-type", format!("`{}` must be a list of tables", entry.name))
                    .at(entry.value.span, format!("write [[{}]]", entry.name)),
            );
            return;
        };
        for block in blocks {
            let whose = format!("`[[{}]]`", entry.name);
            for field in block.entries().iter().filter(|field| !known.contains(&field.name.as_str())) {
                self.unknown_key(field, &whose, known);
            }
            let found = self.problems.len();
            for name in known.iter().filter(|name| **name != "destroy" && block.entry(name).is_none()) {
                self.problems.push(
                    Diagnostic::error("missing-attribute", format!("{whose} needs `{name}`"))
                        .at(block.span, format!("`{name}` is missing")),
                );
            }
            if self.problems.len() > found {
                continue;
            }
            let span = block.span;
            let (from, to) = (self.address(block, "from"), self.address(block, "to"));
            let kind = |place: &Place| match place {
                Place::Module(_) => "module".to_owned(),
                Place::Resource(address) => address.kind.clone(),
            };
            match (entry.name.as_str(), from, to, block.entry("id")) {
                ("import", _, Some(Place::Module(_)), _) => self.problems.push(
                    Diagnostic::error("invalid-value", "a module cannot be imported")
                        .at(span, "an id is that of one resource")
                        .help("write the address of a resource in it: to = \"module.NAME.KIND.NAME\""),
                ),
                ("import", _, Some(Place::Resource(to)), Some(id)) => {
                    self.imports.push(Import { to, id: id.value.clone(), span });
                }
                ("moved", Some(from), Some(to), _) if kind(&from) != kind(&to) => self.problems.push(
                    Diagnostic::error(
                        "invalid-value",
                        format!("{} cannot become {}", a(&kind(&from)), a(&kind(&to))),
                    )
                    .at(span, "both addresses must be of the same kind"),
                ),
                ("moved", Some(from), Some(to), _) => {
                    self.moved.push(Moved { within: Vec::new(), from, to, span });
                }
                ("removed", Some(from), ..) => {
                    let destroy =
                        block.entry("destroy").is_some_and(|field| self.flag(&field.value, "`destroy`"));
                    self.removed.push(Removed { from, destroy, span });
                }
                _ => {}
            }
        }
    }

    fn address(&mut self, block: &Node, name: &str) -> Option<Place> {
        let field = block.entry(name)?;
        let text = self.text(&field.value, &format!("`{name}`"))?;
        match text.parse::<Place>() {
            Ok(place @ Place::Module(_)) => Some(place),
            Ok(Place::Resource(address)) if self.kinds.contains(&address.kind.as_str()) => {
                Some(Place::Resource(address))
            }
            Ok(Place::Resource(address)) => {
                let error = Diagnostic::error("unknown-kind", format!("there is no kind `{}`", address.kind));
                let near = elsewhere::kinds_like(&address.kind);
                self.problems.push(error.at(field.value.span, elsewhere::did_you_mean(&near)));
                None
            }
            Err(message) => {
                self.problems.push(
                    Diagnostic::error("invalid-reference", message)
                        .at(field.value.span, "expected an address"),
                );
                None
            }
        }
    }

    fn environment(&mut self, folder: &Path, env: &str, values: &mut BTreeMap<String, Entry>) {
        let is_name =
            !env.is_empty() && env.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        let path = Path::new("env").join(format!("{env}.toml"));
        let missing = || match self.files.open(&path) {
            // A file in a folder that the stack does not reach is missing, too.
            Err(Refusal::Missing) => true,
            Ok(_) | Err(_) => false,
        };
        if !is_name || missing() {
            self.is_incomplete = true;
            let listed = self.files.list("env").unwrap_or_default();
            let mut known: Vec<String> = listed
                .into_iter()
                .filter(|entry| entry.kind != Kind::Folder)
                .filter_map(|entry| entry.name.to_str()?.strip_suffix(".toml").map(str::to_owned))
                .collect();
            known.sort();
            let error = Diagnostic::error("unknown-environment", format!("there is no environment `{env}`"))
                .note(format!("{} does not exist", folder.join(&path).display()));
            self.problems.push(if known.is_empty() {
                error.help("an environment is a file env/NAME.toml in the stack's folder")
            } else {
                error.help(format!("environments: {}", known.join(", ")))
            });
            return;
        }
        let secret: BTreeSet<String> =
            self.variables.iter().filter(|(_, one)| one.is_secret()).map(|(name, _)| name.clone()).collect();
        let Some(table) = self.parse(&path, Some(&secret)) else { return };
        let Content::Table(entries) = table.content else { return };
        for entry in entries.iter().filter(|entry| !self.variables.contains_key(&entry.name)) {
            // The unknown name may be a misspelt secret.
            if let Some(Value::String(text)) = entry.value.literal().filter(|_| !secret.is_empty()) {
                crate::diag::learn(&text);
            }
        }
        for entry in entries {
            if entry.name == "stack" && !self.variables.contains_key("stack") {
                self.env_settings = Some(entry.value);
            } else if entry.name == "ledger" && !self.variables.contains_key("ledger") {
                self.env_ledger = Some(entry.value);
            } else {
                values.insert(entry.name.clone(), entry);
            }
        }
    }

    fn finish(
        mut self,
        folder: &Path,
        env: &str,
        env_values: BTreeMap<String, Entry>,
        way: Way<'_>,
    ) -> Loaded {
        const KNOWN: [&str; 7] = ["name", "region", "tags", "accounts", "requires", "ignore_tags", "shared"];
        let (mut name, mut region, mut tags, mut accounts) =
            (None, Default::default(), None, BTreeMap::new());
        let mut ignore_tags = Vec::new();
        let mut shared = Vec::new();
        let mut span = Span::new(FileId(0), 0, 0);
        match self.stack.take() {
            Some(entry) => {
                span = entry.span;
                for field in entry.value.entries() {
                    match field.name.as_str() {
                        "name" => name = self.text(&field.value, "`name`"),
                        "region" => region = self.region(&field.value),
                        "tags" => tags = Some(field.value.clone()),
                        "accounts" => {
                            for account in field.value.entries() {
                                self.plain_key(account);
                                accounts.insert(account.name.clone(), self.account_ids(&account.value));
                            }
                        }
                        "shared" => shared = self.texts(&field.value, "`shared`"),
                        "ignore_tags" => {
                            let texts = self.texts(&field.value, "`ignore_tags`");
                            ignore_tags = settings::tag_patterns(texts, &mut self.problems);
                        }
                        "requires" => {
                            if let Some(range) = self.text(&field.value, "`requires`") {
                                self.problems.extend(requires::check(&range, field.value.span));
                            }
                        }
                        _ => self.unknown_key(field, "`[stack]`", &KNOWN),
                    }
                }
                if name.is_none() && !entry.value.entries().iter().any(|field| field.name == "name") {
                    self.problems.push(
                        Diagnostic::error("missing-attribute", "`[stack]` needs a `name`")
                            .at(span, "`name` is missing"),
                    );
                }
            }
            None if self.problems.is_empty() => self.problems.push(
                Diagnostic::error("no-stack", format!("no file in {} has a [stack] table", folder.display()))
                    .help(BEGINNING),
            ),
            None => {}
        }
        if let Some(settings) = self.env_settings.take() {
            for field in settings.entries() {
                match field.name.as_str() {
                    "region" => region = self.region(&field.value),
                    _ => self.unknown_key(field, "`[stack]` of an environment", &["region"]),
                }
            }
        }
        let ledger =
            super::ledger::ledger_place(self.ledger.as_ref(), self.env_ledger.as_ref(), &mut self.problems);
        let name = name.unwrap_or_default();
        let is_name =
            name.len() <= 64 && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        if !is_name {
            self.problems.push(
                Diagnostic::error("invalid-name", format!("`{name}` cannot be a stack's name"))
                    .at(span, "up to 64 letters, digits, `-` and `_`"),
            );
        }
        let mut root = self.take();
        root.files = settings::share(root.files, &shared, &mut self.problems);
        self.other_stacks(&root.files, env, way);
        let modules = self.sources(&mut root);
        let (moved, removed) = expand(&root, &modules).unwrap_or_else(|problem| {
            self.problems.push(problem);
            Default::default()
        });
        self.problems.extend(Moves::of(&moved).check());
        // A newer language may look wrong to an older dwctl.
        let is_other = self.problems.iter().any(|one| one.code == requires::CODE);
        self.problems.retain(|one| !is_other || one.code == requires::CODE);
        let is_whole = !self.is_incomplete && !is_other;
        let stack = Stack {
            sources: self.sources,
            folder: folder.to_owned(),
            name,
            region: region.0,
            region_from: region.1,
            tags,
            accounts,
            aws: self.aws,
            ignore_tags,
            span,
            env: env.to_owned(),
            ledger,
            env_values,
            root,
            modules,
            others: self.others,
            imports: self.imports,
            moved,
            removed,
        };
        Loaded { stack, problems: self.problems, is_whole }
    }

    /// What the files read so far declare. The next ones are of another module.
    pub(super) fn take(&mut self) -> Module {
        for entry in self.locals.values().cloned().collect::<Vec<_>>() {
            self.name(&entry);
        }
        Module {
            files: std::mem::take(&mut self.files),
            variables: std::mem::take(&mut self.variables),
            locals: std::mem::take(&mut self.locals),
            resources: std::mem::take(&mut self.resources).into_values().collect(),
            data: std::mem::take(&mut self.data).into_values().collect(),
            outputs: std::mem::take(&mut self.outputs),
            checks: std::mem::take(&mut self.checks),
            calls: std::mem::take(&mut self.calls),
            moved: std::mem::take(&mut self.moved),
            removed: std::mem::take(&mut self.removed),
            unread: std::mem::take(&mut self.unread),
        }
    }
}

/// The text of a variables file named by the user. It may be anywhere, and may be a pipe that a
/// shell writes to (`--var-file <(…)`).
///
/// # Errors
/// The file cannot be read, is not text, or is larger than any written by hand.
pub fn variable_text(path: &Path) -> Result<String, Diagnostic> {
    let read = read_given(path, limits::STACK_FILE);
    read.map_err(|refusal| refused(&refusal, path)).and_then(|bytes| text(bytes, path))
}

/// An error that says why a TOML file is not read.
fn refused(refusal: &Refusal, shown: &Path) -> Diagnostic {
    let error =
        |note: String| Diagnostic::error("unreadable", format!("cannot read {}", shown.display())).note(note);
    match refusal {
        Refusal::Outside | Refusal::Private => {
            let what = refusal.describe(&shown.display().to_string());
            Diagnostic::error(refusal.code(), what)
                .note("a link on its path leads out of the folder; nothing behind it was read")
                .help("put the file itself into the folder")
        }
        Refusal::TooLarge(limit) => error(format!("a stack file may have {}", limits::bytes(*limit)))
            .help("keep data in other files and read them with file() or jsondecode(file())"),
        Refusal::NotAFile(what) => error(format!("it is not a file, but {what}")),
        Refusal::Missing => error("there is no such file".to_owned()),
        Refusal::Failed(cause) => error(cause.to_string()),
        Refusal::TooMany(_) => error(refusal.describe(&shown.display().to_string())),
    }
}

/// The bytes of a file as text.
fn text(bytes: Vec<u8>, shown: &Path) -> Result<String, Diagnostic> {
    String::from_utf8(bytes).map_err(|error| {
        let position = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..position].iter().filter(|&&byte| byte == b'\n').count() + 1;
        Diagnostic::error("unreadable", format!("cannot read {}", shown.display()))
            .note(format!("line {line}, byte {position} is not UTF-8"))
            .help("save the file as UTF-8")
    })
}

/// The parser's range, extended to character boundaries and to at least one byte if there is one.
fn widen(text: &str, file: FileId, range: std::ops::Range<usize>) -> Span {
    let floor = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let (start, end) = (floor(range.start), floor(range.end));
    Span::new(file, start, end.max(start))
}
