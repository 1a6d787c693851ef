//! The tests that need dwctl as a whole: one binary, so that the SDK is linked once.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bad_input;
mod paper;
mod properties;
mod schemas;
mod screens;
mod tidy;
