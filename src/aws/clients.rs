//! One lazily made client for each AWS service that a kind needs.

use std::cell::OnceCell;

use aws_types::SdkConfig;

use super::audit::Recorder;
use super::meter::Meter;

/// Declares the services: a method for each, which makes its client on first use
/// with [`Meter`] and [`Recorder`] in its request path.
macro_rules! clients {
    ($($(#[$doc:meta])* $service:ident: $sdk:ident $(, $setting:ident = $value:expr)*;)*) => {
        /// The clients of one region.
        pub struct Clients {
            config: SdkConfig,
            meter: Meter,
            recorder: Recorder,
            $($service: OnceCell<$sdk::Client>,)*
        }

        impl Clients {
            /// Clients that use `config`, count their calls in `meter` and tell `recorder` of
            /// those that change something.
            pub(super) fn new(config: SdkConfig, meter: Meter, recorder: Recorder) -> Self {
                Self { config, meter, recorder, $($service: OnceCell::new(),)* }
            }

            $(
                $(#[$doc])*
                pub fn $service(&self) -> &$sdk::Client {
                    self.$service.get_or_init(|| {
                        let builder = $sdk::config::Builder::from(&self.config)
                            .interceptor(self.meter.clone())
                            .interceptor(self.recorder.clone());
                        $(let builder = builder.$setting($value(&self.config));)*
                        $sdk::Client::from_conf(builder.build())
                    })
                }
            )*
        }
    };
}

clients! {
    /// Amazon CloudWatch: alarms and dashboards.
    cloudwatch: aws_sdk_cloudwatch;
    /// Amazon CloudWatch Logs.
    cloudwatchlogs: aws_sdk_cloudwatchlogs;
    /// Amazon EC2 and VPC.
    ec2: aws_sdk_ec2;
    /// Amazon EventBridge.
    eventbridge: aws_sdk_eventbridge;
    /// AWS Glue.
    glue: aws_sdk_glue;
    /// AWS Identity and Access Management.
    iam: aws_sdk_iam;
    /// AWS Key Management Service.
    kms: aws_sdk_kms;
    /// Amazon Redshift.
    redshift: aws_sdk_redshift;
    /// The index of tags: AWS Resource Groups Tagging.
    resourcegroupstagging: aws_sdk_resourcegroupstagging;
    /// Amazon S3.
    s3: aws_sdk_s3, force_path_style = custom_endpoint;
    /// AWS Secrets Manager.
    secretsmanager: aws_sdk_secretsmanager;
    /// AWS Step Functions.
    sfn: aws_sdk_sfn;
    /// Amazon SNS.
    sns: aws_sdk_sns;
    /// AWS Security Token Service.
    sts: aws_sdk_sts;
}

/// An emulator on an IP address has no host name for each bucket.
fn custom_endpoint(config: &SdkConfig) -> bool {
    config.endpoint_url().is_some()
}
