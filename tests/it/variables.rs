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
fn a_value_of_the_wrong_type_is_reported_with_its_source() {
    let stack = stack(&[("given/vars.toml", "n = \"many\"\n")]);
    refused(&validate(stack.path(), &["--var", "n=many"]), &["must be number", "it is set by --var n\n"]);
    refused(
        &validate(stack.path(), &["--var-file", "given/vars.toml"]),
        &["it is set by --var-file given/vars.toml\n"],
    );
    let run = dwctl_with(stack.path(), &["validate"], &[("DWCTL_VAR_n", "many")]);
    refused(&run, &["it is set by the environment variable DWCTL_VAR_n\n"]);
    // An error in the stack's own value shows its place in the file.
    assert!(!validate(stack.path(), &[]).stderr.contains("it is set by"));
    let run = validate(stack.path(), &["--var", "o={a=\"q\"}"]);
    refused(&run, &["it is set by --var o", "write it as JSON, such as --var 'o={\"a\": \"a\"}'"]);
    assert_eq!(validate(stack.path(), &["--var", "o={\"a\": \"q\"}"]).code, 0);
    refused(&validate(stack.path(), &["--var", "=3"]), &["--var takes NAME=VALUE", "there is no name"]);
}

#[test]
fn a_failed_validation_shows_the_value_and_its_source() {
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
fn an_invalid_type_gets_a_hint() {
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

/// The stack with one variable `v` of this type, printed by an output. Returns the run of `validate`.
fn typed(kind: &str, more: &str, arguments: &[&str]) -> Run {
    let text = format!("[variable.v]\ntype = '{kind}'\n{more}\n[output]\nv = '${{var.v}}'\n");
    validate(folder(&[("stack.toml", headed(&text).as_str())]).path(), arguments)
}

#[test]
fn what_does_not_fit_is_named_by_its_path_and_shown_at_its_place() {
    let tables = "map(object({ days = number, tier = optional(string) }))";
    let run = typed(tables, "[variable.v.default]\nraw = { days = \"ten\" }", &[]);
    refused(
        &run,
        &[
            "var.v[\"raw\"].days: a number is required\n --> stack.toml:8:16\n",
            "must be number",
            "it is a string",
            "the type of the variable is map(object({ days = number, tier = optional(string) }))",
        ],
    );
    let run = typed(tables, "[variable.v.default]\nraw = { tier = \"cold\" }", &[]);
    refused(&run, &["var.v[\"raw\"].days: a number is required\n --> stack.toml:8:7\n", "it is missing"]);
    let run = typed(tables, "", &["--var", "v={\"raw\": {\"days\": 1, \"teir\": \"cold\"}}"]);
    let words = [
        "var.v[\"raw\"]: an object is required",
        "it has no field `teir`; did you mean `tier`?",
        "--var v\n",
    ];
    refused(&run, &words);
    for (kind, value, words) in [
        ("list(number)", "[1, \"a\"]", "var.v[1]: a number is required"),
        ("tuple([string, bool])", "[\"a\"]", "var.v: a tuple of 2 elements is required"),
        ("tuple([string, bool])", "[\"a\", 1]", "var.v[1]: a bool is required"),
        ("set(string)", "{}", "var.v: a set is required"),
        ("map(list(bool))", "{\"a.b\": [\"no\"]}", "var.v[\"a.b\"][0]: a bool is required"),
        ("list(any)", "[1, [2]]", "its elements have no common type"),
        ("map(any)", "{\"a\": 1, \"b\": [2]}", "its elements have no common type"),
        ("number", "\" 5\"", "var.v: a number is required"),
    ] {
        refused(&typed(kind, "", &["--var", &format!("v={value}")]), &[words]);
    }
}

#[test]
fn null_stands_for_the_default_of_a_variable_that_is_not_nullable() {
    let not_null =
        "nullable = false\nvalidation = [{ condition = \"${var.v == 3}\", message = \"not the default\" }]";
    let with = |default: &str| format!("{default}\n{not_null}");
    assert_eq!(typed("number", &with("default = 3"), &["--var", "v=null"]).code, 0);
    refused(&typed("number", &with("default = 3"), &["--var", "v=4"]), &["variable `v`: not the default"]);
    refused(
        &typed("number", &with(""), &["--var", "v=null"]),
        &["the variable `v` must not be null", "it is set by --var v"],
    );
    let run = typed("number", &with("default = '${null}'"), &["--var", "v=3"]);
    refused(&run, &["the default of the variable `v` is null\n --> stack.toml:7:11", "`nullable` is false"]);
    // Without it, null is a value like others.
    let nulls = "default = 3\nvalidation = { condition = \"${var.v == null}\", message = \"not null\" }";
    assert_eq!(typed("number", nulls, &["--var", "v=null"]).code, 0);
}

#[test]
fn a_condition_is_a_bool_by_terraforms_rules() {
    let with = |condition: &str, message: &str| {
        format!("default = \"x\"\nvalidation = [{{ condition = {condition}, message = {message} }}]")
    };
    for condition in ["true", "'${true}'", "'${\"true\"}'", "'true'", "'1'"] {
        assert_eq!(typed("string", &with(condition, "'no'"), &[]).code, 0, "{condition}");
    }
    for (condition, message, words) in [
        ("'var.v == 1'", "'no'", "`condition` must be true or false, not a string"),
        ("'var.v == 1'", "'no'", "write it as an expression: condition = \"${…}\""),
        ("'${null}'", "'no'", "`condition` must be true or false, not null"),
        ("'${5}'", "'no'", "`condition` must be true or false, not a number"),
        ("'${[]}'", "'no'", "`condition` must be true or false, not a list"),
        ("'${var.w}'", "'no'", "there is no attribute `w`"),
        ("'${false}'", "'${var.v} is wrong'", "variable `v`: x is wrong"),
        ("'${false}'", "\"a\\nb\"", "variable `v`: a b"),
        ("'${false}'", "'${[]}'", "`message` must be a string, not a list"),
        ("'${false}'", "'${tonumber(var.v)}'", "its message has an error"),
        ("'${false}'", "'${sensitive(var.v)}!'", "its message contains a secret and is not shown"),
    ] {
        refused(&typed("string", &with(condition, message), &[]), &[words]);
    }
    refused(
        &typed("string", "default = 'x'\nvalidation = ['a']", &[]),
        &["must be a table with `condition`"],
    );
    refused(
        &typed("string", "default = 'x'\nvalidation = [{ condition = true }]", &[]),
        &["`message` is missing"],
    );
    let named = "default = 'x'\nvalidation = [{ condition = true, message = 'm', error_message = 'e' }]";
    refused(&typed("string", named, &[]), &["a validation has no `error_message`"]);
}

const EPHEMERAL: &str = "[variable.key]\ntype = 'string'\nephemeral = true\ndefault = 'hunter2hunter2'\n\
    [local]\nupper = '${upper(var.key)}'\nagain = '${local.upper}!'\n";

#[test]
fn an_ephemeral_variable_reaches_attributes_that_are_never_returned_alone() {
    let validated = |text: &str| {
        let text = headed(&format!("{EPHEMERAL}{text}"));
        validate(folder(&[("stack.toml", text.as_str())]).path(), &[])
    };
    let cluster = "[redshift_cluster.main]\ncluster_identifier = 'main'\nnode_type = 'ra3.large'\n\
        number_of_nodes = 2\nmaster_username = 'admin'\n";
    let run = validated(&format!("{cluster}master_user_password = '${{local.again}}Aa1'\n"));
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    for (text, place) in [
        ("[sns_topic.a]\nname = 'a-${local.again}'\n", "stack.toml:13:13"),
        ("[sns_topic.a]\nname = 'a'\ndisplay_name = '${var.key}'\n", "stack.toml:14:19"),
        ("[sns_topic.a]\nname = 'a'\ntags = { k = '${var.key}' }\n", "stack.toml:14:17"),
        ("[output]\nk = '${nonsensitive(var.key)}'\n", "stack.toml:13:21"),
    ] {
        let run = validated(text);
        refused(&run, &["the variable `key` is ephemeral", place, "never returns, such as a password"]);
        assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
    }
    let run = validated("[sns_topic.a]\nname = 'a'\ndisplay_name = '${local.again}'\n");
    refused(&run, &["`local.again` depends on `var.key`"]);
}
