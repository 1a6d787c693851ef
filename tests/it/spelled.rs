//! Different spellings of one value: no change if AWS treats them as the same, and no drift because of the
//! stack's spelling.

use dwctl::kind::ErasedKind;
use dwctl::kinds::KINDS;
use dwctl::plan::Selection;
use dwctl::schema::{Node, PathStep, Shape, normalize};
use dwctl::value::Value;

use crate::account::Account;

const KEY: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

fn arn(name: &str) -> String {
    format!("arn:aws:kms:us-east-1:000000000000:{name}")
}

fn topic(key: &str) -> String {
    format!("[sns_topic.one]\nname = \"one\"\nkms_master_key_id = \"{key}\"\n")
}

fn plan(account: &Account, text: &str) -> String {
    account.plan(text, &Selection::default())
}

#[test]
fn a_key_is_recognised_in_every_spelling() {
    let key = arn(&format!("key/{KEY}"));
    for live in [KEY, &key] {
        for applied in [KEY, &key] {
            let account = Account::after(&topic(applied)).set("sns_topic.one", "kms_master_key_id", live);
            for declared in [KEY, &key] {
                let plan = plan(&account, &topic(declared));
                assert!(plan.contains("No changes"), "{applied} {live} {declared}\n{plan}");
            }
            let other = plan(&account, &topic("alias/other"));
            assert!(other.contains("alias/other"), "{other}");
            assert!(!other.contains("outside dwctl"), "{applied} {live}\n{other}");
            // The same key in another region is another one.
            let far = plan(&account, &topic(&key.replace("us-east-1", "eu-west-1")));
            assert!(far.contains("eu-west-1") && !far.contains("outside dwctl"), "{far}");
        }
    }
}

#[test]
fn drift_is_reported_in_every_spelling() {
    let key = arn(&format!("key/{KEY}"));
    let account = Account::after(&topic(KEY)).set("sns_topic.one", "kms_master_key_id", arn("key/other"));
    for declared in [KEY, &key] {
        let plan = plan(&account, &topic(declared));
        assert!(plan.contains("drift: changed outside dwctl"), "{declared}\n{plan}");
    }
    let plan = plan(&account, &topic("alias/third"));
    assert!(plan.contains("changed by the stack and outside dwctl"), "{plan}");
}

/// A fingerprint of an earlier version is of the stack's spelling at that time.
#[test]
fn an_older_ledger_reports_no_drift_without_proof() {
    let key = arn(&format!("key/{KEY}"));
    let address = "sns_topic.one".parse().expect("an address");
    let mut account = Account::after(&topic(KEY)).set("sns_topic.one", "kms_master_key_id", &*key);
    let print = account.ledger.fingerprints().of(&address, "kms_master_key_id", &Value::from(KEY));
    let entry = account.ledger.resources.get_mut(&address).expect("an entry");
    let before = entry.fingerprints.insert("kms_master_key_id".to_owned(), print.expect("a print"));
    assert!(before.is_some_and(|print| print.ends_with('=')));
    for declared in [KEY, &key] {
        let plan = plan(&account, &topic(declared));
        assert!(plan.contains("No changes"), "{declared}\n{plan}");
    }
    let changed = plan(&account, &topic("alias/other"));
    assert!(changed.contains("alias/other") && !changed.contains("outside dwctl"), "{changed}");
    // A value that is neither the applied nor the declared one proves drift.
    let account = account.set("sns_topic.one", "kms_master_key_id", arn("key/other"));
    let drift = plan(&account, &topic(KEY));
    assert!(drift.contains("drift: changed outside dwctl"), "{drift}");
}

/// The field in which an earlier version kept AWS's spellings is read, but no longer written.
#[test]
fn spellings_stored_by_an_earlier_version_are_dropped() {
    let entry = serde_json::json!({
        "id": "one", "region": "us-east-1", "applied": "2026-01-01T00:00:00Z", "spelled": { "name": "abc" }, "newer": 1,
    });
    let entry: dwctl::ledger::Entry = serde_json::from_value(entry).expect("an entry");
    assert_eq!(entry.unknown.keys().collect::<Vec<_>>(), ["newer"]);
    assert!(!serde_json::to_string(&entry).expect("JSON").contains("spelled"));
}

/// A declared default equals an absent one: adding or removing it changes and risks nothing.
#[test]
fn a_default_of_aws_equals_an_absent_attribute() {
    let bucket = |more: &str| {
        format!(
            "[s3_bucket.lake]\nbucket = \"lake-1\"\nencryption = {{ sse_algorithm = \"aws:kms\"{more} }}\n"
        )
    };
    let secret = |more: &str| format!("[secretsmanager_secret.admin]\nname = \"admin\"\n{more}\n");
    let object = |more: &str| {
        format!("[s3_object.orders]\nbucket = \"lake-1\"\nkey = \"a.csv\"\ncontent = \"a\"\n{more}\n")
    };
    let own = arn("alias/aws/secretsmanager");
    for (without, with) in [
        (bucket(""), bucket(", kms_master_key_id = \"alias/aws/s3\"")),
        (bucket(""), bucket(&format!(", kms_master_key_id = \"{}\"", arn("alias/aws/s3")))),
        (secret(""), secret("kms_key_id = \"alias/aws/secretsmanager\"")),
        (secret(""), secret(&format!("kms_key_id = \"{own}\""))),
        (object(""), object("content_type = \"\"")),
    ] {
        for (before, after) in [(&without, &with), (&with, &without), (&with, &with)] {
            let plan = plan(&Account::after(before), after);
            assert!(plan.contains("No changes"), "{before}\n{after}\n{plan}");
        }
    }
    // The same with AWS's own key from the account.
    let account = Account::after(&secret("")).set("secretsmanager_secret.admin", "kms_key_id", &*own);
    assert!(plan(&account, &secret("")).contains("No changes"));
    // Removing a key of the account is reported.
    let plan = plan(&Account::after(&bucket(", kms_master_key_id = \"alias/lake\"")), &bucket(""));
    assert!(plan.contains("weaker protection"), "{plan}");
}

#[test]
fn unreadable_attributes_count_as_applied() {
    let cluster = |port: u16| {
        format!(
            "[redshift_cluster.w]\ncluster_identifier = \"w\"\nnode_type = \"ra3.large\"\nmaster_username = \"admin\"\n\
             manage_master_password = true\nport = {port}\n"
        )
    };
    let account = Account::after(&cluster(5440)).change("redshift_cluster.w", |live| {
        let Value::Map(spec) = &mut live.spec else { panic!("a table") };
        spec.remove("port");
        live.not_returned = vec!["port".to_owned()];
    });
    let same = plan(&account, &cluster(5440));
    assert!(same.contains("No changes"), "{same}");
    let changed = plan(&account, &cluster(5450));
    assert!(changed.contains("5450") && !changed.contains("outside dwctl"), "{changed}");
}

#[test]
fn undeclared_entries_of_a_map_are_not_drift() {
    let database =
        |more: &str| format!("[glue_database.d]\nname = \"d\"\nparameters = {{ a = \"1\"{more} }}\n");
    let account = Account::after(&database("")).change("glue_database.d", |live| {
        let Value::Map(spec) = &mut live.spec else { panic!("a table") };
        // The attribute is read from now on, because the stack declares it.
        spec.insert("parameters".to_owned(), Value::map([("a", "1"), ("b", "theirs")]));
    });
    let plan = plan(&account, &database(", b = \"2\""));
    assert!(plan.contains("theirs") && !plan.contains("outside dwctl"), "{plan}");
}

/// Visits each field of a kind, with its path. Lists and maps are visited by one element.
fn each<'n>(node: &'n Node, path: &[PathStep], see: &mut dyn FnMut(&[PathStep], &'n Node, &'n Node)) {
    match &node.shape {
        Shape::Object { fields, .. } => {
            for (name, field) in fields {
                let path = [path, &[PathStep::Name(name.clone())]].concat();
                see(&path, node, field);
                each(field, &path, see);
            }
        }
        Shape::List { element, .. } | Shape::Map(element) => each(element, path, see),
        _ => {}
    }
}

/// An empty optional text counts as absent, and so does every value that AWS uses for an absent field, in
/// any table.
#[test]
fn meaningless_values_are_dropped_everywhere() {
    let mut seen = 0;
    for kind in KINDS.iter() {
        each(&kind.schema().spec, &[], &mut |path, table, field| {
            let Some(PathStep::Name(name)) = path.last() else { return };
            if table.requires(name) || field.default.is_some() {
                return;
            }
            let mut written: Vec<Value> = field.absent.iter().cloned().collect();
            if let Shape::String { options, pattern, min_length, .. } = &field.shape
                && options.is_empty()
                && pattern.is_none()
                && min_length.is_none()
            {
                written.push(Value::from(""));
            }
            for value in written {
                seen += 1;
                let with = normalize(table, Value::map([(name.as_str(), value.clone())]));
                let without = normalize(table, Value::Map(Default::default()));
                assert_eq!(with, without, "{} {path:?} {value:?}", kind.name());
            }
        });
    }
    assert!(seen > 60, "{seen} were tried");
}

/// A key that AWS itself owns is the default of its attribute, or the attribute says otherwise.
#[test]
fn every_kms_key_attribute_has_its_spellings() {
    // Not encrypted, the bucket's choice, or AWS's choice: no alias equals the default.
    const WITHOUT_DEFAULT: [&str; 9] = [
        "cloudtrail_trail.kms_key_id",
        "redshift_cluster.kms_key_id",
        "redshift_cluster.master_password_secret_kms_key_id",
        "s3_bucket.inventory.destination.kms_key_id",
        "s3_bucket.replication.rules.destination.replica_kms_key_id",
        "s3_object.ssekms_key_id",
        "sfn_state_machine.encryption_configuration.kms_key_id",
        "sns_topic.kms_master_key_id",
        "sqs_queue.kms_master_key_id",
    ];
    let mut open = Vec::new();
    for kind in KINDS.iter() {
        let kind: &dyn ErasedKind = kind.as_ref();
        each(&kind.schema().spec, &[], &mut |path, _, field| {
            let path = format!("{}.{}", kind.name(), dwctl::schema::path_text(path));
            if !path.ends_with("key_id") {
                return;
            }
            // AWS accepts only an ARN there.
            if matches!(&field.shape, Shape::String { pattern: Some(pattern), .. } if pattern.starts_with("^arn:"))
            {
                return;
            }
            if field.spelling.is_none() || (field.absent.is_none() && !WITHOUT_DEFAULT.contains(&&*path)) {
                open.push(path);
            }
        });
    }
    assert!(open.is_empty(), "{open:?}");
}
