//! Carries out a plan. A dispatcher owns the order and the events; each executor makes one resource
//! match its declaration.

mod conditions;
mod converge;
mod create;
mod data;
mod destroy;
mod dispatch;
mod event;
mod execute;
mod executor;
mod import;
mod instances;
mod ledger_writer;
mod look;
mod needed;
mod outputs;
mod pending;
mod prepare;
mod proof;
mod reads;
mod record;
mod recover;
mod release;
mod retry;
mod run;
mod schedule;
mod work;

pub use crate::plan::order::{Step, Unit};
pub use event::{Event, LockedLedger, Options, Summary};
pub use import::{Tagged, import};
pub use recover::{Recovered, recover};
pub use run::apply;
