//! Where resources are: the accounts and regions of modules, resources and data.

use super::resolve::Names;
use super::{EvalContext, Instance};
use crate::aws::Place;
use crate::diag::Diagnostic;
use crate::graph::ModulePath;
use crate::stack::{Node, is_region};
use crate::value::Value;

impl<'a> EvalContext<'a> {
    /// The account id of a place.
    pub fn account_id<'p>(&'p self, place: &'p Place) -> &'p str {
        place.account.as_ref().unwrap_or(&self.facts.scope.account_id)
    }

    /// The place of what a module instance declares, unless a resource names another.
    pub(super) fn home(&self, path: &ModulePath) -> Place {
        let own = || Place::of(&self.facts.scope.region);
        if self.facts.accounts.is_empty() || path.is_root() {
            return own();
        }
        if let Some(known) = self.homes.borrow().get(path) {
            return known.clone();
        }
        // Problems are reported by `check_home`.
        let found = self.account_of(path, &mut Vec::new());
        let place = found.and_then(|name| self.facts.place(&name));
        let place = place.unwrap_or_else(|| match path.split_last() {
            Some((around, _)) => self.home(&around),
            None => own(),
        });
        self.homes.borrow_mut().insert(path.clone(), place.clone());
        place
    }

    /// Reports a module's `account` that cannot be used.
    pub(super) fn check_home(&self, path: &ModulePath, problems: &mut Vec<Diagnostic>) {
        let mut found = Vec::new();
        self.account_of(path, &mut found);
        problems.extend(found.into_iter().map(|one| self.on_the_way(one, path)));
    }

    /// The `account` that the block of a module instance names.
    fn account_of(&self, path: &ModulePath, problems: &mut Vec<Diagnostic>) -> Option<String> {
        let scope = self.references.scopes.at(path)?;
        let (parent, call) = self.references.scopes.get(scope).called?;
        let node = call.account.as_ref()?;
        let (around, _) = path.split_last()?;
        if let Some(instances) = self.references.names(scope).instances {
            self.ensure(instances, &around);
        }
        let names = Names::within(self, parent, &around, self.module_each(scope, path));
        self.account(node, &names, problems).ok().flatten()
    }

    /// The name of an `[aws.NAME]`; `None` if it is null.
    ///
    /// # Errors
    /// It is not known, or wrong, which is reported.
    fn account(
        &self,
        node: &Node,
        names: &Names<'_, 'a>,
        problems: &mut Vec<Diagnostic>,
    ) -> Result<Option<String>, ()> {
        let take = |value| match value {
            text @ (Value::String(_) | Value::Secret(_) | Value::Null) => Ok(text),
            other => Err(other),
        };
        let what = "the name of an account";
        match self.decided("account", what, node, names, problems, take) {
            Some(Value::Null) => Ok(None),
            Some(Value::String(name)) if self.facts.accounts.contains_key(&name) => Ok(Some(name)),
            Some(Value::String(name)) => {
                let error = Diagnostic::error("unknown-account", format!("there is no account `{name}`"));
                let known: Vec<&str> = self.facts.accounts.keys().map(String::as_str).collect();
                problems.push(match self.stack.account_like(&name) {
                    Some(near) => error.at(node.span, format!("did you mean `{near}`?")),
                    None if known.is_empty() => error
                        .at(node.span, "the stack declares none")
                        .help(format!("declare it in the stack: [aws.{name}] with role_arn or profile")),
                    None => error.at(node.span, format!("known: {}", known.join(", "))),
                });
                Err(())
            }
            Some(_) => {
                problems.push(
                    Diagnostic::error("secret-name", "`account` would show a secret")
                        .at(node.span, "the account of a resource is always shown"),
                );
                Err(())
            }
            None => Err(()),
        }
    }

    /// Evaluates the account and the region of an instance. Returns false if they are not known.
    pub(super) fn take_place(
        &self,
        instance: &mut Instance<'a>,
        names: &Names<'_, 'a>,
        problems: &mut Vec<Diagnostic>,
    ) -> bool {
        if let Some(node) = &instance.resource.account {
            match self.account(node, names, problems) {
                Ok(name) => {
                    if let Some(place) = name.and_then(|name| self.facts.place(&name)) {
                        self.account_id(&place).clone_into(&mut instance.account_id);
                        instance.place = place;
                    }
                }
                Err(()) => return false,
            }
        }
        let Some(node) = &instance.resource.region else { return true };
        let take = |value| match value {
            text @ (Value::String(_) | Value::Secret(_)) => Ok(text),
            other => Err(other),
        };
        match self.decided("region", "a string", node, names, problems, take) {
            Some(Value::String(region)) if is_region(&region) => instance.place.region = region,
            Some(Value::String(region)) => problems.push(
                Diagnostic::error("invalid-value", format!("`{region}` is not the name of a region"))
                    .at(node.span, "such as us-east-1"),
            ),
            Some(_) => problems.push(
                Diagnostic::error("secret-name", "`region` would show a secret")
                    .at(node.span, "the region of a resource is always shown"),
            ),
            None => return false,
        }
        true
    }
}
