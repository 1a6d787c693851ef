//! Small configurations in Terraform's language and in dwctl's, made from one table: their values and their kinds of
//! errors are the same. `data/terraform_configurations.json` has Terraform's answers; CONTRIBUTING.md says how they
//! are recorded.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use dwctl::eval::EvalContext;
use dwctl::plan::Selection;
use dwctl::stack;
use dwctl::value::Value;
use serde_json::Value as Json;
use toml::Table;

use crate::account::Account;
use crate::paper;

const TABLE: &str = include_str!("../data/configurations.toml");
const ANSWERS: &str = include_str!("../data/terraform_configurations.json");

/// The codes that dwctl has for the errors and warnings of Terraform, by their summaries.
const CODES: [(&str, &[&str]); 21] = [
    ("Invalid default value for variable", &["wrong-type"]),
    ("Invalid value for input variable", &["wrong-type"]),
    ("No value for required variable", &["missing-variable"]),
    ("Required variable not set", &["missing-variable"]),
    ("Invalid value for variable", &["invalid-variable"]),
    ("Invalid variable validation result", &["wrong-type"]),
    ("Inconsistent conditional result types", &["wrong-type"]),
    ("Null condition", &["wrong-type"]),
    ("Reference to undeclared input variable", &["unknown-reference"]),
    ("Cycle:", &["cycle"]),
    ("Missing required argument", &["missing-input"]),
    ("Unsupported argument", &["unknown-input"]),
    ("Unsupported attribute", &["unknown-reference"]),
    ("Reference to undeclared module", &["unknown-reference"]),
    ("Invalid for_each argument", &["wrong-type", "secret-for-each"]),
    ("Invalid index", &["unknown-key", "invalid-index"]),
    ("Resource precondition failed", &["precondition-failed"]),
    ("Resource postcondition failed", &["postcondition-failed"]),
    ("Module output value precondition failed", &["precondition-failed"]),
    ("Invalid condition result", &["wrong-type"]),
    ("Invalid \"self\" reference", &["invalid-reference"]),
];
/// What Terraform says beside an error.
const ASIDES: [&str; 2] = ["Terraform encountered problems during initialisation", "Unknown variable"];

fn texts(table: &Table) -> impl Iterator<Item = (&String, &Table)> {
    table.iter().map(|(name, value)| (name, value.as_table().expect("a table")))
}

fn table<'t>(row: &'t Table, name: &str) -> Option<&'t Table> {
    row.get(name).and_then(toml::Value::as_table)
}

/// An expression in a TOML string.
fn expression(text: &str) -> String {
    toml::Value::from(format!("${{{text}}}")).to_string()
}

/// Writes conditions below the header `at`.
fn conditions(at: &str, rows: Option<&toml::Value>, text: &mut String) {
    for one in rows.and_then(toml::Value::as_array).into_iter().flatten() {
        let member = |name: &str| one[name].as_str().expect("a text");
        let message = toml::Value::from(member("message"));
        let _ =
            writeln!(text, "[[{at}]]\ncondition = {}\nmessage = {message}", expression(member("condition")));
    }
}

/// The files of a row in dwctl's language.
fn files(row: &Table) -> Vec<(String, String)> {
    let modules = table(row, "modules").into_iter().flat_map(texts);
    let mut files: Vec<(String, String)> =
        modules.map(|(name, module)| (format!("modules/{name}/main.toml"), configuration(module))).collect();
    files.push(("stack.toml".to_owned(), paper::headed(&configuration(row))));
    files
}

/// What a row, or a module of it, declares.
fn configuration(row: &Table) -> String {
    let mut text = String::new();
    for (name, one) in table(row, "calls").into_iter().flat_map(texts) {
        let module = one["module"].as_str().expect("a name");
        let folder =
            if row.contains_key("modules") { format!("./modules/{module}") } else { format!("../{module}") };
        let _ = writeln!(text, "[module.{name}]\nsource = \"{folder}\"");
        let given = one.iter().filter(|(name, _)| *name != "module");
        for (name, value) in given {
            let _ = writeln!(text, "{name} = {}", expression(value.as_str().expect("a text")));
        }
    }
    for (name, one) in table(row, "variables").into_iter().flat_map(texts) {
        let _ = writeln!(text, "[variable.{name}]\ntype = {}", one["type"]);
        if let Some(default) = one.get("default").and_then(toml::Value::as_str) {
            let _ = writeln!(text, "default = {}", expression(default));
        }
        if let Some(nullable) = one.get("nullable") {
            let _ = writeln!(text, "nullable = {nullable}");
        }
        conditions(&format!("variable.{name}.validation"), one.get("validation"), &mut text);
    }
    text.push_str("[local]\n");
    for (name, value) in table(row, "locals").into_iter().flatten() {
        let _ = writeln!(text, "{name} = {}", expression(value.as_str().expect("a text")));
    }
    for (name, one) in table(row, "resources").into_iter().flat_map(texts) {
        let input = expression(one["INPUT"].as_str().expect("a text"));
        let key = if one.contains_key("for_each") { "-${each.key}" } else { "" };
        let _ = writeln!(text, "[sns_topic.{name}]\nname = \"{name}{key}\"\ndisplay_name = {input}");
        if let Some(each) = one.get("for_each").and_then(toml::Value::as_str) {
            let _ = writeln!(text, "for_each = {}", expression(each));
        }
        for condition in ["precondition", "postcondition"] {
            conditions(&format!("sns_topic.{name}.{condition}"), one.get(condition), &mut text);
        }
    }
    for (name, all) in table(row, "checks").into_iter().flatten() {
        conditions(&format!("check.{name}"), Some(all), &mut text);
    }
    for (name, one) in table(row, "outputs").into_iter().flatten() {
        let value = one.as_str().or_else(|| one.get("value")?.as_str()).expect("a value");
        let _ = writeln!(text, "[output.{name}]\nvalue = {}", expression(value));
        conditions(&format!("output.{name}.precondition"), one.get("precondition"), &mut text);
    }
    text.replace("RES.", "sns_topic.").replace(".INPUT", ".display_name")
}

/// The outputs and the codes of warnings, or the codes of errors, of a stack with these given values.
fn outcome(
    files: &[(String, String)],
    given: &[(String, String, Value)],
) -> Result<(Json, BTreeSet<String>), BTreeSet<String>> {
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let folder = paper::folder(&files);
    let codes = |problems: Vec<dwctl::diag::Diagnostic>| -> BTreeSet<String> {
        problems.into_iter().map(|one| one.code.to_owned()).collect()
    };
    let stack = paper::load(folder.path()).map_err(|(problems, _)| codes(problems))?;
    let mut problems = Vec::new();
    let variables = stack::variables(&stack, given, &mut problems);
    if !problems.is_empty() {
        return Err(codes(problems));
    }
    let (problems, _, _) = EvalContext::check(&stack, variables, Vec::new());
    if !problems.is_empty() {
        return Err(codes(problems));
    }
    let plan = Account::after("").of_folder(folder.path(), given, &Selection::default());
    let plan = plan.map_err(|shown| {
        let codes = shown.lines().filter_map(|line| line.strip_prefix("error[")?.split(']').next());
        codes.map(str::to_owned).collect::<BTreeSet<_>>()
    })?;
    let outputs =
        plan.outputs.iter().map(|(name, value)| (name.clone(), value.to_json().expect("a known value")));
    let warnings = plan.warnings.iter().map(|one| one.code.to_owned()).collect();
    Ok((Json::Object(outputs.collect()), warnings))
}

/// Returns whether two values are equal; numbers by their value.
fn equal(ours: &Json, theirs: &Json) -> bool {
    match (ours, theirs) {
        (Json::Number(ours), Json::Number(theirs)) => ours.as_f64() == theirs.as_f64(),
        (Json::Array(ours), Json::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| equal(ours, theirs))
        }
        (Json::Object(ours), Json::Object(theirs)) => {
            ours.len() == theirs.len()
                && ours.iter().all(|(name, one)| theirs.get(name).is_some_and(|other| equal(one, other)))
        }
        (ours, theirs) => ours == theirs,
    }
}

/// The errors of a row that differ from Terraform's; `None` if they agree.
fn differing(answer: &Json, found: &BTreeSet<String>) -> Option<String> {
    let summaries = answer["errors"].as_array()?.iter().filter_map(Json::as_str);
    let summaries = summaries.filter(|one| !ASIDES.iter().any(|aside| one.starts_with(aside)));
    let mut left = found.clone();
    for summary in summaries {
        let codes = CODES.iter().find(|(known, _)| summary.starts_with(known)).map(|(_, codes)| *codes);
        let code = codes.unwrap_or_default().iter().find(|code| found.contains(**code));
        match code {
            Some(code) => drop(left.remove(*code)),
            None => return Some(format!("Terraform: {summary}")),
        }
    }
    (!left.is_empty()).then(|| format!("not an error of Terraform: {left:?}"))
}

#[test]
fn configurations_have_the_values_and_errors_that_terraform_gives_them() {
    let table_of_rows: Table = TABLE.parse().expect("TOML");
    let answers: Json = serde_json::from_str(ANSWERS).expect("JSON");
    let answers = answers["rows"].as_object().expect("rows");
    let rows = table_of_rows["row"].as_array().expect("rows");
    let (mut wrong, mut names) = (Vec::new(), BTreeSet::new());
    for row in rows {
        let row = row.as_table().expect("a table");
        let name = row["name"].as_str().expect("a name");
        assert!(names.insert(name), "{name} is there twice");
        let answer = answers.get(name).unwrap_or_else(|| panic!("Terraform was not asked: {name}"));
        let given: Vec<(String, String, Value)> = table(row, "given")
            .into_iter()
            .flatten()
            .map(|(name, value)| {
                ("a variable".to_owned(), name.clone(), value.as_str().expect("a text").into())
            })
            .collect();
        let files = files(row);
        let found = outcome(&files, &given);
        let warns = answer.get("warnings").is_some();
        let difference = match &found {
            Err(codes) if answer.get("errors").is_none() => Some(format!("fails: {codes:?}")),
            Err(codes) => differing(answer, codes),
            Ok((outputs, _)) if answer.get("outputs").is_none_or(|theirs| !equal(outputs, theirs)) => {
                Some(outputs.to_string())
            }
            Ok((_, warnings)) => {
                (warnings.contains("check-failed") != warns).then(|| format!("{warnings:?}"))
            }
        };
        // Each intended difference has its reason.
        if difference.is_some() != row.contains_key("differs") {
            wrong.push(format!("{name}: {difference:?}\n  Terraform: {answer}\n{files:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    assert!(rows.len() >= 90, "the table has shrunk to {} rows", rows.len());
    let known: BTreeMap<_, _> = answers.iter().collect();
    assert_eq!(known.len(), rows.len(), "an answer has no row");
}
