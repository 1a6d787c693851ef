//! The region of a stack, where variables decide it.

use std::collections::BTreeMap;

use super::model::Stack;
use super::region::fault;
use crate::diag::Diagnostic;
use crate::lang::Names;
use crate::value::Value;

impl Stack {
    /// Evaluates the region if it is an expression. If a variable in it has no value, the region stays
    /// empty: that variable is reported elsewhere.
    pub fn settle_region(&mut self, variables: &BTreeMap<String, Value>, problems: &mut Vec<Diagnostic>) {
        let Some(node) = &self.region_from else { return };
        let stack = Value::map([("name", self.name.as_str())]);
        let values =
            [("var", Value::Map(variables.clone())), ("env", self.env.as_str().into()), ("stack", stack)];
        let values = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let scope = Names { values, files: self.root.files.clone(), ..Names::default() };
        let found = problems.len();
        match node.evaluate(&scope, problems) {
            _ if problems.len() > found => {}
            value if value.contains_secret() => problems.push(
                Diagnostic::error("secret-name", "`region` would show a secret")
                    .at(node.span, "the region of a stack is always shown"),
            ),
            value if value.contains_unknown() => {}
            Value::String(region) => {
                problems.extend(fault(&region, node.span));
                self.region = region;
            }
            other => problems.push(
                Diagnostic::error(
                    "wrong-type",
                    format!("`region` must be a string, not {}", other.kind_name()),
                )
                .at(node.span, "such as us-east-1"),
            ),
        }
    }
}
