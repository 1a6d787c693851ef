//! The one list of kinds that tests are made of, a test a kind: `each_kind!(made)` calls the macro
//! `made` with all names. A kind that is missing here fails [`every_kind_is_listed`].

/// Calls a macro with the names of all kinds, in the order of `KINDS`.
macro_rules! each_kind {
    ($made:ident) => {
        $made![
            cloudwatch_alarm,
            cloudwatch_dashboard,
            cloudwatchlogs_log_group,
            ec2_security_group,
            ec2_subnet,
            ec2_vpc,
            eventbridge_rule,
            glue_classifier,
            glue_crawler,
            glue_database,
            glue_job,
            glue_trigger,
            glue_workflow,
            iam_policy,
            iam_role,
            kms_key,
            redshift_cluster,
            redshift_cluster_parameter_group,
            redshift_cluster_subnet_group,
            s3_bucket,
            s3_object,
            secretsmanager_secret,
            sfn_state_machine,
            sns_subscription,
            sns_topic,
        ];
    };
}

macro_rules! list {
    ($($kind:ident),* $(,)?) => {
        const LISTED: &[&str] = &[$(stringify!($kind)),*];
    };
}

each_kind!(list);

#[test]
fn every_kind_is_listed() {
    let kinds: Vec<&str> = dwctl::kinds::KINDS.iter().map(|kind| kind.name()).collect();
    assert_eq!(kinds, LISTED, "add the kind to `each_kind!`");
}
