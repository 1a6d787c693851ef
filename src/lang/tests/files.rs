//! Functions that read files, and the files that they refuse.

use std::fs;

use super::template_in;
use crate::value::Value;

fn stack() -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a folder");
    let folder = root.path().join("stack");
    for inner in ["stack/sql/deep", "stack/jobs"] {
        fs::create_dir_all(root.path().join(inner)).expect("a folder");
    }
    for (path, content) in [
        ("sql/a.sql", "select 1"),
        ("sql/deep/b.sql", "select 2"),
        ("jobs/job.py", "print()"),
        ("hello.tpl", "Hello ${name}!%{ for x in list } ${upper(x)}%{ endfor }"),
        ("broken.tpl", "first\n  ${1 + nme}"),
        ("nested.tpl", "${templatefile(\"hello.tpl\", {})}"),
    ] {
        fs::write(folder.join(path), content).expect("a file");
    }
    fs::write(folder.join("latin1"), [0xe9, 0x0a]).expect("a file");
    fs::write(root.path().join("outside.txt"), "hunter2").expect("a file");
    root
}

fn evaluate(root: &tempfile::TempDir, text: &str) -> Result<Value, String> {
    template_in(
        &format!("${{{text}}}"),
        &[("name", Value::from("Ada").into_secret())],
        root.path().join("stack"),
    )
    .map_err(|errors| {
        errors.iter().map(|error| format!("{}: {} {:?}", error.code, error.message, error.notes)).collect()
    })
}

#[test]
fn files_of_the_stack_are_read() {
    let root = stack();
    for (text, expected) in [
        ("file(\"sql/a.sql\")", Value::from("select 1")),
        ("file(\"./sql/../sql/a.sql\")", "select 1".into()),
        ("filebase64(\"latin1\")", "6Qo=".into()),
        ("filemd5(\"sql/a.sql\") == md5(file(\"sql/a.sql\"))", true.into()),
        ("filesha256(\"sql/a.sql\") == sha256(\"select 1\")", true.into()),
        ("filebase64sha512(\"sql/a.sql\") == base64sha512(\"select 1\")", true.into()),
        ("fileexists(\"sql/a.sql\")", true.into()),
        ("fileexists(\"sql/none.sql\")", false.into()),
        ("fileset(\"sql\", \"*.sql\")", Value::list(["a.sql"])),
        ("fileset(\".\", \"**/*.sql\")", Value::list(["sql/a.sql", "sql/deep/b.sql"])),
        ("fileset(\".\", \"{jobs,sql}/*\")", Value::list(["jobs/job.py", "sql/a.sql"])),
        ("fileset(\"none\", \"*\")", Value::List(Vec::new())),
        ("templatefile(\"hello.tpl\", { name = \"Bob\", list = [\"a\", \"b\"] })", "Hello Bob! A B".into()),
        ("basename(abspath(\"sql/a.sql\"))", "a.sql".into()),
    ] {
        assert_eq!(evaluate(&root, text), Ok(expected), "{text}");
    }
    let tainted = evaluate(&root, "templatefile(\"hello.tpl\", { name = name, list = [] })");
    assert_eq!(tainted, Ok(Value::from("Hello Ada!").into_secret()));
}

#[test]
fn files_outside_the_stack_and_binary_files_are_refused() {
    let root = stack();
    let folder = root.path().join("stack");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(root.path().join("outside.txt"), folder.join("link")).expect("a link");
        std::os::unix::fs::symlink(root.path(), folder.join("up")).expect("a link");
    }
    let mut table = vec![
        ("file(\"../outside.txt\")".to_owned(), "outside-folder"),
        (format!("file({:?})", root.path().join("outside.txt")), "outside-folder"),
        ("file(\"/etc/passwd\")".to_owned(), "outside-folder"),
        ("file(\"sql/../../none\")".to_owned(), "outside-folder"),
        ("fileexists(\"../outside.txt\")".to_owned(), "outside-folder"),
        ("fileset(\"..\", \"*\")".to_owned(), "outside-folder"),
        ("filesha256(\"../outside.txt\")".to_owned(), "outside-folder"),
        ("file(\"none\")".to_owned(), "no-such-file"),
        ("file(\"sql\")".to_owned(), "not-a-file"),
        ("file(\"latin1\")".to_owned(), "not-utf8"),
        ("templatefile(\"nested.tpl\", {})".to_owned(), "invalid-template"),
        ("templatefile(\"broken.tpl\", { name = 1 })".to_owned(), "invalid-template"),
    ];
    if cfg!(unix) {
        table.push(("file(\"link\")".to_owned(), "outside-folder"));
        table.push(("file(\"up/outside.txt\")".to_owned(), "outside-folder"));
        table.push(("fileset(\"up\", \"*\")".to_owned(), "outside-folder"));
    }
    for (text, code) in table {
        let said = evaluate(&root, &text).expect_err(&text);
        assert!(said.starts_with(code), "{text}: {said}");
        assert!(!said.contains("hunter2"), "{text}: {said}");
    }
    let links = evaluate(&root, "fileset(\".\", \"*\")").expect("lists");
    assert!(!format!("{links:?}").contains("link"), "{links:?}");
    let broken = evaluate(&root, "templatefile(\"broken.tpl\", { name = 1 })").expect_err("broken");
    assert!(broken.contains("broken.tpl:2:9"), "{broken}");
}
