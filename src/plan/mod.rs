//! Plans: the changes that an apply would make, and why. Pure: computed from desired and live
//! state.

mod addresses;
mod applied;
mod arrange;
mod blame;
mod compare;
mod conceal;
mod conditions;
mod connect;
mod consent;
mod data;
mod decide;
mod declared;
mod detail;
mod diff;
mod draft;
mod existing;
pub mod format;
mod holds;
mod inputs;
mod intents;
mod model;
mod new_values;
mod not_ours;
mod notices;
pub mod order;
mod output_state;
mod ownership;
mod partly;
mod planner;
mod policy_case;
mod protect;
mod redact;
mod remains;
mod removed_settings;
mod renames;
mod replacement;
pub mod review;
mod risk;
pub mod saved;
mod select;
mod settle;
pub mod since;
mod stored;
mod survey;
mod tags;
mod text;
mod unreplaced;
pub mod warning;
mod within;
mod words;

pub use applied::{Past, complete, intended_prints, prints, prints_of_secrets, read_request};
pub use compare::{Side, compare, refused};
pub(crate) use conceal::conceal;
pub use conditions::few;
pub use consent::{Allowed, consent, needed};
pub use data::{choose, count, unreadable};
pub use detail::{Detail, Line, Risk, RiskLabel, Sign, details, pictures, state_machine_mermaid, value_text};
pub use diff::{AttributeChange, Cause, diff, overlay};
pub use existing::existing;
pub use holds::{overlaid, without_released};
pub use inputs::{Answers, Inputs, Outcome, Question, Selection, filter_text};
pub use model::{
    Absence, Action, Asked, Change, DataRead, DataState, Declared, Later, Origin, Plan, Reason,
    RedactedRisks, Release, Revisions, Unreplaced,
};
pub use not_ours::{intruded, not_ours, still_there};
pub use notices::read_failed;
pub use output_state::{OutputState, output_states, show_unselected};
pub use ownership::{Ownership, ownership, parent, parent_decides, refusal};
pub use partly::{partly, unseen};
pub use planner::plan;
pub use risk::of_change;
pub use saved::Saved;
pub use tags::{tag_changes, tags};
pub use text::{TextOptions, call_counts_line, change_text, render};
