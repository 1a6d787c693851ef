//! Every kind of resource. To add one: its file, its module and its place in [`KINDS`].

use std::sync::LazyLock;

use crate::kind::{ErasedKind, erase};

/// Amazon EventBridge.
pub mod eventbridge {
    mod pattern;
    pub mod rule;
    mod target;
}

/// Amazon Redshift.
pub mod redshift {
    pub mod cluster;
    mod cluster_check;
    mod cluster_live;
    pub mod cluster_parameter_group;
    pub mod cluster_subnet_group;
    mod cluster_update;
    mod shared;
}

/// AWS Step Functions.
pub mod sfn {
    mod choice;
    pub mod state_machine;
    mod states_language;
}

/// Amazon SNS.
pub mod sns {
    pub mod topic;
}

/// All kinds, in order of their names.
pub static KINDS: LazyLock<Vec<Box<dyn ErasedKind>>> = LazyLock::new(|| {
    vec![
        erase::<eventbridge::rule::EventbridgeRule>(),
        erase::<redshift::cluster::RedshiftCluster>(),
        erase::<redshift::cluster_parameter_group::RedshiftClusterParameterGroup>(),
        erase::<redshift::cluster_subnet_group::RedshiftClusterSubnetGroup>(),
        erase::<sfn::state_machine::SfnStateMachine>(),
        erase::<sns::topic::SnsTopic>(),
    ]
});

/// The kind of this name.
pub fn kind(name: &str) -> Option<&'static dyn ErasedKind> {
    KINDS.iter().find(|kind| kind.name() == name).map(AsRef::as_ref)
}
