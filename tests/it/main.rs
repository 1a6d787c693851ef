//! All integration tests, in one binary: the real `dwctl` against a local AWS of their own.
//!
//! `cargo test --test it lives::glue_job` runs the life of one kind. What they need is
//! started by them and ends with them; besides Rust it takes Python 3.10 or newer.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bad_input;
mod calls;
mod circles;
mod harness;
mod interrupt;
mod lives;
mod moves;
mod ownership;
mod paper;
mod properties;
mod sandbox;
mod saved;
mod schemas;
mod screens;
mod tidy;
mod waivers;
