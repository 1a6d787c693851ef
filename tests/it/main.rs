//! All integration tests in one binary: the real `dwctl` against a local AWS.
//!
//! `cargo test --test it lives::glue_job` runs the life of one kind. The tests start what they need, and
//! stop it at the end. Besides Rust they need Python 3.10 or newer.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod account;
mod audit;
mod bad_input;
mod bombs;
mod calls;
mod chaos;
mod circles;
mod concealed;
mod contract;
mod crash;
mod diff;
mod digits;
mod each_kind;
mod elsewhere;
mod errors;
mod events;
mod exchange;
mod formats;
mod gate;
mod harness;
mod holds;
mod ignored;
mod import;
mod interrupt;
mod kind_file;
mod ledger;
mod lives;
mod lost;
mod messages;
mod mistakes;
mod moves;
mod newcomers;
mod outputs;
mod owners;
mod ownership;
mod paging;
mod paper;
mod patience;
mod peers;
mod policies;
mod properties;
mod race;
mod reasons;
mod recorded;
mod removed_settings;
mod replacement;
mod reviewer;
mod risks;
mod sandbox;
mod saved;
mod schemas;
mod screens;
mod scripts;
mod secrets;
mod selection;
mod semantic;
#[cfg(unix)]
mod shared;
mod slow;
mod spelled;
mod stopped;
mod terraform_functions;
mod tidy;
mod together;
mod tools;
mod unseen;
mod variables;
mod waivers;
mod workflows;
mod written;
