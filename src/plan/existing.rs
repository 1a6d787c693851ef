//! The spec of a resource as it is at AWS, with everything that only dwctl knows of it.

use super::applied::mark;
use crate::graph::Address;
use crate::kind::{ErasedKind, ErasedLive};
use crate::ledger::{Entry, Ledger, is_of_secret};
use crate::schema::{Node, Shape, normalize};
use crate::value::Value;

/// The live spec of a resource in the ledger, in canonical form. AWS returns secrets in the open;
/// the ledger knows which values are secret. Settings that only dwctl uses, such as
/// `force_destroy`, are unknown to AWS and are recovered from their fingerprints.
pub fn existing(
    address: &Address,
    kind: &dyn ErasedKind,
    entry: &Entry,
    live: &ErasedLive,
    ledger: &Ledger,
) -> Value {
    let mut existing = normalize(&kind.schema().spec, live.spec.clone());
    let fields = kind.schema().spec.fields();
    mark(address, entry, &mut existing, &Value::Null, &kind.schema().spec, ledger);
    let printed = entry.fingerprinted(address);
    for (name, field) in fields.into_iter().flatten().filter(|(_, field)| field.marks.local) {
        let Some(applied) = entry.fingerprint(name) else { continue };
        let prints = ledger.fingerprints();
        // Fingerprints of secrets are memory-hard, so only a few candidate values are tried.
        let secret = is_of_secret(applied);
        let as_applied = |value: Value| if secret { value.into_secret() } else { value };
        let is_it = |value: &Value| prints.of(printed, name, value).as_ref() == Some(applied);
        let mut values = candidates(field).take(if secret { FEW } else { usize::MAX }).map(as_applied);
        if let (Some(value), Value::Map(map)) = (values.find(is_it), &mut existing) {
            map.insert(name.clone(), value);
        }
    }
    existing
}

/// The number of candidate values that are tried against the fingerprint of a secret.
const FEW: usize = 32;

/// All possible values of an attribute if there are few of them; else none.
fn candidates(field: &Node) -> Box<dyn Iterator<Item = Value>> {
    const MANY: f64 = 4096.0;
    match field.shape {
        Shape::Bool => Box::new([false, true].into_iter().map(Value::Bool)),
        Shape::Number { integer: true, minimum: Some(from), maximum: Some(to) } if to - from < MANY => {
            Box::new((from as i64..=to as i64).map(Value::from))
        }
        _ => Box::new(std::iter::empty()),
    }
}
