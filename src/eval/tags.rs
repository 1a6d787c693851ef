//! The tags of a resource: the stack's and its own, checked against the limits of AWS
//! (<https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html>).

use std::collections::{BTreeMap, BTreeSet};

use super::resolve::Names;
use super::settings::undecided;
use super::{EvalContext, Instance};
use crate::diag::{Diagnostic, a, counted};
use crate::kind::{Owner, TagRules};
use crate::schema::PathStep;
use crate::stack::Node;
use crate::value::Value;

/// Maximum characters of a key and of a value.
const KEY: usize = 128;
const VALUE: usize = 256;

impl<'a> EvalContext<'a> {
    /// The tags of an instance without its owner's: its own, and those of the stack if they fit.
    pub(super) fn tags(
        &self,
        instance: &Instance<'a>,
        names: &Names<'_, 'a>,
        problems: &mut Vec<Diagnostic>,
    ) -> BTreeMap<String, Value> {
        if !instance.kind.taggable() {
            if let Some(node) = &instance.resource.tags {
                problems.push(
                    Diagnostic::error(
                        "not-taggable",
                        format!("AWS cannot tag {}", a(&instance.resource.kind)),
                    )
                    .at(node.span, "remove `tags`"),
                );
            }
            return BTreeMap::new();
        }
        let before = problems.len();
        let (shared, own) = (&self.stack.tags, &instance.resource.tags);
        let root = Names::root(self);
        let mut read = |node: &Option<Node>, names: &Names<'_, 'a>| match node {
            Some(node) => {
                let (found, value) = (problems.len(), node.evaluate(names, problems));
                let is_told = problems.len() > found || self.follows(&value);
                if is_told && value.as_map().is_none() {
                    return BTreeMap::new();
                }
                tags_of(node, value, problems)
            }
            None => BTreeMap::new(),
        };
        let (stack, mut tags) = (read(shared, &root), read(own, names));
        if problems.len() > before {
            return tags;
        }
        let rules = instance.kind.tag_rules();
        let owners = 3 + usize::from(instance.protect) + usize::from(instance.retain);
        let room = rules.most.saturating_sub(owners);
        let address = &instance.address;
        let more = stack.keys().filter(|key| !tags.contains_key(*key)).count();
        if let Some(node) = own
            && tags.len() > room
        {
            problems.push(
                Diagnostic::error(
                    "too-many-tags",
                    format!("{address} has {}, but there is room for {room}", counted(tags.len(), "tag")),
                )
                .at(
                    node.span,
                    format!(
                        "AWS allows {} for {}, and {owners} name the owner",
                        rules.most,
                        a(&address.kind)
                    ),
                )
                .help("remove some"),
            );
        } else if tags.len() + more <= room {
            for (key, value) in stack {
                tags.entry(key).or_insert(value);
            }
        } else if let Some(node) = shared {
            let message = format!("{address} does not get the tags of the stack");
            let why = format!(
                "AWS allows {} for {}: {owners} name the owner, {} are its own, {more} are these",
                rules.most,
                a(&address.kind),
                tags.len()
            );
            self.warn(
                Diagnostic::warning("too-many-tags", message)
                    .at(node.span, why)
                    .help("give it those that it needs in its own `tags`"),
            );
        }
        for node in [own, shared].into_iter().flatten() {
            check(&tags, rules, address.kind.as_str(), node, problems);
        }
        tags
    }
}

/// The tags in the value of one table.
fn tags_of(node: &Node, value: Value, problems: &mut Vec<Diagnostic>) -> BTreeMap<String, Value> {
    let mut tags = BTreeMap::new();
    match value {
        Value::Map(map) => {
            for (name, value) in map {
                let place = node.place(&[PathStep::Name(name.clone())], false);
                let value = match value {
                    Value::Null => continue,
                    value @ (Value::String(_) | Value::Unknown(_)) => value,
                    Value::Number(number) => Value::String(number.to_string()),
                    Value::Bool(flag) => Value::String(flag.to_string()),
                    Value::Secret(_) => {
                        problems.push(
                            Diagnostic::error("secret-tag", format!("the tag `{name}` would show a secret"))
                                .at(place, "tags are readable by everyone in the account"),
                        );
                        continue;
                    }
                    other => {
                        let message = format!("the tag `{name}` must be a string, not {}", other.kind_name());
                        problems
                            .push(Diagnostic::error("wrong-type", message).at(place, "expected a string"));
                        continue;
                    }
                };
                if name.to_lowercase().starts_with("aws:") || name.starts_with("dwctl:") {
                    problems.push(
                        Diagnostic::error("reserved-tag", format!("the tag `{name}` is reserved")).at(
                            node.place(&[PathStep::Name(name.clone())], true),
                            "`aws:` is AWS's prefix, `dwctl:` is dwctl's",
                        ),
                    );
                }
                tags.insert(name, value);
            }
        }
        Value::Secret(_) => problems.push(
            Diagnostic::error("secret-tag", "`tags` would show a secret")
                .at(node.span, "tags are readable by everyone in the account"),
        ),
        other => problems.push(undecided("tags", "a table", &other, node)),
    }
    tags
}

/// Checks the tags in `node` against the limits of AWS.
fn check(
    tags: &BTreeMap<String, Value>,
    rules: TagRules,
    kind: &str,
    node: &Node,
    problems: &mut Vec<Diagnostic>,
) {
    let mut seen: BTreeSet<String> = Owner::KEYS.iter().map(|key| key.to_lowercase()).collect();
    for (key, value) in tags {
        let is_twice = !seen.insert(key.to_lowercase()) && rules.any_case;
        // The key may come from another table.
        if !node.has(key) {
            continue;
        }
        let path = [PathStep::Name(key.clone())];
        let mut fault = |message: String, label: String, at_key: bool| {
            problems.push(Diagnostic::error("invalid-tag", message).at(node.place(&path, at_key), label));
        };
        let text = value.as_str().unwrap_or_default();
        if is_twice {
            fault(
                format!("the tag `{key}` is set twice: AWS ignores the case of the tag keys of {kind}"),
                "rename one of the two".to_owned(),
                true,
            );
        }
        if key.is_empty() || key.chars().count() > KEY {
            fault(format!("the key of a tag has 1 to {KEY} characters"), String::new(), true);
        }
        if text.chars().count() > VALUE {
            fault(format!("the tag `{key}` is longer than {VALUE} characters"), String::new(), false);
        }
        let is_plain = |text: &str| {
            text.chars().all(|one| one.is_alphanumeric() || one == ' ' || "_.:/=+-@".contains(one))
        };
        if rules.plain && !(is_plain(key) && is_plain(text)) {
            fault(
                format!("the tag `{key}` has characters that AWS refuses for {kind}"),
                "letters, digits, spaces and _ . : / = + - @".to_owned(),
                is_plain(text),
            );
        }
    }
}
