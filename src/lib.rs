//! dwctl: a Terraform-style provisioner for AWS data warehouses.
//!
//! Data flows in one direction: stack → graph → desired and live → plan → apply → ledger.
//! `ARCHITECTURE.md` describes the modules and what each must never do.

pub mod apply;
pub mod aws;
pub mod cache;
pub mod cli;
pub mod diag;
pub mod elsewhere;
pub mod eval;
pub mod files;
pub mod graph;
pub mod kind;
pub mod kinds;
pub mod lang;
pub mod ledger;
pub mod limits;
pub mod lines;
pub mod live;
pub mod plan;
pub mod sandbox;
pub mod schema;
pub mod signals;
pub mod stack;
pub mod value;
