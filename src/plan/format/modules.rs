//! Modules in Terraform's JSON: their resources are below `child_modules`, and their configuration is in
//! `module_calls` (<https://developer.hashicorp.com/terraform/internals/json-format>).

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use crate::graph::{ModulePath, ModuleStep};
use crate::kinds;
use crate::plan::review::visible;
use crate::plan::{CallExpression, Called};

/// The resources of a module instance, and of those in it.
#[derive(Default)]
pub(super) struct Tree {
    resources: Vec<Json>,
    children: BTreeMap<ModuleStep, Tree>,
}

impl Tree {
    /// Adds a resource of a module.
    pub(super) fn add(&mut self, module: &ModulePath, resource: Json) {
        let steps = module.steps().iter();
        let tree = steps.fold(self, |tree, step| tree.children.entry(step.clone()).or_default());
        tree.resources.push(resource);
    }

    /// The tree as Terraform writes it.
    pub(super) fn json(self) -> Json {
        let mut json = json!({ "resources": self.resources });
        let children = self.children.into_iter();
        let children: Vec<Json> =
            children.map(|(step, tree)| tree.below(&ModulePath::of(vec![step]))).collect();
        if !children.is_empty() {
            json["child_modules"] = Json::Array(children);
        }
        json
    }

    fn below(self, path: &ModulePath) -> Json {
        let mut json = json!({ "address": path.to_string() });
        if !self.resources.is_empty() {
            json["resources"] = Json::Array(self.resources);
        }
        let children = self.children.into_iter().map(|(step, tree)| {
            let path = path.child(&step.name, step.key);
            tree.below(&path)
        });
        let children: Vec<Json> = children.collect();
        if !children.is_empty() {
            json["child_modules"] = Json::Array(children);
        }
        json
    }
}

/// The configuration of the stack and its modules. `resources` has those of each module, by the names of
/// the calls that lead to it.
pub(super) fn configuration(
    calls: &BTreeMap<String, Called>,
    resources: BTreeMap<Vec<String>, Vec<Json>>,
) -> Json {
    let mut nodes: BTreeMap<Vec<String>, Json> = BTreeMap::new();
    for (path, resources) in resources {
        nodes.insert(path, json!({ "resources": resources }));
    }
    for called in calls.values() {
        let node = nodes.entry(called.path.clone()).or_insert_with(|| json!({}));
        // A plan has the values of the stack's own variables, too.
        if !called.path.is_empty() && !called.variables.is_empty() {
            let variables = called.variables.iter().map(|(name, is_secret)| {
                (visible(name), if *is_secret { json!({ "sensitive": true }) } else { json!({}) })
            });
            node["variables"] = Json::Object(variables.collect());
        }
        if !called.outputs.is_empty() {
            let outputs = called.outputs.iter().map(|(name, (value, is_secret))| {
                let mut output = json!({ "expression": expression(value) });
                if *is_secret {
                    output["sensitive"] = json!(true);
                }
                (visible(name), output)
            });
            node["outputs"] = Json::Object(outputs.collect());
        }
    }
    let calls: BTreeMap<&[String], &Called> = calls.values().map(|one| (one.path.as_slice(), one)).collect();
    // The deepest first, so that each has its own modules when it moves into the one around it.
    let mut paths: Vec<Vec<String>> = nodes.keys().cloned().collect();
    paths.sort_by_key(|path| std::cmp::Reverse(path.len()));
    for path in paths {
        let Some((name, around)) = path.split_last() else { continue };
        let Some(node) = nodes.remove(&path) else { continue };
        let call = calls.get(path.as_slice()).map_or_else(|| json!({}), |called| call(called));
        let around = nodes.entry(around.to_vec()).or_insert_with(|| json!({}));
        around["module_calls"][visible(name)] = call;
        around["module_calls"][visible(name)]["module"] = node;
    }
    let mut root = nodes.remove(&Vec::new()).unwrap_or_else(|| json!({}));
    if root.get("resources").is_none() {
        root["resources"] = json!([]);
    }
    root
}

fn call(called: &Called) -> Json {
    let mut json = json!({ "source": visible(&called.source) });
    if !called.inputs.is_empty() {
        let inputs: Map<String, Json> =
            called.inputs.iter().map(|(name, value)| (visible(name), expression(value))).collect();
        json["expressions"] = Json::Object(inputs);
    }
    if let Some(each) = &called.for_each {
        json["for_each_expression"] = expression(each);
    }
    if let Some(when) = &called.when {
        json["count_expression"] = expression(when);
    }
    if !called.depends_on.is_empty() {
        let addresses = called.depends_on.iter().map(|address| there(address));
        json["depends_on"] = addresses.collect();
    }
    json
}

fn expression(expression: &CallExpression) -> Json {
    if !expression.references.is_empty() {
        let references: Vec<String> = expression.references.iter().map(|one| there(one)).collect();
        return json!({ "references": references });
    }
    match expression.constant.as_ref().and_then(|value| value.to_json().ok()) {
        Some(value) => json!({ "constant_value": value }),
        None => json!({}),
    }
}

/// A reference with the names that Terraform has for kinds and attributes.
fn there(reference: &str) -> String {
    let (root, rest) = reference.split_once('.').unwrap_or((reference, ""));
    let Some(kind) = kinds::kind(root) else { return visible(reference) };
    let terraform = kind.terraform();
    let text = match rest.rsplit_once('.') {
        Some((name, attribute)) => {
            let renamed = terraform.names.iter().find(|(here, _)| *here == attribute);
            let attribute = renamed.map_or(attribute, |(_, there)| there);
            let dot = if attribute.is_empty() { "" } else { "." };
            format!("{}.{name}{dot}{attribute}", terraform.resource)
        }
        None => format!("{}.{rest}", terraform.resource),
    };
    visible(&text)
}
