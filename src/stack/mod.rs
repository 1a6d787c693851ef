//! Stack files: parses TOML to declarations with spans. This module does not know AWS.

mod account;
mod aws;
mod broken;
mod call;
mod changed;
mod condition;
mod data;
mod declare;
mod foreign;
mod given;
mod ledger;
mod load;
mod model;
mod moved;
mod node;
mod other;
mod package;
mod quotes;
mod region;
mod remote;
mod requires;
mod settings;
mod settle;
mod variable;

pub use account::{Access, Account, MEMBERS as ACCOUNT_MEMBERS};
pub use call::passed;
pub use changed::{ChangedFile, ChangedModule, changed_modules};
pub use condition::{Condition, Verdict, shown};
pub use given::variables;
pub use ledger::LedgerPlace;
pub use load::{Loaded, load, read, variable_text};
pub use model::{
    Call, DEFAULT_ENV, Ignored, Import, Lifecycle, Module, Moved, OtherStack, Output, Removed, Resource,
    Stack, matches_tag,
};
pub use moved::{Moves, still_declared};
pub use node::{Content, Entry, Node};
pub use package::{LOCK_FILE, LockFile, Pinned, home as modules_home};
pub use region::is_region;
pub use remote::Remote;
pub use settings::{shared_of, sources_of};
pub use variable::{Type, Variable};
