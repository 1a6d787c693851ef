//! All integration tests, in one binary: the real `dwctl` against a local AWS of their own.
//!
//! `cargo test --test it lives::glue_job` runs the life of one kind. What they need is
//! started by them and ends with them; besides Rust it takes Python 3.10 or newer.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod account;
mod bad_input;
mod calls;
mod circles;
mod exchange;
mod formats;
mod harness;
mod interrupt;
mod lives;
mod moves;
mod ownership;
mod paging;
mod paper;
mod properties;
mod reviewer;
mod sandbox;
mod schemas;
mod screens;
mod semantic;
mod slow;
mod tidy;
mod waivers;
