//! Modules of other git repositories: fetched, pinned, kept, and never trusted.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::harness::Project;
use crate::paper::{Run, dwctl_with, folder, headed};
use crate::repository::Repository;

/// Where git finds the tests' repository, whatever stacks call it.
const URL: &str = "https://modules.invalid/acme/modules.git";

const QUEUE: &str = "[variable.name]\ntype = \"string\"\n[sqs_queue.data]\nqueue_name = \"${var.name}\"\n\
                     [output]\nurl = \"${sqs_queue.data.queue_name}\"\n";

/// A repository of modules, a stack that calls them, and the folder of fetched modules.
struct World {
    modules: Repository,
    stack: tempfile::TempDir,
    home: tempfile::TempDir,
}

impl World {
    fn new(stack: &str) -> Self {
        let modules = Repository::new();
        modules.write("queue/main.toml", QUEUE);
        modules.write("pair/main.toml", "[module.left]\nsource = \"../queue\"\nname = \"left\"\n[module.right]\nsource = \"../queue\"\nname = '${file(\"right.txt\")}'\n");
        modules.write("pair/right.txt", "right");
        modules.write("other/unused.txt", "x");
        modules.commit();
        modules.git(&["tag", "v1"]);
        let stack = folder(&[("stack.toml", &headed(stack))]);
        Self { modules, stack, home: tempfile::tempdir().expect("a folder") }
    }

    /// A stack that calls one module.
    fn calling(source: &str) -> Self {
        Self::new(&format!("[module.m]\nsource = \"{source}\"\n"))
    }

    fn environment(&self) -> Vec<(String, String)> {
        let url = format!("url.{}.insteadOf", self.modules.path().display());
        [
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_COUNT", "1"),
            ("GIT_CONFIG_KEY_0", &url),
            ("GIT_CONFIG_VALUE_0", URL),
            ("GIT_ALLOW_PROTOCOL", "file"),
            ("PATH", &std::env::var("PATH").unwrap_or_default()),
            ("DWCTL_MODULES_DIR", &self.home.path().display().to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let environment = self.environment();
        let environment: Vec<(&str, &str)> =
            environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        dwctl_with(self.stack.path(), arguments, &environment)
    }

    fn done(&self, arguments: &[&str]) -> String {
        let run = self.run(arguments);
        assert_eq!(run.code, 0, "{arguments:?}: {}{}", run.stdout, run.stderr);
        run.stderr
    }

    fn refused(&self, arguments: &[&str], words: &[&str]) {
        let run = self.run(arguments);
        assert_ne!(run.code, 0, "{arguments:?}: {}{}", run.stdout, run.stderr);
        for word in words {
            assert!(run.stderr.contains(word), "nothing of `{word}`:\n{}", run.stderr);
        }
    }

    fn lock(&self) -> String {
        std::fs::read_to_string(self.stack.path().join("dwctl.lock.toml")).expect("a lock file")
    }

    /// The addresses of the stack's plan without AWS.
    fn addresses(&self) -> Vec<String> {
        let run = self.run(&["plan", "--offline", "--format", "json"]);
        let plan: Json = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr));
        let changes = plan["resource_changes"].as_array().expect("changes");
        changes.iter().map(|one| one["address"].as_str().expect("an address").replace("aws_", "")).collect()
    }

    /// The folders of fetched modules.
    fn kept(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.home.path()).expect("a folder");
        let mut kept: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
        kept.sort();
        kept
    }
}

fn edit(path: &Path, text: &str) {
    std::fs::write(path, text).expect("written");
}

#[test]
fn a_module_is_fetched_pinned_and_then_read_without_git() {
    let source = format!("git::{URL}//pair?ref=v1");
    let world = World::calling(&source);
    world.refused(
        &["validate"],
        &["dwctl.lock.toml does not have this module", "dwctl modules fetch", "stack.toml:6:10"],
    );
    let said = world.done(&["modules", "fetch"]);
    assert!(said.contains("dwctl.lock.toml is written: commit it"), "{said}");
    let commit = world.modules.git(&["rev-parse", "HEAD"]);
    assert!(
        world.lock().contains(&format!("[module.\"{source}\"]\ncommit = \"{}\"", commit.trim())),
        "{}",
        world.lock()
    );
    assert_eq!(
        world.addresses(),
        ["module.m.module.left.sqs_queue.data", "module.m.module.right.sqs_queue.data"]
    );
    // Only the folder and what it names are kept, and no temporary folders.
    let kept = world.kept();
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert!(kept[0].join("queue/main.toml").is_file() && !kept[0].join("other").exists());
    // Neither a plan nor a second fetch needs the repository.
    std::fs::remove_dir_all(world.modules.path().join(".git")).expect("removed");
    world.done(&["validate"]);
    let (lock, said) = (world.lock(), world.done(&["modules", "fetch", "--locked"]));
    assert!(said.contains("1 module pinned and on this machine"), "{said}");
    assert_eq!(world.lock(), lock);
}

#[test]
fn a_pinned_module_stays_at_its_commit_until_it_is_updated() {
    let world = World::calling(&format!("git::{URL}//queue?ref=main"));
    edit(
        &world.stack.path().join("stack.toml"),
        &headed(&format!("[module.m]\nsource = \"git::{URL}//queue?ref=main\"\nname = \"a\"\n")),
    );
    world.done(&["modules", "fetch"]);
    let first = world.lock();
    world.modules.write("queue/main.toml", &QUEUE.replace("sqs_queue.data", "sqs_queue.more"));
    world.modules.commit();
    world.done(&["modules", "fetch"]);
    assert_eq!(world.lock(), first);
    // On another machine, the old commit is fetched.
    for one in world.kept() {
        std::fs::remove_dir_all(one).expect("removed");
    }
    world.refused(&["validate"], &["is not on this machine", "dwctl modules fetch"]);
    world.done(&["modules", "fetch", "--locked"]);
    assert_eq!(
        (world.lock(), world.addresses()),
        (first.clone(), vec!["module.m.sqs_queue.data".to_owned()])
    );
    world.done(&["modules", "fetch", "--update"]);
    assert_ne!(world.lock(), first);
    assert_eq!(world.addresses(), ["module.m.sqs_queue.more"]);
    // A module that nobody calls is no longer pinned.
    edit(&world.stack.path().join("stack.toml"), &headed(""));
    let said = world.done(&["modules", "fetch"]);
    assert!(said.contains("the stack calls no module of another repository"), "{said}");
    assert!(!world.lock().contains("[module"), "{}", world.lock());
}

#[test]
fn branches_tags_commits_and_the_default_branch_are_revisions() {
    let world = World::new("");
    let commit = world.modules.git(&["rev-parse", "HEAD"]).trim().to_owned();
    world.modules.git(&["checkout", "--quiet", "-b", "team/next"]);
    world.modules.write("queue/more.toml", "[output]\nmore = 1\n");
    world.modules.commit();
    let next = world.modules.git(&["rev-parse", "HEAD"]).trim().to_owned();
    world.modules.git(&["checkout", "--quiet", "main"]);
    for (revision, expected) in [
        ("?ref=v1".to_owned(), &commit),
        ("?ref=team/next".to_owned(), &next),
        (format!("?ref={next}"), &next),
        (format!("?ref={}", &next[..10]), &next),
        (String::new(), &commit),
    ] {
        let call = format!("[module.m]\nsource = \"git::{URL}//queue{revision}\"\nname = \"a\"\n");
        edit(&world.stack.path().join("stack.toml"), &headed(&call));
        world.done(&["modules", "fetch"]);
        assert!(world.lock().contains(expected), "{revision}: {}", world.lock());
    }
    let call = format!("[module.m]\nsource = \"git::{URL}//queue?ref=v9\"\nname = \"a\"\n");
    edit(&world.stack.path().join("stack.toml"), &headed(&call));
    world.refused(&["modules", "fetch"], &["error[unknown-revision]", "does not have `v9`", "?ref="]);
}

#[test]
fn changed_files_and_lock_files_are_refused() {
    let world = World::calling(&format!("git::{URL}//pair?ref=v1"));
    world.done(&["modules", "fetch"]);
    let path = world.kept()[0].join("queue/main.toml");
    edit(&path, &QUEUE.replace("var.name", "var.name }x${var.name"));
    world.refused(
        &["validate"],
        &["error[changed-module]", "are not those that were locked", "nothing in it was read"],
    );
    // Fetching it again mends it.
    world.done(&["modules", "fetch", "--locked"]);
    world.done(&["validate"]);
    let lock = world.lock();
    let (_, checksum) = lock.split_once("sha256:").expect("a checksum");
    let forged = lock.replace(&checksum[..64], &"0".repeat(64));
    edit(&world.stack.path().join("dwctl.lock.toml"), &forged);
    world.refused(&["modules", "fetch"], &["error[changed-module]", "dwctl.lock.toml has sha256:000"]);
    edit(&world.stack.path().join("dwctl.lock.toml"), "version = 9\n");
    world.refused(&["validate"], &["dwctl.lock.toml is of version 9"]);
}

#[test]
fn ci_never_changes_the_lock_file() {
    let world = World::calling(&format!("git::{URL}//pair?ref=v1"));
    world.refused(
        &["modules", "fetch", "--locked"],
        &["error[not-locked]", "git::https://modules.invalid", "without --locked"],
    );
    assert!(!world.stack.path().join("dwctl.lock.toml").exists());
    assert_eq!(world.kept(), Vec::<PathBuf>::new());
}

#[test]
fn a_module_reads_nothing_outside_its_repository_and_runs_nothing_of_it() {
    let source = format!("git::{URL}//evil?ref=main");
    let world = World::calling(&source);
    world
        .modules
        .write("evil/main.toml", "[output]\nx = '${file(\"link\")}'\n[module.up]\nsource = \"../../../x\"\n");
    std::os::unix::fs::symlink("/etc/passwd", world.modules.path().join("evil/link")).expect("a link");
    world.modules.write(".git/hooks/post-checkout", "touch ran");
    world.modules.commit();
    let said = world.done(&["modules", "fetch"]);
    assert!(said.contains("left out: evil/link, a link to /etc/passwd"), "{said}");
    world.refused(
        &["validate"],
        &["leads out of the git repository", "modules.invalid/acme/modules@main/evil/main.toml:4:10"],
    );
    world.modules.write("evil/main.toml", "[output]\nx = '${file(\"link\")}'\n");
    world.modules.commit();
    world.done(&["modules", "fetch", "--update"]);
    world.refused(&["validate"], &["there is no file `link`"]);
}

#[test]
fn modules_of_a_fetched_module_are_fetched_and_pinned_too() {
    let world = World::calling(&format!("git::{URL}//outer?ref=main"));
    world.modules.write(
        "outer/main.toml",
        &format!("[module.in]\nsource = \"git::{URL}//queue?ref=v1\"\nname = \"in\"\n"),
    );
    world.modules.commit();
    world.done(&["modules", "fetch"]);
    assert_eq!(world.lock().matches("commit = ").count(), 2, "{}", world.lock());
    assert_eq!(world.addresses(), ["module.m.module.in.sqs_queue.data"]);
}

#[test]
fn a_diff_reads_the_modules_of_each_revision() {
    let call =
        |revision: &str| format!("[module.m]\nsource = \"git::{URL}//queue?ref={revision}\"\nname = \"a\"\n");
    let world = World::new(&call("v1"));
    let stack = Repository::at(world.stack.path());
    world.done(&["modules", "fetch"]);
    stack.commit();
    world.modules.write("queue/main.toml", &QUEUE.replace("sqs_queue.data", "sqs_queue.more"));
    world.modules.commit();
    world.modules.git(&["tag", "v2"]);
    edit(&world.stack.path().join("stack.toml"), &headed(&call("v2")));
    world.done(&["modules", "fetch"]);
    for one in world.kept() {
        std::fs::remove_dir_all(one).expect("removed");
    }
    world.done(&["modules", "fetch", "--locked"]);
    world.refused(&["diff", "main"], &["is not on this machine"]);
    world.done(&["modules", "fetch", "--revision", "main"]);
    let run = world.run(&["diff", "main"]);
    for words in
        ["queue?ref=v1) of module.m: main.toml changed", "sqs_queue.more  move  was module.m.sqs_queue.data"]
    {
        assert!(run.stdout.contains(words), "{}{}", run.stdout, run.stderr);
    }
}

#[test]
fn an_unreachable_repository_is_an_error_with_gits_words() {
    let world = World::calling("git::https://nowhere.invalid/acme/none.git//x?ref=v1");
    // Only files may be used here, so nothing is asked for.
    world.refused(
        &["modules", "fetch"],
        &["cannot fetch https://nowhere.invalid/acme/none.git", "git says:", "not allowed"],
    );
}

#[test]
fn an_apply_creates_what_a_fetched_module_declares() {
    let world = World::new("");
    let project = Project::new(&headed(&format!("[module.m]\nsource = \"git::{URL}//pair?ref=v1\"\n")));
    let with = |arguments: &[&str]| {
        let mut command = project.command(arguments);
        command.envs(world.environment());
        crate::harness::run(&mut command, &arguments.join(" "))
    };
    with(&["modules", "fetch"]).exits(0);
    with(&["apply", "--yes"]).exits(0);
    assert!(project.id("module.m.module.right.sqs_queue.data").ends_with("/right"));
    with(&["plan"]).exits(0).says("No changes");
    with(&["destroy", "--yes"]).exits(0);
}
