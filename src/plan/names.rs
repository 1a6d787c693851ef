//! Short names of several addresses.

use super::words::visible;
use crate::graph::{Address, ModulePath};

/// The number of shared names, from the last one, that an address may join.
const NEAR: usize = 16;

/// A name that is made of parts, some of which have keys.
pub trait Keyed {
    /// Its parts, each with its key.
    fn parts(&self) -> Vec<(String, Option<&str>)>;
}

impl Keyed for &ModulePath {
    fn parts(&self) -> Vec<(String, Option<&str>)> {
        steps(self)
    }
}

impl Keyed for Address {
    fn parts(&self) -> Vec<(String, Option<&str>)> {
        let mut parts = steps(&self.module);
        parts.push((format!("{}.{}", self.kind, self.name), self.key.as_deref()));
        parts
    }
}

impl Keyed for &Address {
    fn parts(&self) -> Vec<(String, Option<&str>)> {
        (**self).parts()
    }
}

fn steps(module: &ModulePath) -> Vec<(String, Option<&str>)> {
    module.steps().iter().map(|step| (format!("module.{}", step.name), step.key.as_deref())).collect()
}

/// Names, at most `most`, and the number of further ones. Those that differ in one key share a name:
/// `module.lake["raw", "curated"].s3_bucket.data`.
pub fn names<T: Keyed>(all: &[T], most: usize) -> String {
    struct Shared<'k> {
        parts: Vec<(String, Option<&'k str>)>,
        /// The part whose keys differ.
        differs: Option<usize>,
        keys: Vec<&'k str>,
    }
    let mut shared: Vec<Shared<'_>> = Vec::new();
    for one in all.iter().take(most) {
        let parts = one.parts();
        let joined = shared.iter_mut().rev().take(NEAR).any(|last| {
            let is_like = last.parts.len() == parts.len()
                && last
                    .parts
                    .iter()
                    .zip(&parts)
                    .all(|(left, right)| left.0 == right.0 && left.1.is_some() == right.1.is_some());
            let mut unequal = (0..parts.len())
                .filter(|&at| last.parts.get(at).map(|part| part.1) != parts.get(at).map(|part| part.1));
            let at = match (is_like, unequal.next(), unequal.next()) {
                (true, Some(at), None) if last.differs.is_none_or(|differs| differs == at) => at,
                _ => return false,
            };
            last.differs = Some(at);
            last.keys.extend(parts.get(at).and_then(|part| part.1));
            true
        });
        if !joined {
            shared.push(Shared { parts, differs: None, keys: Vec::new() });
        }
    }
    let text = |one: &Shared<'_>| {
        let parts = one.parts.iter().enumerate().map(|(at, (name, key))| {
            let keys = key.iter().chain(one.keys.iter().filter(|_| one.differs == Some(at)));
            let keys: Vec<String> = keys.map(|key| serde_json::Value::from(*key).to_string()).collect();
            if keys.is_empty() { name.clone() } else { format!("{name}[{}]", keys.join(", ")) }
        });
        parts.collect::<Vec<_>>().join(".")
    };
    let mut named: Vec<String> = shared.iter().map(text).collect();
    if all.len() > most {
        named.push(format!("… {} more", all.len() - most));
    }
    visible(&named.join(", "))
}
