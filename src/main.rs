//! The `dwctl` program.

fn main() {}
