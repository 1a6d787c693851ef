//! The values of the stack language. Two sorts keep a plan honest:
//! **unknown** (AWS has not decided the value yet) and **secret** (it must never be printed).

mod big;
mod number;
mod order;
mod stored;
mod tree;

pub use big::Big;
pub use number::Number;
pub(crate) use order::order;
pub use stored::mask;
pub use tree::{NotPlain, Unknown, Value, not_json};
