//! Shared folders that a stack reads besides its own, and their limits.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::paper::{dwctl, folder, headed};

const POLICY: &str = r#"{ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "Service": "glue.amazonaws.com" } }] }"#;

/// A repository with a stack in `stacks/shop` that shares these folders.
fn repository(shared: &str, more: &str) -> tempfile::TempDir {
    let stack = format!("[stack]\nname = \"shop\"\nregion = \"us-east-1\"\nshared = [{shared}]\n{more}");
    let place = folder(&[
        ("repository/.git/config", "[http]\nextraheader = token-of-a-checkout\n"),
        ("repository/credentials.json", "token-of-a-cloud"),
        ("repository/policies/glue.json", POLICY),
        ("repository/policies/sql/a.sql", "select ${number}"),
        ("repository/stacks/shop/stack.toml", &stack),
        ("repository/stacks/shop/own.txt", "own"),
        ("repository/stacks/other/.dwctl/default.json", "key-of-a-ledger"),
        ("outside/secret.txt", "hunter2"),
    ]);
    fs::create_dir_all(place.path().join("repository/stacks/shop/sub")).expect("a folder");
    place
}

fn shop(place: &tempfile::TempDir) -> std::path::PathBuf {
    place.path().join("repository/stacks/shop")
}

/// The output of `validate`, and its exit code.
fn said(stack: &Path) -> (i32, String) {
    let run = dwctl(stack, &["validate"]);
    (run.code, format!("{}{}", run.stdout, run.stderr))
}

#[test]
fn functions_and_documents_read_from_shared_folders() {
    let place = repository(
        "\"../../policies\"",
        "[iam_role.glue]\nrole_name = \"glue\"\n\
         assume_role_policy_document = '${file(\"../../policies/glue.json\")}'\n\
         [s3_bucket.lake]\nbucket = \"shop-lake\"\n\
         [s3_object.code]\nbucket = \"${s3_bucket.lake.bucket}\"\nkey = \"a.sql\"\nsource = \"../../policies/sql/a.sql\"\n\
         [output]\nsql = '${templatefile(\"../../policies/sql/a.sql\", { number = 1 })}'\n\
         files = '${fileset(\"../../policies\", \"**\")}'\n\
         there = '${fileexists(\"../../policies/sql/a.sql\")}'\n\
         not_there = '${fileexists(\"../../policies/sql/b.sql\")}'\n\
         own = '${file(\"own.txt\")}'\n",
    );
    assert_eq!(said(&shop(&place)), (0, "shop/default is valid: 3 resources\n".to_owned()));
    let run = dwctl(&shop(&place), &["plan", "--offline"]);
    for words in [
        "sql = \"select 1\"",
        "[\"glue.json\", \"sql/a.sql\"]",
        "there = true",
        "not_there = false",
        "own = \"own\"",
    ] {
        assert!(run.stdout.contains(words), "{words}\n{}{}", run.stdout, run.stderr);
    }
    // From another working folder; and only shared folders that are listed can be read.
    let run = dwctl(place.path(), &["validate", "repository/stacks/shop"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let stack = fs::read_to_string(shop(&place).join("stack.toml")).expect("the stack");
    fs::write(shop(&place).join("stack.toml"), stack.replace("shared = [\"../../policies\"]\n", ""))
        .expect("written");
    let (code, said) = said(&shop(&place));
    assert!(code == 3 && said.contains("outside the stack's folder"), "{said}");
    assert!(said.contains("shared = [\"../policies\"]"), "it says how\n{said}");
}

#[test]
fn shared_folders_are_inside_the_repository() {
    for (path, words) in [
        ("../../../outside", "leads out of the git repository"),
        ("../../../../../../../../../../../../etc", "leads out of the git repository"),
        ("../../link", "leads out of the git repository"),
        ("../..", "contains the stack itself"),
        ("..", "contains the stack itself"),
        (".", "contains the stack itself"),
        ("sub", "is in the stack's folder"),
        ("../../.git", "belongs to git or dwctl"),
        ("../other/.dwctl", "belongs to git or dwctl"),
        ("../../nowhere", "does not exist"),
        ("../../credentials.json", "is not a folder"),
        ("/etc", "is not a path from the stack's folder"),
        ("", "is not a path from the stack's folder"),
    ] {
        let place = repository(&format!("{path:?}"), "");
        symlink(place.path().join("outside"), place.path().join("repository/link")).expect("a link");
        let (code, said) = said(&shop(&place));
        assert!(code == 3 && said.contains(words), "{path}: {words}\n{said}");
        assert!(said.contains("stack.toml:4:") && said.contains("nothing in it was read"), "{said}");
    }
    // Without a repository, there is no boundary for shared folders.
    let place = repository("\"../../policies\"", "");
    fs::remove_dir_all(place.path().join("repository/.git")).expect("removed");
    let (code, said) = said(&shop(&place));
    assert!(code == 3 && said.contains("is in no git repository"), "{said}");
}

#[test]
fn no_link_leads_out_of_a_shared_folder() {
    for (path, words) in [
        ("link.json", "outside the stack's folder"),
        ("../../policies/out.txt", "outside the stack's folder"),
        ("../../policies/to-stack.txt", "outside the stack's folder"),
        ("../../policies/../credentials.json", "outside the stack's folder"),
        ("../../credentials.json", "outside the stack's folder"),
        ("../../policies/../.git/config", "never read"),
        ("../../policies/git/config", "outside the stack's folder"),
    ] {
        let place = repository("\"../../policies\"", &format!("[output]\nx = '${{file(\"{path}\")}}'\n"));
        let policies = place.path().join("repository/policies");
        symlink("../../policies/glue.json", shop(&place).join("link.json")).expect("a link");
        symlink(place.path().join("outside/secret.txt"), policies.join("out.txt")).expect("a link");
        symlink("../stacks/shop/own.txt", policies.join("to-stack.txt")).expect("a link");
        symlink("../.git", policies.join("git")).expect("a link");
        let (code, said) = said(&shop(&place));
        assert!(code == 3 && said.contains(words), "{path}: {words}\n{said}");
        for secret in ["hunter2", "token-of", "key-of"] {
            assert!(!said.contains(secret), "{said}");
        }
    }
}

/// No stack reads the files of git and dwctl, not even one at the top of a repository.
#[test]
fn files_of_git_and_dwctl_are_never_read() {
    for path in [".git/config", "./.git/config", "sub/../.git/config", ".dwctl/key", "modules/a/.git/config"]
    {
        let place = folder(&[
            (".git/config", "token-of-a-checkout"),
            ("modules/a/.git/config", "token-of-a-module"),
            (".dwctl/key", "key-of-a-ledger"),
            ("sub/a.txt", "a"),
            ("stack.toml", &headed(&format!("[output]\nx = '${{file(\"{path}\")}}'\n"))),
        ]);
        let (code, said) = said(place.path());
        assert!(code == 3 && said.contains("never read") && !said.contains("-of-a-"), "{path}\n{said}");
    }
    let place = folder(&[
        (".git/config", "token"),
        ("sub/a.txt", "a"),
        ("stack.toml", &headed("[output]\nx = '${fileset(\".\", \"**\")}'\n")),
    ]);
    let run = dwctl(place.path(), &["plan", "--offline"]);
    assert!(run.stdout.contains("x = [\"stack.toml\", \"sub/a.txt\"]"), "{}{}", run.stdout, run.stderr);
}
