//! Explains a value of an unexpected type by the null attribute of another resource that it refers to.

use super::resolve::Names;
use crate::diag::Diagnostic;
use crate::kinds;
use crate::lang::Scope;
use crate::stack::Node;
use crate::value::Value;

/// Adds to an error at a node the references of that node that are null.
pub(super) fn explain(error: Diagnostic, node: Option<&Node>, names: &Names<'_, '_>) -> Diagnostic {
    let references = node.map(Node::references).unwrap_or_default();
    references.into_iter().fold(error, |error, reference| {
        let Some(kind) = kinds::kind(&reference.root) else { return error };
        let whole = |used: usize| used == reference.steps.len();
        if !names.resolve(&reference).is_ok_and(|(value, used)| value == Value::Null && whole(used)) {
            return error;
        }
        let attribute =
            (0..reference.steps.len()).rev().find_map(|at| reference.name(at)).unwrap_or_default();
        let error = error.note(format!("`{reference}` is null"));
        let field = kind.schema().attrs.fields().and_then(|fields| fields.get(attribute));
        match field.map(|field| field.description.trim()).filter(|words| !words.is_empty()) {
            Some(words) => {
                let first = words.split("\n\n").next().unwrap_or_default().replace('\n', " ");
                error.note(format!("`{attribute}`: {first}"))
            }
            None => error,
        }
    })
}
