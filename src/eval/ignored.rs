//! Checks that the attributes in `ignore_changes` exist.

use super::EvalContext;
use crate::diag::{Diagnostic, a};
use crate::elsewhere;
use crate::kind::{ErasedKind, Owner};
use crate::kinds;
use crate::schema::{PathStep, Shape, path_text};
use crate::stack::{Ignored, Resource};

/// Arguments of a resource that are not attributes at AWS.
const SETTINGS: [&str; 10] = [
    "name_prefix",
    "for_each",
    "when",
    "region",
    "account",
    "depends_on",
    "lifecycle",
    "timeout",
    "precondition",
    "postcondition",
];

impl EvalContext<'_> {
    /// Refuses entries of `ignore_changes` that the kind does not have: they would have no effect.
    pub(super) fn check_ignored(&self, resource: &Resource, problems: &mut Vec<Diagnostic>) {
        let Some(kind) = kinds::kind(&resource.kind) else { return };
        for ignored in &resource.lifecycle.ignore_changes {
            problems.extend(fault(kind, resource, ignored));
        }
    }
}

fn fault(kind: &dyn ErasedKind, resource: &Resource, ignored: &Ignored) -> Option<Diagnostic> {
    let refuse = |code, message: String, label: String| {
        let help = format!("dwctl explain {}", resource.kind);
        Some(Diagnostic::error(code, message).at(ignored.span, label).help(help))
    };
    let of = &resource.kind;
    let first = match ignored.path.first() {
        Some(PathStep::Name(name)) => name.as_str(),
        _ => return refuse("invalid-value", "a path begins with an attribute".to_owned(), String::new()),
    };
    if first == "tags" {
        return match ignored.path.get(1..).unwrap_or_default() {
            _ if !kind.taggable() => refuse(
                "not-taggable",
                format!("AWS cannot tag {}", a(of)),
                "there is nothing to ignore".to_owned(),
            ),
            [PathStep::Name(key)] if Owner::KEYS.contains(&key.as_str()) => refuse(
                "reserved-tag",
                format!("the tag `{key}` is never ignored"),
                "it names the owner of the resource".to_owned(),
            ),
            [] | [PathStep::Name(_)] => None,
            _ => refuse(
                "invalid-value",
                "a tag has a key and no parts".to_owned(),
                "such as tags[\"org:cost\"]".to_owned(),
            ),
        };
    }
    let schema = kind.schema();
    let mut node = &schema.spec;
    for (at, step) in ignored.path.iter().enumerate() {
        let whole = path_text(&ignored.path[..at]);
        node = match (&node.shape, step) {
            (Shape::Object { fields, .. }, PathStep::Name(name)) => match fields.get(name) {
                Some(field) => field,
                None => {
                    let whose = if at == 0 { of.clone() } else { format!("`{whole}`") };
                    let decided = schema.attrs.fields().is_some_and(|attrs| attrs.contains_key(name));
                    let label = match elsewhere::advice(kind, &ignored.path[..=at]) {
                        _ if at == 0 && first.eq_ignore_ascii_case("tags") => {
                            "did you mean `tags`?".to_owned()
                        }
                        _ if at == 0 && decided => "AWS decides it: there is nothing to ignore".to_owned(),
                        _ if at == 0 && SETTINGS.contains(&name.as_str()) => {
                            "only dwctl uses it, so it cannot differ at AWS".to_owned()
                        }
                        advice => advice,
                    };
                    return refuse(
                        "unknown-attribute",
                        format!("{whose} has no attribute `{name}` to ignore"),
                        label,
                    );
                }
            },
            (Shape::Map(element), PathStep::Name(_)) => element,
            (Shape::List { element, .. }, step) => match step {
                PathStep::Name(_) if node.key.is_some() => element,
                PathStep::Index(_) if !node.marks.set => element,
                _ => {
                    let label = match (&node.key, node.marks.set) {
                        (Some(key), _) => format!("its elements are identified by {key}: {whole}[\"…\"]"),
                        (None, true) => format!("its elements have no positions: ignore `{whole}`"),
                        (None, false) => format!("its elements have positions: {whole}[0]"),
                    };
                    let message = format!("`{whole}` has no such element to ignore");
                    return refuse("invalid-value", message, label);
                }
            },
            // The members of a free-form document are not known.
            (Shape::Json | Shape::Any, _) => return None,
            _ => {
                let message = format!("`{whole}` has no parts to ignore");
                return refuse("invalid-value", message, format!("ignore `{whole}`"));
            }
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{FileId, Span};
    use crate::schema::{Node, parse_path};

    fn problem(kind: &str, path: &str) -> Option<String> {
        let span = Span::new(FileId(0), 0, 0);
        let ignored = Ignored { path: parse_path(path).unwrap(), span };
        let resource = Resource::new(kind, "one", span);
        fault(kinds::kind(kind).unwrap(), &resource, &ignored).map(|fault| fault.message)
    }

    /// Every attribute of every kind can be ignored, and nothing else.
    #[test]
    fn attributes_of_the_kind_can_be_ignored() {
        fn walk(kind: &str, node: &Node, path: &mut Vec<PathStep>) {
            if !path.is_empty() {
                assert_eq!(problem(kind, &path_text(path)), None, "{kind} {}", path_text(path));
            }
            let mut inner = |step, node: &Node| {
                path.push(step);
                walk(kind, node, path);
                path.pop();
            };
            match &node.shape {
                Shape::Object { fields, .. } => {
                    for (name, field) in fields {
                        inner(PathStep::Name(name.clone()), field);
                    }
                }
                Shape::Map(element) => inner(PathStep::Name("a b:c".to_owned()), element),
                Shape::List { element, .. } if node.key.is_some() => {
                    inner(PathStep::Name("one".to_owned()), element);
                }
                Shape::List { element, .. } if !node.marks.set => inner(PathStep::Index(0), element),
                Shape::List { .. } => {
                    assert!(problem(kind, &format!("{}[0]", path_text(path))).is_some(), "{kind} {path:?}");
                }
                _ => {}
            }
        }
        for kind in kinds::KINDS.iter() {
            walk(kind.name(), &kind.schema().spec, &mut Vec::new());
            for wrong in
                ["nonsense", "arn", "for_each", "lifecycle.protect", "tags[0]", "tags[\"dwctl:stack\"]"]
            {
                let is_own = kind.schema().spec.fields().is_some_and(|fields| fields.contains_key(wrong));
                assert!(is_own || problem(kind.name(), wrong).is_some(), "{} {wrong}", kind.name());
            }
            assert_eq!(problem(kind.name(), "tags[\"org:*\"]").is_none(), kind.taggable());
        }
    }

    #[test]
    fn unknown_attributes_are_reported_with_the_nearest_name() {
        for (kind, path, message) in [
            ("sns_topic", "displayname", "sns_topic has no attribute `displayname` to ignore"),
            (
                "sns_topic",
                "default_arguments[\"--x\"]",
                "sns_topic has no attribute `default_arguments` to ignore",
            ),
            ("glue_job", "command.nme", "`command` has no attribute `nme` to ignore"),
            ("glue_job", "glue_version.major", "`glue_version` has no parts to ignore"),
            (
                "iam_role",
                "assume_role_policy_document[0]",
                "`assume_role_policy_document` has no parts to ignore",
            ),
            ("sns_subscription", "tags", "AWS cannot tag an sns_subscription"),
            ("sns_topic", "Tags", "sns_topic has no attribute `Tags` to ignore"),
        ] {
            assert_eq!(problem(kind, path).as_deref(), Some(message));
        }
    }
}
