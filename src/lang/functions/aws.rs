//! AWS names.

use super::{Arguments, Function, Outcome, Problem, Reads};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("arn_build", &PARTS, Reads::All, arn_build),
    Function::new("arn_parse", &["arn"], Reads::All, arn_parse),
];

const PARTS: [&str; 5] = ["partition", "service", "region", "account_id", "resource"];

fn arn_build(arguments: &mut Arguments<'_>) -> Outcome {
    let parts = (0..PARTS.len()).map(|index| arguments.text(index)).collect::<Result<Vec<_>, _>>()?;
    for (index, part) in parts.iter().enumerate() {
        // The resource comes last and may contain colons.
        if index + 1 < PARTS.len() && part.contains(':') {
            return Err(Problem::of(index, format!("the {} cannot contain a colon", PARTS[index])));
        }
    }
    Ok(format!("arn:{}", parts.join(":")).into())
}

fn arn_parse(arguments: &mut Arguments<'_>) -> Outcome {
    let text = arguments.text(0)?;
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", parts @ ..] if parts.len() == PARTS.len() => {
            Ok(Value::map(PARTS.into_iter().zip(parts.iter().copied())))
        }
        _ => Err(Problem::of(0, format!("`{text}` is not an ARN")).code("invalid-argument")),
    }
}
