//! Compares the expression language with Terraform's own answers in `data/terraform_functions.json` and, for
//! text functions, `data/terraform_texts.json`.
//!
//! Rows that differ are listed in `data/terraform_differs.toml`, and every listed row must differ. Each
//! intentional difference names a row of the README's table.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use dwctl::diag::{Sources, Span};
use dwctl::files::Files;
use dwctl::lang::{Names, Template};
use dwctl::value::Value;
use serde_json::Value as Json;

const ROWS: &str = include_str!("../data/terraform_functions.json");
const TEXTS: &str = include_str!("../data/terraform_texts.json");
const DIFFERS: &str = include_str!("../data/terraform_differs.toml");
const README: &str = include_str!("../../README.md");
/// The heading of the table of intentional differences, and its maximum number of rows.
const HEADING: &str = "## Where dwctl differs from Terraform";
const DELIBERATE: usize = 20;

/// The result of an expression in a stack with these files.
fn evaluate(expression: &str, files: &Files) -> Result<Value, String> {
    let text = format!("${{{expression}}}");
    let file = Sources::default().add("stack.toml", &text);
    let names = Names { files: files.clone(), ..Names::default() };
    let template =
        Template::parse(&text, Span::new(file, 0, text.len()), true).map_err(|error| error.message)?;
    template
        .evaluate(&names)
        .map(Value::reveal)
        .map_err(|errors| errors.iter().map(|error| error.message.as_str()).collect::<Vec<_>>().join("; "))
}

/// Returns whether a value equals Terraform's JSON, in which a number is an object with its digits.
fn is(value: &Value, expected: &Json) -> bool {
    match (value, expected) {
        (Value::Number(number), Json::Object(digits)) => {
            let shown = if number.is_zero() { "0".to_owned() } else { number.to_string() };
            digits.get("#").and_then(Json::as_str) == Some(shown.as_str())
        }
        (Value::List(items), Json::Array(expected)) => {
            items.len() == expected.len() && items.iter().zip(expected).all(|(item, one)| is(item, one))
        }
        (Value::Map(entries), Json::Object(expected)) => {
            entries.len() == expected.len()
                && entries.iter().all(|(key, value)| expected.get(key).is_some_and(|one| is(value, one)))
        }
        (Value::Null, Json::Null) => true,
        (Value::Bool(bool), Json::Bool(expected)) => bool == expected,
        (Value::String(text), Json::String(expected)) => text == expected,
        _ => false,
    }
}

/// Writes the files and links in a table.
fn write_files(folder: &Path, table: &Json) {
    for (name, content) in table["files"].as_object().into_iter().flatten() {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, content.as_str().expect("a text")).expect("a file");
    }
    for (name, target) in table["links"].as_object().into_iter().flatten() {
        std::os::unix::fs::symlink(target.as_str().expect("a path"), folder.join(name)).expect("a link");
    }
}

#[test]
fn expressions_have_the_values_that_terraform_gives_them() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("t.tpl"), "x${a}y").expect("a file");
    let tables: Vec<Json> =
        [ROWS, TEXTS].into_iter().map(|table| serde_json::from_str(table).expect("JSON")).collect();
    for table in &tables {
        write_files(folder.path(), table);
    }
    let files = Files::new(folder.path().to_path_buf());
    let rows: Vec<&Json> = tables.iter().flat_map(|table| table["rows"].as_array().expect("rows")).collect();
    let differs: BTreeMap<String, BTreeMap<String, String>> = toml::from_str(DIFFERS).expect("TOML");
    let mut listed: BTreeMap<&str, &str> = BTreeMap::new();
    for (expression, reason) in differs.values().flatten() {
        assert!(listed.insert(expression, reason).is_none(), "listed twice: {expression}");
    }
    let deliberate = differs.get("deliberate").expect("what differs on purpose");
    assert!(deliberate.len() <= DELIBERATE, "{} rows differ on purpose", deliberate.len());
    let (_, table) = README.split_once(HEADING).expect("the README's table");
    let table = table.split("\n## ").next().expect("a section");
    for (expression, row) in deliberate {
        assert!(table.contains(&format!("| {row} |")), "the README has no row `{row}` for {expression}");
    }
    let (begun, mut wrong) = (Instant::now(), Vec::new());
    for row in &rows {
        let expression = row["expression"].as_str().expect("an expression");
        let found = evaluate(expression, &files);
        let agrees = match (row.get("value"), &found) {
            (Some(expected), Ok(value)) => is(value, expected),
            (None, found) => row["error"] == true && found.is_err(),
            (Some(_), Err(_)) => false,
        };
        match (agrees, listed.remove(expression)) {
            (true, None) | (false, Some(_)) => {}
            (true, Some(_)) => wrong.push(format!("agrees, and is listed: {expression}")),
            (false, None) => {
                let expected = row.get("value").map_or("an error".to_owned(), ToString::to_string);
                wrong.push(format!("{expression}\n  Terraform: {expected}\n  dwctl:     {found:?}"));
            }
        }
    }
    wrong.extend(listed.keys().map(|expression| format!("no such row: {expression}")));
    assert!(wrong.is_empty(), "{} of {} rows\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    assert!(rows.len() >= 5900 + 3151, "the table has shrunk to {} rows", rows.len());
    assert!(begun.elapsed() < Duration::from_secs(60), "it took {:?}", begun.elapsed());
}
