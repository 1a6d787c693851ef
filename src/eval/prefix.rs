//! `name_prefix`: names whose end dwctl generates. A name stays as long as its resource: it is the id in
//! the ledger, and before the create call that of the intent.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::model::{EvalContext, Generated, Instance, KnownName};
use super::resolve::Names;
use crate::diag::{Diagnostic, a};
use crate::graph::Address;
use crate::value::Value;

/// The characters of a generated end: all services allow them in names.
const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// The length of a generated end.
const LENGTH: usize = 10;

impl EvalContext<'_> {
    /// Makes the names known that resources have or are about to get, by address. Without it, generated
    /// names are placeholders.
    pub fn remember_names(&self, ids: BTreeMap<Address, KnownName>) {
        self.generated.replace(Generated { ids, renewed: BTreeSet::new() });
    }

    /// Generates a new name for an address. Returns false if that was done already.
    pub fn renew_name(&self, address: &Address) -> bool {
        self.generated.borrow_mut().renewed.insert(address.clone())
    }

    /// Adds the name of an instance to its attributes, if the stack declares only the beginning of it.
    /// Returns false if there is a problem.
    pub(super) fn add_name(
        &self,
        instance: &mut Instance<'_>,
        names: &Names<'_, '_>,
        attributes: &mut BTreeMap<String, Value>,
        problems: &mut Vec<Diagnostic>,
    ) -> bool {
        let Some(node) = &instance.resource.name_prefix else { return true };
        let kind = &instance.resource.kind;
        let Some(attribute) = instance.kind.name_attribute() else {
            problems.push(
                Diagnostic::error("not-supported", format!("{} has no `name_prefix`", a(kind)))
                    .at(node.span, "cannot be used here")
                    .help("it is for kinds whose id is a name that the stack chooses; write the whole name"),
            );
            return false;
        };
        if attributes.contains_key(attribute) {
            let both = format!("`{attribute}` and `name_prefix` exclude each other");
            let place = instance.resource.body.entry(attribute).map_or(node.span, |entry| entry.span);
            problems.push(
                Diagnostic::error("invalid-value", both)
                    .at(node.span, format!("the beginning of `{attribute}`"))
                    .and(place, "the whole name"),
            );
            return false;
        }
        let take = |value: Value| match value {
            text @ (Value::String(_) | Value::Secret(_)) => Ok(text),
            other => Err(other),
        };
        let name = match self.decided("name_prefix", "a string", node, names, problems, take) {
            Some(Value::String(prefix)) if !prefix.is_empty() => {
                let name = self.name(&instance.address, &prefix);
                instance.name_prefix = Some(prefix);
                name
            }
            Some(Value::String(_)) => {
                problems.push(
                    Diagnostic::error("invalid-value", "`name_prefix` is empty")
                        .at(node.span, "such as \"etl-\""),
                );
                return false;
            }
            Some(_) => {
                problems.push(
                    Diagnostic::error("secret-name", "`name_prefix` would show a secret")
                        .at(node.span, "the name of a resource is always shown"),
                );
                return false;
            }
            None => return false,
        };
        attributes.insert(attribute.to_owned(), Value::String(name));
        true
    }

    fn name(&self, address: &Address, prefix: &str) -> String {
        let generated = self.generated.borrow();
        let (old, renewed) = (generated.ids.get(address), generated.renewed.contains(address));
        let known = match (renewed, old) {
            (true, _) => None,
            (false, Some(old)) => Some(old.clone()),
            (false, None) => self.import(address, &mut Vec::new()).map(|id| KnownName { id, prefix: None }),
        };
        // The ledger knows what the name was made of. A name that was not is kept if it fits.
        let fits = |known: &KnownName| match &known.prefix {
            Some(made_with) => made_with == prefix,
            None => known.id.len() > prefix.len() && known.id.starts_with(prefix),
        };
        if let Some(known) = known.filter(fits) {
            return known.id;
        }
        // Nothing that changes with time: a saved plan and a recovery need the same name again.
        let scope = &self.facts.scope;
        let parts =
            [&self.stack.name, &self.stack.env, &scope.account_id, &scope.region, &address.to_string()];
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        // The new name of a replacement differs from that of the old resource.
        hash.update(old.filter(|_| renewed).map_or("", |old| old.id.as_str()));
        let letters = hash.finalize().into_iter().take(LENGTH);
        let letters = letters.map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
        format!("{prefix}{}", letters.collect::<String>())
    }
}
