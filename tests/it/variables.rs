//! Variable values from outside the stack: an error names the variable, the source of the value, and
//! the right notation.

use std::path::Path;

use crate::paper::{Run, dwctl, dwctl_with, folder, headed};

const STACK: &str = "[variable.o]\ntype = \"object({ a = string })\"\ndefault = { a = \"x\" }\n\
    [variable.n]\ntype = \"number\"\ndefault = 1\nvalidation = [{ condition = \"${var.n < 5}\", message = \"too many\" }]\n\
    [variable.key]\nsensitive = true\ndefault = \"0123456789\"\n\
    validation = [{ condition = \"${length(var.key) > 9}\", message = \"too short\" }]\n";

fn refused(run: &Run, words: &[&str]) {
    assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
    for word in words {
        assert!(run.stderr.contains(word), "nothing of `{word}`: {}", run.stderr);
    }
}

fn stack(files: &[(&str, &str)]) -> tempfile::TempDir {
    folder(&[&[("stack.toml", headed(STACK).as_str())], files].concat())
}

fn validate(folder: &Path, arguments: &[&str]) -> Run {
    dwctl(folder, &[&["validate"], arguments].concat())
}

#[test]
fn what_does_not_fit_is_told_with_its_source() {
    let stack = stack(&[("given/vars.toml", "n = \"many\"\n")]);
    refused(&validate(stack.path(), &["--var", "n=many"]), &["must be number", "it is set by --var n\n"]);
    refused(
        &validate(stack.path(), &["--var-file", "given/vars.toml"]),
        &["it is set by --var-file given/vars.toml\n"],
    );
    let run = dwctl_with(stack.path(), &["validate"], &[("DWCTL_VAR_n", "many")]);
    refused(&run, &["it is set by the environment variable DWCTL_VAR_n\n"]);
    // Of the stack's own values the place is shown.
    assert!(!validate(stack.path(), &[]).stderr.contains("it is set by"));
    let run = validate(stack.path(), &["--var", "o={a=\"q\"}"]);
    refused(&run, &["it is set by --var o", "write it as JSON, such as --var 'o={\"a\": \"a\"}'"]);
    assert_eq!(validate(stack.path(), &["--var", "o={\"a\": \"q\"}"]).code, 0);
    refused(&validate(stack.path(), &["--var", "=3"]), &["--var takes NAME=VALUE", "there is no name"]);
}

#[test]
fn a_failed_validation_tells_the_value_and_its_source() {
    let stack = stack(&[("env/dev.toml", "n = 7\n")]);
    refused(
        &validate(stack.path(), &["--var", "n=9"]),
        &["variable `n`: too many", "its value is 9\n", "it is set by --var n\n"],
    );
    let run = validate(stack.path(), &["--env", "dev"]);
    refused(&run, &["its value is 7\n", "it is set by line 1 of env/dev.toml"]);
    let run = validate(stack.path(), &["--var", "key=hunter2"]);
    refused(&run, &["too short", "its value is sensitive, and not shown", "it is set by --var key"]);
    assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
}

#[test]
fn a_file_of_variables_is_toml_or_a_json_object() {
    let files = [
        ("given/broken.toml", "n = 1\no = { a = \n"),
        ("given/vars.json", "{ \"n\": 2, \"o\": { \"a\": \"q\" } }"),
        ("given/broken.json", "{ \"n\": 2,\n  }"),
        ("given/vars.tfvars", "n = 2\no = {\n  a = \"q\"\n  b = \"r\"\n}\n"),
    ];
    let stack = stack(&files);
    assert_eq!(validate(stack.path(), &["--var-file", "given/vars.json"]).code, 0);
    let run = validate(stack.path(), &["--var-file", "given/broken.toml"]);
    refused(
        &run,
        &["cannot read the variables in given/broken.toml", "line 2, column ", "TOML, `name = value`"],
    );
    refused(
        &validate(stack.path(), &["--var-file", "given/broken.json"]),
        &["line 2, column 3: it starts like JSON"],
    );
    refused(&validate(stack.path(), &["--var-file", "given/vars.tfvars"]), &["or a JSON object"]);
    std::fs::write(stack.path().join("given/vars.json"), "{ \"n\": 9 }").expect("written");
    let run = validate(stack.path(), &["--var-file", "given/vars.json"]);
    refused(&run, &["its value is 9", "it is set by --var-file given/vars.json"]);
}

#[test]
fn a_type_that_is_not_one_leads_to_one_that_is() {
    for (written, words) in [
        ("list", "`list` needs the type of its elements: write `list(string)`"),
        ("map", "write `map(string)`"),
        ("object({ a = set })", "write `set(string)`"),
        ("integer", "there is no type `integer`; write `number`"),
        ("list(int)", "write `number`"),
        ("boolean", "write `bool`"),
    ] {
        let text = format!("[variable.v]\ntype = \"{written}\"\ndefault = 1\n");
        let stack = folder(&[("stack.toml", headed(&text).as_str())]);
        refused(&validate(stack.path(), &[]), &[words]);
    }
}
