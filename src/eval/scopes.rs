//! The modules of a stack as a tree: what each declares, and what its expressions see.

use std::collections::BTreeMap;

use crate::diag::Diagnostic;
use crate::graph::{Address, ModulePath};
use crate::limits;
use crate::stack::{Call, Module, Resource, Stack};

/// A place in the tree of modules; the default is the stack itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScopeId(pub(super) usize);

/// The stack itself, or one `[module.NAME]` block in it or in another module. Its instances share it.
pub(super) struct Scope<'a> {
    /// The declarations of its folder.
    pub(super) module: &'a Module,
    /// The block, and the scope that it is in; `None` for the stack itself.
    pub(super) called: Option<(ScopeId, &'a Call)>,
    /// `module.lake.module.alarms.`; empty for the stack itself.
    pub(super) prefix: String,
    /// The number of modules around and including it.
    pub(super) depth: usize,
    /// Its own modules.
    pub(super) children: BTreeMap<&'a str, ScopeId>,
}

/// All scopes, each after the one around it.
pub(super) struct Scopes<'a>(Vec<Scope<'a>>);

/// A declaration of a resource in one scope.
#[derive(Clone, Copy, Debug)]
pub struct Declaration<'a> {
    /// The resource as it is written.
    pub resource: &'a Resource,
    pub(super) scope: ScopeId,
    pub(super) index: usize,
}

impl Declaration<'_> {
    /// Its place among all declarations of the stack and its modules.
    pub fn place(&self) -> usize {
        self.index
    }
}

impl<'a> Scopes<'a> {
    /// The tree of modules. An error ends it early.
    pub(super) fn of(stack: &'a Stack) -> (Self, Vec<Diagnostic>) {
        let root = Scope {
            module: &stack.root,
            called: None,
            prefix: String::new(),
            depth: 0,
            children: BTreeMap::new(),
        };
        let (mut scopes, mut problems) = (vec![root], Vec::new());
        let mut at = 0;
        while let Some(scope) = scopes.get(at) {
            let (module, depth, prefix) = (scope.module, scope.depth + 1, scope.prefix.clone());
            for call in module.calls.values() {
                let Some(source) = call.source.and_then(|source| stack.modules.get(source)) else { continue };
                let what = match (depth > limits::MODULE_DEPTH, scopes.len() > limits::MODULES) {
                    (true, _) => format!("modules are nested more than {} deep", limits::MODULE_DEPTH),
                    (_, true) => format!("the stack has more than {} modules", limits::MODULES),
                    _ => {
                        let child = ScopeId(scopes.len());
                        scopes.push(Scope {
                            module: source,
                            called: Some((ScopeId(at), call)),
                            prefix: format!("{prefix}module.{}.", call.name),
                            depth,
                            children: BTreeMap::new(),
                        });
                        scopes[at].children.insert(&call.name, child);
                        continue;
                    }
                };
                problems.push(Diagnostic::error("too-many", what).at(call.span, "the limit is reached here"));
                return (Self(scopes), problems);
            }
            at += 1;
        }
        (Self(scopes), problems)
    }

    pub(super) fn get(&self, id: ScopeId) -> &Scope<'a> {
        // An id is only made together with its scope.
        &self.0[id.0]
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = ScopeId> + use<> {
        (0..self.0.len()).map(ScopeId)
    }

    /// The scope of a module instance.
    pub(super) fn at(&self, path: &ModulePath) -> Option<ScopeId> {
        let mut steps = path.steps().iter();
        steps.try_fold(ScopeId::default(), |at, step| self.get(at).children.get(step.name.as_str()).copied())
    }

    /// A scope and all within it.
    pub(super) fn within(&self, id: ScopeId) -> Vec<ScopeId> {
        let mut all = vec![id];
        let mut at = 0;
        while let Some(&one) = all.get(at) {
            all.extend(self.get(one).children.values());
            at += 1;
        }
        all
    }
}

/// The name of a declaration without any key: `module.lake.s3_bucket.data`.
pub(super) fn static_name(address: &Address) -> String {
    let mut name = String::new();
    for step in address.module.steps() {
        name.push_str("module.");
        name.push_str(&step.name);
        name.push('.');
    }
    name.push_str(&address.kind);
    name.push('.');
    name.push_str(&address.name);
    name
}

/// The same of an address that is written with its keys; the text itself if it is none.
pub(super) fn static_name_of(text: &str) -> String {
    match text.parse::<Address>() {
        Ok(address) => static_name(&address),
        Err(_) => text.split('[').next().unwrap_or_default().to_owned(),
    }
}
