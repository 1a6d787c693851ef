//! Checks a cluster for what Redshift refuses and the schema cannot express.

use super::reserved::is_reserved;
use crate::kind::prelude::*;

const LOGS: [&str; 3] = ["connectionlog", "userlog", "useractivitylog"];

pub(super) fn check(spec: Known<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    credentials(spec, &mut problems);
    nodes(spec, &mut problems);
    if let Some(version) = spec.text("cluster_version").filter(|version| *version != "1.0") {
        // See https://docs.aws.amazon.com/redshift/latest/APIReference/API_CreateCluster.html
        problems.push(
            Problem::warning("cluster_version", format!("Redshift documents no version `{version}`"))
                .help("only \"1.0\" exists; remove it to let AWS choose"),
        );
    }
    network(spec, &mut problems);
    snapshots(spec, &mut problems);
    logging(spec, &mut problems);
    if let Some(window) = spec.text("preferred_maintenance_window")
        && let Err(why) = check_window(window)
    {
        problems.push(
            Problem::new("preferred_maintenance_window", why)
                .help("write it as `ddd:hh24:mi-ddd:hh24:mi` in UTC, such as `sun:03:00-sun:04:00`"),
        );
    }
    for path in ["kms_key_id", "master_password_secret_kms_key_id"] {
        if spec.text(path).is_some_and(|key| key.starts_with("alias/") || key.contains(":alias/")) {
            problems.push(
                Problem::new(path, "an alias cannot be compared with the key that AWS returns")
                    .help("give the key's ARN or id, such as `${kms_key.NAME.arn}`"),
            );
        }
    }
    if spec.flag("encrypted") == Some(false) {
        // An existing cluster may stay as it was created:
        // https://docs.aws.amazon.com/redshift/latest/APIReference/API_CreateCluster.html
        problems.push(
            Problem::warning("encrypted", "AWS no longer creates clusters without encryption")
                .help("remove `encrypted = false`"),
        );
    }
    problems
}

fn credentials(spec: Known<'_>, problems: &mut Vec<Problem>) {
    let managed = spec.flag("manage_master_password").unwrap_or(false);
    let password = spec.is_set("master_user_password");
    if managed && password {
        problems.push(
            Problem::new("master_user_password", "the password is either given or managed by Redshift")
                .help("remove `master_user_password`, or `manage_master_password`"),
        );
    }
    let maybe_managed =
        managed || spec.is_set("manage_master_password") && spec.flag("manage_master_password").is_none();
    if !maybe_managed && !password && !spec.may_be_set("snapshot_identifier") {
        problems.push(
            Problem::new("master_username", "the admin user has no password").help(
                "set `manage_master_password = true`, so that Redshift keeps one in Secrets Manager, or `master_user_password`",
            ),
        );
    }
    let text = match spec.get("master_user_password") {
        Some(Value::String(text)) => Some(text),
        Some(Value::Secret(inner)) => match inner.as_ref() {
            Value::String(text) => Some(text),
            _ => None,
        },
        _ => None,
    };
    if let Some(Err(why)) = text.map(|text| check_password(text)) {
        problems.push(Problem::new("master_user_password", why));
    }
    for path in ["master_username", "db_name"] {
        if let Some(name) = spec.text(path)
            && (is_reserved(name) || (path == "master_username" && name == "public"))
        {
            problems.push(Problem::new(path, format!("`{name}` is reserved")).help("choose another name"));
        }
    }
}

/// Checks the constraints of `MasterUserPassword`
/// (<https://docs.aws.amazon.com/redshift/latest/APIReference/API_CreateCluster.html>).
/// Never quotes the password.
fn check_password(text: &str) -> Result<(), &'static str> {
    let has = |what: fn(&char) -> bool| text.chars().any(|character| what(&character));
    if !(8..=64).contains(&text.chars().count()) {
        Err("the password must have 8 to 64 characters")
    } else if !has(char::is_ascii_uppercase) || !has(char::is_ascii_lowercase) || !has(char::is_ascii_digit) {
        Err("the password must have an upper-case letter, a lower-case letter and a digit")
    } else if text.chars().any(|one| !one.is_ascii_graphic() || "'\"\\/@".contains(one)) {
        Err("the password must be of printable ASCII characters, without space, ', \", \\, / and @")
    } else {
        Ok(())
    }
}

/// Checks the limits of the node types
/// (<https://docs.aws.amazon.com/redshift/latest/mgmt/working-with-clusters.html#rs-node-type-info>).
/// Types that are not in this list pass.
fn nodes(spec: Known<'_>, problems: &mut Vec<Problem>) {
    let node_type = spec.text("node_type");
    if let Some(node_type) = node_type {
        node_types(node_type, problems);
    }
    // An absent number is one node; with an unknown one nothing can be said.
    let count = match spec.integer("number_of_nodes") {
        None if !spec.may_be_set("number_of_nodes") => Some(1),
        count => count,
    };
    if let (Some(node_type), Some(count)) = (node_type, count) {
        let (least, most) = match node_type {
            "ra3.large" => (1, 16),
            "ra3.xlplus" => (1, 32),
            "ra3.4xlarge" => (2, 128),
            "ra3.16xlarge" | "dc2.8xlarge" => (2, 128),
            "dc2.large" => (1, 32),
            _ => (1, 128),
        };
        if !(least..=most).contains(&count) {
            problems.push(Problem::new(
                "number_of_nodes",
                format!("a cluster of {node_type} has {least} to {most} nodes, not {count}"),
            ));
        }
    }
    // DC2 nodes keep their data on local disks, so they lack the features of managed storage.
    let local = node_type.is_some_and(|node_type| node_type.starts_with("dc2."));
    for attribute in ["availability_zone_relocation", "multi_az"] {
        if local && spec.flag(attribute) == Some(true) {
            problems.push(
                Problem::new(attribute, format!("`{attribute}` needs nodes with managed storage"))
                    .help("use an RA3 node type"),
            );
        }
    }
    if !local && node_type.is_some() && spec.integer("automated_snapshot_retention_period") == Some(0) {
        problems.push(
            Problem::new(
                "automated_snapshot_retention_period",
                "automated snapshots cannot be turned off for RA3 and RG nodes",
            )
            .help("keep them for at least 1 day"),
        );
    }
    if spec.flag("multi_az") == Some(true) {
        if count == Some(1) {
            problems.push(
                Problem::new("multi_az", "a cluster in two availability zones has at least two nodes")
                    .help("set `number_of_nodes = 2` or more"),
            );
        }
        if spec.flag("encrypted") == Some(false) {
            problems.push(Problem::new("multi_az", "a cluster in two availability zones is encrypted"));
        }
        if spec.is_set("availability_zone") {
            problems.push(
                Problem::new(
                    "availability_zone",
                    "AWS chooses the zones of a cluster in two availability zones",
                )
                .help("remove `availability_zone`"),
            );
        }
    }
}

/// Reports unknown and retired node types.
fn node_types(node_type: &str, problems: &mut Vec<Problem>) {
    const KNOWN: [&str; 10] = [
        "dc2.large",
        "dc2.8xlarge",
        "ra3.large",
        "ra3.xlplus",
        "ra3.4xlarge",
        "ra3.16xlarge",
        "rg.large",
        "rg.xlarge",
        "rg.4xlarge",
        "rg.12xlarge",
    ];
    let family = node_type.split('.').next().unwrap_or_default();
    match family {
        "ds1" | "ds2" | "dc1" | "dw1" | "dw2" => problems.push(
            Problem::new("node_type", format!("AWS no longer offers nodes of type {node_type}"))
                .help("use an RA3 node type, such as `ra3.xlplus`"),
        ),
        // No longer supported after April 24, 2026:
        // https://docs.aws.amazon.com/redshift/latest/mgmt/working-with-clusters.html
        "dc2" if KNOWN.contains(&node_type) => problems.push(
            Problem::warning("node_type", "AWS retired DC2 nodes: new clusters cannot have them")
                .help("use an RA3 node type, such as `ra3.large`"),
        ),
        "ra3" | "dc2" if !KNOWN.contains(&node_type) => {
            let help = nearest(node_type, KNOWN).map_or_else(
                || format!("one of {}", KNOWN.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            problems.push(
                Problem::new("node_type", format!("Redshift has no nodes of type `{node_type}`")).help(help),
            );
        }
        "ra3" | "rg" => {}
        _ => {
            let help = nearest(node_type, KNOWN).map_or_else(
                || format!("one of {}", KNOWN.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            problems.push(
                Problem::warning("node_type", format!("dwctl does not know nodes of type `{node_type}`"))
                    .help(help),
            );
        }
    }
}

fn network(spec: Known<'_>, problems: &mut Vec<Problem>) {
    let managed = spec
        .text("node_type")
        .is_some_and(|node_type| node_type.starts_with("ra3.") || node_type.starts_with("rg."));
    let port = spec.integer("port");
    let is_usable = |port: &i64| (1150..=65535).contains(port);
    if let Some(port) = port.filter(|port| !is_usable(port)) {
        problems.push(Problem::new("port", format!("a cluster cannot listen on port {port}")).help(
            if managed {
                "use one from 5431 to 5455, or from 8191 to 8215"
            } else {
                "use one from 1150 to 65535; with RA3 and RG nodes, from 5431 to 5455 or from 8191 to 8215"
            },
        ));
    }
    if let Some(port) = port.filter(is_usable)
        && managed
        && !(5431..=5455).contains(&port)
        && !(8191..=8215).contains(&port)
    {
        // An existing cluster may keep another port:
        // https://docs.aws.amazon.com/redshift/latest/APIReference/API_CreateCluster.html
        problems.push(
            Problem::warning(
                "port",
                format!("new clusters of RA3 and RG nodes do not listen on port {port}"),
            )
            .help("use one from 5431 to 5455, or from 8191 to 8215"),
        );
    }
    if spec.is_set("elastic_ip") && spec.flag("availability_zone_relocation") == Some(true) {
        problems.push(Problem::new("elastic_ip", "a cluster that can be moved has no elastic IP address"));
    }
    let roles = spec.list("iam_roles");
    let all_known = roles.iter().all(|role| matches!(role, Value::String(_)))
        && (spec.get("iam_roles").is_some() || !spec.may_be_set("iam_roles"));
    if let Some(default) = spec.text("default_iam_role_arn")
        && all_known
        && !roles.iter().any(|role| matches!(role, Value::String(role) if role == default))
    {
        problems.push(
            Problem::new("default_iam_role_arn", "the default role is not one of `iam_roles`")
                .help("add it to `iam_roles`"),
        );
    }
}

fn snapshots(spec: Known<'_>, problems: &mut Vec<Problem>) {
    for path in [
        "manual_snapshot_retention_period",
        "final_snapshot_retention_period",
        "snapshot_copy.manual_snapshot_retention_period",
    ] {
        if spec.integer(path) == Some(0) {
            problems.push(
                Problem::new(path, "a snapshot is kept 1 to 3653 days, or for ever")
                    .help("write -1 to keep them for ever"),
            );
        }
    }
}

fn logging(spec: Known<'_>, problems: &mut Vec<Problem>) {
    if spec.get("logging").is_none() {
        return;
    }
    let destination = match spec.is_set("logging.log_destination_type") {
        true => spec.text("logging.log_destination_type"),
        false => Some("s3"),
    };
    match destination {
        Some("s3") if !spec.may_be_set("logging.bucket_name") => problems.push(
            Problem::new("logging", "a log in S3 needs a bucket")
                .help("set `bucket_name`, or `log_destination_type = \"cloudwatch\"`"),
        ),
        Some("cloudwatch") if !spec.may_be_set("logging.log_exports") => problems.push(
            Problem::new("logging", "a log in CloudWatch needs `log_exports`")
                .help("list `connectionlog`, `userlog`, `useractivitylog`"),
        ),
        _ => {}
    }
    for (place, log) in spec.list("logging.log_exports").iter().enumerate() {
        if let Value::String(log) = log
            && !LOGS.contains(&log.as_str())
        {
            problems.push(
                Problem::new(format!("logging.log_exports.{place}"), format!("no log `{log}`"))
                    .help(format!("one of {}", LOGS.join(", "))),
            );
        }
    }
}

/// A window `ddd:hh24:mi-ddd:hh24:mi` of at least 30 minutes and less than a day.
fn check_window(window: &str) -> Result<(), String> {
    let minute = |text: &str| -> Option<u32> {
        let [day, hour, minute]: [&str; 3] = text.split(':').collect::<Vec<_>>().try_into().ok()?;
        let day = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
            .iter()
            .position(|name| name.eq_ignore_ascii_case(day))?;
        let two = |digits: &str, below: u32| -> Option<u32> {
            let number: u32 = digits.parse().ok()?;
            (digits.len() == 2 && number < below).then_some(number)
        };
        Some(day as u32 * 1440 + two(hour, 24)? * 60 + two(minute, 60)?)
    };
    let (from, to) = window
        .split_once('-')
        .and_then(|(from, to)| Some((minute(from)?, minute(to)?)))
        .ok_or_else(|| format!("`{window}` is not a weekly window"))?;
    // The window may wrap around the end of the week.
    let length = (to + 7 * 1440 - from) % (7 * 1440);
    if length < 30 {
        return Err(format!("the window is {length} minutes long, but AWS requires at least 30"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{check, check_password, check_window};
    use crate::kind::{Known, problems_of};
    use crate::value::{Unknown, Value};
    use serde_json::json;

    fn paths(spec: serde_json::Value) -> Vec<String> {
        problems_of::<super::super::cluster::RedshiftCluster>(&Value::from_json(&spec))
            .into_iter()
            .map(|problem| problem.path)
            .collect()
    }

    #[test]
    fn maintenance_windows_are_checked() {
        for window in ["sun:03:00-sun:04:00", "Sun:23:45-Mon:00:15", "wed:07:30-wed:08:00"] {
            assert_eq!(check_window(window), Ok(()), "{window}");
        }
        for window in [
            "sunday",
            "sun:3:00-sun:4:00",
            "sun:03:00-sun:24:00",
            "sun:03:00-sun:03:29",
            "sun:03:00",
            "xyz:03:00-sun:04:00",
        ] {
            assert!(check_window(window).is_err(), "{window}");
        }
    }

    #[test]
    fn passwords_are_checked() {
        assert_eq!(check_password("Abcdefg1"), Ok(()));
        for password in ["Abcdef1", "abcdefg1", "ABCDEFG1", "Abcdefgh", "Abcdef 1", "Abcdef@1", "Abcdefü1"] {
            assert!(check_password(password).is_err(), "{password}");
        }
    }

    #[test]
    fn a_valid_cluster_passes() {
        let (one, other) = ("arn:aws:iam::111122223333:role/a", "arn:aws:iam::111122223333:role/b");
        let spec = json!({
            "node_type": "ra3.xlplus", "number_of_nodes": 2, "multi_az": true, "manage_master_password": true,
            "iam_roles": [one, other], "default_iam_role_arn": other,
            "logging": { "log_destination_type": "cloudwatch", "log_exports": ["userlog"] } });
        assert_eq!(paths(spec), Vec::<String>::new());
    }

    #[test]
    fn settings_that_redshift_refuses_are_reported() {
        for (spec, path) in [
            (json!({ "node_type": "ra3.large" }), "master_username"),
            (
                json!({ "manage_master_password": true, "master_user_password": "Abcdefg1" }),
                "master_user_password",
            ),
            (json!({ "manage_master_password": true, "node_type": "ra3.4xlarge" }), "number_of_nodes"),
            (json!({ "manage_master_password": true, "multi_az": true }), "multi_az"),
            (json!({ "manage_master_password": true, "elastic_ip": "1.2.3.4" }), "elastic_ip"),
            (
                json!({ "manage_master_password": true, "default_iam_role_arn": "arn:aws:iam::111122223333:role/x" }),
                "default_iam_role_arn",
            ),
            (json!({ "manage_master_password": true, "logging": { "s3_key_prefix": "x" } }), "logging"),
            (json!({ "manage_master_password": true, "kms_key_id": "alias/x" }), "kms_key_id"),
            (
                json!({ "manage_master_password": true, "manual_snapshot_retention_period": 0 }),
                "manual_snapshot_retention_period",
            ),
        ] {
            assert_eq!(paths(spec.clone()), [path], "{spec}");
        }
    }

    #[test]
    fn unknown_parts_are_accepted() {
        let unknown = Value::Unknown(Unknown::new("iam_role.load", "arn"));
        let spec = Value::Map(
            [
                ("manage_master_password".to_owned(), unknown.clone()),
                ("number_of_nodes".to_owned(), unknown.clone()),
                ("node_type".to_owned(), Value::String("ra3.4xlarge".to_owned())),
                ("iam_roles".to_owned(), Value::List(vec![unknown.clone()])),
                ("default_iam_role_arn".to_owned(), Value::String("x".to_owned())),
                ("logging".to_owned(), unknown),
            ]
            .into_iter()
            .collect(),
        );
        assert_eq!(check(Known(&spec)), []);
    }
}
