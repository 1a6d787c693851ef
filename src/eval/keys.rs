//! Refuses expressions in keys of tables whose keys are names of attributes.

use crate::diag::{Diagnostic, a};
use crate::kinds;
use crate::schema::{Node as Schema, Shape};
use crate::stack::{Content, Entry, Node, Resource};

/// Errors for the keys of a resource that are expressions, but stand where the kind has attributes.
pub(super) fn misplaced(resource: &Resource, problems: &mut Vec<Diagnostic>) {
    let Some(kind) = kinds::kind(&resource.kind) else { return };
    walk(&resource.body, &kind.schema().spec, &a(&resource.kind), problems);
}

fn walk(node: &Node, schema: &Schema, whose: &str, problems: &mut Vec<Diagnostic>) {
    match (&node.content, &schema.shape) {
        (Content::Table(entries), Shape::Object { fields, .. }) => {
            for entry in entries {
                match fields.get(&entry.name) {
                    _ if entry.key.is_some() => problems.push(refused(entry, whose)),
                    Some(field) => walk(&entry.value, field, &format!("`{}`", entry.name), problems),
                    None => {}
                }
            }
        }
        (Content::Table(entries), Shape::Map(element)) => {
            entries.iter().for_each(|entry| walk(&entry.value, element, whose, problems));
        }
        (Content::List(list), Shape::List { element, .. }) => {
            list.iter().for_each(|one| walk(one, element, whose, problems));
        }
        // The keys of a document are free.
        _ => {}
    }
}

fn refused(entry: &Entry, whose: &str) -> Diagnostic {
    Diagnostic::error("invalid-key", format!("an attribute of {whose} has no computed name"))
        .at(entry.span, "an expression is no attribute")
        .help("write the name itself; the keys of maps, such as those of tags, may be expressions")
}
