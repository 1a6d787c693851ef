//! Output and files: failed output is an error, files are written through links, and no log contains the
//! SDK's messages.

use std::fs::{self, File};
use std::os::unix::fs::{FileTypeExt, symlink};
use std::process::{Command, Stdio};

use crate::harness::{Project, finish, run};

const STACK: &str = "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n\
    [sns_topic.alerts]\nname = \"alerts\"\n[output]\ntopic = \"${sns_topic.alerts.name}\"\n";

fn full() -> Stdio {
    File::options().write(true).open("/dev/full").expect("a full device").into()
}

const FORMATS: [&str; 7] = ["text", "markdown", "json", "html", "sarif", "junit", "mermaid"];

#[test]
fn failed_output_is_an_error() {
    let project = Project::new(STACK);
    project.apply();
    project.run(&["plan", "--out", "plan.json"]).exits(0);
    let mut cases: Vec<Vec<&str>> = [
        &["--help"][..],
        &["--version"],
        &["plan", "--help"],
        &["validate"],
        &["graph"],
        &["explain", "sns_topic"],
        &["schema"],
        &["completions", "bash"],
        &["plan"],
        &["plan", "--detailed-exitcode"],
        &["drift"],
        &["output"],
        &["output", "--json"],
        &["output", "--name", "topic"],
        &["show", "plan.json"],
        &["show"],
        &["diff", ".", "."],
        &["ledger", "list"],
        &["ledger", "list", "--json"],
        &["ledger", "show"],
        &["ledger", "pull"],
        &["apply", "--yes"],
        &["apply", "--yes", "--json"],
        &["sandbox", "status"],
    ]
    .map(<[&str]>::to_vec)
    .to_vec();
    cases.extend(FORMATS.map(|format| vec!["plan", "--offline", "--format", format]));
    let endpoint = project.cloud.endpoint();
    for arguments in cases {
        let words = arguments.join(" ");
        let command = || {
            let mut command = project.command_without_endpoint(&arguments);
            let reaches = !arguments.contains(&"--offline") && !arguments.contains(&"--help");
            if reaches && matches!(arguments[0], "plan" | "apply" | "drift" | "output" | "ledger" | "show") {
                command.args(["--endpoint-url", &endpoint]);
            }
            command.env("DWCTL_SANDBOX_DIR", project.stack().join("no-sandbox"));
            command
        };
        let failed = run(command().stdout(full()), &words).exits(1);
        assert!(failed.stderr.contains("cannot write to standard output"), "{failed}");
        assert!(failed.stderr.contains("No space left"), "{failed}");
        // A reader that closes the pipe is not an error.
        let mut child = command().spawn().expect("dwctl can be run");
        drop(child.stdout.take());
        let ended = child.wait_with_output().expect("a child");
        assert_eq!(ended.status.code(), Some(0), "{words}: {}", String::from_utf8_lossy(&ended.stderr));
        // A stderr that cannot be written to is not an error either.
        let silent = run(command().stderr(full()), &words);
        assert_eq!(silent.code, Some(0), "{silent}");
    }
    project.write("[stack]\nname = 7\n");
    let mut invalid = project.command(&["plan", "--log", "trace"]);
    run(invalid.stderr(full()), "plan").exits(3);
    let mut invalid = project.command(&["plan"]);
    run(invalid.stdout(full()), "plan").exits(3);
}

#[test]
fn outputs_are_written_through_links() {
    let project = Project::new(STACK);
    let at = |name: &str| project.stack().join(name);
    fs::write(at("file.json"), "old").unwrap();
    symlink("file.json", at("link.json")).unwrap();
    symlink("/dev/full", at("full")).unwrap();
    assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
    fs::create_dir(at("folder")).unwrap();
    let plan = |output: &str| project.command_without_endpoint(&["plan", "--offline", "--output", output]);

    run(&mut plan("json=link.json"), "plan").exits(0);
    assert!(at("link.json").symlink_metadata().unwrap().is_symlink());
    let written = fs::read_to_string(at("file.json")).unwrap();
    // Each plan has a timestamp.
    let timeless = |text: &str| {
        let mut json: serde_json::Value = serde_json::from_str(text).expect("JSON");
        assert!(json["timestamp"].take().is_string());
        json
    };
    let expected = timeless(&written);

    let reader = {
        let pipe = at("pipe");
        std::thread::spawn(move || fs::read_to_string(pipe).unwrap())
    };
    run(&mut plan("json=pipe"), "plan").exits(0);
    assert_eq!(timeless(&reader.join().unwrap()), expected);
    assert!(at("pipe").symlink_metadata().unwrap().file_type().is_fifo());

    run(&mut plan("json=full"), "plan").exits(1).says("cannot write full");
    run(&mut plan("json=folder"), "plan").exits(1).says("is a directory");
    run(&mut plan("json=nowhere/file"), "plan").exits(1).says("cannot write nowhere/file");

    // The file also receives stdout, and neither overwrites the other.
    let both = File::create(at("both")).unwrap();
    let child = plan("mermaid=/dev/stdout").stdout(both).spawn().unwrap();
    finish(child, "plan").exits(0);
    let both = fs::read_to_string(at("both")).unwrap();
    assert!(both.starts_with("flowchart LR\n") && both.contains("1 to create"), "{both}");
    let run = run(&mut plan("mermaid=/dev/stderr"), "plan").exits(0);
    assert!(run.stderr.starts_with("flowchart LR\n"), "{run}");

    // The same for a saved plan and an audit file.
    symlink("saved.json", at("saved")).unwrap();
    symlink("audited.jsonl", at("audit")).unwrap();
    project.run(&["plan", "--out", "saved"]).exits(0);
    assert!(at("saved").symlink_metadata().unwrap().is_symlink());
    project.run(&["apply", "saved", "--yes", "--audit", "audit"]).exits(0);
    assert!(at("audit").symlink_metadata().unwrap().is_symlink());
    assert!(fs::read_to_string(at("audited.jsonl")).unwrap().contains("CreateTopic"));
    project.run(&["plan", "--out", "folder"]).exits(1).says("is a directory");
    project.run(&["apply", "--yes", "--audit", "folder"]).exits(1).says("cannot write the audit file");
}

#[test]
fn no_filter_turns_on_the_events_of_the_sdk() {
    let project = Project::new(STACK);
    for filter in [
        "trace",
        "dwctl=trace",
        "dwctl=trace,trace",
        "trace,dwctl=trace",
        "off,trace",
        "dwctl,trace",
        "dwctl[{field=x}]=trace,trace",
        "dwctl=trace,[span]",
        "dwctl=trace,aws",
    ] {
        let run = run(project.command(&["plan"]).env("DWCTL_LOG", filter), filter);
        for foreign in [" aws_smithy", " aws_sdk", " aws_config", " hyper", " rustls", "h2::"] {
            assert!(!run.stderr.contains(foreign), "{filter}: {foreign}\n{run}");
        }
    }
    for filter in ["aws_sdk_sns=trace", "[span]=trace", "dwctl=trace,hyper=trace", "[{x=.*}]=trace"] {
        let run = run(project.command(&["plan"]).env("DWCTL_LOG", filter), filter).exits(1);
        assert!(run.stderr.contains("--log takes a level"), "{run}");
    }
    // Proves that there are events to suppress.
    let run = run(project.command(&["apply", "--yes"]).env("DWCTL_LOG", "dwctl=trace,trace"), "apply");
    run.exits(0);
}

#[test]
fn invisible_characters_are_shown() {
    let project = Project::new(STACK);
    let evil = "a\u{1b}[2J\u{202e}b\u{2066}c\u{200b}d\u{9b}31m\u{7}";
    let raw = ['\u{1b}', '\u{202e}', '\u{2066}', '\u{200b}', '\u{9b}', '\u{7}', '\u{2028}'];
    let seen = |run: &crate::harness::Run| {
        for character in raw {
            let both = format!("{}{}", run.stdout, run.stderr);
            assert!(!both.contains(character), "{character:?} is sent\n{:?}", both);
        }
    };
    // In a message, an excerpt, a name, an argument, and a path.
    let plain = evil.replace(['\u{1b}', '\u{7}'], "");
    let head = "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n";
    for text in [
        format!("{head}[sns_topic.x]\nname = \"x\"\n\"{plain}\" = 1\n"),
        format!("{head}[sns_topic.x]\nname = \"${{var.{evil}}}\"\n"),
        format!("[stack]\nname = \"{plain}\"\nregion = 7\n"),
        format!("# {evil}\nnonsense {evil}\n"),
    ] {
        project.write(&text);
        let run = project.run(&["validate"]).exits(3);
        seen(&run);
        seen(&self::run(project.command(&["validate"]).env("GITHUB_ACTIONS", "true"), "validate"));
    }
    project.write(STACK);
    for arguments in [
        &["plan", evil][..],
        &["plan", "--offline", "--var", evil],
        &["plan", "--offline", "--var-file", evil],
        &["ledger", "forget", evil],
        &["output", "--name", evil],
        &["show", evil],
        &["plan", "--offline", "--output", evil],
    ] {
        seen(&project.run(arguments));
    }
    // AWS's own words.
    project.write(&STACK.replace("\"alerts\"", "\"al erts\""));
    seen(&project.run(&["apply", "--yes"]));
    // A requested value is printed raw, except to a terminal.
    project.write(&format!("{STACK}raw = \"a\\u202eb\"\n"));
    seen(&project.run(&["apply", "--yes"]).exits(0));
    let run = project.run(&["output", "--name", "raw"]);
    assert_eq!(run.exits(0).stdout, "a\u{202e}b\n");
    let text = project.run(&["output"]).exits(0);
    seen(&text);
    assert!(text.stdout.contains("\\u202e"), "{text}");
}

#[test]
fn input_files_are_not_overwritten() {
    let project = Project::new(STACK);
    let at = |name: &str| project.stack().join(name);
    fs::create_dir_all(at("env")).unwrap();
    fs::create_dir_all(at("lib")).unwrap();
    fs::write(at("env/dev.toml"), "# dev\n").unwrap();
    fs::write(at("team.toml.txt"), "# team\n").unwrap();
    fs::write(at("lib/part"), "# part\n").unwrap();
    symlink("stack.toml", at("link")).unwrap();
    symlink("lib/part", at("part.toml")).unwrap();
    project.apply();
    project.run(&["plan", "--out", "saved"]).exits(0);
    let read = |name: &str| fs::read(at(name)).unwrap();
    let files = ["stack.toml", "env/dev.toml", "team.toml.txt", "lib/part", "saved", ".dwctl/default.json"];
    let before = files.map(read);
    let offline =
        |output: &str| vec!["plan".to_owned(), "--offline".into(), "--output".into(), output.into()];
    let mut cases: Vec<Vec<String>> = [
        "json=stack.toml",
        "json=./env/../stack.toml",
        "json=link",
        "json=new.toml",
        "json=env/new.toml",
        "json=env/dev.toml",
        "json=lib/part",
        "json=.dwctl/default.json",
        "json=.dwctl/other.json",
    ]
    .map(offline)
    .to_vec();
    for words in [
        "plan --offline --var-file team.toml.txt --output json=team.toml.txt",
        "plan --offline --output json=same --output markdown=./same",
        "plan --out stack.toml",
        "plan --out same --output json=same",
        "drift --output json=link",
        "show saved --output json=saved",
        "diff . . --output json=stack.toml",
        "apply --yes --audit stack.toml",
        "apply --yes --audit .dwctl/default.json",
        "destroy --yes --audit env/dev.toml",
    ] {
        cases.push(words.split(' ').map(str::to_owned).collect());
    }
    for case in cases {
        let words: Vec<&str> = case.iter().map(String::as_str).collect();
        let asks = matches!(words[0], "apply" | "destroy" | "drift") || words.contains(&"--out");
        let mut command =
            if asks { project.command(&words) } else { project.command_without_endpoint(&words) };
        let failed = run(&mut command, &words.join(" ")).exits(1);
        assert!(failed.stderr.contains("nothing was written"), "{failed}");
        assert_eq!(files.map(read), before, "{failed}");
        for name in ["same", "new.toml", "env/new.toml", ".dwctl/other.json"] {
            assert!(!at(name).exists(), "{failed}");
        }
    }
    // Overwriting a previous plan, or a file that no stack reads, is allowed.
    for words in [
        &["plan", "--offline", "--output", "json=lib/plan.toml"][..],
        &["plan", "--offline", "--output", "json=.hidden.toml"],
        &["plan", "--offline", "--output", "json=review.json"],
        &["plan", "--offline", "--since", "review.json", "--output", "json=review.json"],
        &["plan", "--offline", "--output", "json=/dev/stdout", "--output", "mermaid=/dev/stdout"],
    ] {
        run(&mut project.command_without_endpoint(words), &words.join(" ")).exits(0);
    }
}

#[test]
fn failed_writes_are_reported_in_the_words_of_the_system() {
    let project = Project::new(STACK);
    let at = |name: &str| project.stack().join(name);
    let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    symlink("loop", at("loop")).unwrap();
    for (output, words) in [
        ("nowhere/file", "No such file or directory"),
        ("socket", "it is a socket"),
        ("loop", "chain of links is too long"),
        ("/proc/plan", "No such file or directory"),
    ] {
        let output = format!("json={output}");
        let mut command = project.command_without_endpoint(&["plan", "--offline", "--output", &output]);
        run(&mut command, "plan").exits(1).says(words).says_not(".tmp");
    }
}

#[test]
fn a_variable_file_in_the_folder_is_not_part_of_the_stack() {
    let text =
        format!("{STACK}[variable.team]\ntype = \"string\"\n").replace("= \"alerts\"", "= \"${var.team}\"");
    let project = Project::new(&text);
    let at = |name: &str| project.stack().join(name);
    fs::write(at("prod.toml"), "team = \"of-prod\"\n").unwrap();
    symlink("prod.toml", at("link.toml")).unwrap();
    fs::create_dir(at("deep")).unwrap();
    let plan = |arguments: &[&str]| {
        let arguments = [&["plan", "--offline"], arguments].concat();
        run(&mut project.command_without_endpoint(&arguments), &arguments.join(" "))
    };
    let absolute = at("prod.toml");
    fs::remove_file(at("link.toml")).unwrap();
    for file in ["prod.toml", "./prod.toml", "deep/../prod.toml", absolute.to_str().unwrap()] {
        plan(&["--var-file", file]).exits(0).says("of-prod");
    }
    // The file by its own name, and by that of a link.
    symlink("prod.toml", at("link.toml")).unwrap();
    plan(&["--var-file", "link.toml"]).exits(0).says("of-prod");
    // If the variable file is not passed, the error says how to pass it.
    fs::remove_file(at("link.toml")).unwrap();
    plan(&["--var", "team=x"]).exits(3).says("prod.toml:1:1").says("pass a variable file with --var-file");
    // The same for a revision of git.
    let git = |arguments: &[&str]| {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"];
        let mut git = Command::new("git");
        git.current_dir(project.stack()).args(identity).args(arguments).stdout(Stdio::null());
        assert!(git.status().unwrap().success());
    };
    git(&["init", "-q"]);
    git(&["add", "stack.toml", "prod.toml"]);
    git(&["commit", "-qm", "one"]);
    let arguments = ["diff", "HEAD", "--var-file", "prod.toml"];
    let mut command = project.command_without_endpoint(&arguments);
    run(&mut command, "diff").exits(0).says("No changes");
}
