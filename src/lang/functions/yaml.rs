//! YAML, decoded and encoded like Terraform's functions.

mod decode;
mod encode;
mod scalar;

pub(super) use decode::decode;
pub(super) use encode::{encode, length};
