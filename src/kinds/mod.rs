//! Every kind of resource. To add one: its file, its module and its place in [`KINDS`].

use std::sync::LazyLock;

use crate::kind::{ErasedKind, erase};

/// AWS Glue.
pub mod glue {
    pub mod crawler;
    pub mod database;
    pub mod job;
    mod shared;
    pub mod trigger;
    pub mod workflow;
}

/// Amazon SNS.
pub mod sns {
    pub mod topic;
}

/// All kinds, in order of their names.
pub static KINDS: LazyLock<Vec<Box<dyn ErasedKind>>> = LazyLock::new(|| {
    vec![
        erase::<glue::crawler::GlueCrawler>(),
        erase::<glue::database::GlueDatabase>(),
        erase::<glue::job::GlueJob>(),
        erase::<glue::trigger::GlueTrigger>(),
        erase::<glue::workflow::GlueWorkflow>(),
        erase::<sns::topic::SnsTopic>(),
    ]
});

/// The kind of this name.
pub fn kind(name: &str) -> Option<&'static dyn ErasedKind> {
    KINDS.iter().find(|kind| kind.name() == name).map(AsRef::as_ref)
}
