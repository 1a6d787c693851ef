//! Checks a job for what AWS Glue refuses and the schema cannot express
//! (<https://docs.aws.amazon.com/glue/latest/webapi/API_CreateJob.html>).

use crate::kind::prelude::*;

/// The names of commands, which decide the type of a job.
const COMMANDS: [&str; 4] = ["glueetl", "gluestreaming", "pythonshell", "glueray"];

/// Versions of Glue (<https://docs.aws.amazon.com/glue/latest/dg/release-notes.html>).
const VERSIONS: [&str; 9] = ["0.9", "1.0", "2.0", "3.0", "4.0", "5.0", "5.1", "6.0", "auto"];

/// Worker types, with the lowest version of Glue that supports each
/// (<https://docs.aws.amazon.com/glue/latest/dg/worker-types.html>).
const WORKERS: [(&str, u32); 13] = [
    ("Standard", 0),
    ("G.025X", 3),
    ("G.1X", 0),
    ("G.2X", 0),
    ("G.4X", 3),
    ("G.8X", 3),
    ("G.12X", 4),
    ("G.16X", 4),
    ("R.1X", 4),
    ("R.2X", 4),
    ("R.4X", 4),
    ("R.8X", 4),
    ("Z.2X", 4),
];

/// Arguments with a fixed set of values
/// (<https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-glue-arguments.html>).
const ARGUMENTS: [(&str, &[&str]); 4] = [
    ("--job-bookmark-option", &["job-bookmark-enable", "job-bookmark-disable", "job-bookmark-pause"]),
    ("--job-language", &["python", "scala"]),
    ("--enable-glue-datacatalog", &["", "true", "false"]),
    ("--enable-auto-scaling", &["true", "false"]),
];

pub(super) fn check(spec: Known<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(location) = spec.text("command.script_location")
        && !location.starts_with("s3://")
    {
        problems.push(
            Problem::new("command.script_location", "the script of a job is in S3")
                .help("write it as `s3://bucket/key`"),
        );
    }
    let command = command_of(spec);
    if let Some(unknown) = command.filter(|command| !COMMANDS.contains(command)) {
        let help = nearest(unknown, COMMANDS).map_or_else(
            || format!("one of {}", COMMANDS.join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        problems.push(Problem::new("command.name", format!("Glue has no command `{unknown}`")).help(help));
        return problems;
    }
    check_versions(spec, command, &mut problems);
    check_capacity(spec, &mut problems);
    let version = major_version(spec);
    if spec.text("execution_class") == Some("FLEX") {
        if command.is_some_and(|command| command != "glueetl") {
            problems.push(
                Problem::new("execution_class", "only Spark jobs can be `FLEX`")
                    .help("remove `execution_class`, or use the command `glueetl`"),
            );
        }
        if version.is_some_and(|version| version < 3) {
            problems.push(Problem::new("execution_class", "`FLEX` needs Glue 3.0 or newer"));
        }
    }
    if spec.is_set("maintenance_window") && command.is_some_and(|command| command != "gluestreaming") {
        problems.push(
            Problem::new("maintenance_window", "only streaming jobs have a maintenance window")
                .help("remove `maintenance_window`, or use the command `gluestreaming`"),
        );
    }
    if let (Some(delay), Some(timeout)) =
        (spec.integer("notification_property.notify_delay_after_minutes"), spec.integer("timeout_minutes"))
        && delay >= timeout
    {
        problems.push(
            Problem::new(
                "notification_property.notify_delay_after_minutes",
                "a run is stopped before it counts as late",
            )
            .help("make it less than `timeout_minutes`"),
        );
    }
    if let Some(retries) = spec.integer("max_retries").filter(|retries| *retries > 10) {
        problems.push(
            Problem::warning("max_retries", format!("Glue retries a run at most 10 times, not {retries}"))
                .help("set it to 0 to 10"),
        );
    }
    check_arguments(spec, &mut problems);
    problems
}

/// The versions of Glue, Python and Ray must match.
fn check_versions(spec: Known<'_>, command: Option<&str>, problems: &mut Vec<Problem>) {
    if let Some(version) = spec.text("glue_version").filter(|version| !VERSIONS.contains(version)) {
        problems.push(
            Problem::warning("glue_version", format!("dwctl does not know Glue {version}"))
                .help(format!("the versions are {}", VERSIONS.join(", "))),
        );
    }
    let (Some(command), version) = (command, major_version(spec)) else { return };
    match (spec.text("command.python_version"), command) {
        (Some("3.9"), "glueetl" | "gluestreaming") => problems.push(
            Problem::new("command.python_version", "a Spark job has the Python of its Glue version, not 3.9")
                .help("write \"3\", or remove it"),
        ),
        (Some("2"), "glueetl" | "gluestreaming") if version.is_some_and(|version| version >= 2) => problems
            .push(
                Problem::new("command.python_version", "Python 2 is for Spark jobs with Glue 1.0 and older")
                    .help("write \"3\""),
            ),
        _ => {}
    }
    if spec.is_set("command.runtime") && command != "glueray" {
        problems.push(
            Problem::warning("command.runtime", format!("a `{command}` job does not use `runtime`"))
                .help("it is for Ray jobs; remove it"),
        );
    }
}

/// Arguments that Glue sets itself; its documentation says never to use them.
const RESERVED: [&str; 4] = ["--JOB_NAME", "--debug", "--endpoint", "--mode"];

const ARGUMENT_LISTS: [&str; 2] = ["default_arguments", "non_overridable_arguments"];

/// A Scala script needs a class as its entry point.
fn check_scala(spec: Known<'_>, problems: &mut Vec<Problem>) {
    let scala = ARGUMENT_LISTS
        .iter()
        .map(|list| format!("{list}.--job-language"))
        .find(|path| spec.text(path) == Some("scala"));
    let may_have = |list: &&str| spec.may_be_set(&format!("{list}.--class"));
    if let Some(path) = scala
        && !ARGUMENT_LISTS.iter().any(may_have)
    {
        problems.push(
            Problem::warning(path, "a Scala script is run by its class, but no argument names it")
                .help("set \"--class\" to the name of the object with `main`, such as \"GlueApp\""),
        );
    }
}

fn check_arguments(spec: Known<'_>, problems: &mut Vec<Problem>) {
    check_scala(spec, problems);
    for list in ARGUMENT_LISTS {
        let Some(arguments) = spec.get(list).and_then(Value::as_map) else { continue };
        for (name, value) in arguments {
            let path = format!("{list}.{name}");
            if !name.starts_with("--") {
                problems.push(
                    Problem::warning(
                        path,
                        format!("the argument `{name}` does not begin with `--`, so a job does not see it"),
                    )
                    .help(format!("write \"--{}\"", name.trim_start_matches('-'))),
                );
            } else if RESERVED.contains(&name.as_str()) {
                problems.push(
                    Problem::warning(path, format!("`{name}` is an argument that Glue sets itself"))
                        .help("remove it; give your own arguments another name"),
                );
            } else if let Some((_, values)) = ARGUMENTS.iter().find(|(known, _)| known == name)
                && let Some(text) = value.as_str()
                && !values.contains(&text)
            {
                problems.push(
                    Problem::warning(path, format!("Glue does not know `{name}` = \"{text}\"")).help(
                        format!(
                            "one of {}",
                            values
                                .iter()
                                .filter(|one| !one.is_empty())
                                .map(|one| format!("\"{one}\""))
                                .collect::<Vec<_>>()
                                .join(", ")
                        ),
                    ),
                );
            }
        }
    }
}

/// The command's name, if known.
fn command_of(spec: Known<'_>) -> Option<&str> {
    if spec.may_be_set("command.name") { spec.text("command.name") } else { Some("glueetl") }
}

/// The major version of Glue, if declared and known.
fn major_version(spec: Known<'_>) -> Option<u32> {
    spec.text("glue_version")?.split('.').next()?.parse().ok()
}

/// Workers or capacity must fit the command and the version.
fn check_capacity(spec: Known<'_>, problems: &mut Vec<Problem>) {
    let command = command_of(spec);
    let version = major_version(spec);
    let workers = ["worker_type", "number_of_workers"];
    let has_workers = workers.iter().any(|attribute| spec.is_set(attribute));
    if has_workers && spec.is_set("max_capacity") {
        problems.push(
            Problem::new("max_capacity", "a job has workers or a capacity, not both")
                .help("remove `max_capacity`, or `worker_type` and `number_of_workers`"),
        );
        return;
    }
    for (given, missing) in [("worker_type", "number_of_workers"), ("number_of_workers", "worker_type")] {
        if spec.is_set(given) && !spec.may_be_set(missing) {
            problems.push(
                Problem::new(given, format!("`{given}` needs `{missing}`"))
                    .help(format!("set `{missing}` too")),
            );
        }
    }
    let Some(command) = command else { return };
    if command == "pythonshell" {
        if let Some(attribute) = workers.iter().find(|attribute| spec.is_set(attribute)) {
            problems.push(
                Problem::new(*attribute, "a Python shell job has no workers")
                    .help("set `max_capacity` to 0.0625 or 1"),
            );
        }
        if let Some(Value::Number(capacity)) = spec.get("max_capacity")
            && ![0.0625, 1.0].contains(&capacity.as_f64())
        {
            problems.push(
                Problem::new("max_capacity", "a Python shell job has 0.0625 or 1 data processing units")
                    .help("set `max_capacity` to 0.0625 or 1"),
            );
        }
        return;
    }
    if spec.is_set("max_capacity") {
        // Without a version, a new job gets AWS's newest.
        let is_old =
            if spec.is_set("glue_version") { version.is_none_or(|version| version < 2) } else { false };
        if !is_old {
            problems.push(
                Problem::new("max_capacity", "jobs with Glue 2.0 and newer have workers, not a capacity")
                    .help("set `worker_type` and `number_of_workers`"),
            );
        } else if let Some(Value::Number(capacity)) = spec.get("max_capacity")
            && (!(2.0..=100.0).contains(&capacity.as_f64()) || capacity.as_i64().is_none())
        {
            problems.push(Problem::new(
                "max_capacity",
                "a Spark job has from 2 to 100 whole data processing units",
            ));
        }
    }
    if command == "glueray" && version.is_some_and(|version| version < 4) {
        problems.push(Problem::new("glue_version", "Ray jobs need Glue 4.0 or newer"));
    }
    let Some(kind) = spec.text("worker_type") else { return };
    if WORKERS.iter().any(|(known, _)| *known == kind) && (kind == "Z.2X") != (command == "glueray") {
        problems.push(
            Problem::new("worker_type", format!("workers of a `{command}` job cannot be `{kind}`"))
                .help("`Z.2X` is for Ray jobs, and Ray jobs have no other"),
        );
    }
    if kind == "G.025X" && command != "gluestreaming" {
        problems.push(
            Problem::new("worker_type", "`G.025X` is for streaming jobs")
                .help("the smallest other is `G.1X`"),
        );
    }
    let Some((_, least)) = WORKERS.iter().find(|(known, _)| *known == kind) else {
        let help = nearest(kind, WORKERS.iter().map(|(known, _)| *known))
            .map_or_else(|| "such as `G.1X`".to_owned(), |near| format!("did you mean `{near}`?"));
        problems.push(Problem::new("worker_type", format!("Glue has no workers `{kind}`")).help(help));
        return;
    };
    if version.is_some_and(|version| version < *least) {
        problems.push(Problem::new("worker_type", format!("`{kind}` needs Glue {least}.0 or newer")));
    }
    // One Spark worker is the driver.
    let fewest = if command == "glueray" { 1 } else { 2 };
    if let Some(count) = spec.integer("number_of_workers").filter(|count| *count < fewest) {
        problems.push(
            Problem::new(
                "number_of_workers",
                format!("a `{command}` job has at least {}, not {count}", counted(fewest, "worker")),
            )
            .help("one of them drives the others"),
        );
    }
}
