//! YAML, read and written as Terraform's functions do.

mod decode;
mod encode;
mod scalar;

pub(super) use decode::decode;
pub(super) use encode::{encode, length};
