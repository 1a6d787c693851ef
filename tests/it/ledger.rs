//! The ledger's format and store, and the commands of `dwctl ledger`.

use std::fs;
use std::path::PathBuf;

use dwctl::graph::Address;
use dwctl::ledger::{FileStore, Holder, Ledger};
use dwctl::value::Value;

use crate::harness::{Project, Run};

const HEAD: &str = "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n";
const TOPICS: &str = "[sns_topic.alerts]\nname = \"alerts\"\nlifecycle = { protect = true }\n\
                      [sns_topic.loads]\nname = \"loads\"\ndepends_on = [\"sns_topic.alerts\"]\n";

/// A ledger of the current format, as an apply wrote it.
const FIXTURE: &str = include_str!("../data/ledger_v1.json");

fn stack(text: &str) -> Project {
    Project::new(&format!("{HEAD}{text}"))
}

fn in_s3() -> Project {
    let project = stack(&format!("[ledger]\nbucket = \"shop-ledger\"\n{TOPICS}"));
    project.run(&["ledger", "init"]).exits(0);
    project
}

fn address(text: &str) -> Address {
    text.parse().expect("an address")
}

/// The output of a run, without the parts that vary.
fn screen(project: &Project, run: &Run) -> String {
    let text = format!("{}{}", run.stdout, run.stderr);
    let text = text.replace(&project.stack().display().to_string(), "STACK");
    let holder = Holder::new("", None);
    let mut text = text.replace(&format!("on {}", holder.host), "on HOST");
    text = text.replace(&format!("by {}", holder.host), "by HOST");
    for (pattern, with) in [
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
        (r"process \d+", "process PID"),
        (r"emergency-[0-9TZ]+", "emergency-TIME"),
        (r"in \d+\.\d\d s", "in TIME s"),
        (r", https?://\S+", ""),
    ] {
        text = regex::Regex::new(pattern).expect("a pattern").replace_all(&text, with).into_owned();
    }
    text
}

// The format.

#[test]
fn the_format_is_unchanged() {
    let ledger = Ledger::parse(FIXTURE.as_bytes(), "the fixture").expect("it is one");
    assert_eq!(String::from_utf8(ledger.text()).expect("text"), FIXTURE);
    assert_eq!((ledger.version, ledger.serial, ledger.resources.len()), (1, 2, 4));
    let topic = &ledger.resources[&address("sns_topic.alerts")];
    assert!(topic.protect && !topic.retain && topic.needs.is_empty());
    let object = &ledger.resources[&address("s3_object.part[\"a b\"]")];
    assert_eq!(object.needs, [address("s3_bucket.lake")]);
    assert!(object.stamp.is_some());
    assert_eq!(ledger.intents[&address("kms_key.data")].id, None);

    // The same key makes the same fingerprints, of secrets too.
    let prints = ledger.fingerprints();
    for (of, path, value) in [
        ("sns_topic.alerts", "display_name", Value::from("Alerts")),
        ("sns_topic.alerts", "tags.team", Value::from("data")),
        ("s3_bucket.lake", "versioning", Value::from(true)),
        ("secretsmanager_secret.login", "secret_string", Value::from("Tr0ub4dor-and-3").into_secret()),
    ] {
        let of = address(of);
        let print = prints.of(&of, path, &value);
        assert_eq!(print.as_ref(), ledger.resources[&of].fingerprints.get(path), "{of} {path}");
    }
}

#[test]
fn a_plan_from_a_ledger_of_that_format_is_empty() {
    let project = stack(
        "[sns_topic.alerts]\nname = \"alerts\"\ndisplay_name = \"Alerts\"\ntags = { team = \"data\" }\n\
         lifecycle = { protect = true }\n\
         [s3_bucket.lake]\nbucket = \"shop-lake-fixture\"\nversioning = true\nlifecycle = { retain = true }\n\
         [s3_object.part]\nfor_each = [\"a b\"]\nbucket = \"${s3_bucket.lake.bucket}\"\n\
         key = \"parts/${each.key}.csv\"\ncontent = \"id\\n\"\n\
         [secretsmanager_secret.login]\nname = \"login\"\nsecret_string = \"Tr0ub4dor-and-3\"\n",
    );
    fs::create_dir_all(project.stack().join("env")).expect("a folder");
    fs::write(project.stack().join("env/dev.toml"), "").expect("written");
    project.run(&["apply", "--yes", "--env", "dev"]).exits(0);
    let file = project.stack().join(".dwctl/dev.json");
    fs::write(&file, FIXTURE).expect("written");
    project.run(&["plan", "--env", "dev", "--detailed-exitcode"]).exits(0).says("No changes");
    project.run(&["drift", "--env", "dev"]).exits(0);
}

#[test]
fn fields_of_a_newer_version_are_kept() {
    let project = stack(TOPICS);
    project.apply();
    let mut ledger: serde_json::Value =
        serde_json::from_slice(&fs::read(project.ledger_file()).expect("a ledger")).expect("JSON");
    ledger["since"] = serde_json::json!({ "version": "9.9", "list": [1, 2] });
    ledger["resources"]["sns_topic.loads"]["cost"] = serde_json::json!(0.5);
    ledger["intents"] = serde_json::json!({
        "sns_topic.next": { "region": "us-east-1", "token": "t", "attempt": 3 } });
    fs::write(project.ledger_file(), ledger.to_string()).expect("written");
    project.settled();

    project.run(&["ledger", "move", "sns_topic.loads", "sns_topic.other"]).exits(0);
    let after: serde_json::Value =
        serde_json::from_slice(&fs::read(project.ledger_file()).expect("a ledger")).expect("JSON");
    assert_eq!(after["since"], ledger["since"]);
    assert_eq!(after["resources"]["sns_topic.other"]["cost"], 0.5);
    assert_eq!(after["intents"]["sns_topic.next"]["attempt"], 3);
    // An apply that changes the resource keeps the unknown field as well.
    project.write(&format!("{HEAD}{}", TOPICS.replace("sns_topic.loads", "sns_topic.other")));
    project.apply();
    let after: serde_json::Value =
        serde_json::from_slice(&fs::read(project.ledger_file()).expect("a ledger")).expect("JSON");
    assert_eq!(after["since"], ledger["since"]);
    assert_eq!(after["resources"]["sns_topic.other"]["cost"], 0.5);
}

#[test]
fn every_verb_refuses_a_newer_format_and_leaves_it_unchanged() {
    let project = stack(TOPICS);
    project.apply();
    let text = fs::read_to_string(project.ledger_file()).expect("a ledger");
    let newer = text.replace("\"version\": 1,", "\"version\": 2,\n  \"all\": \"new\",");
    assert_ne!(text, newer);
    fs::write(project.ledger_file(), &newer).expect("written");
    for arguments in [
        &["plan"][..],
        &["apply", "--yes"],
        &["destroy", "--yes"],
        &["ledger", "list"],
        &["ledger", "move", "sns_topic.loads", "sns_topic.other"],
        &["ledger", "forget", "sns_topic.loads"],
        &["ledger", "recover"],
        &["import", "sns_topic.loads", "x"],
    ] {
        let run = project.run(arguments).exits(1);
        run.says("newer").says("this version reads up to 1").says("install the newer dwctl");
    }
    assert_eq!(fs::read_to_string(project.ledger_file()).expect("a ledger"), newer);
}

// The local file.

#[cfg(unix)]
#[test]
fn the_file_is_private_and_replaced_atomically() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let project = stack(TOPICS);
    project.apply();
    let folder = project.stack().join(".dwctl");
    let mode = |path: &PathBuf| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    let file = project.ledger_file();
    assert_eq!((mode(&folder), mode(&file)), (0o700, 0o600));
    let before = fs::metadata(&file).expect("there").ino();
    // A reader that opened the file before still sees the complete old ledger.
    let mut open = fs::File::open(&file).expect("there");
    project.run(&["ledger", "forget", "sns_topic.loads"]).exits(0);
    assert_ne!(fs::metadata(&file).expect("there").ino(), before, "it is another file");
    assert_eq!(mode(&file), 0o600);
    let mut old = String::new();
    std::io::Read::read_to_string(&mut open, &mut old).expect("readable");
    assert!(Ledger::parse(old.as_bytes(), "").is_ok_and(|ledger| ledger.resources.len() == 2));
    let mut names: Vec<String> = fs::read_dir(&folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names, [".gitignore", "default.json", "default.lock"]);
    assert_eq!(mode(&folder.join("default.lock")), 0o600);
}

// The verbs.

#[test]
fn list_and_show_print_the_entries() {
    let project = stack(TOPICS);
    let mut screens = screen(&project, &project.run(&["ledger", "list"]).exits(1));
    project.apply();
    for arguments in [&["ledger", "list"][..], &["ledger", "show"], &["ledger", "show", "sns_topic.loads"]] {
        let run = project.run(arguments).exits(0);
        screens.push_str(&format!("\n$ dwctl {}\n{}", arguments.join(" "), screen(&project, &run)));
    }
    let run = project.run(&["ledger", "show", "sns_topic.load"]).exits(1);
    screens.push_str(&format!("\n$ dwctl ledger show sns_topic.load\n{}", screen(&project, &run)));
    insta::assert_snapshot!(screens);

    let json = project.run(&["ledger", "list", "--json"]).exits(0).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json[0]["address"], "sns_topic.alerts");
    assert_eq!(json[0]["protect"], true);
    assert_eq!(json[1]["needs"], serde_json::json!(["sns_topic.alerts"]));
}

#[test]
fn show_names_who_holds_the_lock() {
    let project = stack(TOPICS);
    project.apply();
    let store = FileStore::new(&project.stack(), "default", false);
    let lock = store.lock(&Holder::new("apply", None)).expect("lockable").expect("free");
    project.run(&["ledger", "show"]).exits(0).says("`dwctl apply`");
    drop(lock);
    project.run(&["ledger", "show"]).exits(0).says("free");
}

#[test]
fn move_renames_and_forget_releases() {
    let project = stack(TOPICS);
    project.apply();
    let mut screens = String::new();
    let mut tell = |arguments: &[&str], code: i32| {
        let run = project.run(arguments).exits(code);
        screens.push_str(&format!("$ dwctl {}\n{}\n", arguments.join(" "), screen(&project, &run)));
    };
    tell(&["ledger", "move", "sns_topic.nothing", "sns_topic.other"], 1);
    tell(&["ledger", "move", "sns_topic.loads", "sns_topic.alerts"], 7);
    tell(&["ledger", "move", "sns_topic.loads", "kms_key.loads"], 7);
    tell(&["ledger", "move", "sns_topic.alerts", "sns_topic.alarms"], 0);
    tell(&["ledger", "forget", "sns_topic.loads"], 0);
    tell(&["ledger", "forget", "sns_topic.loads"], 1);
    insta::assert_snapshot!(screens);
    let ledger = project.ledger();
    assert_eq!(ledger.resources.keys().map(ToString::to_string).collect::<Vec<_>>(), ["sns_topic.alarms"]);

    // Moved: the next apply only changes its tag. Forgotten: it is there, and by its tags ours.
    project.write(&format!("{HEAD}{}", TOPICS.replace("sns_topic.alerts", "sns_topic.alarms")));
    let apply = project.apply();
    apply.plans("sns_topic.alarms", "~ update in place").says_not("to create").says_not("to destroy");
    project.settled();
    assert_eq!(project.ledger().resources.len(), 2);
}

#[test]
fn a_move_updates_the_dependencies_of_others() {
    let project = stack(TOPICS);
    project.apply();
    project.run(&["ledger", "move", "sns_topic.alerts", "sns_topic.alarms"]).exits(0);
    let ledger = project.ledger();
    assert_eq!(ledger.resources[&address("sns_topic.loads")].needs, [address("sns_topic.alarms")]);
}

#[test]
fn push_restores_a_pulled_ledger_but_never_an_older_one() {
    let project = stack(TOPICS);
    project.apply();
    let pulled = project.run(&["ledger", "pull"]).exits(0).stdout;
    assert_eq!(pulled, fs::read_to_string(project.ledger_file()).expect("a ledger"));
    let file = project.stack().join("copy.json");
    fs::write(&file, &pulled).expect("written");
    project.run(&["ledger", "forget", "sns_topic.loads"]).exits(0);

    let mut screens = String::new();
    let mut tell = |arguments: &[&str], code: i32| {
        let run = project.run(arguments).exits(code);
        screens.push_str(&format!("$ dwctl {}\n{}\n", arguments.join(" "), screen(&project, &run)));
    };
    tell(&["ledger", "push", "copy.json"], 7);
    assert_eq!(project.ledger().resources.len(), 1, "it was left as it is");
    tell(&["ledger", "push", "copy.json", "--force"], 0);
    assert_eq!(project.ledger().resources.len(), 2);
    let serial = project.ledger().serial;

    let lineage = project.ledger().lineage;
    let other = pulled.replace(&lineage, "11111111-2222-4333-8444-555555555555");
    fs::write(&file, other.replace("\"serial\": ", "\"serial\": 9")).expect("written");
    tell(&["ledger", "push", "copy.json"], 7);
    fs::write(&file, pulled.replace("\"stack\": \"shop\"", "\"stack\": \"other\"")).expect("written");
    tell(&["ledger", "push", "copy.json"], 1);
    fs::write(&file, "{").expect("written");
    tell(&["ledger", "push", "copy.json"], 1);
    tell(&["ledger", "push", "nowhere.json"], 1);
    insta::assert_snapshot!(screens);
    assert_eq!((project.ledger().lineage, project.ledger().serial), (lineage, serial));
    project.settled();
}

#[test]
fn unlock_is_for_s3_and_needs_the_id() {
    let project = stack(TOPICS);
    project.apply();
    let store = FileStore::new(&project.stack(), "default", false);
    let mut screens = String::new();
    let mut tell = |project: &Project, arguments: &[&str], code: i32| {
        let run = project.run(arguments).exits(code);
        let words = screen(project, &run);
        let id = arguments.last().filter(|id| id.len() == 36).copied().unwrap_or("\u{0}");
        screens.push_str(&format!("$ dwctl {}\n{words}\n", arguments.join(" ").replace(id, "UUID")));
    };
    tell(&project, &["ledger", "unlock", "x"], 1);
    let lock = store.lock(&Holder::new("apply", None)).expect("lockable").expect("free");
    tell(&project, &["ledger", "unlock", "x"], 7);
    drop(lock);

    let project = in_s3();
    project.apply();
    tell(&project, &["ledger", "unlock", "x"], 1);
    let holder = Holder::new("apply", Some("arn:aws:iam::123456789012:user/ann"));
    let text = serde_json::json!({
        "id": holder.id, "command": holder.command, "owner": holder.owner, "host": holder.host,
        "pid": holder.pid, "since": holder.since, "heartbeat": "2999-01-01T00:00:00Z",
        "expires": "2999-01-01T00:01:00Z", "expiry_seconds": 60, "beat": 1 });
    project.with(async |_, cx| {
        let put = cx.aws.s3().put_object().bucket("shop-ledger").key("dwctl/shop/default.json.lock");
        put.body(text.to_string().into_bytes().into()).send().await.expect("put");
    });
    tell(&project, &["ledger", "forget", "sns_topic.loads"], 5);
    tell(&project, &["ledger", "unlock", "x"], 7);
    tell(&project, &["ledger", "unlock", &holder.id], 0);
    project.run(&["ledger", "forget", "sns_topic.loads"]).exits(0);
    insta::assert_snapshot!(screens);
}

/// A generated name is not in the stack. That of a replacement depends on the name before.
#[test]
fn recover_finds_generated_names() {
    let declare = |class: &str| {
        format!(
            "[cloudwatchlogs_log_group.a]\nname_prefix = '/etl-'\nlog_group_class = '{class}'\n\
             lifecycle = {{ create_before_destroy = true }}\n[cloudwatchlogs_log_group.b]\nname_prefix = '/b-'\n"
        )
    };
    let project = stack(&declare("STANDARD"));
    project.apply();
    project.write(&format!("{HEAD}{}", declare("INFREQUENT_ACCESS")));
    project.apply();
    let before = project.ledger();
    fs::remove_file(project.ledger_file()).expect("a ledger");
    project.run(&["ledger", "recover"]).exits(0).says_not("not found");
    let ids = |ledger: &Ledger| -> Vec<String> {
        ledger.resources.values().map(|entry| entry.id.clone()).collect()
    };
    assert_eq!(ids(&project.ledger()), ids(&before));
    project.settled();
}

#[test]
fn recover_rebuilds_a_lost_ledger() {
    let project = stack(TOPICS);
    project.apply();
    let before = project.ledger();
    fs::remove_file(project.ledger_file()).expect("a ledger");
    let run = project.run(&["ledger", "recover"]).exits(0);
    let mut screens = screen(&project, &run);
    let ids = |ledger: &Ledger| -> Vec<(Address, String)> {
        ledger.resources.iter().map(|(address, entry)| (address.clone(), entry.id.clone())).collect()
    };
    assert_eq!(ids(&project.ledger()), ids(&before));
    assert!(project.ledger().resources[&address("sns_topic.alerts")].protect);
    project.settled();
    let run = project.run(&["ledger", "recover"]).exits(0);
    screens.push_str(&screen(&project, &run));
    insta::assert_snapshot!(screens);
}

/// Without a ledger, an undeclared topic would be forgotten and stay forever.
#[test]
fn undeclared_resources_are_found_without_the_ledger() {
    let (alerts, loads) =
        ("[sns_topic.alerts]\nname = \"alerts\"\n", "[sns_topic.loads]\nname = \"loads\"\n");
    let project = stack(&format!("{alerts}{loads}"));
    project.apply();
    fs::remove_file(project.ledger_file()).expect("a ledger");
    // Declared resources are found by their tags.
    project.settled();
    project.write(&format!("{HEAD}{alerts}"));
    let mut screens = String::new();
    for arguments in [&["plan"][..], &["apply", "--yes"], &["destroy", "--yes"]] {
        screens.push_str(&screen(&project, &project.run(arguments).exits(7)));
    }
    insta::assert_snapshot!(screens);
    assert!(!project.ledger_file().exists());
    project.run(&["ledger", "recover"]).exits(0);
    project.run(&["plan"]).exits(0).plans("sns_topic.loads", "- destroy");
}

/// The tag index has no objects, and no listing of objects contains their tags.
#[test]
fn recover_finds_objects_that_are_no_longer_declared() {
    let bucket = "[s3_bucket.lake]\nbucket = \"shop-lake\"\n";
    let object = "[s3_object.script]\nbucket = \"${s3_bucket.lake.bucket}\"\nkey = \"jobs/a.py\"\n\
                  content = \"print(1)\"\n";
    let project = stack(&format!("{bucket}{object}"));
    project.apply();
    project.with(async |_, cx| {
        let put = cx.aws.s3().put_object().bucket("shop-lake").key("data/1");
        put.send().await.expect("an object of someone else");
    });
    fs::remove_file(project.ledger_file()).expect("a ledger");
    project.write(&format!("{HEAD}{bucket}"));
    project.run(&["ledger", "recover"]).exits(0).says("shop-lake/jobs/a.py").says_not("data/1");
    project.run(&["plan"]).exits(0).plans("s3_object.script", "- destroy");
}

#[test]
fn init_creates_a_private_versioned_encrypted_tls_only_bucket() {
    let project = stack(&format!("[ledger]\nbucket = \"shop-ledger\"\n{TOPICS}"));
    let mut screens = screen(&project, &project.run(&["ledger", "init"]).exits(0));
    project.with(async |_, cx| {
        let s3 = cx.aws.s3();
        let bucket = "shop-ledger";
        let block = s3.get_public_access_block().bucket(bucket).send().await.expect("read");
        let block = block.public_access_block_configuration.expect("there is one");
        let all = [
            block.block_public_acls(),
            block.ignore_public_acls(),
            block.block_public_policy(),
            block.restrict_public_buckets(),
        ];
        assert_eq!(all, [Some(true); 4]);
        let versioning = s3.get_bucket_versioning().bucket(bucket).send().await.expect("read");
        assert_eq!(versioning.status().map(|status| status.as_str()), Some("Enabled"));
        let encryption = s3.get_bucket_encryption().bucket(bucket).send().await.expect("read");
        let rules = encryption.server_side_encryption_configuration.expect("there is one").rules;
        let default = rules[0].apply_server_side_encryption_by_default().expect("there is one");
        assert_eq!(default.sse_algorithm().as_str(), "AES256");
        let policy = s3.get_bucket_policy().bucket(bucket).send().await.expect("read").policy;
        let policy: serde_json::Value = serde_json::from_str(&policy.expect("a policy")).expect("JSON");
        let statement = &policy["Statement"][0];
        assert_eq!((&statement["Effect"], &statement["Principal"]), (&"Deny".into(), &"*".into()));
        assert_eq!(statement["Action"], "s3:*");
        assert_eq!(statement["Condition"]["Bool"]["aws:SecureTransport"], "false");
        let both = ["arn:aws:s3:::shop-ledger", "arn:aws:s3:::shop-ledger/*"];
        assert_eq!(statement["Resource"], serde_json::json!(both));
    });
    screens.push_str(&screen(&project, &project.run(&["ledger", "init"]).exits(0)));
    insta::assert_snapshot!(screens);

    // The emulator blocks public access to new buckets, as AWS does; someone may have removed the block.
    project.with(async |_, cx| {
        let s3 = cx.aws.s3();
        s3.delete_public_access_block().bucket("shop-ledger").send().await.expect("opened");
        s3.delete_bucket_policy().bucket("shop-ledger").send().await.expect("opened");
    });
    let run = project.run(&["ledger", "init"]).exits(0);
    run.says("closed to the public").says("restricted to TLS");
    let block = project.with(async |_, cx| {
        let block = cx.aws.s3().get_public_access_block().bucket("shop-ledger").send().await;
        block.expect("read").public_access_block_configuration.expect("there is one")
    });
    assert_eq!((block.block_public_acls(), block.restrict_public_buckets()), (Some(true), Some(true)));
    project.apply();
    project.settled();
}

/// Every command of `dwctl ledger` has a test in this file.
#[test]
fn every_verb_has_a_test() {
    let help = crate::paper::dwctl(std::path::Path::new("."), &["ledger", "--help"]).stdout;
    let verbs: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|verb| !verb.is_empty() && *verb != "help")
        .collect();
    assert!(verbs.len() >= 9, "{verbs:?}");
    let text = include_str!("ledger.rs");
    for verb in verbs {
        assert!(text.contains(&format!("\"ledger\", \"{verb}\"")), "no test runs `dwctl ledger {verb}`");
    }
}
