//! Every kind of resource. To add one: its file, its module and its place in [`KINDS`].

use std::sync::LazyLock;

use crate::kind::{ErasedKind, erase};

/// Amazon EC2 and VPC.
pub mod ec2 {
    pub mod security_group;
    mod shared;
    pub mod subnet;
    pub mod vpc;
}

/// AWS Identity and Access Management.
pub mod iam {
    pub mod policy;
    pub mod role;
    mod shared;
}

/// Amazon SNS.
pub mod sns {
    pub mod topic;
}

/// All kinds, in order of their names.
pub static KINDS: LazyLock<Vec<Box<dyn ErasedKind>>> = LazyLock::new(|| {
    vec![
        erase::<ec2::security_group::Ec2SecurityGroup>(),
        erase::<ec2::subnet::Ec2Subnet>(),
        erase::<ec2::vpc::Ec2Vpc>(),
        erase::<iam::policy::IamPolicy>(),
        erase::<iam::role::IamRole>(),
        erase::<sns::topic::SnsTopic>(),
    ]
});

/// The kind of this name.
pub fn kind(name: &str) -> Option<&'static dyn ErasedKind> {
    KINDS.iter().find(|kind| kind.name() == name).map(AsRef::as_ref)
}
