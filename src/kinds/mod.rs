//! All kinds of resources. A new kind needs a file, a module and a line in [`each_kind!`].

use std::sync::LazyLock;

use crate::kind::{ErasedKind, Only, erase};

/// AWS CloudTrail.
pub mod cloudtrail {
    pub mod trail;
}

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
    pub mod eip;
    pub mod internet_gateway;
    pub mod nat_gateway;
    pub mod route_table;
    pub mod security_group;
    mod shared;
    pub mod subnet;
    pub mod vpc;
    pub mod vpc_endpoint;
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
    mod cluster_spec;
    pub mod cluster_subnet_group;
    mod cluster_update;
    mod parameters;
    mod reserved;
    mod shared;
    pub mod snapshot;
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
    mod walk;
}

/// Amazon SNS.
pub mod sns {
    mod filter;
    mod shared;
    pub mod subscription;
    pub mod topic;
}

/// Amazon SQS.
pub mod sqs {
    pub mod queue;
}

/// Calls a macro with the name and the type of every kind, ordered by name. Tests are generated from this
/// list, too, so that none misses a kind.
#[doc(hidden)]
#[macro_export]
macro_rules! each_kind {
    ($made:ident) => {
        $made! {
            cloudtrail_trail: cloudtrail::trail::CloudtrailTrail,
            cloudwatch_alarm: cloudwatch::alarm::Alarm,
            cloudwatch_dashboard: cloudwatch::dashboard::Dashboard,
            cloudwatchlogs_log_group: cloudwatchlogs::log_group::LogGroup,
            ec2_eip: ec2::eip::Ec2Eip,
            ec2_internet_gateway: ec2::internet_gateway::Ec2InternetGateway,
            ec2_nat_gateway: ec2::nat_gateway::Ec2NatGateway,
            ec2_route_table: ec2::route_table::Ec2RouteTable,
            ec2_security_group: ec2::security_group::Ec2SecurityGroup,
            ec2_subnet: ec2::subnet::Ec2Subnet,
            ec2_vpc: ec2::vpc::Ec2Vpc,
            ec2_vpc_endpoint: ec2::vpc_endpoint::Ec2VpcEndpoint,
            eventbridge_rule: eventbridge::rule::EventbridgeRule,
            glue_classifier: glue::classifier::GlueClassifier,
            glue_crawler: glue::crawler::GlueCrawler,
            glue_database: glue::database::GlueDatabase,
            glue_job: glue::job::GlueJob,
            glue_trigger: glue::trigger::GlueTrigger,
            glue_workflow: glue::workflow::GlueWorkflow,
            iam_policy: iam::policy::IamPolicy,
            iam_role: iam::role::IamRole,
            kms_key: kms::key::KmsKey,
            redshift_cluster: redshift::cluster::RedshiftCluster,
            redshift_cluster_parameter_group: redshift::cluster_parameter_group::RedshiftClusterParameterGroup,
            redshift_cluster_subnet_group: redshift::cluster_subnet_group::RedshiftClusterSubnetGroup,
            s3_bucket: s3::bucket::S3Bucket,
            s3_object: s3::object::S3Object,
            secretsmanager_secret: secretsmanager::secret::SecretsManagerSecret,
            sfn_state_machine: sfn::state_machine::SfnStateMachine,
            sns_subscription: sns::subscription::SnsSubscription,
            sns_topic: sns::topic::SnsTopic,
            sqs_queue: sqs::queue::SqsQueue,
        }
    };
}

macro_rules! erased {
    ($($name:ident: $kind:ty,)*) => { vec![$(erase::<$kind>(
        stringify!($name),
        include_str!(concat!("../../examples/kinds/", stringify!($name), ".toml")),
    )),*] };
}

/// All kinds, ordered by name.
pub static KINDS: LazyLock<Vec<Box<dyn ErasedKind>>> = LazyLock::new(|| each_kind!(erased));

/// The kinds that a stack can only read, as data; ordered by name.
pub static DATA_KINDS: LazyLock<Vec<Box<dyn ErasedKind>>> =
    LazyLock::new(|| vec![erase::<Only<redshift::snapshot::RedshiftSnapshot>>("redshift_snapshot", "")]);

/// Finds a kind that data can be of.
pub fn data_kind(name: &str) -> Option<&'static dyn ErasedKind> {
    kind(name).or_else(|| DATA_KINDS.iter().find(|kind| kind.name() == name).map(AsRef::as_ref))
}

/// Finds the kind of a declaration, which may be data.
pub fn of_declaration(name: &str, is_data: bool) -> Option<&'static dyn ErasedKind> {
    if is_data { data_kind(name) } else { kind(name) }
}

/// Finds a kind by name.
pub fn kind(name: &str) -> Option<&'static dyn ErasedKind> {
    KINDS.iter().find(|kind| kind.name() == name).map(AsRef::as_ref)
}
