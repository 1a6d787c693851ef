//! Slow transitions at AWS, and services that do not know yet what another has just created. They are
//! scripted, as no emulator is slow, and run with the real program.

use std::time::Duration;

use serde_json::json;

use crate::exchange::{Answer, Exchange, on};
use crate::paper::{Run, dwctl_with, folder, headed};

const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")];

/// A stack in a folder, and a scripted AWS.
struct Scene {
    folder: tempfile::TempDir,
    aws: Exchange,
}

impl Scene {
    fn new(stack: &str) -> Self {
        Self { folder: folder(&[("stack.toml", &headed(stack))]), aws: Exchange::of([]) }
    }

    fn write(&self, stack: &str) {
        std::fs::write(self.folder.path().join("stack.toml"), headed(stack)).expect("a file");
    }

    /// Runs the program against these answers. Each must be requested, and no other.
    #[track_caller]
    fn run(&self, arguments: &[&str], answers: Vec<Answer>) -> Run {
        self.aws.then(answers);
        let endpoint = self.aws.endpoint();
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--endpoint-url", &endpoint]).collect();
        let run = dwctl_with(self.folder.path(), &arguments, &KEYS);
        assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
        assert!(run.time < Duration::from_secs(60), "{:?}", run.time);
        self.aws.expect_all_requested();
        run
    }

    /// Applies, and expects that it succeeds.
    #[track_caller]
    fn apply(&self, answers: Vec<Answer>) -> Run {
        let run = self.run(&["apply", "--yes", "--allow", "data-loss,downtime,destroy"], answers);
        assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
        run
    }
}

/// The owner tags of `address`, each as a text.
fn owned(address: &str, tag: impl Fn(&str, &str) -> String) -> String {
    [("dwctl:stack", "shop"), ("dwctl:env", "default"), ("dwctl:address", address)]
        .iter()
        .map(|(key, value)| tag(key, value))
        .collect()
}

const CLUSTER: &str = "[redshift_cluster.w]\ncluster_identifier = 'warehouse'\nnode_type = 'ra3.xlplus'\n\
                       number_of_nodes = NODES\nmaster_username = 'admin'\nmanage_master_password = true\n";

fn stack(nodes: u8) -> String {
    CLUSTER.replace("NODES", &nodes.to_string())
}

/// The answer of `DescribeClusters`.
fn cluster(status: &str, availability: &str, nodes: u8) -> Answer {
    let tags = owned("redshift_cluster.w", |key, value| {
        format!("<Tag><Key>{key}</Key><Value>{value}</Value></Tag>")
    });
    on("redshift:DescribeClusters").answers(format!(
        "<Clusters><Cluster><ClusterIdentifier>warehouse</ClusterIdentifier>\
         <ClusterStatus>{status}</ClusterStatus>\
         <ClusterAvailabilityStatus>{availability}</ClusterAvailabilityStatus>\
         <NodeType>ra3.xlplus</NodeType><NumberOfNodes>{nodes}</NumberOfNodes><MasterUsername>admin</MasterUsername>\
         <MasterPasswordSecretArn>arn:aws:secretsmanager:us-east-1:123456789012:secret:s</MasterPasswordSecretArn>\
         <Encrypted>true</Encrypted><AllowVersionUpgrade>true</AllowVersionUpgrade>\
         <AutomatedSnapshotRetentionPeriod>1</AutomatedSnapshotRetentionPeriod>\
         <ManualSnapshotRetentionPeriod>-1</ManualSnapshotRetentionPeriod>\
         <ClusterCreateTime>2026-01-02T03:04:05.678Z</ClusterCreateTime><Tags>{tags}</Tags></Cluster></Clusters>"
    ))
}

fn no_cluster() -> Answer {
    on("redshift:DescribeClusters").fails(404, "ClusterNotFound", "Cluster warehouse not found.")
}

fn created() -> Answer {
    on("redshift:CreateCluster")
        .answers("<Cluster><ClusterIdentifier>warehouse</ClusterIdentifier></Cluster>")
}

/// A scene with a cluster that is as declared.
fn with_cluster() -> Scene {
    let scene = Scene::new(&stack(2));
    scene.apply(vec![no_cluster(), created(), cluster("available", "Available", 2)]);
    scene
}

#[test]
fn a_cluster_that_is_being_created_is_waited_for() {
    let scene = Scene::new(&stack(2));
    let run = scene.apply(vec![
        no_cluster(),
        created(),
        // Not even listed at first.
        no_cluster(),
        cluster("creating", "Modifying", 2),
        cluster("creating", "Modifying", 2),
        // Available, but not completely.
        cluster("available", "Modifying", 2),
        cluster("available", "Available", 2),
    ]);
    assert!(run.stdout.contains("1 created"), "{}", run.stdout);
    let plan = scene.run(&["plan", "--detailed-exitcode"], vec![cluster("available", "Available", 2)]);
    assert!(plan.code == 0 && plan.stdout.contains("No changes"), "{}", plan.stdout);
}

#[test]
fn a_stack_limits_how_long_a_step_may_take() {
    let limited = |limit: &str| Scene::new(&format!("{}timeout = {{ {limit} }}\n", stack(2)));
    let busy = || cluster("creating", "Modifying", 2);
    // It is read once more, to record what was applied so far.
    let run =
        limited("create = '1ms'").run(&["apply", "--yes"], vec![no_cluster(), created(), busy(), busy()]);
    let said = format!("{}{}", run.stdout, run.stderr);
    assert_eq!(run.code, 1, "{said}");
    for words in ["did not become ready", "still working on it after", "timeout = { create = \"2h\" }"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    // The limits of other steps do not count.
    let scene = limited("update = '1ms', delete = '1ms'");
    scene.apply(vec![no_cluster(), created(), busy(), cluster("available", "Available", 2)]);
    let available = || cluster("available", "Available", 2);
    let run = scene.run(
        &["destroy", "--yes"],
        vec![
            available(),
            available(),
            on("redshift:DeleteCluster").answers("<Cluster/>"),
            cluster("deleting", "Modifying", 2),
        ],
    );
    let said = format!("{}{}", run.stdout, run.stderr);
    assert!(run.code == 1 && said.contains("cannot destroy redshift_cluster.w"), "{said}");
    // The ledger remembers the limit when the block is gone.
    scene.write("");
    let run = scene.run(
        &["apply", "--yes", "--allow", "data-loss,downtime,destroy"],
        vec![
            on("redshift:DescribeLoggingStatus").answers("<LoggingEnabled>false</LoggingEnabled>").stays(),
            available(),
            available(),
            on("redshift:DeleteCluster").answers("<Cluster/>"),
            cluster("deleting", "Modifying", 2),
        ],
    );
    let said = format!("{}{}", run.stdout, run.stderr);
    assert!(run.code == 1 && said.contains("cannot destroy redshift_cluster.w"), "{said}");
}

#[test]
fn a_paused_cluster_matches_its_declaration() {
    let scene = with_cluster();
    for status in ["pausing", "paused", "resuming"] {
        let plan = scene.run(&["plan", "--detailed-exitcode"], vec![cluster(status, "Unavailable", 2)]);
        assert_eq!(plan.code, 0, "{status}: {}{}", plan.stdout, plan.stderr);
        assert!(plan.stdout.contains("No changes"), "{status}: {}", plan.stdout);
    }
    // AWS may return a paused RA3 cluster without its nodes.
    let paused = cluster("paused", "Paused", 0);
    let plan = scene.run(&["plan", "--detailed-exitcode"], vec![paused]);
    assert_eq!(plan.code, 0, "{}{}", plan.stdout, plan.stderr);
}

#[test]
fn a_resize_is_waited_for() {
    let scene = with_cluster();
    scene.write(&stack(4));
    let run = scene.apply(vec![
        cluster("available", "Available", 2),
        cluster("available", "Available", 2),
        on("redshift:ResizeCluster")
            .sends("NumberOfNodes", "4")
            .sends("Classic", "false")
            .answers("<Cluster/>"),
        cluster("available, prep-for-resize", "Modifying", 2),
        cluster("resizing", "Modifying", 2),
        cluster("available, resize-cleanup", "Modifying", 4),
        cluster("available", "Available", 4),
    ]);
    assert!(run.stdout.contains("1 updated"), "{}", run.stdout);
}

#[test]
fn destroying_a_cluster_waits_for_the_final_snapshot() {
    let scene = with_cluster();
    let run = scene.run(
        &["destroy", "--yes"],
        vec![
            cluster("available", "Available", 2),
            // The owner is checked again before the deletion.
            cluster("available", "Available", 2),
            cluster("available", "Available", 2),
            on("redshift:DeleteCluster")
                .sends("SkipFinalClusterSnapshot", "false")
                .sends("FinalClusterSnapshotIdentifier", "warehouse-final-20260102030405678")
                .sends("FinalClusterSnapshotRetentionPeriod", "-1")
                .answers("<Cluster/>"),
            cluster("final-snapshot", "Modifying", 2),
            cluster("deleting", "Modifying", 2),
            no_cluster(),
        ],
    );
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("1 destroyed"), "{}", run.stdout);
}

#[test]
fn a_cluster_busy_with_another_change_is_retried() {
    let scene = with_cluster();
    let busy = || {
        on("redshift:DeleteCluster").fails(
            400,
            "InvalidClusterState",
            "There is an operation running on the Cluster.",
        )
    };
    let run = scene.run(
        &["destroy", "--yes"],
        vec![
            cluster("available", "Available", 2),
            cluster("modifying", "Modifying", 2),
            cluster("modifying", "Modifying", 2),
            busy(),
            cluster("modifying", "Modifying", 2),
            busy(),
            cluster("available", "Available", 2),
            on("redshift:DeleteCluster").answers("<Cluster/>"),
            no_cluster(),
        ],
    );
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
}

#[test]
fn a_failed_cluster_is_reported_in_the_words_of_aws() {
    for status in ["incompatible-network", "incompatible-restore", "incompatible-hsm", "hardware-failure"] {
        let scene = Scene::new(&stack(2));
        let failed = || cluster(status, "Failed", 2);
        // It is read once more, to record what was applied so far.
        let answers = vec![no_cluster(), created(), cluster("creating", "Modifying", 2), failed(), failed()];
        let run = scene.run(&["apply", "--yes"], answers);
        assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
        let said = format!("{}{}", run.stdout, run.stderr);
        assert!(said.contains(status) && said.contains("redshift_cluster.w did not become ready"), "{said}");
        assert!(said.contains("warehouse") && said.contains("stack.toml:"), "{said}");
        // It exists and is ours: the next apply knows it.
        let ledger =
            std::fs::read_to_string(scene.folder.path().join(".dwctl/default.json")).expect("a ledger");
        assert!(ledger.contains("\"warehouse\""), "{ledger}");
    }
}

const KEY: &str = "[kms_key.k]\norigin = 'EXTERNAL'\ndescription = 'Ours'\n";

fn key(id: &str, state: &str) -> Answer {
    described_key(id, state, "Ours")
}

fn described_key(id: &str, state: &str, description: &str) -> Answer {
    on("kms:DescribeKey").sends("KeyId", id).answers(
        json!({ "KeyMetadata": {
            "KeyId": id, "Arn": format!("arn:aws:kms:us-east-1:123456789012:key/{id}"),
            "Origin": "EXTERNAL", "KeyState": state, "Enabled": false, "Description": description, "KeyManager": "CUSTOMER",
            "KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT", "MultiRegion": false,
        } })
        .to_string(),
    )
}

fn key_tags(id: &str) -> Answer {
    let tags: Vec<serde_json::Value> =
        [("dwctl:stack", "shop"), ("dwctl:env", "default"), ("dwctl:address", "kms_key.k")]
            .iter()
            .map(|(key, value)| json!({ "TagKey": key, "TagValue": value }))
            .collect();
    on("kms:ListResourceTags").sends("KeyId", id).answers(json!({ "Tags": tags }).to_string()).perhaps()
}

/// Such a key cannot be enabled: it waits for its material, which dwctl does not provide.
#[test]
fn a_key_without_material_exists_and_a_key_scheduled_for_deletion_does_not() {
    let scene = Scene::new(KEY);
    let made = |id: &str| {
        on("kms:CreateKey")
            .sends("Origin", "EXTERNAL")
            .answers(json!({ "KeyMetadata": { "KeyId": id } }).to_string())
    };
    let seen = |id: &str, state: &str| vec![key(id, state), key_tags(id)];
    let none = || on("kms:ListKeys").answers(r#"{"Keys":[]}"#);
    let mut script = vec![none(), made("k-1")];
    script.extend(seen("k-1", "PendingImport"));
    scene.apply(script);
    let plan = scene.run(&["plan", "--detailed-exitcode"], seen("k-1", "PendingImport"));
    assert!(plan.code == 0 && plan.stdout.contains("No changes"), "{}{}", plan.stdout, plan.stderr);
    // Somebody scheduled the key for deletion. Its id is never reused, so a new key is created. The apply
    // first checks once more that it is gone.
    let mut script = vec![key("k-1", "PendingDeletion").stays(), key_tags("k-1").stays()];
    script.push(on("kms:GetKeyPolicy").sends("KeyId", "k-1").answers(r#"{"Policy":"{}"}"#).stays());
    let unrotated = r#"{"KeyRotationEnabled":false}"#;
    script.push(on("kms:GetKeyRotationStatus").sends("KeyId", "k-1").answers(unrotated).stays());
    // An interrupted apply may have created its successor, which is looked for first.
    script.extend([none().stays(), on("kms:ListAliases").answers(r#"{"Aliases":[]}"#).stays(), made("k-2")]);
    script.extend(seen("k-2", "PendingImport"));
    let run = scene.apply(script);
    assert!(run.stdout.contains("gone from AWS"), "{}", run.stdout);
}

/// KMS documents that a change may take minutes to show. A kind says how long its reads may be stale.
#[test]
fn a_change_that_shows_late_is_waited_for_as_long_as_its_kind_says() {
    let scene = Scene::new(KEY);
    let key = |description| described_key("k-1", "PendingImport", description);
    let created = on("kms:CreateKey").answers(json!({ "KeyMetadata": { "KeyId": "k-1" } }).to_string());
    scene.apply(vec![on("kms:ListKeys").answers(r#"{"Keys":[]}"#), created, key("Ours"), key_tags("k-1")]);
    scene.write(&KEY.replace("Ours", "New"));
    // 1 read by the plan; 7 until the update is sent again, and 8 more within 20 s.
    let mut script: Vec<Answer> = (0..16).map(|_| key("Ours")).collect();
    script.extend([key("New"), key_tags("k-1").stays()]);
    script.extend((0..2).map(|_| on("kms:UpdateKeyDescription").sends("Description", "New")));
    let run = scene.apply(script);
    assert!(run.stdout.contains("1 updated"), "{}", run.stdout);
    assert!(run.time > Duration::from_secs(25), "{:?}", run.time);
}

const CRAWLER: &str = "[glue_crawler.c]\nname = 'raw'\nrole = 'arn:aws:iam::123456789012:role/glue'\n\
                       description = 'WORDS'\ndatabase_name = 'raw'\ntargets = { s3_targets = [{ path = 's3://lake/raw' }] }\n";

fn crawler(description: &str, state: &str) -> Answer {
    on("glue:BatchGetCrawlers").sends("CrawlerNames.1", "raw").answers(
        json!({ "Crawlers": [{
            "Name": "raw", "Role": "arn:aws:iam::123456789012:role/glue", "DatabaseName": "raw", "State": state,
            "Description": description, "Targets": { "S3Targets": [{ "Path": "s3://lake/raw" }] },
            "RecrawlPolicy": { "RecrawlBehavior": "CRAWL_EVERYTHING" },
            "SchemaChangePolicy": { "UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "DEPRECATE_IN_DATABASE" },
        }] })
        .to_string(),
    )
}

fn no_crawler() -> Answer {
    on("glue:BatchGetCrawlers").answers(r#"{"Crawlers":[],"CrawlersNotFound":["raw"]}"#)
}

fn crawler_tags() -> Answer {
    let tags = json!({ "dwctl:stack": "shop", "dwctl:env": "default", "dwctl:address": "glue_crawler.c" });
    on("glue:GetTags").answers(json!({ "Tags": tags }).to_string()).stays().perhaps()
}

#[test]
fn a_running_crawler_is_updated_once_it_has_stopped() {
    let scene = Scene::new(&CRAWLER.replace("WORDS", "old"));
    scene.apply(vec![no_crawler(), on("glue:CreateCrawler"), crawler_tags(), crawler("old", "READY")]);
    scene.write(&CRAWLER.replace("WORDS", "new"));
    let running = || {
        on("glue:UpdateCrawler").fails(400, "CrawlerRunningException", "Crawler with name raw is running.")
    };
    let run = scene.apply(vec![
        crawler("old", "RUNNING"),
        running(),
        crawler("old", "STOPPING"),
        running(),
        crawler("old", "READY"),
        on("glue:UpdateCrawler").sends("Description", "new"),
        crawler("new", "READY"),
    ]);
    assert!(run.stdout.contains("1 updated"), "{}", run.stdout);
    // A running crawl is stopped before the crawler is deleted.
    let run = scene.run(
        &["destroy", "--yes"],
        vec![
            crawler("new", "RUNNING"),
            on("glue:DeleteCrawler").fails(
                400,
                "CrawlerRunningException",
                "Crawler with name raw is running.",
            ),
            on("glue:StopCrawler"),
            on("glue:DeleteCrawler"),
        ],
    );
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
}

const MACHINE: &str = "[sfn_state_machine.m]\nname = 'nightly'\nrole_arn = 'arn:aws:iam::123456789012:role/machine'\n\
                       definition = { StartAt = 'Done', States = { Done = { Type = 'Succeed' } } }\n";

fn machine(status: &str) -> Answer {
    on("states:DescribeStateMachine").answers(
        json!({
            "stateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:nightly", "name": "nightly",
            "status": status, "roleArn": "arn:aws:iam::123456789012:role/machine", "type": "STANDARD",
            "definition": r#"{"StartAt":"Done","States":{"Done":{"Type":"Succeed"}}}"#, "creationDate": 1767322800.0,
        })
        .to_string(),
    )
}

fn no_machine() -> Answer {
    on("states:DescribeStateMachine").fails(400, "StateMachineDoesNotExist", "State Machine Does Not Exist")
}

fn machine_tags() -> Answer {
    let tags: Vec<serde_json::Value> =
        [("dwctl:stack", "shop"), ("dwctl:env", "default"), ("dwctl:address", "sfn_state_machine.m")]
            .iter()
            .map(|(key, value)| json!({ "key": key, "value": value }))
            .collect();
    on("states:ListTagsForResource").answers(json!({ "tags": tags }).to_string()).stays().perhaps()
}

/// Afterwards the machine is read twice: for its settings, and for its tags, since the tag index lacks it.
fn machine_made() -> Answer {
    let made = json!({ "stateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:nightly", "creationDate": 1767322800.0 });
    on("states:CreateStateMachine").answers(made.to_string())
}

/// A cluster of an earlier apply that did not wait for it, and its dependents.
#[test]
fn dependents_wait_for_a_busy_resource() {
    let scene = with_cluster();
    scene.write(&format!("{}{MACHINE}depends_on = ['redshift_cluster.w']\n", stack(2)));
    let run = scene.apply(vec![
        cluster("creating", "Modifying", 2),
        no_machine(),
        machine_tags(),
        // Its dependents are not created while the cluster is busy.
        cluster("creating", "Modifying", 2),
        // A single empty answer proves nothing.
        no_cluster(),
        cluster("available", "Available", 2),
        machine_made(),
        machine("ACTIVE"),
        machine("ACTIVE"),
    ]);
    assert!(run.stdout.contains("1 created"), "{}", run.stdout);
    let calls: Vec<String> = scene.aws.calls().into_iter().map(|call| call.operation).collect();
    let created = calls.iter().position(|one| one == "states:CreateStateMachine").expect("created");
    let looked = calls.iter().rposition(|one| one == "redshift:DescribeClusters").expect("looked at");
    assert!(looked < created, "{calls:#?}");
    // A failed cluster is reported, and its dependents are skipped.
    let changed = MACHINE.replace("StartAt", "Comment = 'Nightly', StartAt");
    scene.write(&format!("{}{changed}depends_on = ['redshift_cluster.w']\n", stack(2)));
    let run = scene.run(
        &["apply", "--yes"],
        vec![
            cluster("creating", "Modifying", 2),
            machine("ACTIVE"),
            cluster("incompatible-network", "Failed", 2),
        ],
    );
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("needs redshift_cluster.w, which did not become ready"), "{}", run.stderr);
}

#[test]
fn a_state_machine_that_is_being_deleted_is_waited_for() {
    let scene = Scene::new(MACHINE);
    // A state machine of the same name is still being deleted.
    let deleting = || {
        on("states:CreateStateMachine").fails(400, "StateMachineDeleting", "State Machine is being deleted")
    };
    // Once it was seen, it is looked for before each create, because CreateStateMachine returns an existing
    // equal machine as if it were new.
    scene.apply(vec![
        no_machine(),
        machine_tags(),
        deleting(),
        machine("DELETING"),
        no_machine(),
        deleting(),
        machine("DELETING"),
        no_machine(),
        machine_made(),
        machine("ACTIVE"),
        machine("ACTIVE"),
    ]);
    let run = scene.run(
        &["destroy", "--yes"],
        vec![
            machine("ACTIVE"),
            on("states:DeleteStateMachine"),
            machine("DELETING"),
            machine("DELETING"),
            no_machine(),
        ],
    );
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
}

const SECRET: &str = "[secretsmanager_secret.s]\nname = 'warehouse/admin'\nsecret_string = 'hunter2'\n";

/// The answer of `DescribeSecret` for a secret of this address.
fn secret(address: &str, is_deleted: bool) -> Answer {
    let tags: Vec<serde_json::Value> =
        [("dwctl:stack", "shop"), ("dwctl:env", "default"), ("dwctl:address", address)]
            .iter()
            .map(|(key, value)| json!({ "Key": key, "Value": value }))
            .collect();
    let mut secret = json!({
        "ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:warehouse/admin-AbCdEf", "Name": "warehouse/admin",
        "Tags": tags, "VersionIdsToStages": { "11111111-2222-4333-8444-555555555555": ["AWSCURRENT"] },
    });
    if is_deleted {
        secret["DeletedDate"] = 1767322800.0.into();
    }
    on("secretsmanager:DescribeSecret").answers(secret.to_string())
}

fn deleted_secret() -> Answer {
    on("secretsmanager:CreateSecret").fails(
        400,
        "InvalidRequestException",
        "You can't create this secret because a secret with this name is already scheduled for deletion.",
    )
}

#[test]
fn our_secret_scheduled_for_deletion_is_restored() {
    let scene = Scene::new(SECRET);
    let run = scene.apply(vec![
        secret("secretsmanager_secret.s", true),
        deleted_secret(),
        secret("secretsmanager_secret.s", true),
        on("secretsmanager:RestoreSecret").answers("{}"),
        on("secretsmanager:UpdateSecret").sends("SecretString", "hunter2").answers("{}"),
        secret("secretsmanager_secret.s", false),
    ]);
    assert!(run.stdout.contains("1 created"), "{}", run.stdout);
    assert!(!run.stdout.contains("hunter2") && !run.stderr.contains("hunter2"));
}

#[test]
fn a_foreign_secret_scheduled_for_deletion_is_left_alone() {
    let scene = Scene::new(SECRET);
    let run = scene.run(
        &["apply", "--yes"],
        vec![
            secret("secretsmanager_secret.other", true),
            deleted_secret(),
            secret("secretsmanager_secret.other", true),
        ],
    );
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("choose another name"), "{}", run.stderr);
}

/// Each service's message that a new role is not visible yet ("Changes that I make are not always
/// immediately visible" in <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html>).
#[test]
fn a_role_that_cannot_be_assumed_yet_is_waited_for() {
    for (code, words) in [
        (
            "AccessDeniedException",
            "Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume the provided role.",
        ),
        (
            "AccessDeniedException",
            "The state machine IAM Role is not authorized to access the Log Destination",
        ),
    ] {
        let scene = Scene::new(MACHINE);
        let not_yet = || on("states:CreateStateMachine").fails(400, code, words);
        let run = scene.apply(vec![
            no_machine(),
            machine_tags(),
            not_yet(),
            not_yet(),
            machine_made(),
            machine("ACTIVE"),
            machine("ACTIVE"),
        ]);
        assert!(run.stdout.contains("1 created"), "{}", run.stdout);
    }
    for words in [
        "Service is unable to assume provided role. Please verify role's TrustPolicy",
        "User: arn:aws:sts::123456789012:assumed-role/glue/x is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/glue",
    ] {
        let scene = Scene::new(&CRAWLER.replace("WORDS", "old"));
        let not_yet = || on("glue:CreateCrawler").fails(400, "InvalidInputException", words);
        scene.apply(vec![
            no_crawler(),
            not_yet(),
            not_yet(),
            on("glue:CreateCrawler"),
            crawler_tags(),
            crawler("old", "READY"),
        ]);
    }
    for (code, words) in [
        (
            "InvalidParameterValue",
            "The IAM role arn:aws:iam::123456789012:role/load cannot be assumed by Redshift.",
        ),
        (
            "InvalidParameterCombination",
            "The IAM role is not valid. Cluster is not authorized to assume IAM Role arn:aws:iam::123456789012:role/load",
        ),
    ] {
        let scene = Scene::new(&stack(2));
        let not_yet = || on("redshift:CreateCluster").fails(400, code, words);
        scene.apply(vec![
            no_cluster(),
            not_yet(),
            not_yet(),
            created(),
            cluster("available", "Available", 2),
        ]);
    }
}

/// A policy that is refused for another reason is not retried for minutes.
#[test]
fn permanent_errors_are_reported_at_once() {
    let scene = Scene::new(MACHINE);
    let refused = on("states:CreateStateMachine").fails(
        400,
        "AccessDeniedException",
        "User: arn:aws:iam::123456789012:user/me is not authorized to perform: states:CreateStateMachine",
    );
    let run = scene.run(&["apply", "--yes"], vec![no_machine(), machine_tags_unused(), refused]);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.time < Duration::from_secs(5), "{:?}", run.time);
    assert!(
        run.stderr.contains("sfn:CreateStateMachine") && run.stderr.contains("exchange-1"),
        "{}",
        run.stderr
    );
}

/// The tags are requested together with the machine, whether it exists or not.
fn machine_tags_unused() -> Answer {
    on("states:ListTagsForResource").fails(400, "ResourceNotFound", "Resource not found").stays().perhaps()
}

/// A cluster that is being deleted counts as gone in a plan, but blocks its successor until it is gone.
#[test]
fn a_cluster_being_deleted_by_others_is_recreated_once_it_is_gone() {
    let scene = with_cluster();
    for status in ["deleting", "final-snapshot"] {
        let plan = scene.run(&["plan", "--detailed-exitcode"], vec![cluster(status, "Modifying", 2)]);
        assert_eq!(plan.code, 2, "{status}: {}{}", plan.stdout, plan.stderr);
        assert!(plan.stdout.contains("+ redshift_cluster.w  create"), "{status}: {}", plan.stdout);
    }
    let taken = || on("redshift:CreateCluster").fails(400, "ClusterAlreadyExists", "Cluster already exists");
    // Read by the plan, once more before the apply, and before each create.
    let run = scene.apply(vec![
        cluster("deleting", "Modifying", 2),
        cluster("deleting", "Modifying", 2),
        cluster("deleting", "Modifying", 2),
        no_cluster(),
        taken(),
        cluster("deleting", "Modifying", 2),
        no_cluster(),
        on("redshift:DescribeLoggingStatus").answers("<LoggingEnabled>false</LoggingEnabled>").stays(),
        created(),
        cluster("creating", "Modifying", 2),
        cluster("available", "Available", 2),
    ]);
    assert!(run.stdout.contains("1 created"), "{}", run.stdout);
}

/// A deletion in progress is not requested again, but waited for.
#[test]
fn a_cluster_being_deleted_by_others_is_waited_for_by_destroy() {
    let scene = with_cluster();
    let deleting = || cluster("deleting", "Modifying", 2);
    let run = scene.run(&["destroy", "--yes"], vec![deleting(), deleting(), deleting(), no_cluster()]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("1 destroyed"), "{}", run.stdout);
}

#[test]
fn a_state_machine_being_deleted_by_others_is_recreated() {
    let scene = Scene::new(MACHINE);
    scene.apply(vec![no_machine(), machine_tags(), machine_made(), machine("ACTIVE"), machine("ACTIVE")]);
    let deleting =
        on("states:CreateStateMachine").fails(400, "StateMachineDeleting", "State Machine is being deleted");
    // Read by the plan, once more before the apply, and before each create.
    let run = scene.apply(vec![
        machine("DELETING"),
        machine("DELETING"),
        machine("DELETING"),
        no_machine(),
        deleting,
        machine("DELETING"),
        no_machine(),
        machine_made(),
        machine("ACTIVE"),
        machine("ACTIVE"),
    ]);
    assert!(run.stdout.contains("1 created"), "{}", run.stdout);
}

/// The same for policies and grants: services refuse a new principal that they do not know yet.
#[test]
fn a_principal_not_visible_yet_is_distinguished_from_a_wrong_one() {
    use dwctl::aws::Class;
    use dwctl::kinds::kind;
    use dwctl::schema::normalize;
    use dwctl::value::Value;

    let policy = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::123456789012:role/new" }, "Action": "x:Y", "Resource": "*",
    }] });
    let filter = json!([{
        "filter_name": "f", "filter_pattern": "", "role_arn": "arn:aws:iam::123456789012:role/new",
        "destination_arn": "arn:aws:firehose:us-east-1:123456789012:deliverystream/s",
    }]);
    let stream =
        ("cloudwatchlogs_log_group", json!({ "log_group_name": "g" }), "subscription_filters", filter);
    let put = "logs:PutSubscriptionFilter";
    for ((name, spec, attribute, value), operation, code, words) in [
        (
            stream.clone(),
            put,
            "ValidationException",
            "Make sure you have given CloudWatch Logs permission to assume the provided role.",
        ),
        (
            stream,
            put,
            "InvalidParameterException",
            "Could not deliver test message to specified Firehose stream. Check if the given Firehose stream is in ACTIVE state.",
        ),
        (
            ("sns_topic", json!({ "name": "t" }), "policy", policy.clone()),
            "sns:SetTopicAttributes",
            "InvalidParameter",
            "Invalid parameter: Policy Error: PrincipalNotFound",
        ),
        (
            ("secretsmanager_secret", json!({ "name": "s" }), "resource_policy", policy.clone()),
            "secretsmanager:PutResourcePolicy",
            "MalformedPolicyDocumentException",
            "This resource policy contains an unsupported principal.",
        ),
        (
            ("s3_bucket", json!({ "bucket": "b" }), "policy", policy.clone()),
            "s3:PutBucketPolicy",
            "MalformedPolicy",
            "Invalid principal in policy",
        ),
        (
            ("kms_key", json!({}), "key_policy", policy.clone()),
            "kms:PutKeyPolicy",
            "MalformedPolicyDocumentException",
            "Policy contains a statement with one or more invalid principals.",
        ),
        (
            (
                "iam_role",
                json!({ "role_name": "r", "assume_role_policy_document": {} }),
                "assume_role_policy_document",
                policy,
            ),
            "iam:UpdateAssumeRolePolicy",
            "MalformedPolicyDocument",
            "Invalid principal in policy: \"AWS\":\"arn:aws:iam::123456789012:role/new\"",
        ),
    ] {
        let kind = kind(name).expect("a kind");
        let whole = |spec: &serde_json::Value| normalize(&kind.schema().spec, Value::from_json(spec));
        let mut want = spec.clone();
        want[attribute] = value;
        for (words, class) in [(words, Class::NotYetConsistent), ("Something else is wrong", Class::Invalid)]
        {
            let aws = Exchange::of([on(operation).fails(400, code, words)]);
            let done = aws.with(async |cx| kind.update(cx, "id", &whole(&spec), &whole(&want)).await);
            let error = done.expect_err(name);
            assert_eq!(error.class, class, "{name}: {error}");
        }
    }
}

/// A failed cluster cannot be updated, but it can be deleted or replaced.
#[test]
fn a_failed_cluster_can_be_destroyed_and_replaced() {
    let failed = || cluster("incompatible-network", "Failed", 2);
    let scene = with_cluster();
    let plan = scene.run(&["plan"], vec![failed()]);
    assert_eq!(plan.code, 1, "{}{}", plan.stdout, plan.stderr);
    for words in
        ["error[failed-resource]", "incompatible-network", "--replace redshift_cluster.w", "stack.toml:"]
    {
        assert!(plan.stderr.contains(words), "{words}: {}", plan.stderr);
    }
    let run = scene.run(
        &["apply", "--yes", "--allow", "data-loss,downtime", "--replace", "redshift_cluster.w"],
        vec![
            failed(),
            failed(),
            failed(),
            on("redshift:DeleteCluster").answers("<Cluster/>"),
            cluster("deleting", "Failed", 2),
            no_cluster(),
            created(),
            cluster("available", "Available", 2),
        ],
    );
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let delete = on("redshift:DeleteCluster").answers("<Cluster/>");
    let answers = vec![failed(), failed(), failed(), delete, no_cluster()];
    let run = scene.run(&["destroy", "--yes"], answers);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("1 destroyed"), "{}", run.stdout);
}

/// The answers to a read of a queue that was created with default settings.
fn queue(visibility_timeout: u32) -> [Answer; 2] {
    let tags = owned("sqs_queue.loads", |key, value| format!(r#""{key}": "{value}","#));
    [
        on("sqs:GetQueueAttributes").answers(
            json!({ "Attributes": {
                "QueueArn": "arn:aws:sqs:us-east-1:123456789012:loads", "CreatedTimestamp": "1767323045",
                "DelaySeconds": "0", "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600",
                "ReceiveMessageWaitTimeSeconds": "0", "SqsManagedSseEnabled": "true",
                "VisibilityTimeout": visibility_timeout.to_string(),
            } })
            .to_string(),
        ),
        on("sqs:ListQueueTags").answers(format!(r#"{{"Tags": {{{}}}}}"#, tags.trim_end_matches(','))),
    ]
}

fn no_queue() -> Answer {
    let words = "The specified queue does not exist.";
    on("sqs:GetQueueAttributes").fails(400, "AWS.SimpleQueueService.NonExistentQueue", words)
}

fn made_queue() -> Answer {
    on("sqs:CreateQueue").answers(r#"{"QueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/loads"}"#)
}

/// The servers of SQS learn of a change one after another. One read that shows it does not suffice, and a read
/// that does not show it starts the count again.
#[test]
fn a_queue_is_read_until_several_reads_in_a_row_agree() {
    let scene = Scene::new("[sqs_queue.loads]\nqueue_name = 'loads'\n");
    let shows = |timeout| queue(timeout)[0].clone();
    let tags = || queue(30)[1].clone().stays();
    // Two reads show its settings. The third is for its tags, since the tag index lacks it.
    let run = scene.apply(vec![no_queue(), made_queue(), shows(30), shows(30), shows(30), tags()]);
    assert!(run.stdout.contains("1 created"), "{}", run.stdout);
    scene.write("[sqs_queue.loads]\nqueue_name = 'loads'\nvisibility_timeout = 60\n");
    // After the plan's read, the change shows, is gone, and shows twice.
    let reads = [30, 60, 30, 60, 60].map(shows);
    let run = scene.apply(
        [on("sqs:SetQueueAttributes").sends("Attributes.VisibilityTimeout", "60"), tags().perhaps()]
            .into_iter()
            .chain(reads)
            .collect(),
    );
    assert!(run.stdout.contains("1 updated"), "{}", run.stdout);
}

/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html>
#[test]
fn the_name_of_a_deleted_queue_is_waited_for() {
    let scene = Scene::new("[sqs_queue.loads]\nqueue_name = 'loads'\n");
    let gone = no_queue;
    let deleted = || {
        let words = "You must wait 60 seconds after deleting a queue before you can create another with the same name.";
        on("sqs:CreateQueue").fails(400, "AWS.SimpleQueueService.QueueDeletedRecently", words)
    };
    let [attributes, tags] = queue(30).map(Answer::stays);
    // It is looked for by the plan and before each attempt.
    let run = scene.apply(vec![
        gone(),
        gone(),
        deleted(),
        gone(),
        deleted(),
        gone(),
        made_queue(),
        attributes,
        tags,
    ]);
    assert!(run.stdout.contains("1 created"), "{}", run.stdout);
}

/// The answers to a read of a trail that writes to a log group.
fn trail(is_logging: bool) -> [Answer; 3] {
    let tags =
        owned("cloudtrail_trail.audit", |key, value| format!(r#"{{"Key": "{key}", "Value": "{value}"}},"#));
    let tags = tags.trim_end_matches(',');
    [
        on("cloudtrail:DescribeTrails").answers(
            r#"{"trailList": [{"Name": "audit", "S3BucketName": "logs", "IncludeGlobalServiceEvents": true,
                "IsMultiRegionTrail": false, "HomeRegion": "us-east-1", "LogFileValidationEnabled": false,
                "TrailARN": "arn:aws:cloudtrail:us-east-1:123456789012:trail/audit", "IsOrganizationTrail": false,
                "CloudWatchLogsLogGroupArn": "arn:aws:logs:us-east-1:123456789012:log-group:audit:*",
                "CloudWatchLogsRoleArn": "arn:aws:iam::123456789012:role/audit",
                "HasCustomEventSelectors": false, "HasInsightSelectors": false}]}"#,
        ),
        on("cloudtrail:GetTrailStatus").answers(format!(r#"{{"IsLogging": {is_logging}}}"#)),
        on("cloudtrail:ListTags").answers(format!(r#"{{"ResourceTagList": [{{"TagsList": [{tags}]}}]}}"#)).perhaps(),
    ]
}

/// CloudTrail tries the role when the trail is created.
#[test]
fn a_new_role_of_a_trail_is_waited_for() {
    let scene = Scene::new(
        "[cloudtrail_trail.audit]\ntrail_name = 'audit'\ns3_bucket_name = 'logs'\n\
         cloud_watch_logs_log_group_arn = 'arn:aws:logs:us-east-1:123456789012:log-group:audit'\n\
         cloud_watch_logs_role_arn = 'arn:aws:iam::123456789012:role/audit'\n",
    );
    let refused = |code: &str| {
        on("cloudtrail:CreateTrail").fails(400, code, "Access denied. Check the permissions for your role.")
    };
    let group = "arn:aws:logs:us-east-1:123456789012:log-group:audit:*";
    let mut answers = vec![
        on("cloudtrail:DescribeTrails").sends("trailNameList.1", "audit").answers(r#"{"trailList": []}"#),
        refused("InvalidCloudWatchLogsRoleArnException"),
        refused("InvalidCloudWatchLogsLogGroupArnException"),
        on("cloudtrail:CreateTrail")
            .sends("CloudWatchLogsLogGroupArn", group)
            .answers(r#"{"Name": "audit"}"#),
    ];
    answers.extend(trail(false));
    answers.push(on("cloudtrail:StartLogging").sends("Name", "audit"));
    answers.extend(trail(true));
    let run = scene.apply(answers);
    assert!(run.stdout.contains("1 created"), "{}", run.stdout);
}
