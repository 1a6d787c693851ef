//! One lazily made client for each AWS service that the kinds need, and the meaning of its errors.

use std::cell::OnceCell;

use aws_types::SdkConfig;

use super::audit::Recorder;
use super::codes::Codes;
use super::meter::Meter;
use super::transport::Quotas;

/// Declares the services. Each gets a method that makes its client on first use with [`Meter`] and
/// [`Recorder`] in its request path, and the codes of its own errors from its API reference (see
/// [`Codes`]).
macro_rules! clients {
    ($($(#[$doc:meta])* $service:ident: $sdk:ident $(, $setting:ident = $value:expr)*
       $(=> { $($class:ident: [$($code:literal),* $(,)?],)* })?;)*) => {
        /// The clients of one region.
        pub struct Clients {
            config: SdkConfig,
            meter: Meter,
            recorder: Recorder,
            $($service: OnceCell<$sdk::Client>,)*
        }

        impl Clients {
            /// Creates clients that use `config`, count their calls in `meter` and report changes to
            /// `recorder`.
            pub(super) fn new(config: SdkConfig, meter: Meter, recorder: Recorder) -> Self {
                Self { config, meter, recorder, $($service: OnceCell::new(),)* }
            }

            $(
                $(#[$doc])*
                pub fn $service(&self) -> &$sdk::Client {
                    self.$service.get_or_init(|| {
                        let builder = $sdk::config::Builder::from(&self.config)
                            .interceptor(self.meter.clone())
                            .interceptor(self.recorder.clone())
                            .retry_classifier(Quotas);
                        $(let builder = builder.$setting($value(&self.config));)*
                        $sdk::Client::from_conf(builder.build())
                    })
                }
            )*
        }

        /// The meaning of each service's errors.
        pub(super) static CODES: &[(&str, Codes)] =
            &[$((stringify!($service), Codes { $($($class: &[$($code),*],)*)? ..Codes::NONE })),*];
    };
}

clients! {
    /// AWS CloudTrail.
    cloudtrail: aws_sdk_cloudtrail => {
        gone: ["TrailNotFoundException", "ResourceNotFoundException"],
        exists: ["TrailAlreadyExistsException"],
        conflict: ["ConflictException"],
    };
    /// Amazon CloudWatch: alarms and dashboards.
    cloudwatch: aws_sdk_cloudwatch => {
        gone: ["ResourceNotFoundException", "ResourceNotFound", "DashboardNotFoundError"],
        conflict: ["ConcurrentModificationException", "ConflictException", "ResourceConflict"],
        transient: ["InternalServiceFault"],
    };
    /// Amazon CloudWatch Logs.
    cloudwatchlogs: aws_sdk_cloudwatchlogs => {
        gone: ["ResourceNotFoundException"],
        exists: ["ResourceAlreadyExistsException"],
        conflict: ["OperationAbortedException", "ConflictException"],
    };
    /// Amazon EC2 and VPC
    /// (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>).
    ec2: aws_sdk_ec2 => {
        gone: [
            "InvalidVpcID.NotFound",
            "InvalidSubnetID.NotFound",
            "InvalidGroup.NotFound",
            "InvalidGroupId.NotFound",
            "InvalidSecurityGroupRuleId.NotFound",
            "InvalidPermission.NotFound",
            "InvalidVpcCidrBlockAssociationID.NotFound",
            "InvalidSubnetCidrBlockAssociationID.NotFound",
            "InvalidInternetGatewayID.NotFound",
            "Gateway.NotAttached",
            "InvalidRouteTableID.NotFound",
            "InvalidRoute.NotFound",
            "InvalidAssociationID.NotFound",
            "InvalidVpcEndpointId.NotFound",
            "InvalidVpcEndpoint.NotFound",
            "InvalidAllocationID.NotFound",
            "NatGatewayNotFound",
        ],
        exists: ["InvalidGroup.Duplicate"],
        // A subnet, or a VPC, still has its former route table or gateway.
        conflict: ["DependencyViolation", "InvalidGroup.InUse", "IncorrectState", "Resource.AlreadyAssociated", "InvalidIPAddress.InUse"],
        // The rule or route exists already: an attempt whose answer was lost may have created it, which the
        // next read shows.
        not_yet_consistent: ["InvalidPermission.Duplicate", "RouteAlreadyExists"],
    };
    /// Amazon EventBridge.
    eventbridge: aws_sdk_eventbridge => {
        gone: ["ResourceNotFoundException"],
        exists: ["ResourceAlreadyExistsException"],
        conflict: ["ConcurrentModificationException"],
        transient: ["InternalException"],
    };
    /// AWS Glue.
    glue: aws_sdk_glue => {
        gone: ["EntityNotFoundException", "ResourceNotFoundException"],
        exists: ["AlreadyExistsException", "FederatedResourceAlreadyExistsException"],
        conflict: [
            "ConcurrentModificationException",
            "ConcurrentRunsExceededException",
            "ConflictException",
            "CrawlerRunningException",
            "SchedulerTransitioningException",
            "VersionMismatchException",
        ],
        transient: ["OperationTimeoutException", "FederationSourceRetryableException"],
    };
    /// AWS Identity and Access Management.
    iam: aws_sdk_iam => {
        gone: ["NoSuchEntity"],
        exists: ["EntityAlreadyExists"],
        conflict: ["ConcurrentModification", "DeleteConflict", "EntityTemporarilyUnmodifiable"],
        transient: ["ServiceFailure"],
    };
    /// AWS Key Management Service.
    kms: aws_sdk_kms => {
        gone: ["NotFoundException"],
        exists: ["AlreadyExistsException"],
        conflict: ["ConflictException"],
        transient: ["KMSInternalException", "DependencyTimeoutException", "KeyUnavailableException"],
    };
    /// Amazon Redshift.
    redshift: aws_sdk_redshift => {
        gone: [
            "ClusterNotFound",
            "ClusterParameterGroupNotFound",
            "ClusterSubnetGroupNotFoundFault",
            "ResourceNotFoundFault",
        ],
        exists: [
            "ClusterAlreadyExists",
            "ClusterParameterGroupAlreadyExists",
            "ClusterSubnetGroupAlreadyExists",
        ],
        conflict: [
            "InvalidClusterParameterGroupState",
            "InvalidClusterSecurityGroupState",
            "InvalidClusterSnapshotState",
            "InvalidClusterState",
            "InvalidClusterSubnetGroupStateFault",
            "InvalidClusterSubnetStateFault",
        ],
        denied: ["AccessToSnapshotDenied", "DependentServiceAccessDenied"],
        transient: ["DependentServiceUnavailableFault"],
    };
    /// The tag index: AWS Resource Groups Tagging.
    resourcegroupstagging: aws_sdk_resourcegroupstagging => {
        conflict: ["ConcurrentModificationException"],
    };
    /// Amazon S3 (<https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>).
    s3: aws_sdk_s3, force_path_style = custom_endpoint => {
        gone: ["NoSuchBucket", "NoSuchKey"],
        exists: ["BucketAlreadyOwnedByYou", "BucketAlreadyExists"],
        conflict: ["OperationAborted", "ConditionalRequestConflict"],
        denied: ["AllAccessDisabled"],
        credentials: ["InvalidToken"],
    };
    /// AWS Secrets Manager.
    secretsmanager: aws_sdk_secretsmanager => {
        gone: ["ResourceNotFoundException"],
        exists: ["ResourceExistsException"],
    };
    /// AWS Step Functions.
    sfn: aws_sdk_sfn => {
        gone: ["StateMachineDoesNotExist", "ResourceNotFound"],
        exists: ["StateMachineAlreadyExists"],
        conflict: ["ConflictException", "StateMachineDeleting"],
        denied: ["KmsAccessDeniedException"],
    };
    /// Amazon SNS. Its topics and subscriptions are `NotFound`, like everything without its own code.
    sns: aws_sdk_sns => {
        gone: ["ResourceNotFound"],
        conflict: ["ConcurrentAccess", "InvalidState"],
        denied: ["AuthorizationError", "KMSAccessDenied"],
    };
    /// Amazon SQS, whose errors have the names of its model and those of the query protocol.
    sqs: aws_sdk_sqs => {
        gone: ["AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"],
        exists: ["QueueAlreadyExists", "QueueNameExists"],
        // The name of a deleted queue is free again after 60 s.
        conflict: ["AWS.SimpleQueueService.QueueDeletedRecently", "QueueDeletedRecently"],
    };
    /// AWS Security Token Service.
    sts: aws_sdk_sts;
}

/// The meaning of a service's errors, by the name of its SDK crate.
pub(super) fn codes(service: &str) -> Option<&'static Codes> {
    CODES.iter().find(|(name, _)| *name == service).map(|(_, codes)| codes)
}

/// An emulator on an IP address has no host name for each bucket.
fn custom_endpoint(config: &SdkConfig) -> bool {
    config.endpoint_url().is_some()
}
