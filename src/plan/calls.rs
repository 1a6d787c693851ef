//! The `[module.NAME]` blocks of a stack, for formats that show its configuration.

use std::collections::BTreeMap;

use super::{CallExpression, Called};
use crate::lang::Reference;
use crate::limits;
use crate::stack::{Module, Node, Stack};

/// The stack itself and all calls of modules, each after the one around it.
pub(super) fn calls(stack: &Stack) -> BTreeMap<String, Called> {
    let mut all = vec![(called(&[], &stack.root), &stack.root)];
    let mut at = 0;
    while let Some((around, module)) = all.get(at) {
        let (path, module) = (around.path.clone(), *module);
        for call in module.calls.values() {
            let Some(source) = call.source.and_then(|source| stack.modules.get(source)) else { continue };
            // The evaluation has reported that there are too many.
            if path.len() > limits::MODULE_DEPTH || all.len() > limits::MODULES {
                break;
            }
            let path: Vec<String> = path.iter().chain([&call.name]).cloned().collect();
            let is_secret = |name: &String| source.variables.get(name).is_none_or(|one| one.is_secret());
            let inputs = call
                .inputs
                .iter()
                .map(|(name, entry)| (name.clone(), expression(&entry.value, !is_secret(name))));
            let called = Called {
                source: call.folder.0.clone(),
                inputs: inputs.collect(),
                for_each: call.for_each.as_ref().map(|node| expression(node, false)),
                when: call.when.as_ref().map(|node| expression(node, false)),
                depends_on: call.depends_on.iter().map(|(text, _)| text.clone()).collect(),
                ..called(&path, source)
            };
            all.push((called, source));
        }
        at += 1;
    }
    let name = |called: &Called| {
        called.path.iter().map(|name| format!("module.{name}")).collect::<Vec<_>>().join(".")
    };
    all.into_iter().map(|(called, _)| (name(&called), called)).collect()
}

fn called(path: &[String], module: &Module) -> Called {
    let outputs = module.outputs.iter();
    Called {
        path: path.to_vec(),
        variables: module.variables.iter().map(|(name, one)| (name.clone(), one.is_secret())).collect(),
        outputs: outputs
            .map(|(name, one)| (name.clone(), (expression(&one.value, false), one.sensitive)))
            .collect(),
        source: String::new(),
        inputs: BTreeMap::new(),
        for_each: None,
        when: None,
        depends_on: Vec::new(),
    }
}

/// What an expression refers to; its value, if it is a literal that may be shown.
fn expression(node: &Node, may_show: bool) -> CallExpression {
    let mut references: Vec<String> = Vec::new();
    for text in node.references().iter().flat_map(texts) {
        if !references.contains(&text) {
            references.push(text);
        }
    }
    CallExpression { references, constant: node.literal().filter(|_| may_show) }
}

/// A reference as it is written, and that to the whole of what it refers to.
fn texts(reference: &Reference) -> Vec<String> {
    let text = reference.to_string();
    let whole = match (reference.root.as_str(), reference.name(0)) {
        ("var" | "local" | "each" | "env" | "stack" | "aws" | "path", _) | (_, None) => return vec![text],
        (root, Some(name)) => format!("{root}.{name}"),
    };
    if whole == text { vec![text] } else { vec![text, whole] }
}
