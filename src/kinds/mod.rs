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

/// Amazon EC2 and VPC.
pub mod ec2 {
    pub mod security_group;
    mod shared;
    pub mod subnet;
    pub mod vpc;
}

/// Amazon EventBridge.
pub mod eventbridge {
    pub mod rule;
    mod target;
    mod target_check;
}

/// AWS Glue.
pub mod glue {
    pub mod classifier;
    pub mod crawler;
    mod crawler_check;
    pub mod database;
    pub mod job;
    mod job_check;
    mod shared;
    pub mod trigger;
    pub mod workflow;
}

/// AWS Identity and Access Management.
pub mod iam {
    pub mod policy;
    pub mod role;
    mod shared;
}

/// AWS Key Management Service.
pub mod kms {
    pub mod key;
}

/// Amazon Redshift.
pub mod redshift {
    pub mod cluster;
    mod cluster_check;
    mod cluster_live;
    pub mod cluster_parameter_group;
    pub mod cluster_subnet_group;
    mod cluster_update;
    mod parameters;
    mod reserved;
    mod shared;
    mod wlm;
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

/// AWS Step Functions.
pub mod sfn {
    mod choice;
    mod doubled;
    mod integrations;
    mod jsonata;
    mod paths;
    pub mod state_machine;
    mod states_language;
}

/// Amazon SNS.
pub mod sns {
    mod filter;
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
        erase::<ec2::security_group::Ec2SecurityGroup>(),
        erase::<ec2::subnet::Ec2Subnet>(),
        erase::<ec2::vpc::Ec2Vpc>(),
        erase::<eventbridge::rule::EventbridgeRule>(),
        erase::<glue::classifier::GlueClassifier>(),
        erase::<glue::crawler::GlueCrawler>(),
        erase::<glue::database::GlueDatabase>(),
        erase::<glue::job::GlueJob>(),
        erase::<glue::trigger::GlueTrigger>(),
        erase::<glue::workflow::GlueWorkflow>(),
        erase::<iam::policy::IamPolicy>(),
        erase::<iam::role::IamRole>(),
        erase::<kms::key::KmsKey>(),
        erase::<redshift::cluster::RedshiftCluster>(),
        erase::<redshift::cluster_parameter_group::RedshiftClusterParameterGroup>(),
        erase::<redshift::cluster_subnet_group::RedshiftClusterSubnetGroup>(),
        erase::<s3::bucket::S3Bucket>(),
        erase::<s3::object::S3Object>(),
        erase::<secretsmanager::secret::SecretsManagerSecret>(),
        erase::<sfn::state_machine::SfnStateMachine>(),
        erase::<sns::subscription::SnsSubscription>(),
        erase::<sns::topic::SnsTopic>(),
    ]
});

/// The kind of this name.
pub fn kind(name: &str) -> Option<&'static dyn ErasedKind> {
    KINDS.iter().find(|kind| kind.name() == name).map(AsRef::as_ref)
}
