//! Attributes that name other resources, and their effect on the deletion of these.

use crate::value::Value;

/// An attribute that names another resource. The engine derives the order of work from it, even if the
/// name is written without a reference, and learns which resource prevents which deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The path of the attribute, through tables and lists: `rules.destination.bucket`.
    pub attribute: &'static str,
    /// The kind of the named resource, which is named by id or ARN.
    pub kind: &'static str,
    /// What AWS does when the named resource is deleted.
    pub hold: Hold,
    /// The flag to set when the attribute loses its last element, if AWS or the kind would otherwise
    /// replace an empty attribute by its default.
    pub emptied: Option<&'static str>,
    /// The attribute of the named resources that says what they are in, such as a VPC. AWS refuses an
    /// update that moves the resource to others elsewhere, so the engine replaces it.
    pub within: Option<&'static str>,
}

/// What AWS does when a resource is deleted that another one, the holder, names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// AWS deletes it.
    None,
    /// AWS refuses as long as the holder names it. An update can remove the name for a moment, without
    /// harm beyond the deletion itself.
    Loose,
    /// AWS refuses, and the holder needs the name.
    Firm,
    /// AWS refuses while the holder is in use itself.
    InUse,
}

impl Link {
    /// An attribute that names a resource but does not prevent its deletion.
    pub const fn to(attribute: &'static str, kind: &'static str) -> Self {
        Self { attribute, kind, hold: Hold::None, emptied: None, within: None }
    }

    /// Sets what AWS does when the named resource is deleted.
    #[must_use]
    pub const fn held(self, hold: Hold) -> Self {
        Self { hold, ..self }
    }

    /// Sets the flag that declares the attribute empty on purpose.
    #[must_use]
    pub const fn emptied(self, flag: &'static str) -> Self {
        Self { emptied: Some(flag), ..self }
    }

    /// Says what the named resources are in; see [`Self::within`].
    #[must_use]
    pub const fn within(self, attribute: &'static str) -> Self {
        Self { within: Some(attribute), ..self }
    }

    /// The top-level attribute of the kind that contains the names.
    pub fn root(&self) -> &'static str {
        self.attribute.split('.').next().unwrap_or(self.attribute)
    }

    /// The known names in a spec.
    pub fn names<'v>(&self, spec: &'v Value) -> Vec<&'v str> {
        let mut names = Vec::new();
        collect(spec, self.attribute, &mut |value| names.extend(value.as_str()));
        names
    }

    /// Returns whether a name in a spec is not known yet.
    pub fn is_open(&self, spec: &Value) -> bool {
        let mut open = false;
        collect(spec, self.attribute, &mut |value| open |= value.contains_unknown());
        open
    }

    /// Removes these names from a spec: list elements that are or contain one, otherwise the whole
    /// attribute.
    pub fn forget(&self, spec: &mut Value, names: &[String]) {
        let Value::Map(map) = spec else { return };
        let (root, rest) = (self.root(), self.attribute.split_once('.').map_or("", |(_, rest)| rest));
        let Some(value) = map.get_mut(root) else { return };
        let is_it = |value: &Value| {
            let mut found = false;
            collect(value, rest, &mut |value| {
                found |= value.as_str().is_some_and(|name| names.iter().any(|one| one == name));
            });
            found
        };
        match value {
            Value::List(list) => {
                let before = list.len();
                list.retain(|one| !is_it(one));
                let emptied = self.emptied.filter(|_| list.is_empty() && before > 0);
                if let Some(flag) = emptied {
                    map.insert(flag.to_owned(), Value::Bool(true));
                }
            }
            other if is_it(other) => drop(map.remove(root)),
            _ => {}
        }
    }
}

/// Calls `each` with the values at a path through tables and lists.
fn collect<'v>(value: &'v Value, path: &str, each: &mut dyn FnMut(&'v Value)) {
    match value {
        Value::List(list) => list.iter().for_each(|one| collect(one, path, each)),
        _ if path.is_empty() => each(value),
        Value::Unknown(_) => each(value),
        Value::Map(map) => {
            let (name, rest) = path.split_once('.').unwrap_or((path, ""));
            if let Some(inner) = map.get(name) {
                collect(inner, rest, each);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{Hold, Link};
    use crate::value::Value;

    const RULES: Link = Link::to("rules.group", "ec2_security_group").held(Hold::Loose).emptied("revoke_all");

    fn spec(groups: &[&str]) -> Value {
        let rule = |group: &&str| Value::map([("group", Value::from(*group)), ("port", Value::from(1i64))]);
        Value::map([("rules", Value::List(groups.iter().map(rule).collect()))])
    }

    #[test]
    fn names_are_found_and_taken_out_through_lists_and_tables() {
        let mut value = spec(&["a", "b"]);
        assert_eq!(RULES.names(&value), ["a", "b"]);
        RULES.forget(&mut value, &["a".to_owned()]);
        assert_eq!(value, spec(&["b"]), "nothing else of it changes");
        RULES.forget(&mut value, &["b".to_owned()]);
        // An empty list might mean the default, which permits all outgoing traffic.
        assert_eq!(value.get("revoke_all"), Some(&Value::Bool(true)));

        let arns = Link::to("arns", "iam_policy");
        let mut value = Value::map([("arns", Value::list(["x", "y"]))]);
        arns.forget(&mut value, &["y".to_owned()]);
        assert_eq!(arns.names(&value), ["x"]);

        let one = Link::to("logging.target", "s3_bucket");
        let mut value = Value::map([("logging", Value::map([("target", Value::from("logs"))]))]);
        assert_eq!((one.names(&value), one.root()), (vec!["logs"], "logging"));
        one.forget(&mut value, &["other".to_owned()]);
        assert_eq!(one.names(&value), ["logs"]);
        one.forget(&mut value, &["logs".to_owned()]);
        assert!(value.get("logging").is_none());
    }

    #[test]
    fn an_unknown_value_may_be_any_name() {
        let open =
            Value::map([("rules", Value::List(vec![Value::unknown("ec2_security_group.a", "group_id")]))]);
        assert!(RULES.is_open(&open) && RULES.names(&open).is_empty());
        assert!(!RULES.is_open(&spec(&["a"])));
    }
}
