//! Every kind of resource. To add one: its file, its module and its place in [`KINDS`].

use std::sync::LazyLock;

use crate::kind::{ErasedKind, erase};

/// AWS KMS.
pub mod kms {
    pub mod key;
}

/// Amazon S3.
pub mod s3 {
    pub mod bucket;
    pub mod object;
    mod shared;
}

/// AWS Secrets Manager.
pub mod secretsmanager {
    pub mod secret;
}

/// Amazon SNS.
pub mod sns {
    pub mod topic;
}

/// All kinds, in order of their names.
pub static KINDS: LazyLock<Vec<Box<dyn ErasedKind>>> = LazyLock::new(|| {
    vec![
        erase::<kms::key::KmsKey>(),
        erase::<s3::bucket::S3Bucket>(),
        erase::<s3::object::S3Object>(),
        erase::<secretsmanager::secret::SecretsManagerSecret>(),
        erase::<sns::topic::SnsTopic>(),
    ]
});

/// The kind of this name.
pub fn kind(name: &str) -> Option<&'static dyn ErasedKind> {
    KINDS.iter().find(|kind| kind.name() == name).map(AsRef::as_ref)
}
