//! Which file uses which, and how long functions are, from the tokens of the source.
//!
//! File A uses file B if a path in A, in a `use` or elsewhere, names an item that B defines. A name
//! that is only re-exported belongs to the file that defines it, so a `mod.rs` that defines nothing
//! is used by nobody. `pub use` counts as use: a module that re-exports an item of its child, which in
//! turn needs an item of the module, is a circle. Methods are not followed, since their paths name no
//! file, and unit tests do not count.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use super::{File, sources};

/// The segments of a path.
type Path = Vec<String>;

/// A `use` of one name.
struct Use {
    path: Path,
    /// The name in this file; `*` for all.
    name: String,
}

/// The relevant tokens of a file.
#[derive(Default)]
struct Parsed {
    uses: Vec<Use>,
    /// Paths outside of `use`, with their inline module.
    paths: Vec<Path>,
    /// The names of items.
    defined: BTreeSet<String>,
    /// Functions, with their first line and their length.
    functions: Vec<(String, usize, usize)>,
}

fn is(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

fn name(token: Option<&TokenTree>) -> Option<String> {
    match token {
        Some(TokenTree::Ident(ident)) => Some(ident.to_string()),
        _ => None,
    }
}

fn is_brace(token: Option<&TokenTree>) -> Option<&Group> {
    match token {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => Some(group),
        _ => None,
    }
}

impl Parsed {
    fn of(file: &File) -> Self {
        let mut parsed = Self::default();
        let stream: TokenStream = file.text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.path));
        parsed.tokens(stream, true);
        parsed
    }

    /// `top` is true outside of all braces, where items have a path of their own.
    fn tokens(&mut self, stream: TokenStream, top: bool) {
        const ITEMS: [&str; 8] = ["struct", "enum", "trait", "const", "static", "type", "mod", "macro_rules"];
        let tokens: Vec<TokenTree> = stream.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            let token = &tokens[at];
            if let (true, Some(TokenTree::Group(attribute))) = (is(Some(token), '#'), tokens.get(at + 1)) {
                at += 2;
                let text = attribute.stream().to_string();
                if text.replace(' ', "") == "cfg(test)" {
                    // Skips the item.
                    while at < tokens.len() && is_brace(tokens.get(at)).is_none() && !is(tokens.get(at), ';')
                    {
                        at += 1;
                    }
                    at += 1;
                } else {
                    self.attribute(attribute.stream());
                }
                continue;
            }
            match name(Some(token)).as_deref() {
                // `pub(in crate::plan)` uses nothing.
                Some("pub") => {
                    at += if matches!(tokens.get(at + 1), Some(TokenTree::Group(_))) { 2 } else { 1 }
                }
                // `+ use<'a>` captures lifetimes.
                Some("use") if is(tokens.get(at + 1), '<') => at += 1,
                Some("use") => {
                    let end =
                        (at..tokens.len()).find(|&end| is(tokens.get(end), ';')).unwrap_or(tokens.len());
                    self.tree(&tokens[at + 1..end], &Vec::new());
                    at = end + 1;
                }
                Some("fn") => {
                    if let Some(name) = name(tokens.get(at + 1)) {
                        let end = (at..tokens.len())
                            .find(|&end| is_brace(tokens.get(end)).is_some() || is(tokens.get(end), ';'));
                        if let Some(body) = end.and_then(|end| is_brace(tokens.get(end))) {
                            let (first, last) = (token.span().start().line, body.span_close().end().line);
                            self.functions.push((name.clone(), first, last + 1 - first));
                        }
                        if top {
                            self.defined.insert(name);
                        }
                    }
                    at += 1;
                }
                Some(word) if ITEMS.contains(&word) => {
                    let skip = if word == "macro_rules" { 2 } else { 1 };
                    self.defined.extend(name(tokens.get(at + skip)).filter(|_| top));
                    at += 1;
                }
                Some(first) => {
                    let mut path = vec![first.to_owned()];
                    at += 1;
                    while is(tokens.get(at), ':') && is(tokens.get(at + 1), ':') {
                        let Some(next) = name(tokens.get(at + 2)) else { break };
                        path.push(next);
                        at += 3;
                    }
                    if path.len() > 1 {
                        self.paths.push(path);
                    }
                }
                None => {
                    if let TokenTree::Group(group) = token {
                        self.tokens(group.stream(), false);
                    }
                    at += 1;
                }
            }
        }
    }

    /// Paths in attributes are texts: `#[serde(with = "stored::moment")]`.
    fn attribute(&mut self, stream: TokenStream) {
        for token in stream {
            match token {
                TokenTree::Group(group) => self.attribute(group.stream()),
                TokenTree::Literal(literal) => {
                    let text = literal.to_string();
                    let text = text.trim_matches('"');
                    let is_name = |part: &str| {
                        !part.is_empty() && part.chars().all(|one| one == '_' || one.is_ascii_alphanumeric())
                    };
                    if text.contains("::") && text.split("::").all(is_name) {
                        self.paths.push(text.split("::").map(str::to_owned).collect());
                    }
                }
                _ => {}
            }
        }
    }

    /// Adds the names of a `use`, from after `use` to before `;`.
    fn tree(&mut self, tokens: &[TokenTree], before: &[String]) {
        let mut path = before.to_vec();
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Ident(word) if word == "as" => {
                    let name = tokens.get(at + 1).map(ToString::to_string).unwrap_or_default();
                    self.uses.push(Use { path, name });
                    return;
                }
                TokenTree::Ident(word) => path.push(word.to_string()),
                TokenTree::Punct(punct) if punct.as_char() == '*' => {
                    self.uses.push(Use { path, name: "*".to_owned() });
                    return;
                }
                TokenTree::Group(group) => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    for part in inner.split(|token| is(Some(token), ',')).filter(|part| !part.is_empty()) {
                        self.tree(part, &path);
                    }
                    return;
                }
                _ => {}
            }
            at += 1;
        }
        if path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        let name = path.last().cloned().unwrap_or_default();
        self.uses.push(Use { path, name });
    }
}

/// The files of the source, by the path of their module.
struct Files {
    paths: Vec<String>,
    modules: Vec<Path>,
    parsed: Vec<Parsed>,
    by_module: BTreeMap<Path, usize>,
}

impl Files {
    fn read() -> Self {
        let files: Vec<File> = sources()
            .into_iter()
            .filter(|file| !file.path.contains("/tests/") && !file.path.ends_with("/tests.rs"))
            .collect();
        Self::of(&files)
    }

    fn of(files: &[File]) -> Self {
        let module = |path: &str| -> Path {
            let path = path.trim_start_matches("src/").trim_end_matches(".rs");
            let path = path.trim_end_matches("/mod");
            path.split('/').filter(|part| !matches!(*part, "lib" | "main")).map(str::to_owned).collect()
        };
        let modules: Vec<Path> = files.iter().map(|file| module(&file.path)).collect();
        let by_module =
            modules.iter().cloned().enumerate().filter(|(at, _)| files[*at].path != "src/main.rs");
        Self {
            paths: files.iter().map(|file| file.path.clone()).collect(),
            parsed: files.iter().map(Parsed::of).collect(),
            by_module: by_module.map(|(at, module)| (module, at)).collect(),
            modules,
        }
    }

    /// A path of a file, from the crate's root; `None` if it leads out of the crate.
    fn absolute(&self, file: usize, path: &[String]) -> Option<Path> {
        let own = &self.modules[file];
        match path.first()?.as_str() {
            "crate" => Some(path[1..].to_vec()),
            "self" => Some(own.iter().chain(&path[1..]).cloned().collect()),
            "super" => {
                let up = path.iter().take_while(|part| *part == "super").count();
                let base = &own[..own.len().checked_sub(up)?];
                Some(base.iter().chain(&path[up..]).cloned().collect())
            }
            first => {
                let child: Path = own.iter().cloned().chain([first.to_owned()]).collect();
                self.by_module.contains_key(&child).then(|| own.iter().chain(path).cloned().collect())
            }
        }
    }

    /// The file that defines the item of an absolute path.
    fn definition(&self, path: &[String], seen: &mut BTreeSet<Path>) -> Option<usize> {
        if !seen.insert(path.to_vec()) {
            return None;
        }
        let end = (0..=path.len()).rev().find(|&end| self.by_module.contains_key(&path[..end]))?;
        let file = self.by_module[&path[..end]];
        let Some(first) = path.get(end) else { return Some(file) };
        let parsed = &self.parsed[file];
        if parsed.defined.contains(first) {
            return Some(file);
        }
        for one in parsed.uses.iter().filter(|one| one.name == *first) {
            let to = self.absolute(file, &one.path)?;
            let to: Path = to.iter().chain(&path[end + 1..]).cloned().collect();
            if let Some(found) = self.definition(&to, seen) {
                return Some(found);
            }
        }
        for one in parsed.uses.iter().filter(|one| one.name == "*") {
            let Some(to) = self.absolute(file, &one.path) else { continue };
            let to: Path = to.iter().chain(&path[end..]).cloned().collect();
            let found = self.definition(&to, seen);
            if let Some(found) = found.filter(|found| self.parsed[*found].defined.contains(first)) {
                return Some(found);
            }
        }
        Some(file)
    }

    /// For each file, the files that it uses, each with one of the paths.
    fn edges(&self) -> Vec<BTreeMap<usize, String>> {
        let of_file = |file: usize| {
            let parsed = &self.parsed[file];
            let mut used = BTreeMap::new();
            let mut add = |path: &[String], shown: &[String]| {
                if let Some(other) =
                    self.definition(path, &mut BTreeSet::new()).filter(|other| *other != file)
                {
                    used.entry(other).or_insert_with(|| shown.join("::"));
                }
            };
            for one in &parsed.uses {
                if let Some(path) = self.absolute(file, &one.path) {
                    add(&path, &one.path);
                }
            }
            for path in &parsed.paths {
                // The first name may be a child module, or one that a `use` names.
                let named = parsed.uses.iter().find(|one| Some(&one.name) == path.first());
                let whole = match named {
                    Some(one) => self
                        .absolute(file, &one.path)
                        .map(|to| to.into_iter().chain(path[1..].to_vec()).collect()),
                    None => self.absolute(file, path),
                };
                if let Some(whole) = whole {
                    add(&whole, path);
                }
            }
            used
        };
        (0..self.paths.len()).map(of_file).collect()
    }

    /// The shortest circle of each knot of files, as `a.rs uses b.rs (path)`.
    fn circles(&self) -> Vec<String> {
        let edges = self.edges();
        let reaches = |from: usize| {
            let (mut came, mut queue) = (BTreeMap::new(), std::collections::VecDeque::from([from]));
            while let Some(file) = queue.pop_front() {
                for &next in edges[file].keys() {
                    if let std::collections::btree_map::Entry::Vacant(entry) = came.entry(next) {
                        entry.insert(file);
                        queue.push_back(next);
                    }
                }
            }
            came
        };
        let ways: Vec<BTreeMap<usize, usize>> = (0..edges.len()).map(reaches).collect();
        let mut shown: BTreeSet<usize> = BTreeSet::new();
        let mut circles = Vec::new();
        for start in 0..edges.len() {
            if !ways[start].contains_key(&start) || shown.contains(&start) {
                continue;
            }
            let knot = (0..edges.len())
                .filter(|other| ways[start].contains_key(other) && ways[*other].contains_key(&start));
            shown.extend(knot);
            let mut way = vec![start];
            let mut at = ways[start][&start];
            while at != start {
                way.push(at);
                at = ways[start][&at];
            }
            way.push(start);
            way.reverse();
            let steps = way.windows(2).map(|step| {
                let (one, other) = (&self.paths[step[0]], &self.paths[step[1]]);
                format!("{one} uses {other} ({})", edges[step[0]][&step[1]])
            });
            circles.push(steps.collect::<Vec<_>>().join(", "));
        }
        circles
    }
}

#[test]
fn files_do_not_use_each_other_in_cycles() {
    let circles = Files::read().circles();
    assert!(circles.is_empty(), "files in circles:\n{}", circles.join("\n"));
}

#[test]
fn cycles_of_files_are_found() {
    let file = |path: &str, text: &str| File { path: path.to_owned(), text: text.to_owned() };
    let circles = |files: &[File]| Files::of(files).circles();
    let user = "use super::Item;\nfn of(_: &Item) {}";
    // A module that defines what its child needs, and uses the child.
    let parent = file("src/room/mod.rs", "mod child;\npub use child::of;\npub struct Item;");
    let found = circles(&[parent, file("src/room/child.rs", user)]);
    let expected = "src/room/mod.rs uses src/room/child.rs (child::of), \
                src/room/child.rs uses src/room/mod.rs (super::Item)";
    assert_eq!(found, [expected]);
    // The module only re-exports; the item has a file of its own.
    let front = "mod child;\nmod item;\npub use child::of;\npub use item::Item;";
    let item = "pub struct Item;\n#[cfg(test)]\nmod tests { use super::super::child::of; }";
    let files = [
        file("src/room/mod.rs", front),
        file("src/room/item.rs", item),
        file("src/room/child.rs", "use crate::room::Item;\nfn of(_: &Item) {}"),
    ];
    assert_eq!(circles(&files), Vec::<String>::new());
    // Through paths in code, an alias, attributes and macros.
    for code in [
        "fn f() { crate::b::g() }",
        "use crate::b as other;\nfn f() { other::g() }",
        "fn f() { println!(\"{}\", crate::b::g()) }",
        "#[serde(with = \"super::b\")]\nstruct F;",
        "use crate::b::*;",
    ] {
        let files = [file("src/a.rs", code), file("src/b.rs", "pub fn g() { crate::a::f() }")];
        assert_eq!(circles(&files).len(), 1, "{code}");
    }
}

/// The files whose functions end before they fill a screen twice.
#[test]
fn no_function_of_the_engine_is_longer_than_a_hundred_lines() {
    const FOLDERS: [&str; 5] = ["src/plan/", "src/apply/", "src/live", "src/graph", "src/schema"];
    let long: Vec<String> = sources()
        .iter()
        .filter(|file| FOLDERS.iter().any(|room| file.path.starts_with(room)))
        .flat_map(|file| {
            let functions = Parsed::of(file).functions.into_iter().filter(|(_, _, length)| *length > 100);
            functions.map(|(name, line, length)| format!("{}:{line}: {name} has {length} lines", file.path))
        })
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn functions_are_measured_to_their_closing_brace() {
    let text = "trait T {\n    fn a();\n    fn b(\n        x: u8,\n    ) {\n        if x { 1 } else { 2 };\n    }\n}";
    let parsed = Parsed::of(&File { path: "src/a.rs".to_owned(), text: text.to_owned() });
    assert_eq!(parsed.functions, [("b".to_owned(), 3, 5)]);
}
