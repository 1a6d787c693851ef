//! Every kind of resource. To add one: its file, its module and its place in [`KINDS`].

use std::sync::LazyLock;

use crate::kind::{ErasedKind, erase};

/// Amazon CloudWatch.
pub mod cloudwatch {
    pub mod alarm;
    pub mod dashboard;
    mod shared;
}

/// Amazon CloudWatch Logs.
pub mod cloudwatchlogs {
    pub mod log_group;
}

/// Amazon SNS.
pub mod sns {
    mod shared;
    pub mod subscription;
    pub mod topic;
}

/// All kinds, in order of their names.
pub static KINDS: LazyLock<Vec<Box<dyn ErasedKind>>> = LazyLock::new(|| {
    vec![
        erase::<cloudwatch::alarm::Alarm>(),
        erase::<cloudwatch::dashboard::Dashboard>(),
        erase::<cloudwatchlogs::log_group::LogGroup>(),
        erase::<sns::subscription::SnsSubscription>(),
        erase::<sns::topic::SnsTopic>(),
    ]
});

/// The kind of this name.
pub fn kind(name: &str) -> Option<&'static dyn ErasedKind> {
    KINDS.iter().find(|kind| kind.name() == name).map(AsRef::as_ref)
}
