//! Interrupted anywhere, an apply converges: what was created is known or found again, and nothing is
//! created twice.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::gate::Gate;
use crate::harness::{Project, Run, emulator_home, finish};

/// Named and assigned ids, dependencies, and more resources than are created at once.
pub const STACK: &str = "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n\
    [sns_topic.feeds]\nfor_each = [\"a\", \"b\", \"c\", \"d\"]\nname = \"feed-${each.key}\"\n\
    [kms_key.data]\nfor_each = [\"a\", \"b\", \"c\"]\ndescription = \"Data ${each.key}\"\n\
    [ec2_vpc.main]\ncidr_block = \"10.0.0.0/16\"\n\
    [ec2_subnet.a]\nvpc_id = \"${ec2_vpc.main.vpc_id}\"\ncidr_block = \"10.0.0.0/24\"\n\
    [iam_role.glue]\nrole_name = \"glue\"\n\
    assume_role_policy_document = { Version = \"2012-10-17\", Statement = [{ Effect = \"Allow\", \
    Action = \"sts:AssumeRole\", Principal = { Service = \"glue.amazonaws.com\" } }] }\n";
const RESOURCES: usize = 10;
/// The calls that create resources of the stack.
const CREATES: [&str; 5] =
    ["sns:CreateTopic", "kms:CreateKey", "ec2:CreateVpc", "ec2:CreateSubnet", "iam:CreateRole"];

/// Sends a signal by name.
pub fn signal(child: &Child, name: &str) {
    if name == "-HUP" {
        // A child inherits this, and dwctl rightly leaves an ignored SIGHUP ignored.
        let is_ignored = dwctl::signals::is_ignored(1);
        assert!(!is_ignored, "the tests ignore SIGHUP, as under nohup: run them without it, with setsid");
    }
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().expect("kill");
    assert!(sent.success());
}

/// Starts an apply, and returns once `count` resources are being created.
fn apply_until(project: &Project, count: u64) -> Child {
    let mut child = project.command(&["apply", "--yes", "--parallelism", "2"]).spawn().expect("dwctl");
    let deadline = Instant::now() + Duration::from_secs(60);
    while CREATES.iter().map(|operation| project.cloud.calls(operation)).sum::<u64>() < count {
        let ended = child.try_wait().expect("a child");
        assert!(ended.is_none(), "apply ended before {count} resources were begun");
        assert!(Instant::now() < deadline, "apply does not begin");
        std::thread::sleep(Duration::from_millis(3));
    }
    child
}

/// The number of the stack's resources at AWS, in the ledger or not.
fn made(project: &Project) -> usize {
    project.with(async |_, cx| {
        let ours = aws_sdk_ec2::types::Filter::builder().name("tag:dwctl:stack").values("shop").build();
        let vpcs = cx.aws.ec2().describe_vpcs().filters(ours.clone()).send().await.expect("VPCs");
        let subnets = cx.aws.ec2().describe_subnets().filters(ours).send().await.expect("subnets");
        let keys = cx.aws.kms().list_keys().send().await.expect("keys");
        let topics = cx.aws.sns().list_topics().send().await.expect("topics");
        let roles = cx.aws.iam().list_roles().send().await.expect("roles");
        let roles = roles.roles().iter().filter(|role| role.role_name() == "glue").count();
        vpcs.vpcs().len() + subnets.subnets().len() + keys.keys().len() + topics.topics().len() + roles
    })
}

/// The same stack, whose resources are in an instance of a module.
fn in_module() -> Project {
    let (head, resources) = STACK.split_once("[sns_topic").expect("a header");
    let project = Project::new(&format!("{head}[module.all]\nsource = \"./all\"\nfor_each = [\"k\"]\n"));
    let folder = project.stack().join("all");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::write(folder.join("main.toml"), format!("[sns_topic{resources}")).expect("a file");
    project
}

#[test]
fn ctrl_c_waits_for_running_operations_and_the_next_apply_continues() {
    continues_after_ctrl_c(&Project::new(STACK));
}

#[test]
fn ctrl_c_in_a_module_waits_and_the_next_apply_continues() {
    continues_after_ctrl_c(&in_module());
}

fn continues_after_ctrl_c(project: &Project) {
    project.cloud.disturb("latency_ms=120");
    let child = apply_until(project, 3);
    signal(&child, "-INT");
    let run = finish(child, "apply").exits(6).says("running operation").says("run apply again");
    let known = project.ledger().resources.len();
    assert!((2..RESOURCES).contains(&known), "{known} resources in the ledger\n{run}");
    assert_eq!(made(project), known, "what was made is in the ledger\n{run}");

    project.cloud.disturb("latency_ms=0");
    project.apply();
    project.settled();
    assert_eq!(made(project), RESOURCES);
    assert_eq!(project.ledger().resources.len(), RESOURCES);
    assert!(project.ledger().intents.is_empty());
}

#[test]
fn a_second_ctrl_c_stops_at_once() {
    let project = Project::new(STACK);
    project.cloud.disturb("latency_ms=1000");
    let mut child = apply_until(&project, 1);
    let stderr = child.stderr.take().expect("piped");
    signal(&child, "-INT");
    let mut lines = BufReader::new(stderr).lines().map(|line| line.expect("its output"));
    assert!(lines.any(|line| line.starts_with("Stopping: ")), "the first Ctrl-C is not answered");
    let began = Instant::now();
    signal(&child, "-INT");
    finish(child, "apply").exits(6);
    assert!(began.elapsed() < Duration::from_millis(900), "it waited for running operations");
    project.cloud.await_calm();
    project.cloud.disturb("latency_ms=0");
    project.apply();
    project.settled();
    assert_eq!(made(&project), RESOURCES);
}

/// The way GitHub Actions cancels a job: SIGINT, SIGTERM 7.5 s later, SIGKILL 2.5 s after that.
/// Here the signals come faster than the running calls are answered.
#[test]
fn an_apply_converges_after_sigint_sigterm_and_sigkill() {
    let project = Project::new(STACK);
    project.cloud.disturb("latency_ms=700");
    let mut child = apply_until(&project, 3);
    signal(&child, "-INT");
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().expect("a child").is_none(), "it awaits what is in work");
    signal(&child, "-TERM");
    std::thread::sleep(Duration::from_millis(100));
    // It may have ended by then.
    let _ = child.kill();
    child.wait().expect("a child");
    let ledger = project.ledger();
    assert!(!ledger.intents.is_empty(), "what was about to be made is in the ledger");
    project.cloud.await_calm();

    project.cloud.disturb("latency_ms=0");
    project.apply();
    project.settled();
    assert_eq!(made(&project), RESOURCES, "nothing is made twice");
    assert!(project.ledger().intents.is_empty());
}

/// An apply is killed while the `count`th resource is being created.
fn killed_at(count: u64, project: &Project) {
    project.cloud.disturb("latency_ms=25");
    let mut child = apply_until(project, count);
    child.kill().expect("it is ours");
    child.wait().expect("a child");
    // AWS still executes the requests that it sent before it died.
    project.cloud.await_calm();

    project.cloud.disturb("latency_ms=0");
    project.apply();
    project.settled();
    assert_eq!(made(project), RESOURCES, "nothing is made twice");
    project.run(&["destroy", "--yes"]).exits(0);
}

#[test]
fn an_apply_of_a_module_converges_after_a_kill() {
    killed_at(4, &in_module());
}

#[test]
fn an_apply_converges_after_a_kill_at_the_first_resource() {
    killed_at(1, &Project::new(STACK));
}

#[test]
fn an_apply_converges_after_a_kill_half_way() {
    killed_at(5, &Project::new(STACK));
}

#[test]
fn an_apply_converges_after_a_kill_at_the_last_resource() {
    killed_at(RESOURCES as u64, &Project::new(STACK));
}

/// AWS created the resource, but its answer was lost.
fn answer_lost(operation: &str) {
    let project = Project::new(STACK);
    project.cloud.disturb(&format!("drop_response_nth=1&fault_match={operation}"));
    project.apply();
    project.settled();
    assert_eq!(made(&project), RESOURCES, "nothing is made twice");
}

#[test]
fn a_lost_answer_creates_no_second_topic() {
    answer_lost("sns:CreateTopic");
}

#[test]
fn a_lost_answer_creates_no_second_role() {
    answer_lost("iam:CreateRole");
}

#[test]
fn a_lost_answer_creates_no_second_vpc() {
    answer_lost("ec2:CreateVpc");
}

#[test]
fn a_lost_answer_creates_no_second_key() {
    answer_lost("kms:CreateKey");
}

#[test]
fn throttled_calls_are_retried() {
    let project = Project::new(STACK);
    project.cloud.disturb("rps=sns=4,kms=4&burst=2");
    project.apply();
    project.settled();
    assert_eq!(made(&project), RESOURCES);
}

/// The same command in a terminal, with its stdin as the keyboard.
fn in_a_terminal(command: &Command) -> Command {
    const SPAWN: &str = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
    let mut outer = Command::new(emulator_home().join("venv/bin/python"));
    outer.args(["-c", SPAWN]).arg(command.get_program()).args(command.get_args()).env_clear();
    outer.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    outer.current_dir(command.get_current_dir().expect("the stack's folder"));
    outer.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    outer
}

/// Reads until these words appear.
fn hear(output: &mut impl Read, words: &str) {
    let (mut heard, mut byte) = (Vec::new(), [0]);
    while !String::from_utf8_lossy(&heard).contains(words) {
        let count = output.read(&mut byte).expect("its output");
        assert!(count > 0, "`{words}` is not said: {}", String::from_utf8_lossy(&heard));
        heard.push(byte[0]);
    }
}

/// Waits for the end of a process that was told to stop.
#[track_caller]
fn ends_soon(child: Child, words: &str) -> Run {
    let began = Instant::now();
    let run = finish(child, words).exits(6);
    assert!(began.elapsed() < Duration::from_millis(3_500), "it took {:?}\n{run}", began.elapsed());
    run
}

#[test]
fn ctrl_c_at_the_question_ends_it_at_once() {
    let project = Project::new(STACK);
    for arguments in [&["apply"][..], &["destroy"], &["apply", "plan.json"]] {
        if arguments.contains(&"destroy") {
            project.apply();
        }
        if arguments.contains(&"plan.json") {
            project.run(&["destroy", "--yes"]).exits(0);
            project.run(&["plan", "--out", "plan.json"]).exits(0);
        }
        let known = std::fs::read(project.ledger_file()).ok();
        let mut child = in_a_terminal(&project.command(arguments)).spawn().expect("a terminal");
        let mut terminal = child.stdout.take().expect("piped");
        hear(&mut terminal, "yes");
        child.stdin.as_mut().expect("piped").write_all(b"\x03").expect("typed");
        hear(&mut terminal, "nothing was changed");
        ends_soon(child, &arguments.join(" "));
        assert_eq!(std::fs::read(project.ledger_file()).ok(), known);
    }
}

/// A program, a pipe or a lock blocks the process before it has changed anything.
#[test]
fn a_run_without_changes_ends_at_the_first_signal() {
    let project = Project::new(STACK);
    project.run(&["plan", "--out", "plan.json"]).exits(0);
    let folder = tempfile::tempdir().unwrap();
    let began = folder.path().join("began");
    // Stands for a git, a Python or a source of credentials that takes its time.
    let slow = folder.path().join("git");
    std::fs::write(&slow, format!("#!/bin/sh\n: > {}\nexec sleep 60\n", began.display())).unwrap();
    std::fs::set_permissions(&slow, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let home = project.stack().parent().unwrap().join("home");
    std::fs::create_dir_all(home.join(".aws")).unwrap();
    let config = format!("[profile slow]\ncredential_process = {}\n", slow.display());
    std::fs::write(home.join(".aws/config"), config).unwrap();
    let lock = std::fs::File::options().write(true).open(project.ledger_file().with_extension("lock"));
    let lock = lock.expect("the lock's file");
    lock.lock().expect("free");
    let endless = format!("[variable.x]\ndefault = \"{}\"\n", "x".repeat(200_000));
    let big = folder.path().join("big");
    std::fs::create_dir(&big).unwrap();
    let head = "[stack]\nname = \"big\"\nregion = \"us-east-1\"\n";
    std::fs::write(big.join("stack.toml"), format!("{head}{endless}[output]\nx = \"${{var.x}}\"\n")).unwrap();

    let output = format!("json={}", pipe.display());
    let big = big.display().to_string();
    let cases: [(&str, &[&str], &str); 9] = [
        ("a slow git", &["diff", "main..HEAD"], "PATH"),
        ("a slow Python", &["plan", "--sandbox"], "DWCTL_PYTHON"),
        ("slow credentials", &["apply", "--yes", "--profile", "slow"], ""),
        ("slow credentials of the ledger's verbs", &["ledger", "recover", "--profile", "slow"], ""),
        ("a pipe that nobody reads", &["plan", "--offline", "--output", &output], ""),
        (
            "a file of variables that nobody writes",
            &["plan", "--offline", "--var-file", pipe.to_str().unwrap()],
            "",
        ),
        ("stdout that nobody reads", &["plan", &big, "--offline", "--format", "json"], ""),
        ("a held lock", &["apply", "--yes", "--lock-timeout", "10m"], ""),
        ("a held lock of a plan", &["apply", "plan.json", "--yes", "--lock-timeout", "10m"], ""),
    ];
    for (place, (name, arguments, variable)) in cases.into_iter().enumerate() {
        {
            let kind = ["-INT", "-TERM", "-HUP"][place % 3];
            let _ = std::fs::remove_file(&began);
            let slow_credentials = name.starts_with("slow credentials");
            let needs_aws = name.contains("lock");
            let mut command = if needs_aws || slow_credentials {
                project.command(arguments)
            } else {
                project.command_without_endpoint(arguments)
            };
            match variable {
                "PATH" => command.env("PATH", &path),
                "DWCTL_PYTHON" => command
                    .env("DWCTL_PYTHON", &slow)
                    .env("DWCTL_SANDBOX_DIR", folder.path().join("sandbox"))
                    .env("DWCTL_EMULATOR_DIR", folder.path().join("emulator")),
                _ => &mut command,
            };
            if slow_credentials {
                command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
            }
            let mut child = command.spawn().expect("dwctl can be run");
            let deadline = Instant::now() + Duration::from_secs(30);
            let by_program = !variable.is_empty() || slow_credentials;
            while by_program && !began.exists() {
                assert!(child.try_wait().unwrap().is_none(), "{name}: it ended before");
                assert!(Instant::now() < deadline, "{name}: nothing is begun");
                std::thread::sleep(Duration::from_millis(5));
            }
            if !by_program {
                std::thread::sleep(Duration::from_millis(700));
                assert!(child.try_wait().unwrap().is_none(), "{name}: it is not held up");
            }
            signal(&child, kind);
            let run = ends_soon(child, name);
            assert!(run.stderr.to_lowercase().contains("interrupted"), "{name}\n{run}");
        }
    }
}

/// The lock is released even if the main thread is blocked while holding it.
#[test]
fn a_blocked_process_frees_its_lock() {
    let names: Vec<String> = (0..300).map(|number| format!("\"{number}\"")).collect();
    let project = Project::new(&format!(
        "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n[ledger]\nbucket = \"shop-ledger\"\n\
         [sns_topic.many]\nfor_each = [{}]\nname = \"many-${{each.key}}\"\n",
        names.join(", ")
    ));
    project.run(&["ledger", "init"]).exits(0);
    // Nobody reads its events, and there are more of them than a pipe holds.
    let mut child = project.command(&["apply", "--yes", "--json"]).spawn().expect("dwctl");
    let is_locked = || {
        project.with(async |_, cx| {
            let head = cx.aws.s3().head_object().bucket("shop-ledger").key("dwctl/shop/default.json.lock");
            head.send().await.is_ok()
        })
    };
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_locked() {
        assert!(child.try_wait().unwrap().is_none() && Instant::now() < deadline, "it takes no lock");
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_secs(2));
    assert!(child.try_wait().unwrap().is_none(), "it is held up");
    signal(&child, "-INT");
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(began.elapsed() < Duration::from_secs(5), "it does not end");
        std::thread::sleep(Duration::from_millis(10));
    }
    finish(child, "apply").exits(6);
    assert!(!is_locked(), "the lock is left");
}

/// A signal that comes while the main thread evaluates is noticed only at its next wait. The lock is
/// released then, too.
#[test]
fn a_signal_during_an_evaluation_frees_the_lock() {
    let project = Project::new(
        "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n[ledger]\nbucket = \"shop-ledger\"\n\
         [local]\nhashes = '${[for number in range(5) : bcrypt(tostring(number), 10)]}'\n\
         [sns_topic.one]\nname = \"one\"\ndisplay_name = '${substr(local.hashes[4], 0, 50)}'\n",
    );
    project.run(&["ledger", "init"]).exits(0);
    let gate = Gate::before(&project.cloud.emulator());
    for delay in [0, 20, 40, 80, 120, 180, 240] {
        gate.forget();
        gate.halt("default.json?x-id=GetObject", true);
        let mut command = project.command_without_endpoint(&["apply", "--yes"]);
        let child = command.args(["--endpoint-url", &gate.endpoint()]).spawn().expect("dwctl");
        gate.await_held();
        gate.release();
        std::thread::sleep(Duration::from_millis(delay));
        signal(&child, "-INT");
        let run = finish(child, "apply").exits(6);
        gate.await_calm();
        let is_locked = project.with(async |_, cx| {
            let head = cx.aws.s3().head_object().bucket("shop-ledger").key("dwctl/shop/default.json.lock");
            head.send().await.is_ok()
        });
        assert!(!is_locked, "the lock is left by a signal after {delay} ms\n{run}");
    }
}

/// S3 asks to retry while a conflicting operation is running. A lock that could not be released is reported.
#[test]
fn a_lock_that_could_not_be_released_is_reported() {
    let project = Project::new(
        "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n[ledger]\nbucket = \"shop-ledger\"\n\
         [sns_topic.one]\nname = \"one\"\n",
    );
    project.run(&["ledger", "init"]).exits(0);
    let conflict = "409:ConditionalRequestConflict&fault_match=s3:DeleteObject";
    project.cloud.disturb(&format!("error_nth=1,2:{conflict}"));
    project.run(&["apply", "--yes"]).exits(0).says_not("cannot release the lock");
    project.cloud.disturb(&format!("error_nth=every:1:{conflict}"));
    project.run(&["apply", "--yes"]).exits(0).says("cannot release the lock").says("it expires");
    project.cloud.disturb("error_nth=&fault_match=");
    project.run(&["apply", "--yes"]).exits(5);
}

#[test]
fn a_signal_ends_a_wait_that_only_repeats_a_refused_call() {
    let project = Project::new(
        "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n[ec2_vpc.main]\ncidr_block = \"10.0.0.0/16\"\n",
    );
    project.apply();
    let vpc = project.id("ec2_vpc.main");
    // A foreign subnet, which keeps AWS from deleting the VPC.
    let subnet = project.with(async |_, cx| {
        let made = cx.aws.ec2().create_subnet().vpc_id(&vpc).cidr_block("10.0.7.0/24").send().await;
        made.expect("a subnet").subnet.and_then(|subnet| subnet.subnet_id).expect("its id")
    });
    let child = project.command(&["destroy", "--yes"]).spawn().expect("dwctl");
    let deadline = Instant::now() + Duration::from_secs(60);
    while project.cloud.calls("ec2:DeleteVpc") < 3 {
        assert!(Instant::now() < deadline, "it is not refused");
        std::thread::sleep(Duration::from_millis(10));
    }
    signal(&child, "-INT");
    ends_soon(child, "destroy").says("cannot destroy ec2_vpc.main").says("a signal ended the retries");
    assert_eq!(project.ledger().resources.len(), 1, "it is known still");
    project.with(async |_, cx| {
        cx.aws.ec2().delete_subnet().subnet_id(&subnet).send().await.expect("deleted");
    });
    project.run(&["destroy", "--yes"]).exits(0).says("1 destroyed");
}

/// A pipe in place of the ledger's file is not waited for: nothing is started, and the ledger stays known.
#[test]
fn an_unwritable_ledger_does_not_block_the_process() {
    let project = Project::new(STACK);
    project.apply();
    let ledger = project.ledger_file();
    let known = std::fs::read(&ledger).expect("a ledger");
    // The temporary file that is renamed to the ledger.
    let part = ledger.with_extension("part");
    for arguments in [
        &["apply", "--yes", "--replace", "kms_key.data[\"a\"]"][..],
        &["ledger", "forget", "ec2_vpc.main"],
        &["ledger", "move", "ec2_vpc.main", "ec2_vpc.other"],
    ] {
        assert!(Command::new("mkfifo").arg(&part).status().unwrap().success());
        let began = Instant::now();
        project.run(arguments).exits(1).says("default.part is not a file");
        assert!(began.elapsed() < Duration::from_secs(30), "{arguments:?}: {:?}", began.elapsed());
        assert_eq!(std::fs::read(&ledger).expect("a ledger"), known, "{arguments:?}");
    }
    // Nothing remains of a ledger that could not be written.
    assert!(!part.exists());
    project.settled();
    assert_eq!(made(&project), RESOURCES);
}

#[test]
fn a_hangup_counts_unless_it_was_ignored_from_the_start() {
    let project = Project::new(STACK);
    project.cloud.disturb("latency_ms=120");
    let child = apply_until(&project, 3);
    signal(&child, "-HUP");
    finish(child, "apply").exits(6).says("running operation");

    // As under nohup.
    let inner = project.command(&["apply", "--yes", "--parallelism", "2"]);
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]).arg(inner.get_program()).args(inner.get_args());
    command.env_clear().envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(inner.get_current_dir().expect("a folder"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let creates = || CREATES.iter().map(|operation| project.cloud.calls(operation)).sum::<u64>();
    let begun = creates();
    let mut child = command.spawn().expect("a shell");
    let deadline = Instant::now() + Duration::from_secs(60);
    while creates() == begun {
        assert!(child.try_wait().unwrap().is_none() && Instant::now() < deadline, "nothing is made");
        std::thread::sleep(Duration::from_millis(3));
    }
    signal(&child, "-HUP");
    finish(child, "apply").exits(0);
    project.cloud.disturb("latency_ms=0");
    project.settled();
}
