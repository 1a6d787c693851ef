//! Cases in which other tools are known to show a difference that is none, or to make calls that AWS
//! refuses. A state machine created right after its role is in `slow.rs`, and so is a paused cluster.

use dwctl::aws::Tags;
use dwctl::kind::{ErasedLive, Known};
use dwctl::kinds::kind;
use dwctl::schema::normalize;
use dwctl::value::Value;
use serde_json::{Value as Json, json};

use crate::exchange::{Answer, Exchange, on, play};

/// A declared spec with its defaults.
fn declared(name: &str, spec: Json) -> Value {
    let kind = kind(name).expect("a kind");
    let mut spec = Value::from_json(&spec);
    kind.derive(&mut spec, &dwctl::files::Files::default()).expect("derived");
    normalize(&kind.schema().spec, spec)
}

/// Reads a resource with this declaration from these answers.
#[track_caller]
fn read(name: &str, id: &str, spec: &Value, answers: Vec<Answer>) -> ErasedLive {
    let kind = kind(name).expect("a kind");
    let aws = Exchange::of(answers);
    let live = aws.with(async |cx| play::read(kind, cx, id, spec).await);
    live.unwrap_or_else(|error| panic!("{error}")).expect("it exists")
}

/// Expects that a resource is as declared.
#[track_caller]
fn is_as_declared(name: &str, id: &str, spec: Json, answers: Vec<Answer>) -> ErasedLive {
    let spec = declared(name, spec);
    let live = read(name, id, &spec, answers);
    let (_, _, changes) = play::differences(kind(name).expect("a kind"), &live, &spec);
    assert!(changes.is_empty(), "{changes:#?}");
    live
}

const KEY: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

fn key_arn() -> String {
    format!("arn:aws:kms:us-east-1:123456789012:key/{KEY}")
}

#[test]
fn workload_management_ignores_the_order_of_its_members() {
    let returned = r#"[{"query_concurrency":5,"user_group":["etl","loads"],"rules":[{"rule_name":"long","action":"log","predicate":[{"value":60,"operator":">","metric_name":"query_execution_time"}]}]},{"short_query_queue":true}]"#;
    is_as_declared(
        "redshift_cluster_parameter_group",
        "warehouse",
        json!({
            "parameter_group_name": "warehouse", "parameter_group_family": "redshift-2.0", "description": "d",
            "wlm_json_configuration": [
                { "user_group": ["etl", "loads"], "query_concurrency": 5, "rules": [{
                    "rule_name": "long", "predicate": [{ "metric_name": "query_execution_time", "operator": ">", "value": 60 }], "action": "log",
                }] },
                { "short_query_queue": true },
            ],
        }),
        vec![
            on("redshift:DescribeClusterParameterGroups").answers(
                "<ParameterGroups><ClusterParameterGroup><ParameterGroupName>warehouse</ParameterGroupName>\
                 <ParameterGroupFamily>redshift-2.0</ParameterGroupFamily><Description>d</Description></ClusterParameterGroup></ParameterGroups>",
            ),
            on("redshift:DescribeClusterParameters").answers(format!(
                "<Parameters><Parameter><ParameterName>wlm_json_configuration</ParameterName><Source>user</Source>\
                 <ParameterValue>{}</ParameterValue></Parameter></Parameters>",
                returned.replace('>', "&gt;")
            )),
        ],
    );
}

/// `EnableSnapshotCopy` would fail with SnapshotCopyAlreadyEnabledFault.
#[test]
fn a_new_retention_of_copied_snapshots_does_not_enable_the_copies_again() {
    let cluster = |days: u8, manual: i16| {
        declared(
            "redshift_cluster",
            json!({
                "cluster_identifier": "w", "node_type": "ra3.large", "master_username": "admin", "manage_master_password": true,
                "snapshot_copy": { "destination_region": "eu-west-1", "retention_period": days, "manual_snapshot_retention_period": manual },
            }),
        )
    };
    let kind = kind("redshift_cluster").expect("a kind");
    let aws = Exchange::of([
        on("redshift:ModifySnapshotCopyRetentionPeriod")
            .sends("RetentionPeriod", "14")
            .sends("Manual", "false"),
        on("redshift:ModifySnapshotCopyRetentionPeriod")
            .sends("RetentionPeriod", "90")
            .sends("Manual", "true"),
    ]);
    let done = aws.with(async |cx| kind.update(cx, "w", &cluster(7, -1), &cluster(14, 90)).await);
    assert_eq!(done, Ok(()));
}

#[test]
fn the_id_and_the_arn_of_a_key_are_equal() {
    for key in [KEY.to_owned(), key_arn()] {
        is_as_declared(
            "redshift_cluster",
            "w",
            json!({
                "cluster_identifier": "w", "node_type": "ra3.large", "master_username": "admin",
                "manage_master_password": true, "kms_key_id": key, "master_password_secret_kms_key_id": key,
            }),
            vec![on("redshift:DescribeClusters").answers(format!(
                "<Clusters><Cluster><ClusterIdentifier>w</ClusterIdentifier><NodeType>ra3.large</NodeType><NumberOfNodes>1</NumberOfNodes>\
                 <MasterUsername>admin</MasterUsername><MasterPasswordSecretArn>arn:s</MasterPasswordSecretArn>\
                 <MasterPasswordSecretKmsKeyId>{0}</MasterPasswordSecretKmsKeyId><Encrypted>true</Encrypted><KmsKeyId>{0}</KmsKeyId></Cluster></Clusters>",
                key_arn()
            ))],
        );
        is_as_declared(
            "s3_object",
            "lake/a.csv",
            json!({
                "bucket": "lake", "key": "a.csv", "content": "orders\n",
                "server_side_encryption": "aws:kms", "ssekms_key_id": key,
            }),
            vec![
                on("s3:HeadObject")
                    .header("content-type", "text/csv")
                    .header("x-amz-checksum-sha256", "4LdvsWfGBDpcNGcLpknemCRGjiuUWf8kBaQpUzJB3Cw=")
                    .header("x-amz-server-side-encryption", "aws:kms")
                    .header("x-amz-server-side-encryption-aws-kms-key-id", &key_arn()),
                on("s3:GetObjectTagging").answers("<Tagging><TagSet/></Tagging>"),
            ],
        );
    }
    for (key, returned) in [
        (KEY.to_owned(), key_arn()),
        (key_arn(), key_arn()),
        ("alias/secrets".to_owned(), "arn:aws:kms:us-east-1:123456789012:alias/secrets".to_owned()),
        ("alias/secrets".to_owned(), "alias/secrets".to_owned()),
    ] {
        is_as_declared(
            "secretsmanager_secret",
            "admin",
            json!({ "name": "admin", "kms_key_id": key }),
            vec![
                on("secretsmanager:DescribeSecret")
                    .answers(json!({ "Name": "admin", "KmsKeyId": returned }).to_string()),
            ],
        );
    }
}

/// AWS returns the key in place of the alias, and does not say which alias it was.
#[test]
fn an_alias_that_aws_would_not_return_is_refused() {
    let object = json!({ "bucket": "lake", "key": "k", "content": "", "server_side_encryption": "aws:kms", "ssekms_key_id": "alias/lake" });
    let cluster = json!({ "cluster_identifier": "w", "node_type": "ra3.large", "master_username": "a", "manage_master_password": true, "kms_key_id": "alias/lake" });
    let machine = json!({
        "name": "m", "role_arn": "arn:aws:iam::123456789012:role/r",
        "definition": { "StartAt": "A", "States": { "A": { "Type": "Succeed" } } },
        "encryption_configuration": { "type": "CUSTOMER_MANAGED_KMS_KEY", "kms_key_id": "arn:aws:kms:us-east-1:123456789012:alias/lake" },
    });
    for (name, spec, path) in [
        ("s3_object", object, "ssekms_key_id"),
        ("redshift_cluster", cluster, "kms_key_id"),
        ("sfn_state_machine", machine, "encryption_configuration.kms_key_id"),
    ] {
        let problems = kind(name).expect("a kind").check(Known(&declared(name, spec)));
        let places: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(places, [path], "{name}: {problems:?}");
    }
}

#[test]
fn parameters_added_to_a_database_by_others_are_left_alone() {
    let live = is_as_declared(
        "glue_database",
        "sales",
        json!({ "name": "sales", "parameters": { "owner": "data" } }),
        vec![
            on("glue:GetDatabase").answers(
                json!({ "Database": { "Name": "sales", "CatalogId": "123456789012", "Parameters": {
                    "owner": "data", "CreatedByJob": "orders", "CrawlerSchemaDeserializerVersion": "1.0",
                } } })
                .to_string(),
            ),
            on("glue:GetTags").answers("{}"),
        ],
    );
    let parameters = live.spec.get("parameters").and_then(Value::as_map).expect("parameters");
    assert_eq!(parameters.keys().collect::<Vec<_>>(), ["owner"]);
}

#[test]
fn a_policy_returned_in_another_order_is_equal() {
    let returned = json!({
        "Statement": [
            { "Resource": "arn:aws:s3:::b/*", "Action": ["s3:PutObject", "s3:GetObject"], "Effect": "Allow", "Sid": "Two" },
            { "Resource": ["arn:aws:s3:::b"], "Action": "s3:ListBucket", "Effect": "Allow", "Sid": "One" },
        ],
        "Version": "2012-10-17",
    });
    let encoded: String =
        percent_encoding::utf8_percent_encode(&returned.to_string(), percent_encoding::NON_ALPHANUMERIC)
            .to_string();
    let arn = "arn:aws:iam::123456789012:policy/loads";
    let spec = json!({
        "policy_name": "loads",
        "policy_document": { "Version": "2012-10-17", "Statement": [
            { "Sid": "One", "Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": "arn:aws:s3:::b" },
            { "Sid": "Two", "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": ["arn:aws:s3:::b/*"] },
        ] },
    });
    is_as_declared(
        "iam_policy",
        arn,
        spec,
        vec![
            on("iam:GetPolicy").answers(format!(
                "<Policy><PolicyName>loads</PolicyName><Arn>{arn}</Arn><Path>/</Path><DefaultVersionId>v1</DefaultVersionId></Policy>"
            )),
            on("iam:GetPolicyVersion").answers(format!(
                "<PolicyVersion><Document>{encoded}</Document><VersionId>v1</VersionId></PolicyVersion>"
            )),
        ],
    );
}

/// Tags that AWS adds, as for CloudFormation and cost categories, are neither drift nor ours.
#[test]
fn tags_of_aws_are_left_alone() {
    let none = |live: &ErasedLive| {
        assert_eq!(live.tags, Tags::from([("team".to_owned(), "data".to_owned())]), "{:?}", live.tags);
    };
    let pair =
        json!([{ "Key": "aws:cloudformation:stack-name", "Value": "s" }, { "Key": "team", "Value": "data" }]);
    let xml = |item: &str| {
        [("aws:cloudformation:stack-name", "s"), ("team", "data")]
            .iter()
            .map(|(key, value)| format!("<{item}><Key>{key}</Key><Value>{value}</Value></{item}>"))
            .collect::<String>()
    };
    none(&is_as_declared(
        "secretsmanager_secret",
        "admin",
        json!({ "name": "admin" }),
        vec![
            on("secretsmanager:DescribeSecret").answers(json!({ "Name": "admin", "Tags": pair }).to_string()),
        ],
    ));
    let group = json!({ "cluster_subnet_group_name": "w", "description": "d", "subnet_ids": ["subnet-1"] });
    none(&is_as_declared(
        "redshift_cluster_subnet_group",
        "w",
        group,
        vec![on("redshift:DescribeClusterSubnetGroups").answers(format!(
            "<ClusterSubnetGroups><ClusterSubnetGroup><ClusterSubnetGroupName>w</ClusterSubnetGroupName><Description>d</Description>\
             <Subnets><Subnet><SubnetIdentifier>subnet-1</SubnetIdentifier></Subnet></Subnets><Tags>{}</Tags></ClusterSubnetGroup></ClusterSubnetGroups>",
            xml("Tag")
        ))],
    ));
    let subnet = json!({ "vpc_id": "vpc-1", "cidr_block": "10.0.0.0/24" });
    none(&is_as_declared(
        "ec2_subnet",
        "subnet-1",
        subnet,
        vec![on("ec2:DescribeSubnets").answers(
            "<subnetSet><item><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId><cidrBlock>10.0.0.0/24</cidrBlock><tagSet>\
             <item><key>aws:cloudformation:stack-name</key><value>s</value></item><item><key>team</key><value>data</value></item>\
             </tagSet></item></subnetSet>",
        )],
    ));
    // S3 replaces all tags of a bucket at once, and refuses a set that lacks AWS's own.
    let kind = kind("s3_bucket").expect("a kind");
    let aws = Exchange::of([
        on("s3:GetBucketTagging").answers(format!("<Tagging><TagSet>{}</TagSet></Tagging>", xml("Tag"))),
        on("s3:PutBucketTagging"),
    ]);
    let attrs = ["arn", "domain_name", "regional_domain_name", "dual_stack_domain_name", "website_url"];
    let attrs = Value::map(attrs.map(|name| (name, "x")));
    let set = Tags::from([("env".to_owned(), "prod".to_owned())]);
    let done = aws.with(async |cx| kind.tag(cx, "lake", &attrs, &set, &["team".to_owned()]).await);
    assert_eq!(done, Ok(()));
    let calls = aws.calls_of("s3:PutBucketTagging");
    let sent = calls.first().expect("a call").member("Body");
    assert!(
        sent.contains("aws:cloudformation:stack-name") && sent.contains("env") && !sent.contains("team"),
        "{sent}"
    );
}
