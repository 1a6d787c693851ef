//! `[[import]]` blocks that contradict each other or the declarations.

use std::collections::BTreeMap;

use super::resolve::Names;
use super::{EvalContext, Instance};
use crate::aws::Place;
use crate::diag::{Diagnostic, Span};
use crate::graph::Address;
use crate::stack::Node;
use crate::value::Value;

impl EvalContext<'_> {
    /// Refuses two imports of one id (a change or deletion of one address would hit the other), two ids
    /// for one address, and an import of an id that another address declares. Ids that are not known
    /// without AWS are compared by the plan.
    pub(super) fn check_imports(
        &self,
        all: &BTreeMap<Address, Instance<'_>>,
        problems: &mut Vec<Diagnostic>,
    ) {
        let mut declared: BTreeMap<(&str, Place, String), (&Address, Span)> = BTreeMap::new();
        for (address, instance) in all {
            if let Some(id) = self.id(instance) {
                let place = (instance.kind.name(), place(instance), id);
                declared.insert(place, (address, instance.resource.span));
            }
        }
        let mut targets: BTreeMap<&Address, Span> = BTreeMap::new();
        let mut ids: BTreeMap<(&str, Place, String), (&Address, Span)> = BTreeMap::new();
        for import in &self.stack.imports {
            if let Some(first) = targets.insert(&import.to, import.span) {
                problems.push(
                    Diagnostic::error("import", format!("{} is imported twice", import.to))
                        .at(import.span, "the second import")
                        .and(first, "the first import")
                        .help("an address has one id: remove one of the two"),
                );
                continue;
            }
            // Errors of the expression are reported where its value is needed.
            let id = import.id.evaluate(&Names::root(self), &mut Vec::new());
            problems.extend(shown(&id, &import.id));
            let (Some(instance), Value::String(id)) = (all.get(&import.to), id) else { continue };
            let key = (instance.kind.name(), place(instance), instance.kind.id_given(&id));
            if let Some((other, first)) = ids.get(&key) {
                let message = format!("{} and {other} are imported from the same id, {}", import.to, key.2);
                problems.push(
                    Diagnostic::error("import", message)
                        .at(import.span, "the second import of it")
                        .and(*first, "the first import of it")
                        .help("a resource has one address: remove one of the two"),
                );
                continue;
            }
            if let Some((other, span)) = declared.get(&key).filter(|(other, _)| **other != import.to) {
                let message = format!("{} is imported from {}, which {other} declares", import.to, key.2);
                problems.push(
                    Diagnostic::error("import", message)
                        .at(import.span, "this import")
                        .and(*span, "declared here")
                        .help("a resource has one address: remove one of the two"),
                );
            }
            ids.insert(key, (&import.to, import.span));
        }
    }
}

/// An error if the id of an import is secret.
pub(super) fn shown(id: &Value, node: &Node) -> Option<Diagnostic> {
    let error = Diagnostic::error("secret-name", "`id` would show a secret");
    matches!(id, Value::Secret(_)).then(|| error.at(node.span, "the id of a resource is always shown"))
}

/// The part of its place in which an id is unique.
fn place(instance: &Instance<'_>) -> Place {
    instance.place.unique(instance.kind.global())
}
