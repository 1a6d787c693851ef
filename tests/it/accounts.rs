//! Stacks in several accounts.

use dwctl::aws::Place;
use dwctl::graph::Address;
use dwctl::kinds::kind;
use dwctl::value::Value;

use crate::harness::{ACCOUNT, Project, REGION};

const DATA: &str = "222222222222";

const HEAD: &str = "[stack]\nname = 'shop'\nregion = 'us-east-1'\n";

/// The account `data` of the local AWS.
const AWS_DATA: &str = "[aws.data]\nrole_arn = 'arn:aws:iam::222222222222:role/dwctl'\n";

fn queue(name: &str, more: &str) -> String {
    format!("[sqs_queue.{name}]\nqueue_name = 'jobs'\n{more}\n")
}

fn project(text: &str) -> Project {
    Project::new(&format!("{HEAD}{AWS_DATA}{text}"))
}

fn place(account: Option<&str>) -> Place {
    Place { account: account.map(str::to_owned), ..Place::of(REGION) }
}

/// Returns whether an account has the queue `jobs`.
fn has_queue(project: &Project, account: Option<&str>) -> bool {
    let id = format!("http://sqs.us-east-1.localhost/{}/jobs", account.unwrap_or(ACCOUNT));
    let kind = kind("sqs_queue").expect("a kind");
    let ledger = project.ledger();
    // The host of a queue's URL is the emulator's.
    let known = ledger.resources.values().find(|entry| entry.place == place(account));
    let id = known.map_or(id, |entry| entry.id.clone());
    project.read(kind, &place(account), &id, &Value::Null).is_some()
}

fn account_of(project: &Project, address: &str) -> Option<String> {
    let address: Address = address.parse().expect("an address");
    project.ledger().resources[&address].place.account.clone()
}

#[test]
fn one_apply_changes_two_accounts() {
    let both = format!("{}{}", queue("own", ""), queue("theirs", "account = 'data'"));
    let project = project(&both);
    let planned = project.run(&["plan"]).exits(0);
    planned
        .says(&format!("accounts {ACCOUNT}, {DATA} (data) · us-east-1"))
        .says("in account data (222222222222)");
    project.apply();
    // The same name in two accounts is two resources.
    assert_eq!(account_of(&project, "sqs_queue.own"), None);
    assert_eq!(account_of(&project, "sqs_queue.theirs").as_deref(), Some(DATA));
    assert!(has_queue(&project, None) && has_queue(&project, Some(DATA)));
    assert!(project.id("sqs_queue.theirs").contains(DATA) && project.id("sqs_queue.own").contains(ACCOUNT));
    project.settled();
    project.run(&["drift"]).exits(0);
    let listed = project.run(&["ledger", "list"]).exits(0);
    listed.says("us-east-1 of account data (222222222222)");
    project.run(&["ledger", "list", "--json"]).exits(0).says("\"account_id\": \"222222222222\"");
    project.run(&["ledger", "show", "sqs_queue.theirs"]).exits(0).says("data (222222222222)");
    // Each account is asked once in a run.
    project.cloud.disturb("fault_match=");
    let before = [project.cloud.calls("sts:GetCallerIdentity"), project.cloud.calls("sts:AssumeRole")];
    project.settled();
    let after = [project.cloud.calls("sts:GetCallerIdentity"), project.cloud.calls("sts:AssumeRole")];
    assert_eq!([after[0] - before[0], after[1] - before[1]], [2, 1]);
    let ids: Vec<String> = ["sqs_queue.own", "sqs_queue.theirs"].map(|one| project.id(one)).to_vec();
    project.run(&["destroy", "--yes"]).exits(0);
    let kind = kind("sqs_queue").expect("a kind");
    assert!(project.read(kind, &place(None), &ids[0], &Value::Null).is_none());
    assert!(project.read(kind, &place(Some(DATA)), &ids[1], &Value::Null).is_none());
}

#[test]
fn the_guard_covers_every_account() {
    let text = |accounts: &str| {
        format!(
            "{HEAD}accounts = {{ default = {accounts} }}\n{AWS_DATA}{}",
            queue("theirs", "account = 'data'")
        )
    };
    let project = Project::new(&text(&format!("'{ACCOUNT}'")));
    let refused = project.run(&["plan"]).exits(7);
    refused
        .says("[aws.data] leads to an account that shop/default may not be in")
        .says("stack.toml:6")
        .says(DATA)
        .says("accounts.default");
    assert_eq!(
        project.cloud.all_calls() - project.cloud.calls("sts:AssumeRole"),
        2,
        "nothing else was asked"
    );
    project.write(&text(&format!("['{ACCOUNT}', '{DATA}']")));
    project.apply();
    project.write(&text(&format!("['{DATA}']")));
    project.run(&["plan"]).exits(7).says("shop/default belongs to another account");
}

#[test]
fn a_move_to_another_account_is_a_replacement() {
    let project = project(&queue("jobs", ""));
    project.apply();
    let own = project.id("sqs_queue.jobs");
    project.write(&format!("{HEAD}{AWS_DATA}{}", queue("jobs", "account = 'data'")));
    project
        .run(&["plan"])
        .exits(0)
        .says("moves from us-east-1 of the stack's own account to us-east-1 of account data");
    project.apply();
    let kind = kind("sqs_queue").expect("a kind");
    assert!(project.read(kind, &place(None), &own, &Value::Null).is_none());
    assert_eq!(account_of(&project, "sqs_queue.jobs").as_deref(), Some(DATA));
    let theirs = project.id("sqs_queue.jobs");
    assert!(project.read(kind, &place(Some(DATA)), &theirs, &Value::Null).is_some());
    project.settled();
    project.write(&format!("{HEAD}{AWS_DATA}{}", queue("jobs", "")));
    project.apply();
    assert!(project.read(kind, &place(Some(DATA)), &theirs, &Value::Null).is_none());
    project.settled();
}

#[test]
fn another_way_to_the_same_account_is_no_move() {
    let text = |name: &str| {
        format!(
            "{HEAD}{AWS_DATA}[aws.other]\nrole_arn = 'arn:aws:iam::{DATA}:role/other'\n[aws.same]\n{}",
            queue("jobs", &format!("account = '{name}'"))
        )
    };
    let project = Project::new(&text("data"));
    project.apply();
    project.write(&text("other"));
    project.settled();
    // Without a role or a profile, the account is the stack's own.
    project.write(&text("same"));
    project.run(&["plan"]).exits(0).says("moves from us-east-1 of account data");
}

#[test]
fn a_role_that_cannot_be_assumed_is_a_located_error() {
    let project = project(&queue("theirs", "account = 'data'"));
    project.cloud.disturb("error_nth=every:1:403:AccessDenied&fault_match=sts:AssumeRole");
    let refused = project.run(&["plan"]).exits(1);
    refused
        .says("[aws.data] cannot be reached")
        .says("stack.toml:5")
        .says("sts:AssumeRole: AccessDenied")
        .says("allow arn:aws:")
        .says("trust policy");
    project.cloud.disturb("error_nth=&fault_match=");
    project.write(&format!("{HEAD}[aws.data]\nprofile = 'nobody'\n{}", queue("theirs", "account = 'data'")));
    project
        .run(&["plan"])
        .exits(1)
        .says("[aws.data] cannot be reached")
        .says("stack.toml:5")
        .says("aws sts get-caller-identity --profile nobody");
}

#[test]
fn resources_of_an_account_whose_block_is_gone_are_not_forgotten() {
    let project = project(&queue("theirs", "account = 'data'"));
    project.apply();
    let id = project.id("sqs_queue.theirs");
    project.write(HEAD);
    for verb in [&["plan"][..], &["destroy", "--yes"]] {
        project
            .run(verb)
            .exits(7)
            .says("the stack has resources in account 222222222222, but no [aws.NAME] leads there")
            .says("the ledger has sqs_queue.theirs there")
            .says("put [aws.data] with role_arn = \"arn:aws:iam::222222222222:role/dwctl\" back");
    }
    // With its block, it is pruned.
    project.write(&format!("{HEAD}{AWS_DATA}"));
    project.apply();
    let kind = kind("sqs_queue").expect("a kind");
    assert!(project.read(kind, &place(Some(DATA)), &id, &Value::Null).is_none());
    project.write(HEAD);
    project.settled();
}

#[test]
fn a_module_has_an_account() {
    let text = "[aws.other]\nrole_arn = 'arn:aws:iam::333333333333:role/dwctl'\nregion = 'eu-west-1'\n\
                [module.lake]\nsource = './lake'\nfor_each = { data = 1, other = 2 }\naccount = '${each.key}'\n\
                [output]\nown = '${aws.account_id}'\nids = '${[for lake in values(module.lake) : lake.id]}'\n\
                other = '${aws.accounts.other.region}'\n";
    let project = project(text);
    let lake = project.stack().join("lake");
    std::fs::create_dir_all(lake.join("inner")).expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(lake.join(name), text).expect("written");
    write(
        "lake.toml",
        "[local]\nid = '${aws.account_id}/${aws.region}'\n[sqs_queue.jobs]\nqueue_name = 'jobs'\n\
         [sqs_queue.apart]\nqueue_name = 'apart'\naccount = 'data'\n\
         [module.inner]\nsource = './inner'\n[output]\nid = '${local.id} ${module.inner.id}'\n",
    );
    write("inner/inner.toml", "[sns_topic.t]\nname = 'inner'\n[output]\nid = '${aws.account_id}'\n");
    // `apart` would be twice the same queue.
    project.run(&["validate"]).exits(3).says("would be the same resource at AWS");
    let lake_text = std::fs::read_to_string(lake.join("lake.toml")).expect("readable");
    write("lake.toml", &lake_text.replace("'apart'", "'apart-${aws.account_id}'"));
    project.apply();
    let account = |address: &str| account_of(&project, address);
    assert_eq!(account("module.lake[\"data\"].sqs_queue.jobs").as_deref(), Some(DATA));
    assert_eq!(account("module.lake[\"other\"].sqs_queue.jobs").as_deref(), Some("333333333333"));
    assert_eq!(account("module.lake[\"other\"].sqs_queue.apart").as_deref(), Some(DATA));
    assert_eq!(account("module.lake[\"other\"].module.inner.sns_topic.t").as_deref(), Some("333333333333"));
    let address: Address = "module.lake[\"other\"].sqs_queue.jobs".parse().expect("an address");
    assert_eq!(project.ledger().resources[&address].place.region, "eu-west-1");
    project
        .run(&["output"])
        .exits(0)
        .says(&format!("{DATA}/us-east-1 {DATA}"))
        .says("333333333333/eu-west-1 333333333333")
        .says(ACCOUNT);
    project.settled();
    project.run(&["destroy", "--yes"]).exits(0);
}

#[test]
fn a_saved_plan_is_of_its_accounts() {
    let text = |id: &str| {
        format!(
            "{HEAD}[variable.id]\n[aws.data]\nrole_arn = 'arn:aws:iam::${{var.id}}:role/dwctl'\n{}",
            queue("theirs", &format!("account = 'data'\n# {id}"))
        )
    };
    let project = Project::new(&text("x"));
    let data = format!("id={DATA}");
    project.run(&["plan", "--var", &data, "--out", "plan.json"]).exits(0);
    project.run(&["apply", "--yes", "--var", "id=333333333333", "plan.json"]).exits(7);
    project.run(&["apply", "--yes", "--var", &data, "plan.json"]).exits(0);
    assert_eq!(account_of(&project, "sqs_queue.theirs").as_deref(), Some(DATA));
}

#[test]
fn formats_name_the_accounts() {
    let project = project(&format!("{}{}", queue("own", ""), queue("theirs", "account = 'data'")));
    let json = project.run(&["plan", "--format", "json"]).exits(0);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    let config = &json["configuration"];
    assert_eq!(config["provider_config"]["aws.data"]["alias"], "data");
    let keys = config["root_module"]["resources"].as_array().expect("resources").iter();
    let keys: Vec<&str> = keys.filter_map(|one| one["provider_config_key"].as_str()).collect();
    assert_eq!(keys, ["aws", "aws.data"]);
    assert_eq!(json["dwctl"]["accounts"][DATA], "data");
    let changes = json["resource_changes"].as_array().expect("changes");
    let ids: Vec<&serde_json::Value> = changes.iter().map(|one| &one["dwctl"]["account_id"]).collect();
    assert_eq!(ids, [&serde_json::Value::Null, &serde_json::json!(DATA)]);
    project
        .run(&["plan", "--format", "markdown"])
        .exits(0)
        .says(&format!("accounts {ACCOUNT}, {DATA} (data)"));
    project.run(&["plan", "--format", "html"]).exits(0).says("us-east-1 of account data (222222222222)");
}

#[test]
fn accounts_are_checked_without_aws() {
    let project = project("");
    for (text, words) in [
        (queue("q", "account = 'dat'"), &["there is no account `dat`", "did you mean `data`?"][..]),
        (queue("q", "account = 7"), &["account"]),
        ("[aws.x]\nrole_arn = 'dwctl'\n".to_owned(), &["`dwctl` is not the ARN of a role"]),
        (
            "[aws.x]\nrole_arn = '${sqs_queue.q.arn}'\n[sqs_queue.q]\nqueue_name = 'q'\n".to_owned(),
            &["`role_arn` must be known before AWS is asked", "depends on `sqs_queue.q`"],
        ),
        (
            "[aws.x]\nrole_arn = '${local.a}'\n[local]\na = '${local.b}'\nb = '${aws.account_id}'\n"
                .to_owned(),
            &["`role_arn` must be known before AWS is asked", "depends on `aws.account_id`"],
        ),
        ("[aws.x]\nsecret_key = 'x'\n".to_owned(), &["credentials do not belong in a stack"]),
        ("[aws.x]\nassume_role = 'x'\n".to_owned(), &["did you mean `role_arn`?"]),
        ("[aws.x]\nduration_seconds = 5\n".to_owned(), &["from 900 to 43200"]),
        ("[aws.x]\nregion = 'nowhere'\n".to_owned(), &["is not the name of a region"]),
        (
            "[variable.r]\nsensitive = true\ndefault = 'arn:aws:iam::333333333333:role/x'\n\
             [aws.x]\nrole_arn = '${var.r}'\n"
                .to_owned(),
            &["`role_arn` would show a secret"],
        ),
        (format!("{}{}", queue("a", ""), queue("b", "")), &["would be the same resource at AWS as"]),
    ] {
        project.write(&format!("{HEAD}{AWS_DATA}{text}"));
        let mut run = project.run(&["validate"]).exits(3);
        for word in words {
            run = run.says(word);
        }
    }
    for text in [
        "[local]\nid = '333333333333'\n[aws.x]\nrole_arn = 'arn:aws:iam::${local.id}:role/dwctl'\n"
            .to_owned(),
        // Without a value, the variable alone is reported, where one is needed.
        "[variable.r]\ndefault = '${null}'\n[aws.x]\nrole_arn = '${var.r}'\n".to_owned(),
        "[aws.x]\nprofile = 'other'\nexternal_id = 'abc'\nsession_name = 'me'\nduration_seconds = 900\n"
            .to_owned(),
        format!("{}{}", queue("a", ""), queue("b", "account = 'data'")),
    ] {
        project.write(&format!("{HEAD}{AWS_DATA}{text}"));
        project.run(&["validate"]).exits(0);
    }
}

#[test]
fn the_example_is_applied_to_two_accounts() {
    let root = crate::paper::root().join("examples/accounts");
    let project = Project::new(&std::fs::read_to_string(root.join("stack.toml")).expect("readable"));
    let folder = project.stack().join("modules/lake");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::copy(root.join("modules/lake/lake.toml"), folder.join("lake.toml")).expect("copied");
    project.run(&["validate"]).exits(0);
    project.apply();
    project.settled();
    assert_eq!(account_of(&project, "kms_key.lake"), None);
    assert_eq!(account_of(&project, "module.lake.s3_bucket.raw").as_deref(), Some(DATA));
    assert_eq!(project.id("module.lake.s3_bucket.raw"), format!("lake-raw-{DATA}"));
    project.run(&["destroy", "--yes"]).exits(0);
}
