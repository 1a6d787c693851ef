//! Refuses secrets in the names of resources: ids, ARNs and names appear in the ledger, in addresses of
//! other services and on screens.

use crate::aws::Scope;
use crate::kind::{ErasedKind, Identity, Known, Predicted};
use crate::schema::PathStep;
use crate::value::Value;

/// The paths of secrets in a spec that would become part of the resource's id, ARN or name.
pub(super) fn secrets_in_names(kind: &dyn ErasedKind, spec: &Value, scope: &Scope) -> Vec<Vec<PathStep>> {
    if !spec.contains_secret() {
        return Vec::new();
    }
    let mut secrets = Vec::new();
    gather(spec, &mut Vec::new(), &mut secrets);
    let called = |but: Option<&[PathStep]>| -> (Identity, Predicted) {
        let mut probe = spec.clone();
        let others = secrets.iter().filter(|&path| Some(path.as_slice()) != but);
        others.for_each(|path| open(&mut probe, path));
        (kind.identity(Known(&probe), scope), kind.predict(Known(&probe), scope))
    };
    let open = called(None);
    let assigned = open.0 == Identity::Assigned;
    let shown =
        |path: &Vec<PathStep>| called(Some(path.as_slice())) != open || (assigned && is_name(kind, path));
    secrets.iter().filter(|path| shown(path)).cloned().collect()
}

/// Returns whether an attribute is the name of a resource whose id AWS assigns.
fn is_name(kind: &dyn ErasedKind, path: &[PathStep]) -> bool {
    let [PathStep::Name(attribute)] = path else { return false };
    let field = kind.schema().spec.fields().and_then(|fields| fields.get(attribute));
    (attribute == "name" || attribute.ends_with("_name")) && field.is_some_and(|field| field.marks.replace)
}

fn gather(value: &Value, path: &mut Vec<PathStep>, found: &mut Vec<Vec<PathStep>>) {
    let mut below = |step: PathStep, inner: &Value| {
        path.push(step);
        gather(inner, path, found);
        path.pop();
    };
    match value {
        Value::Secret(_) => found.push(path.clone()),
        Value::List(list) => list.iter().enumerate().for_each(|(at, one)| below(PathStep::Index(at), one)),
        Value::Map(map) => map.iter().for_each(|(name, one)| below(PathStep::Name(name.clone()), one)),
        _ => {}
    }
}

/// Reveals the secret at a path. Only that it becomes known matters, not its value.
fn open(value: &mut Value, path: &[PathStep]) {
    match (&mut *value, path.split_first()) {
        (Value::Map(map), Some((PathStep::Name(name), rest))) => {
            map.get_mut(name).into_iter().for_each(|inner| open(inner, rest));
        }
        (Value::List(list), Some((PathStep::Index(at), rest))) => {
            list.get_mut(*at).into_iter().for_each(|inner| open(inner, rest));
        }
        (Value::Secret(inner), _) => {
            *value = match std::mem::take(&mut **inner).reveal() {
                Value::Unknown(_) => "probe".into(),
                known => known,
            };
        }
        _ => {}
    }
}
