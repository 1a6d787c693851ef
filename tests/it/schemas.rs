//! Compares every kind with AWS's own schema, and with the replacements observed in another provisioner.
//! Differences are listed in the files of the kinds (`[schema]`), each with its reason.

use std::collections::{BTreeMap, BTreeSet};

use dwctl::kind::{ErasedKind, Hold, Names, mark};
use dwctl::kinds::KINDS;
use dwctl::schema::{Document, Node, RiskMark, Rule, Shape, Spelling};
use serde_json::Value as Json;

use crate::kind_file;
use crate::paper;

/// Names that belong to the engine in every resource.
const RESERVED: [&str; 12] = [
    "name_prefix",
    "tags",
    "for_each",
    "when",
    "depends_on",
    "region",
    "lifecycle",
    "precondition",
    "postcondition",
    "timeout",
    "provider",
    "count",
];

fn data(name: &str) -> String {
    std::fs::read_to_string(paper::root().join("tests/data").join(name)).expect("a data file")
}

/// Calls `see` for every node below `node`, with its path.
fn walk<'n>(node: &'n Node, path: &str, see: &mut impl FnMut(&str, &'n Node)) {
    see(path, node);
    match &node.shape {
        Shape::List { element, .. } | Shape::Map(element) => walk(element, &format!("{path}[]"), see),
        Shape::Object { fields, .. } => {
            for (name, field) in fields {
                walk(field, &format!("{path}.{name}"), see);
            }
        }
        _ => {}
    }
}

/// Fails with every finding of `find` in any kind.
fn no_kind_has(find: impl Fn(&dyn ErasedKind, &mut Vec<String>)) {
    let mut found = Vec::new();
    for kind in KINDS.iter() {
        find(kind.as_ref(), &mut found);
    }
    assert!(found.is_empty(), "{}\n{} in all", found.join("\n"), found.len());
}

/// `KmsMasterKeyId` → `kms_master_key_id`, `DBName` → `db_name`.
fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut snake = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let after_small = at > 0 && !letters[at - 1].is_uppercase();
        let before_small = at > 0 && letters.get(at + 1).is_some_and(|next| next.is_lowercase());
        if letter.is_uppercase() && (after_small || before_small) {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

#[test]
fn names_are_those_of_the_sdk_crate_and_of_the_cloudformation_type() {
    let manifest = std::fs::read_to_string(paper::root().join("Cargo.toml")).expect("Cargo.toml");
    no_kind_has(|kind, found| {
        let (service, thing) = kind.name().split_once('_').expect("service_thing");
        if !manifest.contains(&format!("aws-sdk-{service} =")) {
            found.push(format!("{}: there is no crate aws-sdk-{service}", kind.name()));
        }
        let theirs = kind.cloudformation().map(|name| snake(name.rsplit("::").next().unwrap_or(name)));
        // The name of the API is Policy, and that of CloudFormation is ManagedPolicy.
        if theirs.as_deref().is_some_and(|theirs| theirs != thing && theirs != "managed_policy") {
            found.push(format!("{}: CloudFormation says {theirs:?}", kind.name()));
        }
    });
}

#[test]
fn the_list_of_kinds_is_sorted_and_has_no_name_twice() {
    let names: Vec<&str> = KINDS.iter().map(|kind| kind.name()).collect();
    let sorted: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(names, sorted.into_iter().collect::<Vec<_>>());
}

#[test]
fn no_attribute_has_a_name_that_belongs_to_the_engine() {
    no_kind_has(|kind, found| {
        let schema = kind.schema();
        for name in schema.spec.fields().expect("a table").keys() {
            if RESERVED.contains(&name.as_str()) {
                found.push(format!("{}.{name}", kind.name()));
            }
        }
        // One name, one meaning: `${kind.name.attribute}` cannot be both.
        for name in schema.attrs.fields().expect("a table").keys() {
            if schema.spec.fields().expect("a table").contains_key(name) {
                found.push(format!("{}.{name} is both written and decided by AWS", kind.name()));
            }
        }
    });
}

#[test]
fn every_attribute_is_documented() {
    no_kind_has(|kind, found| {
        for node in [&kind.schema().spec, &kind.schema().attrs] {
            walk(node, kind.name(), &mut |path, node| {
                if node.description.trim().is_empty() && !path.ends_with("[]") {
                    found.push(path.to_owned());
                }
            });
        }
    });
}

#[test]
fn every_link_is_an_attribute_and_names_a_kind() {
    no_kind_has(|kind, found| {
        let mut paths: BTreeMap<String, &Node> = BTreeMap::new();
        walk(&kind.schema().spec, "", &mut |path, node| {
            paths.insert(path.trim_start_matches('.').to_owned(), node);
        });
        if kind.users().is_some_and(|command| !command.contains("{}")) {
            found.push(format!("{}: the command that lists its users takes no id", kind.name()));
        }
        for link in kind.links() {
            let what = |words: &str| format!("{}.{}: {words}", kind.name(), link.attribute);
            let path = |path: &&String| path.replace("[]", "") == link.attribute;
            if !paths.keys().any(|one| path(&one)) {
                found.push(what("is no attribute"));
            }
            if dwctl::kinds::kind(link.kind).is_none() {
                found.push(what("names no kind"));
            }
            let root = paths.get(link.root());
            // A holder is released by an update in place, and another update sets the new value.
            if link.hold == Hold::Loose && root.is_none_or(|root| root.marks.replace) {
                found.push(what("cannot be let go of in place"));
            }
            if link.emptied.is_some_and(|flag| !paths.contains_key(flag)) {
                found.push(what("has no such flag"));
            }
        }
    });
}

#[test]
fn every_pattern_compiles() {
    no_kind_has(|kind, found| {
        walk(&kind.schema().spec, kind.name(), &mut |path, node| {
            if let Shape::String { pattern: Some(pattern), .. } = &node.shape
                && let Err(error) = regex::Regex::new(pattern)
            {
                found.push(format!("{path}: {error}"));
            }
        });
    });
}

#[test]
fn every_limit_allows_some_value() {
    no_kind_has(|kind, found| {
        walk(&kind.schema().spec, kind.name(), &mut |path, node| {
            let empty = match &node.shape {
                Shape::Number { minimum: Some(least), maximum: Some(most), .. } => least > most,
                Shape::String { min_length: Some(least), max_length: Some(most), .. } => least > most,
                Shape::List { min_items: Some(least), max_items: Some(most), .. } => least > most,
                _ => false,
            };
            if empty {
                found.push(path.to_owned());
            }
        });
    });
}

/// An unknown mark would silently have no effect.
#[test]
fn every_mark_is_known() {
    const KNOWN: [&str; 12] = [
        mark::REPLACE,
        mark::REPLACE_WHEN_COME_OR_GONE,
        mark::AWS_DEFAULT,
        mark::LOCAL,
        mark::WRITE_ONLY,
        mark::STAMPED,
        mark::SET,
        mark::DATA_LOSS,
        mark::DOWNTIME,
        mark::DEFAULT_IS_ABSENT,
        mark::SHARED,
        mark::DERIVED,
    ];
    fn look(json: &Json, path: &str, found: &mut Vec<String>) {
        if let Json::Object(object) = json {
            for (name, value) in object {
                match name.as_str() {
                    "x-dwctl" => {
                        for one in value.as_array().expect("a list of marks") {
                            if !KNOWN.contains(&one.as_str().unwrap_or_default()) {
                                found.push(format!("{path}: {one}"));
                            }
                        }
                    }
                    "x-dwctl-type"
                        if !["secret", "policy", "json"].contains(&value.as_str().unwrap_or("")) =>
                    {
                        found.push(format!("{path}: type {value}"));
                    }
                    "x-dwctl-document" if value.as_str().and_then(Document::named).is_none() => {
                        found.push(format!("{path}: {value}"));
                    }
                    "x-dwctl-spelling" if value.as_str().and_then(Spelling::parse).is_none() => {
                        found.push(format!("{path}: {value}"));
                    }
                    "x-dwctl-names" if value.as_str().and_then(Names::named).is_none() => {
                        found.push(format!("{path}: {value}"));
                    }
                    "x-dwctl-only-if" if value.as_str().and_then(|mark| mark.split_once(" = ")).is_none() => {
                        found.push(format!("{path}: {value}"));
                    }
                    "x-dwctl-no-effect-if"
                        if value.as_str().and_then(|mark| mark.split_once(" = ")).is_none() =>
                    {
                        found.push(format!("{path}: {value}"));
                    }
                    "x-dwctl-risk" => {
                        for one in value.as_array().expect("a list of risks") {
                            if one.as_str().and_then(RiskMark::parse).is_none() {
                                found.push(format!("{path}: {one}"));
                            }
                        }
                    }
                    "x-dwctl-type"
                    | "x-dwctl-key"
                    | "x-dwctl-document"
                    | "x-dwctl-restored"
                    | "x-dwctl-described-by"
                    | "x-dwctl-spelling"
                    | "x-dwctl-absent"
                    | "x-dwctl-no-effect-if"
                    | "x-dwctl-names"
                    | "x-dwctl-one-of"
                    | "x-dwctl-at-most-one"
                    | "x-dwctl-together"
                    | "x-dwctl-only-with"
                    | "x-dwctl-only-if" => {}
                    name if name.starts_with("x-") => found.push(format!("{path}: {name}")),
                    _ => {}
                }
            }
        }
        match json {
            Json::Object(object) => {
                object.iter().for_each(|(name, inner)| look(inner, &format!("{path}/{name}"), found));
            }
            Json::Array(list) => list.iter().for_each(|inner| look(inner, path, found)),
            _ => {}
        }
    }
    no_kind_has(|kind, found| look(&kind.schema().json, kind.name(), found));
}

/// A rule about an attribute that does not exist would never be broken.
#[test]
fn every_rule_is_about_attributes_of_its_table_and_their_values() {
    let mut rules = 0;
    no_kind_has(|kind, found| {
        walk(&kind.schema().spec, kind.name(), &mut |path, node| {
            for rule in &node.rules {
                let names = rule.attributes();
                let known: BTreeSet<&str> = names.iter().copied().collect();
                let fields = node.fields().expect("only a table has rules");
                if known.len() < names.len() || names.len() < 2 {
                    found.push(format!("{path}: {rule:?} is about fewer than two attributes"));
                }
                found.extend(
                    names
                        .iter()
                        .filter(|name| !fields.contains_key(**name))
                        .map(|name| format!("{path}.{name}: {rule:?}")),
                );
                if let Rule::OnlyIf { other, values, .. } = rule
                    && let Some(field) = fields.get(other)
                {
                    let is_value = |value: &String| match &field.shape {
                        Shape::Bool => ["true", "false"].contains(&value.as_str()),
                        Shape::String { options, .. } => options.contains(value),
                        _ => false,
                    };
                    found.extend(
                        values
                            .iter()
                            .filter(|value| !is_value(value))
                            .map(|value| format!("{path}.{other} is never {value}")),
                    );
                }
            }
        });
    });
    for kind in KINDS.iter() {
        walk(&kind.schema().spec, kind.name(), &mut |_, node| rules += node.rules.len());
    }
    assert!(rules >= 30, "{rules}");
}

/// Marks that would contradict each other in a diff.
#[test]
fn marks_fit_their_attributes() {
    no_kind_has(|kind, found| {
        walk(&kind.schema().spec, kind.name(), &mut |path, node| {
            let is_list = matches!(node.shape, Shape::List { .. });
            if (node.marks.set || node.key.is_some()) && !is_list {
                found.push(format!("{path}: a set or key on what is no list"));
            }
            if node.marks.set && node.key.is_some() {
                found.push(format!("{path}: both a set and matched by a key"));
            }
            if let (Some(key), Shape::List { element, .. }) = (&node.key, &node.shape)
                && !element.fields().is_some_and(|fields| fields.contains_key(key))
            {
                found.push(format!("{path}: its elements have no `{key}`"));
            }
            if node.marks.aws_default && node.default.is_some() {
                found.push(format!("{path}: AWS's choice and a default"));
            }
            if matches!(node.shape, Shape::Secret) && !node.marks.unreadable() {
                found.push(format!("{path}: a secret that is read back"));
            }
        });
        let spec = &kind.schema().spec;
        for (name, field) in spec.fields().expect("a table") {
            if field.marks.unreadable() && spec.requires(name) && field.marks.write_only {
                found.push(format!("{}.{name}: required, but AWS never returns it", kind.name()));
            }
        }
    });
}

#[test]
fn every_iam_action_is_one_of_a_service() {
    let form = regex::Regex::new("^[a-z0-9-]+:[A-Z][A-Za-z0-9]+$").expect("a pattern");
    no_kind_has(|kind, found| {
        let actions = kind.actions();
        for (verb, actions) in [
            ("read", actions.read),
            ("create", actions.create),
            ("update", actions.update),
            ("delete", actions.delete),
        ] {
            if actions.is_empty() {
                found.push(format!("{}: {verb} needs nothing?", kind.name()));
            }
            let mut seen = BTreeSet::new();
            for action in actions {
                if !form.is_match(action) || !seen.insert(action) {
                    found.push(format!("{}: {verb}: {action}", kind.name()));
                }
            }
        }
    });
}

#[test]
fn every_example_is_a_valid_stack_about_its_kind() {
    no_kind_has(|kind, found| {
        let example = kind.example();
        if !example.contains(&format!("[{}.example]", kind.name())) {
            found.push(format!("{}: its example has no [{0}.example]", kind.name()));
        }
        let problems = paper::problems(example);
        if !problems.is_empty() {
            found.push(format!("{}:\n{problems}", kind.name()));
        }
    });
}

/// The schema for editors.
fn stack_schema() -> Json {
    let folder = paper::folder(&[]);
    let run = paper::dwctl(folder.path(), &["schema"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    serde_json::from_str(&run.stdout).expect("JSON")
}

#[test]
fn editors_accept_every_example_and_every_stack() {
    let schema = stack_schema();
    let validator = jsonschema::validator_for(&schema).expect("a JSON Schema");
    let mut texts: Vec<(String, String)> =
        KINDS.iter().map(|kind| (kind.name().to_owned(), kind.example().to_owned())).collect();
    let mut folders = vec![paper::root().join("stacks")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && !path.ends_with("env") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "toml") {
                texts.push((path.display().to_string(), std::fs::read_to_string(&path).expect("a file")));
            }
        }
    }
    let mut found = Vec::new();
    for (name, text) in texts {
        let table: toml::Table = text.parse().expect("TOML");
        let json = serde_json::to_value(table).expect("JSON");
        found.extend(
            validator.iter_errors(&json).map(|error| format!("{name}: {}: {error}", error.instance_path())),
        );
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Some editors (Tombi) treat a table without `additionalProperties` as closed, and show descriptions where
/// the cursor is.
#[test]
fn the_editor_schema_describes_every_table_and_member() {
    fn look(schema: &Json, path: &str, found: &mut Vec<String>) {
        let Json::Object(members) = schema else {
            return schema.as_array().into_iter().flatten().for_each(|inner| look(inner, path, found));
        };
        let is = |name: &str| {
            members.get("type").is_some_and(|kind| {
                *kind == name || kind.as_array().is_some_and(|all| all.contains(&name.into()))
            })
        };
        if is("object") && !members.contains_key("additionalProperties") {
            found.push(format!("{path}: whether more may stand in it is not said"));
        }
        for (name, inner) in members {
            if name != "properties" {
                look(inner, &format!("{path}/{name}"), found);
                continue;
            }
            for (field, inner) in inner.as_object().expect("fields") {
                let said =
                    inner.get("description").and_then(Json::as_str).is_some_and(|words| !words.is_empty());
                if !said {
                    found.push(format!("{path}.{field}: no description"));
                }
                look(inner, &format!("{path}.{field}"), found);
            }
        }
    }
    let mut found = Vec::new();
    look(&stack_schema(), "stack", &mut found);
    look(&env_schema(&paper::root().join("stacks/ecommerce")), "env", &mut found);
    assert!(found.is_empty(), "{}\n{} in all", found.join("\n"), found.len());
}

/// The schema of a stack's environments.
fn env_schema(stack: &std::path::Path) -> Json {
    let folder = paper::folder(&[]);
    let run = paper::dwctl(folder.path(), &["schema", "--env", "--stack", &stack.display().to_string()]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    serde_json::from_str(&run.stdout).expect("JSON")
}

#[test]
fn editors_know_the_environments() {
    let json = |text: &str| serde_json::to_value(text.parse::<toml::Table>().expect("TOML")).expect("JSON");
    let stacks = paper::root().join("stacks");
    for stack in std::fs::read_dir(&stacks).expect("stacks") {
        let stack = stack.expect("a stack").path();
        let schema = env_schema(&stack);
        let validator = jsonschema::validator_for(&schema).expect("a JSON Schema");
        for file in std::fs::read_dir(stack.join("env")).into_iter().flatten() {
            let file = file.expect("a file").path();
            let text = std::fs::read_to_string(&file).expect("text");
            let errors: Vec<String> =
                validator.iter_errors(&json(&text)).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{}: {errors:?}", file.display());
        }
    }
    let folder = paper::folder(&[(
        "stack.toml",
        "[stack]\nname = 'a'\nregion = 'us-east-1'\n[variable.nodes]\ntype = 'number'\ndefault = 1\n\
         [variable.names]\ntype = 'list(string)'\ndefault = []\n",
    )]);
    let validator = |schema: &Json| jsonschema::validator_for(schema).expect("a JSON Schema");
    let own = validator(&env_schema(folder.path()));
    let run = paper::dwctl(folder.path(), &["schema", "--env"]);
    let any = validator(&serde_json::from_str(&run.stdout).expect("JSON"));
    for (text, of_stack, of_any) in [
        ("nodes = 3\nnames = ['a']", true, true),
        ("[stack]\nregion = 'eu-west-1'\n[ledger]\nbucket = 'b'", true, true),
        ("nodes = 'three'", false, true),
        ("node = 3", false, true),
        ("[stack]\nname = 'b'", false, false),
        ("[ledger]\nbuckets = 'b'", false, false),
    ] {
        assert_eq!(own.is_valid(&json(text)), of_stack, "{text}");
        assert_eq!(any.is_valid(&json(text)), of_any, "{text}");
    }
    let run = paper::dwctl(folder.path(), &["schema", "--out", "schema", "--stack", "."]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    for name in ["stack", "env"] {
        let text = std::fs::read_to_string(folder.path().join(format!("schema/{name}.schema.json")))
            .expect("a schema");
        validator(&serde_json::from_str(&text).expect("JSON"));
    }
}

#[test]
fn editors_mark_errors() {
    let schema = stack_schema();
    let validator = jsonschema::validator_for(&schema).expect("a JSON Schema");
    for (text, valid) in [
        ("[sns_topic.a]\nname = 'a'", true),
        ("[sns_topic.a]\nname = '${local.name}'\nfifo_topic = '${var.fifo}'", true),
        ("[sns_topic.a]", false),
        ("[sns_topic.a]\nname = 5", false),
        ("[sns_topic.a]\nname = 'a'\nfifo_topic = 'yes'", false),
        ("[sns_topic.a]\nname = 'a'\ncolour = 'red'", false),
        ("[sns_topics.a]\nname = 'a'", false),
        ("[stack]\nnam = 'a'", false),
    ] {
        let table: toml::Table = text.parse().expect("TOML");
        let json = serde_json::to_value(table).expect("JSON");
        assert_eq!(validator.is_valid(&json), valid, "{text}");
    }
}

/// Collects differences. Fails with those that are not waived, and with unused waivers and renames.
struct Ledger {
    used: BTreeSet<(String, String)>,
    found: Vec<String>,
}

impl Ledger {
    fn new() -> Self {
        Self { used: BTreeSet::new(), found: Vec::new() }
    }

    fn rename(&mut self, kind: &str, path: &str) -> Option<String> {
        let name = kind_file::of(kind).schema.rename.get(path)?.clone();
        self.used.insert((kind.to_owned(), format!("rename {path}")));
        Some(name)
    }

    fn differs(&mut self, kind: &str, path: &str, difference: &str, detail: &str) {
        let exact = format!("{path} {difference}");
        if kind_file::of(kind).schema.waive.contains_key(&exact) {
            self.used.insert((kind.to_owned(), exact));
        } else {
            self.found.push(format!("{kind}: {exact}: {detail}"));
        }
    }

    /// Fails if there are findings. `mine` selects the waivers of this test.
    fn close(mut self, mine: impl Fn(&str) -> bool) {
        for (kind, file) in kind_file::all() {
            for (key, reason) in &file.schema.waive {
                if mine(key) && !self.used.contains(&(kind.to_owned(), key.clone())) {
                    self.found.push(format!("{kind}: the waiver `{key}` is not needed"));
                }
                if reason.len() < 10 {
                    self.found.push(format!("{kind}: the waiver `{key}` needs a reason"));
                }
            }
            for path in file.schema.rename.keys() {
                let terraform = path.starts_with("terraform.");
                let used = self.used.contains(&(kind.to_owned(), format!("rename {path}")));
                if mine(path) && !used {
                    let what = if terraform { "Terraform" } else { "AWS" };
                    self.found.push(format!("{kind}: the rename of {what}'s `{path}` is not needed"));
                }
            }
        }
        assert!(self.found.is_empty(), "{}\n{} in all", self.found.join("\n"), self.found.len());
    }
}

/// A node of our schema, with inherited marks.
#[derive(Clone, Copy)]
struct Ours<'n> {
    node: &'n Node,
    replace: bool,
}

/// The node of our schema at a dotted path below `from`, through lists.
fn at<'n>(from: Ours<'n>, path: &str) -> Option<Ours<'n>> {
    let mut place = from;
    for step in path.split('.').filter(|step| !step.is_empty()) {
        let node = element(place.node).fields()?.get(step)?;
        place = Ours { node, replace: place.replace || node.marks.replace };
    }
    Some(place)
}

/// The element of a list or a map, else the node itself.
fn element(node: &Node) -> &Node {
    match &node.shape {
        Shape::List { element, .. } | Shape::Map(element) => self::element(element),
        _ => node,
    }
}

struct Comparison<'a> {
    kind: &'a str,
    root: Ours<'a>,
    facts: &'a Json,
    ledger: &'a mut Ledger,
}

impl<'a> Comparison<'a> {
    fn list(&self, name: &str) -> Vec<&'a str> {
        self.facts[name].as_array().into_iter().flatten().filter_map(Json::as_str).collect()
    }

    fn resolve(&self, node: &'a Json) -> &'a Json {
        match node["ref"].as_str() {
            Some(name) => self.resolve(&self.facts["defs"][name]),
            None => node,
        }
    }

    /// Compares the properties of AWS's `node` at `path` with the fields of `ours`.
    fn properties(&mut self, path: &str, props: &'a Json, required: &[&str], ours: Ours<'a>, depth: usize) {
        for (name, theirs) in props.as_object().into_iter().flatten() {
            let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            if self.list("readOnly").iter().any(|one| one.replace('/', ".").replace(".*", "") == below)
                || (path.is_empty() && ["Tags", "TagList", "HostedZoneTags"].contains(&name.as_str()))
            {
                continue;
            }
            let renamed = self.ledger.rename(self.kind, &below);
            let found = match renamed.as_deref() {
                Some(".") => Some(ours),
                Some(absolute) if absolute.starts_with('.') => at(self.root, absolute),
                Some(name) => at(ours, name),
                None => at(ours, &snake(name)),
            };
            let Some(mine) = found else {
                self.ledger.differs(self.kind, &below, "absent", "AWS has it, the kind has not");
                continue;
            };
            let same_node = std::ptr::eq(mine.node, ours.node);
            if !same_node && renamed.as_deref().is_none_or(|name| !name.contains('.')) {
                let field = renamed.clone().unwrap_or_else(|| snake(name));
                let must = required.contains(&name.as_str());
                match (must, element(ours.node).requires(&field)) {
                    (true, false) if mine.node.default.is_none() => {
                        self.ledger.differs(self.kind, &below, "optional", "AWS requires it");
                    }
                    // CloudFormation makes up the names that it is not given; dwctl never does.
                    (false, true)
                        if !(path.is_empty() && (name.ends_with("Name") || name.ends_with("Identifier"))) =>
                    {
                        self.ledger.differs(self.kind, &below, "required", "AWS does not require it");
                    }
                    _ => {}
                }
            }
            if !same_node {
                self.replacement(&below, mine);
            }
            self.value(&below, theirs, mine, depth, same_node);
        }
    }

    fn replacement(&mut self, path: &str, ours: Ours<'_>) {
        let is = |list: &str| {
            self.list(list).iter().any(|one| {
                let one = one.replace('/', ".").replace(".*", "");
                one == path || path.starts_with(&format!("{one}."))
            })
        };
        if is("conditionalCreateOnly") {
            return;
        }
        let (theirs, within) = (is("createOnly"), all_replace(ours));
        if theirs && !within {
            self.ledger.differs(self.kind, path, "in-place", "AWS replaces for it, the kind does not");
        }
        // The test against Terraform covers the attributes that only Terraform replaces for.
        if !theirs && ours.node.marks.replace && !terraform_replaces(self.kind, ours.node, self.root.node) {
            self.ledger.differs(self.kind, path, "replaces", "the kind replaces for it, AWS does not");
        }
    }

    fn value(&mut self, path: &str, theirs: &'a Json, ours: Ours<'a>, depth: usize, same_node: bool) {
        let theirs = self.resolve(theirs);
        let node = ours.node;
        if theirs["items"].is_object() {
            // A list of names with values is a map here.
            let pair =
                self.resolve(&theirs["items"])["props"].as_object().is_some_and(|props| props.len() == 2);
            if pair && matches!(&node.shape, Shape::Map(value) if value.fields().is_none()) {
                return;
            }
            if !same_node && let Shape::List { min_items, max_items, element } = &node.shape {
                let count = |value: &Option<usize>| value.map(|value| value as f64);
                self.bounds(
                    path,
                    "items",
                    (&theirs["minItems"], &theirs["maxItems"]),
                    (count(min_items), count(max_items)),
                );
                if theirs["uniqueItems"] == true
                    && theirs["insertionOrder"] == false
                    && !node.marks.set
                    && node.key.is_none()
                {
                    self.ledger.differs(self.kind, path, "ordered", "to AWS it is a set");
                }
                return self.value(path, &theirs["items"], Ours { node: element, ..ours }, depth, false);
            }
            return self.value(path, &theirs["items"], ours, depth, true);
        }
        if theirs["props"].is_object() {
            // A definition may contain itself.
            if depth < 8 && (same_node || element(node).fields().is_some()) {
                let required: Vec<&str> =
                    theirs["required"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
                self.properties(path, &theirs["props"], &required, ours, depth + 1);
            } else if depth < 8 && !matches!(node.shape, Shape::Json | Shape::Policy) {
                self.ledger.differs(
                    self.kind,
                    path,
                    "shape",
                    &format!("a table to AWS, here {}", node.type_name()),
                );
            }
            return;
        }
        if same_node {
            return;
        }
        match &node.shape {
            Shape::String { options, pattern, min_length, max_length } => {
                let allowed: Vec<&str> =
                    theirs["enum"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
                if !options.is_empty() {
                    let refused: Vec<&&str> =
                        allowed.iter().filter(|one| !options.iter().any(|option| option == **one)).collect();
                    if !refused.is_empty() {
                        let detail = format!("the kind refuses {refused:?}");
                        self.ledger.differs(self.kind, path, "enum", &detail);
                    }
                    return;
                }
                if !allowed.is_empty() {
                    let refused: Vec<&&str> = allowed
                        .iter()
                        .filter(|one| pattern.as_ref().is_some_and(|pattern| !matches(pattern, one)))
                        .collect();
                    if !refused.is_empty() {
                        let detail = format!("the pattern refuses {refused:?}");
                        self.ledger.differs(self.kind, path, "enum", &detail);
                    }
                    return;
                }
                let length = |value: &Option<usize>| value.map(|value| value as f64);
                self.bounds(
                    path,
                    "length",
                    (&theirs["minLength"], &theirs["maxLength"]),
                    (length(min_length), length(max_length)),
                );
                let theirs = theirs["pattern"].as_str().filter(|pattern| restricts(pattern));
                if theirs.map(plainly) != pattern.as_deref().map(plainly) {
                    let detail = format!("AWS {theirs:?}, the kind {pattern:?}");
                    self.ledger.differs(self.kind, path, "pattern", &detail);
                }
            }
            Shape::Number { minimum, maximum, .. } => {
                if theirs["type"] == "string" {
                    return;
                }
                self.bounds(path, "range", (&theirs["minimum"], &theirs["maximum"]), (*minimum, *maximum));
            }
            _ => {}
        }
    }

    fn bounds(&mut self, path: &str, what: &str, theirs: (&Json, &Json), ours: (Option<f64>, Option<f64>)) {
        // Minimum 0 and the largest integer are no real bounds.
        let least = theirs.0.as_f64().filter(|least| *least > 0.0 || what == "range");
        let most = theirs.1.as_f64().filter(|most| *most < f64::from(i32::MAX));
        // An empty text is never meant, so the kind may refuse it.
        let mine = ours.0.filter(|mine| what == "range" || *mine > 1.0 || (*mine > 0.0 && least.is_some()));
        if (least, most) != (mine, ours.1) {
            let detail = format!("AWS {least:?} to {most:?}, the kind {mine:?} to {:?}", ours.1);
            self.ledger.differs(self.kind, path, what, &detail);
        }
    }
}

/// Returns whether a change of any part of it forces a replacement.
fn all_replace(ours: Ours<'_>) -> bool {
    ours.replace
        || match &element(ours.node).shape {
            Shape::Object { fields, .. } => {
                !fields.is_empty()
                    && fields.values().all(|node| {
                        node.marks.local || all_replace(Ours { node, replace: node.marks.replace })
                    })
            }
            _ => false,
        }
}

fn matches(pattern: &str, text: &str) -> bool {
    regex::Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(text))
}

/// Removes the differences between equivalent spellings of a pattern.
fn plainly(pattern: &str) -> String {
    let pattern = pattern.replace(r"\Z", "$").replace(r"\/", "/").replace(r"\.", ".").replace(r"\u00", r"\x");
    pattern.trim_start_matches('^').trim_end_matches('$').to_owned()
}

/// Returns whether a pattern of AWS refuses anything that a person would write on purpose.
fn restricts(pattern: &str) -> bool {
    let core = pattern.trim_start_matches('^').trim_end_matches('$');
    !["", ".*", ".+", r"[\s\S]*", r"[\s\S]+", "(.*)"].contains(&core) && !core.starts_with(r"[\u0020-\uD7FF")
}

/// By kind: the attributes for which Terraform was observed to replace.
fn terraform() -> BTreeMap<String, Vec<String>> {
    let facts: Json = serde_json::from_str(&data("terraform_replaces.json")).expect("facts");
    let list = |json: &Json| {
        json["replaces"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Json::as_str)
            .map(str::to_owned)
            .collect()
    };
    facts["kinds"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(kind, facts)| (kind.clone(), list(facts)))
        .collect()
}

/// Returns whether Terraform also replaces for this node of ours.
fn terraform_replaces(kind: &str, node: &Node, root: &Node) -> bool {
    let renames = &kind_file::of(kind).schema.rename;
    let root = Ours { node: root, replace: false };
    terraform().remove(kind).into_iter().flatten().any(|name| {
        let ours = renames.get(&format!("terraform.{name}")).cloned().unwrap_or(name);
        at(root, &ours).is_some_and(|ours| std::ptr::eq(ours.node, node))
    })
}

#[test]
fn every_kind_is_as_aws_describes_it() {
    let facts: Json = serde_json::from_str(&data("cloudformation.json")).expect("facts");
    let mut ledger = Ledger::new();
    for kind in KINDS.iter() {
        let Some(name) = kind.cloudformation() else { continue };
        let facts = &facts["types"][name];
        assert!(
            facts.is_object(),
            "{name} is not in tests/data/cloudformation.json: lay it out by tests/support/facts.py"
        );
        let root = Ours { node: &kind.schema().spec, replace: false };
        let mut comparison = Comparison { kind: kind.name(), root, facts, ledger: &mut ledger };
        let required = comparison.list("required");
        comparison.properties("", &facts["properties"], &required, root, 0);
    }
    ledger.close(|key| !key.starts_with("terraform."));
}

#[test]
fn every_kind_replaces_where_terraform_does() {
    let mut ledger = Ledger::new();
    for (kind, replaced) in terraform() {
        let Some(schema) = dwctl::kinds::kind(&kind).map(|kind| kind.schema()) else { continue };
        let root = Ours { node: &schema.spec, replace: false };
        for name in replaced {
            let path = format!("terraform.{name}");
            let ours = ledger.rename(&kind, &path).unwrap_or_else(|| name.clone());
            match at(root, &ours) {
                None => ledger.differs(&kind, &path, "absent", "Terraform has it, the kind has not"),
                Some(ours) if !all_replace(ours) => {
                    ledger.differs(&kind, &path, "in-place", "Terraform replaces for it, the kind does not");
                }
                Some(_) => {}
            }
        }
    }
    ledger.close(|key| key.starts_with("terraform."));
}

/// Fields with the name of another resource say which kind they name, so that `validate` can check form and
/// place.
#[test]
fn fields_that_name_a_resource_are_marked() {
    fn look(node: &Node, path: &str, found: &mut Vec<String>, marked: &mut usize) {
        match &node.shape {
            Shape::Object { fields, .. } => {
                for (name, field) in fields {
                    let path = format!("{path}.{name}");
                    let is_text = match &field.shape {
                        Shape::String { options, .. } => options.is_empty(),
                        Shape::List { element, .. } => matches!(element.shape, Shape::String { .. }),
                        _ => false,
                    };
                    let is_name = name.contains("kms") && name.ends_with("key_id")
                        || name == "role"
                        || name.ends_with("role_arn")
                        || [
                            "iam_roles",
                            "vpc_id",
                            "subnet_ids",
                            "vpc_security_group_ids",
                            "availability_zone",
                        ]
                        .contains(&name.as_str())
                        || ["queue_arn", "topic_arn", "lambda_arn", "log_group_arn", "function_arn"]
                            .iter()
                            .any(|end| name.ends_with(end));
                    *marked += usize::from(field.names.is_some());
                    if is_text && is_name && field.names.is_none() {
                        found.push(path.clone());
                    }
                    look(field, &path, found, marked);
                }
            }
            Shape::List { element, .. } | Shape::Map(element) => look(element, path, found, marked),
            _ => {}
        }
    }
    let (mut found, mut marked) = (Vec::new(), 0);
    for kind in KINDS.iter() {
        look(&kind.schema().spec, kind.name(), &mut found, &mut marked);
    }
    assert!(found.is_empty(), "{found:#?}");
    assert!(marked > 45, "{marked}");
}
