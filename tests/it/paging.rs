//! Every list that a kind reads, in pages as AWS returns them (the emulator ignores paging). The wanted item
//! is on the last of three pages, and the middle one is empty, as a page may be while more follow.

use std::collections::{BTreeMap, BTreeSet};

use dwctl::kind::{ErasedLive, Owner, ReadRequest};
use dwctl::kinds::{data_kind, kind};
use dwctl::value::Value;
use regex::Regex;
use serde_json::json;

use crate::exchange::{Answer, Exchange, on};
use crate::paper::root;

/// A list, with code that reads it.
struct Case {
    kind: &'static str,
    /// The lists of the kind that this reads.
    lists: &'static [&'static str],
    does: Does,
    script: fn() -> Vec<Answer>,
}

enum Does {
    /// Reads these resources with these settings, and checks the last one.
    Read { ids: &'static [&'static str], wants: &'static [&'static str], finds: fn(&ErasedLive) -> bool },
    /// Finds a resource of the owner.
    Find { spec: &'static str, id: &'static str },
    /// Finds an existing resource by this filter.
    Search { filter: &'static str, id: &'static str },
    /// Deletes a resource, including everything in the script.
    Delete { id: &'static str, spec: &'static str },
    /// Tries to delete a resource, and expects this error.
    Refuse { id: &'static str, spec: &'static str, words: &'static str },
    /// Updates a resource.
    Update { id: &'static str, live: &'static str, want: &'static str },
}

/// How a service returns the token of the next page.
#[derive(Clone, Copy)]
enum Next {
    /// In an element of this name.
    Xml(&'static str),
    /// The same, with a separate flag for more pages, as in IAM.
    Truncated,
    /// In a member of this name.
    Json(&'static str),
}

/// Three pages, the middle one empty. `sent` is the member that requests the next.
fn pages(operation: &str, sent: &str, next: Next, first: &str, empty: &str, last: &str) -> Vec<Answer> {
    let page = |inside: &str, token: &str| match next {
        Next::Xml(name) => format!("{inside}<{name}>{token}</{name}>"),
        Next::Truncated => format!("{inside}<IsTruncated>true</IsTruncated><Marker>{token}</Marker>"),
        Next::Json(name) => {
            let mut page: serde_json::Value = serde_json::from_str(inside).expect("a page");
            page[name] = token.into();
            page.to_string()
        }
    };
    vec![
        on(operation).sends_no(sent).answers(page(first, "page-2")),
        on(operation).sends(sent, "page-2").answers(page(empty, "page-3")),
        on(operation).sends(sent, "page-3").answers(last),
    ]
}

/// Pages of XML: a list of elements, each with the name of one resource.
fn xml(operation: &str, list: &str, item: &str, first: &str, last: &str) -> Vec<Answer> {
    let (service, _) = operation.split_once(':').expect("a service");
    let (sent, next) = match service {
        "iam" => ("Marker", Next::Truncated),
        "ec2" => ("NextToken", Next::Xml("nextToken")),
        "sns" => ("NextToken", Next::Xml("NextToken")),
        _ => ("Marker", Next::Xml("Marker")),
    };
    let of = |inside: &str| format!("<{list}><{item}>{inside}</{item}></{list}>");
    pages(operation, sent, next, &of(first), &format!("<{list}/>"), &of(last))
}

/// Pages of EC2, the first one empty, as with a filter.
fn late(operation: &str, list: &str, inside: &str) -> Vec<Answer> {
    let empty = format!("<{list}/><nextToken>page-2</nextToken>");
    let last = format!("<{list}><item>{inside}</item></{list}>");
    vec![
        on(operation).sends_no("NextToken").answers(empty),
        on(operation).sends("NextToken", "page-2").answers(last),
    ]
}

fn texts(operation: &str, list: &str, first: &str, last: &str) -> Vec<Answer> {
    xml(operation, list, "member", first, last)
}

/// Pages of JSON.
fn objects(
    operation: &str,
    token: (&str, &'static str),
    list: &str,
    first: serde_json::Value,
    last: serde_json::Value,
) -> Vec<Answer> {
    let of = |items: serde_json::Value| json!({ list: items }).to_string();
    let (first, empty, last) = (of(json!([first])), of(json!([])), of(json!([last])));
    pages(operation, token.0, Next::Json(token.1), &first, &empty, &last)
}

fn spec<'a>(live: &'a ErasedLive, path: &str) -> &'a str {
    let found = path.split('.').try_fold(&live.spec, |value, step| match step.parse::<usize>() {
        Ok(index) => value.as_list()?.get(index),
        Err(_) => value.get(step),
    });
    found.and_then(Value::as_str).unwrap_or_default()
}

const POLICY: &str = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D";

fn role(name: &str) -> String {
    format!(
        "<Path>/</Path><RoleName>{name}</RoleName><RoleId>AROA{name}</RoleId>\
         <Arn>arn:aws:iam::123456789012:role/{name}</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate>\
         <AssumeRolePolicyDocument>{POLICY}</AssumeRolePolicyDocument>"
    )
}

fn vpc_of(id: &str) -> String {
    format!("<vpcId>{id}</vpcId><state>available</state><cidrBlock>10.0.0.0/16</cidrBlock>")
}

fn versions(operation: &str, keys: [&str; 2], deleted: &'static str) -> Vec<Answer> {
    let version = |key: &str, version: &str| {
        format!("<Version><Key>{key}</Key><VersionId>{version}</VersionId></Version>")
    };
    let more = "<IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker>\
                <NextVersionIdMarker>v1</NextVersionIdMarker>";
    let page = |inside: &str| format!("<ListVersionsResult>{inside}</ListVersionsResult>");
    let marker = format!("<DeleteMarker><Key>{}</Key><VersionId>v2</VersionId></DeleteMarker>", keys[1]);
    vec![
        on(operation).sends_no("key-marker").answers(page(&(version(keys[0], "v1") + more))),
        on(operation)
            .sends("key-marker", "k")
            .sends("version-id-marker", "v1")
            .answers(page(&format!("{marker}<IsTruncated>false</IsTruncated>"))),
        on("s3:DeleteObjects").answers("<DeleteResult/>"),
        on("s3:DeleteObjects").answers("<DeleteResult/>"),
        on(deleted).fails(204, "", ""),
    ]
}

const CASES: &[Case] = &[
    Case {
        kind: "ec2_vpc",
        lists: &["DescribeVpcs"],
        does: Does::Find { spec: "{}", id: "vpc-z" },
        script: || late("ec2:DescribeVpcs", "vpcSet", &vpc_of("vpc-z")),
    },
    Case {
        kind: "ec2_vpc",
        lists: &["DescribeVpcs", "DescribeSecurityGroups", "DescribeNetworkAcls", "DescribeRouteTables"],
        does: Does::Read {
            ids: &["vpc-a", "vpc-z"],
            wants: &["default_network_acl_id", "main_route_table_id"],
            finds: |live| {
                ["default_security_group_id", "default_network_acl_id", "main_route_table_id"].iter().all(
                    |name| live.attrs.get(name).and_then(Value::as_str).is_some_and(|id| id.ends_with("-z")),
                )
            },
        },
        script: || {
            let part = |id: &str, vpc: &str| format!("<{id}>{id}-{vpc}</{id}><vpcId>vpc-{vpc}</vpcId>");
            let list = |operation: &str, list: &str, id: &str| {
                xml(operation, list, "item", &part(id, "a"), &part(id, "z"))
            };
            let mut all = xml("ec2:DescribeVpcs", "vpcSet", "item", &vpc_of("vpc-a"), &vpc_of("vpc-z"));
            all.extend(list("ec2:DescribeSecurityGroups", "securityGroupInfo", "groupId"));
            all.extend(list("ec2:DescribeNetworkAcls", "networkAclSet", "networkAclId"));
            all.extend(list("ec2:DescribeRouteTables", "routeTableSet", "routeTableId"));
            all
        },
    },
    Case {
        kind: "ec2_subnet",
        lists: &["DescribeSubnets"],
        does: Does::Read {
            ids: &["subnet-a", "subnet-z"],
            wants: &[],
            finds: |live| spec(live, "vpc_id") == "z",
        },
        script: || {
            let subnet = |id: &str| format!("<subnetId>subnet-{id}</subnetId><vpcId>{id}</vpcId>");
            xml("ec2:DescribeSubnets", "subnetSet", "item", &subnet("a"), &subnet("z"))
        },
    },
    Case {
        kind: "ec2_subnet",
        lists: &["DescribeSubnets"],
        does: Does::Find { spec: "{}", id: "subnet-z" },
        script: || late("ec2:DescribeSubnets", "subnetSet", "<subnetId>subnet-z</subnetId>"),
    },
    Case {
        kind: "ec2_security_group",
        lists: &["DescribeSecurityGroups"],
        does: Does::Read {
            ids: &["sg-a", "sg-z"],
            wants: &[],
            finds: |live| spec(live, "group_name") == "z",
        },
        script: || {
            let group = |id: &str| format!("<groupId>sg-{id}</groupId><groupName>{id}</groupName>");
            xml("ec2:DescribeSecurityGroups", "securityGroupInfo", "item", &group("a"), &group("z"))
        },
    },
    Case {
        kind: "ec2_security_group",
        lists: &["DescribeSecurityGroups"],
        does: Does::Find { spec: "{}", id: "sg-z" },
        script: || late("ec2:DescribeSecurityGroups", "securityGroupInfo", "<groupId>sg-z</groupId>"),
    },
    Case {
        kind: "ec2_internet_gateway",
        lists: &["DescribeInternetGateways"],
        does: Does::Read { ids: &["igw-a", "igw-z"], wants: &[], finds: |live| spec(live, "vpc_id") == "z" },
        script: || {
            let one = |id: &str| {
                format!(
                    "<internetGatewayId>igw-{id}</internetGatewayId><attachmentSet><item><vpcId>{id}</vpcId><state>available</state></item></attachmentSet>"
                )
            };
            xml("ec2:DescribeInternetGateways", "internetGatewaySet", "item", &one("a"), &one("z"))
        },
    },
    Case {
        kind: "ec2_internet_gateway",
        lists: &["DescribeInternetGateways"],
        does: Does::Find { spec: "{}", id: "igw-z" },
        script: || {
            late(
                "ec2:DescribeInternetGateways",
                "internetGatewaySet",
                "<internetGatewayId>igw-z</internetGatewayId>",
            )
        },
    },
    Case {
        kind: "ec2_nat_gateway",
        lists: &["DescribeNatGateways"],
        does: Does::Read {
            ids: &["nat-a", "nat-z"],
            wants: &[],
            finds: |live| spec(live, "subnet_id") == "z",
        },
        script: || {
            let one = |id: &str| {
                format!(
                    "<natGatewayId>nat-{id}</natGatewayId><subnetId>{id}</subnetId><state>available</state>"
                )
            };
            xml("ec2:DescribeNatGateways", "natGatewaySet", "item", &one("a"), &one("z"))
        },
    },
    Case {
        kind: "ec2_nat_gateway",
        lists: &["DescribeNatGateways"],
        does: Does::Find { spec: "{}", id: "nat-z" },
        script: || late("ec2:DescribeNatGateways", "natGatewaySet", "<natGatewayId>nat-z</natGatewayId>"),
    },
    Case {
        kind: "ec2_route_table",
        lists: &["DescribeRouteTables"],
        does: Does::Read { ids: &["rtb-a", "rtb-z"], wants: &[], finds: |live| spec(live, "vpc_id") == "z" },
        script: || {
            let one = |id: &str| format!("<routeTableId>rtb-{id}</routeTableId><vpcId>{id}</vpcId>");
            xml("ec2:DescribeRouteTables", "routeTableSet", "item", &one("a"), &one("z"))
        },
    },
    Case {
        kind: "ec2_route_table",
        lists: &["DescribeRouteTables"],
        does: Does::Find { spec: "{}", id: "rtb-z" },
        script: || late("ec2:DescribeRouteTables", "routeTableSet", "<routeTableId>rtb-z</routeTableId>"),
    },
    Case {
        kind: "ec2_vpc_endpoint",
        lists: &["DescribeVpcEndpoints", "DescribePrefixLists"],
        does: Does::Read {
            ids: &["vpce-a", "vpce-z"],
            wants: &["prefix_list_id"],
            finds: |live| live.attrs.get("prefix_list_id").and_then(Value::as_str) == Some("pl-z"),
        },
        script: || {
            let one = |id: &str| {
                format!(
                    "<vpcEndpointId>vpce-{id}</vpcEndpointId><vpcEndpointType>Gateway</vpcEndpointType>\
                     <vpcId>v</vpcId><serviceName>{id}</serviceName><state>available</state>"
                )
            };
            let list = |id: &str| {
                format!("<prefixListId>pl-{id}</prefixListId><prefixListName>{id}</prefixListName>")
            };
            let mut all = xml("ec2:DescribeVpcEndpoints", "vpcEndpointSet", "item", &one("a"), &one("z"));
            all.extend(xml("ec2:DescribePrefixLists", "prefixListSet", "item", &list("a"), &list("z")));
            all
        },
    },
    Case {
        kind: "secretsmanager_secret",
        lists: &["ListSecrets"],
        does: Does::Search { filter: r#"{"tags":{"team":"data"}}"#, id: "z" },
        script: || {
            let one =
                |id: &str, team: &str| json!({ "Name": id, "Tags": [{ "Key": "team", "Value": team }] });
            let fields = ("NextToken", "NextToken");
            objects("secretsmanager:ListSecrets", fields, "SecretList", one("a", "other"), one("z", "data"))
        },
    },
    Case {
        kind: "redshift_snapshot",
        lists: &["DescribeClusterSnapshots"],
        does: Does::Search { filter: r#"{"cluster_identifier":"c","tags":{"team":"data"}}"#, id: "z" },
        script: || {
            let one = |id: &str, team: &str| {
                format!(
                    "<SnapshotIdentifier>{id}</SnapshotIdentifier><Status>available</Status>\
                     <Tags><Tag><Key>team</Key><Value>{team}</Value></Tag></Tags>"
                )
            };
            let (first, last) = (one("a", "other"), one("z", "data"));
            xml("redshift:DescribeClusterSnapshots", "Snapshots", "Snapshot", &first, &last)
        },
    },
    Case {
        kind: "redshift_cluster",
        lists: &["DescribeClusters"],
        does: Does::Read {
            ids: &["a", "z"],
            wants: &[],
            finds: |live| spec(live, "node_type") == "ra3.large",
        },
        script: || {
            let cluster = |id: &str| {
                format!("<ClusterIdentifier>{id}</ClusterIdentifier><NodeType>ra3.large</NodeType>")
            };
            xml("redshift:DescribeClusters", "Clusters", "Cluster", &cluster("a"), &cluster("z"))
        },
    },
    Case {
        kind: "redshift_cluster_subnet_group",
        lists: &["DescribeClusterSubnetGroups"],
        does: Does::Read { ids: &["a", "z"], wants: &[], finds: |live| spec(live, "description") == "of z" },
        script: || {
            let group = |id: &str| {
                format!(
                    "<ClusterSubnetGroupName>{id}</ClusterSubnetGroupName><Description>of {id}</Description>"
                )
            };
            let (list, item) = ("ClusterSubnetGroups", "ClusterSubnetGroup");
            xml("redshift:DescribeClusterSubnetGroups", list, item, &group("a"), &group("z"))
        },
    },
    Case {
        kind: "redshift_cluster_parameter_group",
        lists: &["DescribeClusterParameterGroups", "DescribeClusterParameters"],
        does: Does::Read {
            ids: &["a", "z"],
            wants: &["parameters"],
            finds: |live| {
                spec(live, "parameters.require_ssl") == "true" && spec(live, "parameters.datestyle") == "ISO"
            },
        },
        script: || {
            let group = |id: &str| format!("<ParameterGroupName>{id}</ParameterGroupName>");
            let parameter = |name: &str, value: &str| {
                format!(
                    "<ParameterName>{name}</ParameterName><ParameterValue>{value}</ParameterValue><Source>user</Source>"
                )
            };
            let mut all = xml(
                "redshift:DescribeClusterParameterGroups",
                "ParameterGroups",
                "ClusterParameterGroup",
                &group("a"),
                &group("z"),
            );
            all.push(
                on("redshift:DescribeClusterParameters")
                    .sends("ParameterGroupName", "a")
                    .answers("<Parameters/>"),
            );
            all.extend(
                xml(
                    "redshift:DescribeClusterParameters",
                    "Parameters",
                    "Parameter",
                    &parameter("datestyle", "ISO"),
                    &parameter("require_ssl", "true"),
                )
                .into_iter()
                .map(|page| page.sends("ParameterGroupName", "z")),
            );
            all
        },
    },
    Case {
        kind: "sns_subscription",
        lists: &["ListSubscriptionsByTopic"],
        does: Does::Find {
            spec: r#"{"topic_arn":"arn:aws:sns:us-east-1:123456789012:t","protocol":"sqs","endpoint":"arn:aws:sqs:us-east-1:123456789012:z"}"#,
            id: "arn:aws:sns:us-east-1:123456789012:t:z",
        },
        script: || {
            let one = |id: &str| {
                format!(
                    "<SubscriptionArn>arn:aws:sns:us-east-1:123456789012:t:{id}</SubscriptionArn>\
                     <Protocol>sqs</Protocol><Endpoint>arn:aws:sqs:us-east-1:123456789012:{id}</Endpoint>"
                )
            };
            texts("sns:ListSubscriptionsByTopic", "Subscriptions", &one("a"), &one("z"))
        },
    },
    Case {
        kind: "glue_database",
        lists: &["GetDatabases"],
        does: Does::Read {
            ids: &["123456789012:a", "123456789012:b", "123456789012:c", "123456789012:z"],
            wants: &[],
            finds: |live| spec(live, "description") == "of z",
        },
        script: || {
            let all = |names: &[&str]| {
                let list: Vec<_> = names
                    .iter()
                    .map(|name| json!({ "Name": name, "Description": format!("of {name}") }))
                    .collect();
                json!({ "DatabaseList": list }).to_string()
            };
            let next = Next::Json("NextToken");
            let mut script = pages(
                "glue:GetDatabases",
                "NextToken",
                next,
                &all(&["a"]),
                &all(&[]),
                &all(&["b", "c", "z"]),
            );
            script.push(on("glue:GetTags").answers("{}").stays());
            script
        },
    },
    Case {
        kind: "glue_classifier",
        lists: &["GetClassifiers"],
        does: Does::Read {
            ids: &["a", "b", "z"],
            wants: &[],
            finds: |live| {
                live.spec.get("json_classifier").and_then(|json| json.get("json_path"))
                    == Some(&Value::from("$.z"))
            },
        },
        script: || {
            let all = |names: &[&str]| {
                let list: Vec<_> = names
                    .iter()
                    .map(
                        |name| json!({ "JsonClassifier": { "Name": name, "JsonPath": format!("$.{name}") } }),
                    )
                    .collect();
                json!({ "Classifiers": list }).to_string()
            };
            let next = Next::Json("NextToken");
            pages("glue:GetClassifiers", "NextToken", next, &all(&["a"]), &all(&[]), &all(&["b", "z"]))
        },
    },
    // Tables that the caller may not see are taken out of a page after it was cut.
    Case {
        kind: "glue_database",
        lists: &["GetTables"],
        does: Does::Refuse {
            id: "123456789012:z",
            spec: r#"{"name":"z"}"#,
            words: "the database holds tables (orders)",
        },
        script: || {
            vec![
                on("glue:GetTables")
                    .sends_no("NextToken")
                    .answers(r#"{"TableList":[],"NextToken":"page-2"}"#),
                on("glue:GetTables")
                    .sends("NextToken", "page-2")
                    .answers(r#"{"TableList":[{"Name":"orders"}]}"#),
            ]
        },
    },
    Case {
        kind: "cloudwatch_alarm",
        lists: &["DescribeAlarms"],
        does: Does::Read { ids: &["a", "z"], wants: &[], finds: |live| spec(live, "metric_name") == "m-z" },
        script: || {
            let alarm = |name: &str| json!({ "AlarmName": name, "MetricName": format!("m-{name}") });
            let token = ("NextToken", "NextToken");
            let mut all = objects("monitoring:DescribeAlarms", token, "MetricAlarms", alarm("a"), alarm("z"));
            all.push(on("monitoring:ListTagsForResource").answers(r#"{"Tags":[]}"#).stays());
            all
        },
    },
    Case {
        kind: "kms_key",
        lists: &["ListAliases", "ListResourceTags"],
        does: Does::Read {
            ids: &["k-z"],
            wants: &["aliases"],
            finds: |live| {
                spec(live, "aliases.0") == "alias/z" && live.tags.get("z").is_some_and(|value| value == "1")
            },
        },
        script: || {
            let alias =
                |id: &str| json!({ "AliasName": format!("alias/{id}"), "TargetKeyId": format!("k-{id}") });
            let tag = |name: &str| json!({ "TagKey": name, "TagValue": "1" });
            let token = ("Marker", "NextMarker");
            let mut all = objects("kms:ListAliases", token, "Aliases", alias("a"), alias("z"));
            all.extend(objects("kms:ListResourceTags", token, "Tags", tag("a"), tag("z")));
            all.push(
                on("kms:DescribeKey").answers(r#"{"KeyMetadata":{"KeyId":"k-z","KeyState":"Enabled"}}"#),
            );
            all
        },
    },
    Case {
        kind: "kms_key",
        lists: &["ListKeys"],
        does: Does::Find { spec: "{}", id: "k-z" },
        script: || {
            let key = |id: &str| json!({ "KeyId": id, "KeyArn": "arn" });
            let mut all = objects("kms:ListKeys", ("Marker", "NextMarker"), "Keys", key("k-a"), key("k-z"));
            let tags: Vec<_> = owner()
                .tags()
                .iter()
                .map(|(key, value)| json!({ "TagKey": key, "TagValue": value }))
                .collect();
            all.push(on("kms:ListResourceTags").sends("KeyId", "k-a").answers(r#"{"Tags":[]}"#));
            all.push(
                on("kms:ListResourceTags").sends("KeyId", "k-z").answers(json!({ "Tags": tags }).to_string()),
            );
            all.push(
                on("kms:DescribeKey").answers(r#"{"KeyMetadata":{"KeyId":"k-z","KeyState":"Enabled"}}"#),
            );
            all
        },
    },
    Case {
        kind: "eventbridge_rule",
        lists: &["ListRules", "ListTargetsByRule"],
        does: Does::Read {
            ids: &["default|a", "default|z"],
            wants: &["targets"],
            finds: |live| spec(live, "targets.0.id") == "first" && spec(live, "targets.1.id") == "last",
        },
        script: || {
            let rule = |name: &str| json!({ "Name": name, "State": "ENABLED" });
            let target = |id: &str| json!({ "Id": id, "Arn": "arn:aws:sns:us-east-1:123456789012:t" });
            let token = ("NextToken", "NextToken");
            let mut all = objects("events:ListRules", token, "Rules", rule("a"), rule("z"));
            all.push(on("events:ListTargetsByRule").sends("Rule", "a").answers("{}"));
            let targets =
                objects("events:ListTargetsByRule", token, "Targets", target("first"), target("last"));
            all.extend(targets.into_iter().map(|page| page.sends("Rule", "z")));
            all.push(on("events:ListTagsForResource").answers(r#"{"Tags":[]}"#).stays());
            all
        },
    },
    Case {
        kind: "iam_role",
        lists: &["ListAttachedRolePolicies", "ListRolePolicies"],
        does: Does::Read {
            ids: &["z"],
            wants: &["managed_policy_arns"],
            finds: |live| {
                spec(live, "managed_policy_arns.1") == "arn:aws:iam::123456789012:policy/z"
                    && ["first", "last"].iter().all(|name| {
                        live.spec.get("inline_policies").is_some_and(|policies| policies.get(name).is_some())
                    })
            },
        },
        script: || {
            let policy = |name: &str| {
                format!(
                    "<PolicyName>{name}</PolicyName><PolicyArn>arn:aws:iam::123456789012:policy/{name}</PolicyArn>"
                )
            };
            let mut all = vec![on("iam:GetRole").answers(format!("<Role>{}</Role>", role("z")))];
            all.extend(texts("iam:ListAttachedRolePolicies", "AttachedPolicies", &policy("a"), &policy("z")));
            all.extend(texts("iam:ListRolePolicies", "PolicyNames", "first", "last"));
            for name in ["first", "last"] {
                all.push(on("iam:GetRolePolicy").sends("PolicyName", name).answers(format!(
                    "<RoleName>z</RoleName><PolicyName>{name}</PolicyName><PolicyDocument>{POLICY}</PolicyDocument>"
                )));
            }
            all
        },
    },
    Case {
        kind: "iam_role",
        lists: &["ListInstanceProfilesForRole"],
        does: Does::Delete { id: "z", spec: r#"{"role_name":"z","assume_role_policy_document":{}}"# },
        script: || {
            let profile = |name: &str| {
                format!(
                    "<Path>/</Path><InstanceProfileName>{name}</InstanceProfileName><InstanceProfileId>{name}</InstanceProfileId>\
                     <Arn>arn</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate><Roles/>"
                )
            };
            let policy = |arn: &str| format!("<PolicyArn>{arn}</PolicyArn>");
            let mut all = vec![on("iam:DeleteRole").fails(409, "DeleteConflict", "Cannot delete entity")];
            all.extend(texts(
                "iam:ListInstanceProfilesForRole",
                "InstanceProfiles",
                &profile("a"),
                &profile("z"),
            ));
            all.extend(texts(
                "iam:ListAttachedRolePolicies",
                "AttachedPolicies",
                &policy("arn:a"),
                &policy("arn:z"),
            ));
            all.extend(texts("iam:ListRolePolicies", "PolicyNames", "first", "last"));
            for name in ["a", "z"] {
                all.push(on("iam:RemoveRoleFromInstanceProfile").sends("InstanceProfileName", name));
                all.push(on("iam:DetachRolePolicy").sends("PolicyArn", &format!("arn:{name}")));
            }
            for name in ["first", "last"] {
                all.push(on("iam:DeleteRolePolicy").sends("PolicyName", name));
            }
            all.push(on("iam:DeleteRole"));
            all
        },
    },
    Case {
        kind: "iam_role",
        lists: &["GetAccountAuthorizationDetails", "ListRoles"],
        does: Does::Read {
            ids: &["a", "b", "c", "z"],
            wants: &["description"],
            finds: |live| spec(live, "description") == "the last",
        },
        script: || {
            let list = |names: &[&str]| -> String {
                names.iter().map(|name| format!("<member>{}</member>", role(name))).collect()
            };
            let details = |inside: String| format!("<RoleDetailList>{inside}</RoleDetailList>");
            let roles = |inside: String| format!("<Roles>{inside}</Roles>");
            let first = list(&["a", "b", "c"]);
            let last = list(&["z"]);
            let described = last.replace("</member>", "<Description>the last</Description></member>");
            let mut all = pages(
                "iam:GetAccountAuthorizationDetails",
                "Marker",
                Next::Truncated,
                &details(first.clone()),
                &details(String::new()),
                &details(last),
            );
            all.extend(pages(
                "iam:ListRoles",
                "Marker",
                Next::Truncated,
                &roles(first),
                &roles(String::new()),
                &roles(described),
            ));
            all
        },
    },
    Case {
        kind: "iam_policy",
        lists: &["GetAccountAuthorizationDetails"],
        does: Does::Read {
            ids: &[
                "arn:aws:iam::123456789012:policy/a",
                "arn:aws:iam::123456789012:policy/b",
                "arn:aws:iam::123456789012:policy/c",
                "arn:aws:iam::123456789012:policy/z",
            ],
            wants: &["description"],
            finds: |live| spec(live, "policy_name") == "z",
        },
        script: || {
            let policy = |name: &str| {
                format!(
                    "<PolicyName>{name}</PolicyName><PolicyId>P{name}</PolicyId><Arn>arn:aws:iam::123456789012:policy/{name}</Arn>\
                     <Path>/</Path><DefaultVersionId>v1</DefaultVersionId>"
                )
            };
            let listed = |name: &str| {
                format!(
                    "{}<PolicyVersionList><member><Document>{POLICY}</Document><VersionId>v1</VersionId>\
                     <IsDefaultVersion>true</IsDefaultVersion></member></PolicyVersionList>",
                    policy(name)
                )
            };
            let mut all = texts("iam:GetAccountAuthorizationDetails", "Policies", &listed("a"), &listed("z"));
            // A policy that the listing lacks is read by itself; `z` needs no call for its document.
            for name in ["a", "b", "c", "z"] {
                let arn = format!("arn:aws:iam::123456789012:policy/{name}");
                all.push(
                    on("iam:GetPolicy")
                        .sends("PolicyArn", &arn)
                        .answers(format!("<Policy>{}</Policy>", policy(name))),
                );
            }
            for name in ["b", "c"] {
                let arn = format!("arn:aws:iam::123456789012:policy/{name}");
                all.push(on("iam:GetPolicyVersion").sends("PolicyArn", &arn).answers(format!(
                    "<PolicyVersion><Document>{POLICY}</Document><VersionId>v1</VersionId></PolicyVersion>"
                )));
            }
            all
        },
    },
    Case {
        kind: "iam_policy",
        lists: &["ListPolicyVersions"],
        does: Does::Delete {
            id: "arn:aws:iam::123456789012:policy/z",
            spec: r#"{"policy_name":"z","policy_document":{}}"#,
        },
        script: || {
            let version = |id: &str, default: bool| {
                format!("<VersionId>{id}</VersionId><IsDefaultVersion>{default}</IsDefaultVersion>")
            };
            let mut all =
                vec![on("iam:DeletePolicy").fails(409, "DeleteConflict", "has more than one version")];
            all.extend(texts(
                "iam:ListPolicyVersions",
                "Versions",
                &version("v2", true),
                &version("v1", false),
            ));
            all.push(on("iam:DeletePolicyVersion").sends("VersionId", "v1"));
            all.push(on("iam:DeletePolicy"));
            all
        },
    },
    Case {
        kind: "cloudwatchlogs_log_group",
        lists: &["DescribeLogGroups", "DescribeMetricFilters", "DescribeSubscriptionFilters"],
        does: Does::Read {
            ids: &["a", "z"],
            wants: &["metric_filters", "subscription_filters"],
            finds: |live| {
                spec(live, "metric_filters.1.filter_name") == "last"
                    && spec(live, "subscription_filters.1.filter_name") == "last"
            },
        },
        script: || {
            let token = ("nextToken", "nextToken");
            let group = |name: &str| json!({ "logGroupName": name, "logGroupArn": format!("arn:{name}") });
            let metric = |name: &str| {
                let transformation = json!({ "metricName": "m", "metricNamespace": "n", "metricValue": "1" });
                json!({ "filterName": name, "filterPattern": "", "metricTransformations": [transformation] })
            };
            let stream = |name: &str| json!({ "filterName": name, "filterPattern": "", "destinationArn": "arn:aws:lambda:us-east-1:123456789012:function:f" });
            let mut all = objects("logs:DescribeLogGroups", token, "logGroups", group("a"), group("z"));
            all.push(on("logs:DescribeMetricFilters").sends("logGroupName", "a").answers("{}"));
            all.push(on("logs:DescribeSubscriptionFilters").sends("logGroupName", "a").answers("{}"));
            let of_z = |pages: Vec<Answer>| pages.into_iter().map(|page| page.sends("logGroupName", "z"));
            let (first, last) = (metric("first"), metric("last"));
            all.extend(of_z(objects("logs:DescribeMetricFilters", token, "metricFilters", first, last)));
            let (first, last) = (stream("first"), stream("last"));
            all.extend(of_z(objects(
                "logs:DescribeSubscriptionFilters",
                token,
                "subscriptionFilters",
                first,
                last,
            )));
            all.push(on("logs:ListTagsForResource").answers("{}").stays());
            all
        },
    },
    Case {
        kind: "s3_bucket",
        lists: &[
            "ListBucketIntelligentTieringConfigurations",
            "ListBucketMetricsConfigurations",
            "ListBucketInventoryConfigurations",
        ],
        does: Does::Read {
            ids: &["lake"],
            wants: &["intelligent_tiering", "request_metrics", "inventory"],
            finds: |live| {
                ["intelligent_tiering", "request_metrics", "inventory"]
                    .iter()
                    .all(|name| spec(live, &format!("{name}.1.id")) == "last")
            },
        },
        script: || {
            let list = |operation: &str, root: &str, item: &str, rest: &str| {
                let page = |id: &str| format!("<{item}><Id>{id}</Id>{rest}</{item}>");
                let more = |token: &str| {
                    format!(
                        "<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>"
                    )
                };
                let output = |inside: String| format!("<{root}>{inside}</{root}>");
                let sent = "continuation-token";
                vec![
                    on(operation).sends_no(sent).answers(output(page("first") + &more("page-2"))),
                    on(operation).sends(sent, "page-2").answers(output(more("page-3"))),
                    on(operation).sends(sent, "page-3").answers(output(page("last"))),
                ]
            };
            let tiering = "<Status>Enabled</Status><Tiering><AccessTier>ARCHIVE_ACCESS</AccessTier><Days>90</Days></Tiering>";
            let inventory = "<Destination><S3BucketDestination><Bucket>arn:aws:s3:::logs</Bucket><Format>CSV</Format></S3BucketDestination></Destination>\
                             <IsEnabled>true</IsEnabled><IncludedObjectVersions>All</IncludedObjectVersions><Schedule><Frequency>Daily</Frequency></Schedule>";
            let mut all = list(
                "s3:ListBucketIntelligentTieringConfigurations",
                "ListBucketIntelligentTieringConfigurationsOutput",
                "IntelligentTieringConfiguration",
                tiering,
            );
            let (operation, root) = ("s3:ListBucketMetricsConfigurations", "ListMetricsConfigurationsResult");
            all.extend(list(operation, root, "MetricsConfiguration", ""));
            let (operation, root) =
                ("s3:ListBucketInventoryConfigurations", "ListInventoryConfigurationsResult");
            all.extend(list(operation, root, "InventoryConfiguration", inventory));
            for (operation, code) in [
                ("s3:GetPublicAccessBlock", "NoSuchPublicAccessBlockConfiguration"),
                ("s3:GetBucketTagging", "NoSuchTagSet"),
                ("s3:GetBucketEncryption", "ServerSideEncryptionConfigurationNotFoundError"),
            ] {
                all.push(on(operation).fails(404, code, "there is none"));
            }
            all
        },
    },
    Case {
        kind: "s3_bucket",
        lists: &["ListObjectVersions"],
        does: Does::Delete { id: "lake", spec: r#"{"bucket":"lake","force_destroy":true}"# },
        script: || versions("s3:ListObjectVersions", ["a", "z"], "s3:DeleteBucket"),
    },
    Case {
        kind: "s3_object",
        lists: &["ListObjectVersions"],
        does: Does::Read {
            ids: &["lake/a", "lake/b", "lake/c", "lake/d", "lake/e", "lake/z"],
            wants: &[],
            finds: |live| live.attrs.get("e_tag").and_then(Value::as_str) == Some("z"),
        },
        script: || {
            let version = |key: &str| {
                format!(
                    "<Version><Key>{key}</Key><VersionId>null</VersionId><IsLatest>true</IsLatest><ETag>{key}</ETag>\
                     <LastModified>2026-01-01T00:00:00Z</LastModified></Version>"
                )
            };
            let page = |keys: &[&str], more: &str| {
                let versions: String = keys.iter().map(|key| version(key)).collect();
                format!("<ListVersionsResult>{versions}{more}</ListVersionsResult>")
            };
            let more =
                |key: &str| format!("<IsTruncated>true</IsTruncated><NextKeyMarker>{key}</NextKeyMarker>");
            let list = || on("s3:ListObjectVersions");
            vec![
                list().sends_no("key-marker").answers(page(&["a", "b"], &more("b"))),
                list().sends("key-marker", "b").answers(page(&[], &more("c"))),
                list().sends("key-marker", "c").answers(page(&["c", "d", "e", "z"], "")),
                on("s3:GetObjectTagging").answers("<Tagging><TagSet/></Tagging>").stays(),
            ]
        },
    },
    Case {
        kind: "s3_object",
        lists: &["ListObjectVersions"],
        does: Does::Delete { id: "lake/k", spec: r#"{"bucket":"lake","key":"k","force_destroy":true}"# },
        script: || {
            let mut all = versions("s3:ListObjectVersions", ["k", "k"], "s3:DeleteObject");
            // Every version is deleted, so no delete marker is needed.
            all.pop();
            all
        },
    },
    // An undeclared rule is revoked by its id, which is on the last page.
    Case {
        kind: "ec2_security_group",
        lists: &["DescribeSecurityGroupRules"],
        does: Does::Update {
            id: "sg-z",
            live: r#"{"group_name":"z","description":"d","revoke_all_egress":true,"ingress":[{"ip_protocol":"tcp","from_port":1,"to_port":1,"cidr_ipv4":"10.0.0.0/8"},{"ip_protocol":"tcp","from_port":2,"to_port":2,"cidr_ipv4":"10.0.0.0/8"}]}"#,
            want: r#"{"group_name":"z","description":"d","revoke_all_egress":true,"ingress":[{"ip_protocol":"tcp","from_port":1,"to_port":1,"cidr_ipv4":"10.0.0.0/8"}]}"#,
        },
        script: || {
            let rule = |id: &str, port: u8| {
                format!(
                    "<securityGroupRuleId>sgr-{id}</securityGroupRuleId><isEgress>false</isEgress><ipProtocol>tcp</ipProtocol>\
                     <fromPort>{port}</fromPort><toPort>{port}</toPort><cidrIpv4>10.0.0.0/8</cidrIpv4>"
                )
            };
            let mut all = xml(
                "ec2:DescribeSecurityGroupRules",
                "securityGroupRuleSet",
                "item",
                &rule("a", 1),
                &rule("z", 2),
            );
            all.push(
                on("ec2:RevokeSecurityGroupIngress")
                    .sends("SecurityGroupRuleId.1", "sgr-z")
                    .sends_no("SecurityGroupRuleId.2")
                    .answers("<return>true</return>"),
            );
            all
        },
    },
];

fn owner() -> Owner {
    Owner { stack: "shop".to_owned(), env: "default".to_owned(), address: "kind.name".to_owned() }
}

fn value(text: &str) -> Value {
    Value::from_json(&serde_json::from_str(text).expect("a spec"))
}

/// A spec as the engine passes it to a kind: with its defaults.
fn spec_of(kind: &dyn dwctl::kind::ErasedKind, text: &str) -> Value {
    dwctl::schema::normalize(&kind.schema().spec, value(text))
}

#[test]
fn items_on_the_last_page_are_found() {
    for case in CASES {
        let kind = data_kind(case.kind).expect("a kind");
        let place = format!("{} {:?}", case.kind, case.lists);
        println!("{place}");
        let aws = Exchange::of((case.script)());
        match &case.does {
            Does::Read { ids, wants, finds } => {
                let requests: Vec<ReadRequest> = ids
                    .iter()
                    .map(|id| ReadRequest {
                        attributes: Some(wants.iter().map(|name| (*name).to_owned()).collect()),
                        ..ReadRequest::of(*id)
                    })
                    .collect();
                let reads = aws.with(async |cx| kind.read_many(cx, &requests).await);
                for (id, read) in ids.iter().zip(&reads) {
                    assert!(matches!(read, Ok(Some(_))), "{place}: {id}: {read:?}");
                }
                let Some(Ok(Some(last))) = reads.last() else { panic!("{place}: nothing was read") };
                assert!(finds(last), "{place}: {last:#?}");
            }
            Does::Find { spec, id } => {
                let found = aws.with(async |cx| kind.find(cx, &owner(), &value(spec)).await);
                assert_eq!(found, Ok(vec![(*id).to_owned()]), "{place}");
            }
            Does::Search { filter, id } => {
                let filters = [value(filter)];
                let found = aws.with(async |cx| kind.search(cx, &filters).await);
                assert_eq!(found, [Ok(vec![(*id).to_owned()])], "{place}");
            }
            Does::Delete { id, spec } => {
                let done = aws.with(async |cx| kind.delete(cx, id, &spec_of(kind, spec)).await);
                assert!(done.is_ok(), "{place}: {done:?}");
            }
            Does::Refuse { id, spec, words } => {
                let error = aws.with(async |cx| kind.delete(cx, id, &spec_of(kind, spec)).await);
                let error = error.expect_err(&place);
                assert!(error.says(words), "{place}: {error}");
            }
            Does::Update { id, live, want } => {
                let done = aws
                    .with(async |cx| kind.update(cx, id, &spec_of(kind, live), &spec_of(kind, want)).await);
                assert_eq!(done, Ok(()), "{place}");
            }
        }
        aws.expect_all_requested();
        for list in case.lists {
            let pages =
                aws.calls().iter().filter(|call| call.operation.ends_with(&format!(":{list}"))).count();
            assert!(pages > 1, "{place}: {pages} pages of {list} were asked for");
        }
    }
}

#[test]
fn the_index_of_tags_is_read_to_its_last_page() {
    let entry = |arn: &str| json!({ "ResourceARN": arn, "Tags": [{ "Key": "team", "Value": "data" }, { "Key": "aws:x", "Value": "1" }] });
    let token = ("PaginationToken", "PaginationToken");
    let mut script = objects("tagging:GetResources", token, "ResourceTagMappingList", entry("a"), entry("z"));
    // The last page has an empty token instead of none.
    let last = script.pop().expect("a page");
    let inside = json!({ "ResourceTagMappingList": [entry("z")], "PaginationToken": "" });
    script.push(last.answers(inside.to_string()));
    let aws = Exchange::of(script);
    let found = aws.with(async |cx| dwctl::aws::tags_by_arn(cx, &[("dwctl:stack", &["shop"])]).await);
    let found = found.expect("the index");
    assert_eq!(found.keys().map(String::as_str).collect::<BTreeSet<_>>(), BTreeSet::from(["a", "z"]));
    assert_eq!(found["z"], dwctl::aws::Tags::from([("team".to_owned(), "data".to_owned())]));
}

/// Lists for which one page is enough, by kind or module of the engine, with the reason.
const ONE_PAGE: &[(&str, &str, &str)] = &[
    ("aws", "DescribeAvailabilityZones", "AWS has no pages of it"),
    ("cloudtrail_trail", "DescribeTrails", "AWS has no pages of it"),
    ("cloudtrail_trail", "ListTags", "of one trail, and AWS has no pages of it"),
    ("redshift_cluster", "DescribeClusters", "of one cluster by its name"),
    ("redshift_snapshot", "DescribeClusterSnapshots", "of one snapshot by its name"),
    ("ec2_eip", "DescribeAddresses", "AWS has no pages of it"),
    ("ec2_route_table", "DescribeRouteTables", "of one table by its id"),
    ("ec2_subnet", "DescribeSubnets", "of one subnet by its id"),
    ("ec2_vpc", "DescribeVpcs", "of one VPC by its id"),
    ("ec2_vpc", "DescribeSecurityGroups", "of the one default group of a VPC, and AWS cuts no pages unasked"),
    (
        "s3_bucket",
        "ListObjectVersions",
        "one version that stays is enough to say that S3 deletes no such bucket; it says \"at least\"",
    ),
    ("s3_object", "ListObjectsV2", "a bucket of more than one page is left alone, and it is said"),
    ("s3_bucket", "ListBuckets", "the bucket is the first of those that begin with its name"),
    ("ledger", "ListObjectsV2", "whether there is any object"),
];

/// A list call in the source.
#[derive(Debug)]
struct List {
    /// Path below `src`.
    file: String,
    operation: String,
    /// The kinds that use it, or the module of the engine.
    owners: BTreeSet<String>,
    is_paged: bool,
}

impl List {
    fn is_of(&self, owner: &str, operation: &str) -> bool {
        self.operation == operation && self.owners.contains(owner)
    }
}

/// The text of every source file, by its path below `src`.
fn sources() -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|one| one == "rs") {
                let file = path.strip_prefix(root().join("src")).expect("below");
                let file = file.to_string_lossy().replace('\\', "/");
                texts.insert(file, std::fs::read_to_string(&path).expect("text"));
            }
        }
    }
    texts
}

/// The kinds of a file: those that it defines, else those of the files that use it.
fn owners(file: &str, texts: &BTreeMap<String, String>) -> BTreeSet<String> {
    let listed = Regex::new(r"(?m)^ +(\w+): (\w+)::(\w+)::\w+,$").expect("a pattern");
    let kinds = texts.get("kinds/mod.rs").map_or("", String::as_str);
    // Kinds that are only read.
    let data = Regex::new(r#"Only<(\w+)::(\w+)::\w+>>\("(\w+)""#).expect("a pattern");
    let parts: Vec<&str> = file.trim_end_matches(".rs").split('/').collect();
    let [room, service, module, ..] = parts.as_slice() else { return BTreeSet::from([parts[0].to_owned()]) };
    if *room != "kinds" {
        return BTreeSet::from([(*room).to_owned()]);
    }
    // Files below `s3/bucket` belong to `s3/bucket.rs`.
    let (mut of, mut open) = (BTreeSet::new(), vec![(*module).to_owned()]);
    let mut seen = BTreeSet::new();
    while let Some(module) = open.pop() {
        if !seen.insert(module.clone()) {
            continue;
        }
        let folder = format!("kinds/{service}/");
        let own = listed.captures_iter(kinds).filter(|one| one[2] == **service && one[3] == module);
        let mut made: Vec<String> = own.map(|one| one[1].to_owned()).collect();
        let own = data.captures_iter(kinds).filter(|one| one[1] == **service && one[2] == module);
        made.extend(own.map(|one| one[3].to_owned()));
        if !made.is_empty() {
            of.extend(made);
            continue;
        }
        let used = Regex::new(&format!(r"\b{module}::")).expect("a pattern");
        let users = texts.iter().filter_map(|(file, text)| {
            let module = file.strip_prefix(&folder)?.split(['/', '.']).next()?;
            used.is_match(text).then(|| module.to_owned())
        });
        open.extend(users);
    }
    of
}

/// Every list call in the source.
fn lists() -> Vec<List> {
    let call = Regex::new(
        r"\.((?:list|describe)_\w+s(?:_v2|_for_\w+|_by_\w+)?|get_classifiers|get_tables|get_databases|get_resources|get_account_authorization_details)\(\)",
    )
    .expect("a pattern");
    let paged = Regex::new(
        r"\.into_paginator\(\)|\.set_(next_token|continuation_token|pagination_token|marker|key_marker)\(",
    )
    .expect("a pattern");
    let through_macro = Regex::new(r"(?s)pages! \{.*?\n    \w+, (list_\w+),").expect("a pattern");
    let pascal = |name: &str| -> String {
        name.split('_').map(|word| word[..1].to_uppercase() + &word[1..]).collect()
    };
    let texts = sources();
    let mut found = Vec::new();
    for (file, text) in &texts {
        let calls: Vec<(usize, &str)> = call
            .captures_iter(text)
            .filter_map(|one| Some((one.get(0)?.end(), one.get(1)?.as_str())))
            // Lists of tags have no pages, except those of KMS, whose call has another name. Calls for a
            // status are not lists.
            .filter(|(_, name)| *name != "list_tags_for_resource" && !name.ends_with("status"))
            .collect();
        let mut add = |name: &str, is_paged: bool| {
            let owners = owners(file, &texts);
            found.push(List { file: file.clone(), operation: pascal(name), owners, is_paged });
        };
        for (index, (end, name)) in calls.iter().enumerate() {
            let until = calls.get(index + 1).map_or(text.len(), |(next, _)| *next);
            let is_paged = paged.find(&text[*end..until]).is_some_and(|one| {
                // The end of the function that the call is in.
                let function = text[*end..].find("\n}\n").unwrap_or(text.len());
                one.start() < function
            });
            add(name, is_paged);
        }
        for one in through_macro.captures_iter(text) {
            add(&one[1], true);
        }
    }
    assert!(found.len() > 30, "the lists of the source are not recognised any more: {found:?}");
    found
}

#[test]
fn every_list_is_paged_and_every_paged_list_has_a_test() {
    let tested: BTreeSet<(&str, &str)> = CASES
        .iter()
        .flat_map(|case| case.lists.iter().map(|list| (case.kind, *list)))
        .chain([("aws", "GetResources")])
        .collect();
    let lists = lists();
    let mut faults = Vec::new();
    for list in &lists {
        let List { file, operation, owners, is_paged } = list;
        let whose = owners.iter().map(String::as_str).collect::<Vec<_>>().join(" or ");
        if owners.is_empty() {
            faults.push(format!("src/{file} lists {operation} for no kind: nobody uses it"));
        } else if *is_paged && !tested.iter().any(|(owner, one)| list.is_of(owner, one)) {
            faults.push(format!(
                "add a case for {whose} to tests/it/paging.rs that goes through the pages of {operation} \
                 (src/{file})"
            ));
        } else if !is_paged && !ONE_PAGE.iter().any(|(owner, one, _)| list.is_of(owner, one)) {
            faults.push(format!(
                "src/{file} takes the first page of {operation} for all: ask for the others, or say in \
                 `ONE_PAGE` of tests/it/paging.rs why one is enough for {whose}"
            ));
        }
    }
    for (owner, operation) in &tested {
        if !lists.iter().any(|list| list.is_paged && list.is_of(owner, operation)) {
            faults.push(format!("{owner} has no pages of {operation}: take it out of its case"));
        }
    }
    for (owner, operation, reason) in ONE_PAGE {
        let is_there = lists.iter().any(|list| !list.is_paged && list.is_of(owner, operation));
        if !is_there || reason.is_empty() {
            faults.push(format!("{owner} has no unpaged {operation}, or no reason for it"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Calls for many resources by name, with AWS's maximum number.
const BATCHES: &[(&str, &str, &str, usize)] = &[
    ("glue_crawler", "glue:BatchGetCrawlers", "CrawlerNames.", 100),
    ("glue_job", "glue:BatchGetJobs", "JobNames.", 100),
    ("glue_trigger", "glue:BatchGetTriggers", "TriggerNames.", 100),
    ("glue_workflow", "glue:BatchGetWorkflows", "Names.", 25),
    ("cloudwatch_alarm", "monitoring:DescribeAlarms", "AlarmNames.", 100),
    ("cloudwatchlogs_log_group", "logs:DescribeLogGroups", "logGroupIdentifiers.", 50),
    ("ec2_vpc", "ec2:DescribeVpcs", "Filter.1.Value.", 200),
    ("ec2_subnet", "ec2:DescribeSubnets", "Filter.1.Value.", 200),
    ("ec2_security_group", "ec2:DescribeSecurityGroups", "Filter.1.Value.", 200),
];

#[test]
fn no_call_exceeds_the_maximum_number_of_names() {
    const MANY: usize = 230;
    for (name, operation, member, most) in BATCHES {
        let kind = kind(name).expect("a kind");
        let aws = Exchange::of([on(operation).stays()]);
        if *name == "ec2_vpc" {
            // Attributes of VPCs are read with them.
            aws.then([on("ec2:DescribeSecurityGroups").stays()]);
        }
        let requests: Vec<ReadRequest> = (0..MANY)
            .map(|number| ReadRequest {
                attributes: Some(BTreeSet::new()),
                ..ReadRequest::of(format!("n-{number}"))
            })
            .collect();
        let reads = aws.with(async |cx| kind.read_many(cx, &requests).await);
        assert!(reads.len() == MANY && reads.iter().all(|read| *read == Ok(None)), "{name}: {:?}", reads[0]);
        let mut named = BTreeSet::new();
        for call in aws.calls_of(operation) {
            let names: Vec<&String> = call
                .members
                .iter()
                .filter(|(one, _)| one.starts_with(member))
                .map(|(_, value)| value)
                .collect();
            assert!(!names.is_empty() && names.len() <= *most, "{name}: {} at once", names.len());
            named.extend(names.into_iter().cloned());
        }
        assert_eq!(named.len(), MANY, "{name}");
    }
}

/// A listing in XML shows another key, so that the object would seem to be gone.
#[test]
fn an_object_with_control_characters_in_its_key_is_read_by_itself() {
    let kind = kind("s3_object").expect("a kind");
    let aws = Exchange::of([on("s3:GetObjectTagging").answers("<Tagging><TagSet/></Tagging>").stays()]);
    aws.then([on("s3:HeadObject").header("ETag", "e").answers("").stays()]);
    let requests = ["lake/a\r", "lake/b\r"].map(ReadRequest::of);
    let reads = aws.with(async |cx| kind.read_many(cx, &requests).await);
    assert!(reads.iter().all(|read| matches!(read, Ok(Some(_)))), "{reads:?}");
}
