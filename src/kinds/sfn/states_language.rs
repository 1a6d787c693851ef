//! Checks a definition in the Amazon States Language (<https://states-language.net/spec.html>) without
//! running it. Unknown parts pass.

use std::collections::{BTreeMap, BTreeSet};

use super::choice::check_choice;
use super::walk::{Exits, Fields, Language, Walk, is_expression, is_open, is_timestamp};
use super::{integrations, jsonata};
use crate::kind::prelude::*;
use crate::value::{Number, Value};

/// Longest duration that AWS accepts anywhere, in seconds.
const LONGEST: i64 = 99_999_999;

/// Fields of a state machine, and of the inner machines of `Parallel` and `Map`.
const MACHINE: &[&str] = &["Comment", "QueryLanguage", "StartAt", "States", "TimeoutSeconds", "Version"];
const INNER: &[&str] = &["Comment", "QueryLanguage", "ProcessorConfig", "StartAt", "States"];

/// The fields that a type of state may have besides `Type`, `Comment` and `QueryLanguage`: in both
/// languages, with JSONPath, and with JSONata
/// (<https://docs.aws.amazon.com/step-functions/latest/dg/statemachine-structure.html>).
struct StateType {
    name: &'static str,
    both: &'static [&'static str],
    json_path: &'static [&'static str],
    jsonata: &'static [&'static str],
    /// True if it continues with `Next` or stops with `End`.
    flows: bool,
}

const TYPES: &[StateType] = &[
    StateType {
        name: "Task",
        both: &["Resource", "Retry", "Catch", "TimeoutSeconds", "HeartbeatSeconds", "Credentials", "Assign"],
        json_path: &[
            "InputPath",
            "OutputPath",
            "Parameters",
            "ResultPath",
            "ResultSelector",
            "TimeoutSecondsPath",
            "HeartbeatSecondsPath",
        ],
        jsonata: &["Arguments", "Output"],
        flows: true,
    },
    StateType {
        name: "Pass",
        both: &["Assign"],
        json_path: &["InputPath", "OutputPath", "Parameters", "Result", "ResultPath"],
        jsonata: &["Output"],
        flows: true,
    },
    StateType {
        name: "Choice",
        both: &["Choices", "Default", "Assign"],
        json_path: &["InputPath", "OutputPath"],
        jsonata: &["Output"],
        flows: false,
    },
    StateType {
        name: "Wait",
        both: &["Seconds", "Timestamp", "Assign"],
        json_path: &["InputPath", "OutputPath", "SecondsPath", "TimestampPath"],
        jsonata: &["Output"],
        flows: true,
    },
    StateType {
        name: "Succeed",
        both: &[],
        json_path: &["InputPath", "OutputPath"],
        jsonata: &["Output"],
        flows: false,
    },
    StateType {
        name: "Fail",
        both: &["Error", "Cause"],
        json_path: &["ErrorPath", "CausePath"],
        jsonata: &[],
        flows: false,
    },
    StateType {
        name: "Parallel",
        both: &["Branches", "Retry", "Catch", "Assign"],
        json_path: &["InputPath", "OutputPath", "Parameters", "ResultPath", "ResultSelector"],
        jsonata: &["Arguments", "Output"],
        flows: true,
    },
    StateType {
        name: "Map",
        both: &[
            "ItemProcessor",
            "Iterator",
            "ItemSelector",
            "ItemReader",
            "ItemBatcher",
            "ResultWriter",
            "MaxConcurrency",
            "ToleratedFailurePercentage",
            "ToleratedFailureCount",
            "Label",
            "Retry",
            "Catch",
            "Assign",
        ],
        json_path: &[
            "InputPath",
            "OutputPath",
            "Parameters",
            "ResultPath",
            "ResultSelector",
            "ItemsPath",
            "MaxConcurrencyPath",
            "ToleratedFailurePercentagePath",
            "ToleratedFailureCountPath",
        ],
        jsonata: &["Items", "Output"],
        flows: true,
    },
];

/// Fields with inner machines, whose states are checked separately, and comments.
const MACHINES: &[&str] = &["Branches", "ItemProcessor", "Iterator", "Comment"];

/// Characters that the label of a map cannot contain
/// (<https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html>).
const NOT_IN_LABELS: &str = "?*<>{}[]:;,\\|^~$#%&`\"/";

/// Fields of `Map` that exist only in distributed mode.
const DISTRIBUTED: &[&str] = &[
    "ItemReader",
    "ItemBatcher",
    "ResultWriter",
    "ToleratedFailurePercentage",
    "ToleratedFailureCount",
    "ToleratedFailurePercentagePath",
    "ToleratedFailureCountPath",
    "Label",
];

/// All problems of a definition, with paths that begin with `definition`.
/// `express` is true if the machine is known to be of type `EXPRESS`.
pub(super) fn check(definition: &Value, express: bool) -> Vec<Problem> {
    let mut walk =
        Walk { problems: Vec::new(), names: BTreeSet::new(), express, language: Language::JsonPath };
    match definition {
        Value::Map(machine) => {
            let language = walk.language(machine, Language::JsonPath, "definition");
            walk.language = language;
            walk.only(machine, MACHINE, "definition", "a state machine");
            if let Some(Value::String(version)) = machine.get("Version")
                && version != "1.0"
            {
                walk.problem(
                    "definition.Version",
                    format!("there is no version `{version}`"),
                    "remove it, or write \"1.0\"",
                );
            }
            walk.integer(machine, "TimeoutSeconds", 1, LONGEST, "definition", None);
            // Without a known query language, no rule is certainly broken.
            if !machine.get("QueryLanguage").is_some_and(is_open) {
                walk.machine(machine, language, "definition");
            }
        }
        Value::Unknown(_) | Value::Secret(_) | Value::Null => {}
        _ => walk.problem("definition", "a definition is a table", "it has `StartAt` and `States`"),
    }
    walk.problems
}

impl Walk {
    fn language(&mut self, fields: &Fields, outer: Language, path: &str) -> Language {
        match fields.get("QueryLanguage") {
            Some(Value::String(name)) if name == "JSONata" => Language::Jsonata,
            Some(Value::String(name)) if name == "JSONPath" => {
                if self.language == Language::Jsonata {
                    self.problem(
                        &format!("{path}.QueryLanguage"),
                        "a state of a JSONata machine cannot go back to JSONPath",
                        "set `QueryLanguage` state by state instead of for the machine",
                    );
                }
                Language::JsonPath
            }
            Some(Value::String(name)) => {
                self.problem(
                    &format!("{path}.QueryLanguage"),
                    format!("there is no query language `{name}`"),
                    "`JSONPath` or `JSONata`",
                );
                outer
            }
            _ => outer,
        }
    }

    /// Checks an integer against a range. With JSONata it may also be an expression.
    fn integer(
        &mut self,
        fields: &Fields,
        name: &str,
        least: i64,
        most: i64,
        path: &str,
        language: Option<Language>,
    ) -> Option<i64> {
        let value = fields.get(name)?;
        let number = match value {
            Value::Number(Number::Integer(number)) => Some(*number),
            Value::String(text) if language == Some(Language::Jsonata) && is_expression(text) => return None,
            value if is_open(value) => return None,
            _ => None,
        };
        if number.is_none_or(|number| !(least..=most).contains(&number)) {
            let most = if most == i64::MAX { String::new() } else { format!(" to {most}") };
            self.problem(
                &format!("{path}.{name}"),
                format!(
                    "`{name}` must be a whole number, {least}{}",
                    if most.is_empty() { " or more" } else { &most }
                ),
                "",
            );
        }
        number
    }

    /// Checks `StartAt` and `States` of an outer or inner machine.
    fn machine(&mut self, machine: &Fields, language: Language, path: &str) {
        let states = match machine.get("States") {
            Some(Value::Map(states)) if !states.is_empty() => states,
            Some(value) if is_open(value) => return,
            _ => {
                self.problem(path, "a machine needs states", "add `States = { … }`");
                return;
            }
        };
        let mut closed = true;
        let mut ends = false;
        let mut ways: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (name, state) in states {
            let at = format!("{path}.States.{name}");
            if name.chars().count() > 80 {
                self.problem(&at, "a state's name has at most 80 characters", "");
            }
            if !self.names.insert(name.clone()) {
                self.problem(
                    &at,
                    format!("two states are named `{name}`"),
                    "names are unique in the whole machine, branches included",
                );
            }
            let mut exits = Exits::default();
            match state {
                Value::Map(state) => self.state(state, language, &at, &mut exits),
                state if is_open(state) => exits.open = true,
                _ => self.problem(&at, "a state is a table", ""),
            }
            for (at, target) in &exits.to.clone() {
                if !states.contains_key(target) {
                    // States that are only reachable by this target are not reported, too.
                    exits.open = true;
                    let near = crate::kind::nearest(target, states.keys().map(String::as_str));
                    let help = near.map_or_else(String::new, |near| format!("did you mean `{near}`?"));
                    self.problem(at, format!("there is no state `{target}` here"), &help);
                }
            }
            closed &= !exits.open;
            ends |= exits.ends || exits.open;
            ways.insert(name, exits.to.into_iter().map(|(_, target)| target).collect());
        }
        let start = match machine.get("StartAt") {
            Some(Value::String(start)) => start,
            Some(value) if is_open(value) => return,
            _ => {
                self.problem(path, "a machine needs a first state", "add `StartAt = \"…\"`");
                return;
            }
        };
        if !states.contains_key(start) {
            let near = crate::kind::nearest(start, states.keys().map(String::as_str));
            let help = near.map_or_else(String::new, |near| format!("did you mean `{near}`?"));
            self.problem(&format!("{path}.StartAt"), format!("there is no state `{start}`"), &help);
            return;
        }
        if !ends {
            self.problem(
                path,
                "no state ends the machine",
                "give the last state `End = true`, or add a `Succeed` state",
            );
        }
        if !closed {
            return;
        }
        let mut reached = BTreeSet::from([start.as_str()]);
        let mut open = vec![start.as_str()];
        while let Some(name) = open.pop() {
            for target in ways.get(name).into_iter().flatten() {
                if reached.insert(target) {
                    open.push(target);
                }
            }
        }
        for name in states.keys().filter(|name| !reached.contains(name.as_str())) {
            self.problem(
                &format!("{path}.States.{name}"),
                format!("the state `{name}` cannot be reached"),
                "name it in a `Next`, or remove it",
            );
        }
    }

    fn state(&mut self, state: &Fields, outer: Language, path: &str, exits: &mut Exits) {
        // Without the language, neither the next states nor the allowed fields are known.
        if state.get("QueryLanguage").is_some_and(is_open) {
            exits.open = true;
            return;
        }
        let language = self.language(state, outer, path);
        let known = match state.get("Type") {
            Some(Value::String(name)) => {
                let Some(known) = TYPES.iter().find(|known| known.name == name) else {
                    let near = crate::kind::nearest(name, TYPES.iter().map(|known| known.name));
                    let help = near.map_or_else(
                        || "one of Task, Pass, Choice, Wait, Succeed, Fail, Parallel, Map".to_owned(),
                        |near| format!("did you mean `{near}`?"),
                    );
                    self.problem(&format!("{path}.Type"), format!("there is no state type `{name}`"), &help);
                    exits.open = true;
                    return;
                };
                known
            }
            Some(value) if is_open(value) => {
                exits.open = true;
                return;
            }
            _ => {
                self.problem(path, "a state needs a type", "add `Type = \"Task\"`, for instance");
                exits.open = true;
                return;
            }
        };
        self.fields(state, known, language, path);
        self.paths(state, language, path);
        if known.flows {
            self.flow(state, path, exits);
        }
        match known.name {
            "Task" => self.task(state, language, path),
            "Choice" => check_choice(self, state, language, path, exits),
            "Wait" => self.wait(state, language, path),
            "Succeed" => exits.ends = true,
            "Fail" => {
                exits.ends = true;
                self.not_both(state, &[("Error", "ErrorPath"), ("Cause", "CausePath")], path);
            }
            "Parallel" => self.parallel(state, path),
            "Map" => self.map(state, language, path),
            _ => {}
        }
        if known.both.contains(&"Retry") {
            self.retry(state, path);
            self.catch(state, language, path, exits);
        }
    }

    fn fields(&mut self, state: &Fields, known: &StateType, language: Language, path: &str) {
        let (own, other) = match language {
            Language::JsonPath => (known.json_path, known.jsonata),
            Language::Jsonata => (known.jsonata, known.json_path),
        };
        let mut allowed = vec!["Type", "Comment", "QueryLanguage"];
        allowed.extend(known.both);
        allowed.extend(own);
        if known.flows {
            allowed.extend(["Next", "End"]);
        }
        let mut rest = state.clone();
        for name in state.keys().filter(|name| other.contains(&name.as_str())) {
            rest.remove(name);
            let (this, that) = match language {
                Language::JsonPath => ("JSONPath", "JSONata"),
                Language::Jsonata => ("JSONata", "JSONPath"),
            };
            self.problem(
                &format!("{path}.{name}"),
                format!("`{name}` is a field of {that}, but the state uses {this}"),
                "set the state's `QueryLanguage`, or use the other language's field",
            );
        }
        self.only(&rest, &allowed, path, &format!("{} state", crate::kind::a(known.name)));
    }

    /// Checks the JSONPaths, and the `….$` fields of templates.
    fn paths(&mut self, state: &Fields, language: Language, path: &str) {
        if language == Language::Jsonata {
            for (name, value) in state.iter().filter(|(name, _)| !MACHINES.contains(&name.as_str())) {
                self.expressions(value, &format!("{path}.{name}"));
            }
            return;
        }
        for (name, value) in state {
            let at = format!("{path}.{name}");
            match (name.as_str(), value) {
                ("InputPath" | "OutputPath" | "ResultPath", Value::Null) => {}
                (name, value) if name.ends_with("Path") => self.json_path(value, &at),
                ("Parameters" | "ResultSelector" | "ItemSelector" | "Assign" | "ItemBatcher", value) => {
                    self.template(value, &at);
                }
                _ => {}
            }
        }
    }

    /// Checks the JSONata expressions in a field, at any depth.
    fn expressions(&mut self, value: &Value, path: &str) {
        match value {
            Value::String(text) => match text.strip_prefix("{%").map(|rest| rest.strip_suffix("%}")) {
                Some(Some(expression)) => {
                    if let Err(why) = jsonata::check(expression) {
                        self.problem(path, format!("this is not a JSONata expression: {why}"), "");
                    }
                }
                Some(None) => self.problem(
                    path,
                    "the JSONata expression has no closing `%}`",
                    "an expression is `{% … %}`",
                ),
                None => {}
            },
            Value::List(list) => {
                for (place, one) in list.iter().enumerate() {
                    self.expressions(one, &format!("{path}.{place}"));
                }
            }
            Value::Map(map) => {
                for (name, one) in map {
                    self.expressions(one, &format!("{path}.{name}"));
                }
            }
            _ => {}
        }
    }

    fn template(&mut self, value: &Value, path: &str) {
        match value {
            Value::Map(fields) => {
                for (name, value) in fields {
                    let at = format!("{path}.{name}");
                    if name.strip_suffix(".$").is_some_and(|name| fields.contains_key(name)) {
                        self.problem(
                            &at,
                            format!("the field `{}` is given twice", name.trim_end_matches(".$")),
                            "keep one of the two",
                        );
                    }
                    if name.ends_with(".$") { self.json_path(value, &at) } else { self.template(value, &at) }
                }
            }
            Value::List(list) => {
                for (place, value) in list.iter().enumerate() {
                    self.template(value, &format!("{path}.{place}"));
                }
            }
            _ => {}
        }
    }

    fn flow(&mut self, state: &Fields, path: &str, exits: &mut Exits) {
        match (state.get("Next"), state.get("End")) {
            (None | Some(Value::Null), None | Some(Value::Null)) => {
                exits.open = true;
                self.problem(
                    path,
                    "the state has neither `Next` nor `End`",
                    "add `Next = \"…\"`, or `End = true`",
                );
            }
            (Some(_), Some(_)) => {
                exits.open = true;
                self.problem(path, "the state has both `Next` and `End`", "keep one of them");
            }
            (Some(next), None) => exits.go(self, next, &format!("{path}.Next")),
            (None, Some(Value::Bool(true))) => exits.ends = true,
            (None, Some(end)) if is_open(end) => exits.open = true,
            (None, Some(_)) => self.problem(
                &format!("{path}.End"),
                "`End` can only be true",
                "remove it, or write `End = true`",
            ),
        }
    }

    fn not_both(&mut self, state: &Fields, pairs: &[(&str, &str)], path: &str) {
        for (one, other) in pairs {
            if state.contains_key(*one) && state.contains_key(*other) {
                self.problem(path, format!("the state has both `{one}` and `{other}`"), "keep one of them");
            }
        }
    }

    fn task(&mut self, state: &Fields, language: Language, path: &str) {
        match state.get("Resource") {
            Some(Value::String(resource)) => {
                if !resource.starts_with("arn:") {
                    self.problem(
                        &format!("{path}.Resource"),
                        format!("`{resource}` is not an ARN"),
                        "such as `arn:aws:states:::glue:startJobRun.sync`",
                    );
                }
                if let Some(fault) = integrations::check(resource) {
                    let problem = if fault.sure { Problem::new } else { Problem::warning };
                    self.problems.push(problem(format!("{path}.Resource"), fault.message).help(fault.help));
                }
                // See https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
                let field = if language == Language::Jsonata { "Arguments" } else { "Parameters" };
                if let Some(Value::Map(parameters)) = state.get(field) {
                    let names: Vec<&str> = parameters.keys().map(String::as_str).collect();
                    for (name, message, help) in integrations::check_parameters(resource, &names) {
                        let at = name.map_or_else(
                            || format!("{path}.{field}"),
                            |name| format!("{path}.{field}.{name}"),
                        );
                        self.problem(&at, message, &help);
                    }
                }
                // See https://docs.aws.amazon.com/step-functions/latest/dg/choosing-workflow-type.html
                let waits = resource.contains(".sync")
                    || resource.ends_with(".waitForTaskToken")
                    || resource.contains(":activity:");
                if self.express && waits {
                    self.problem(
                        &format!("{path}.Resource"),
                        "an express machine cannot wait for a job, a callback or an activity",
                        "make the machine `STANDARD`, or remove `.sync` or `.waitForTaskToken`",
                    );
                }
            }
            Some(value) if is_open(value) => {}
            _ => self.problem(
                path,
                "a Task state needs a `Resource`",
                "the ARN of the integration, function or activity that does the work",
            ),
        }
        self.credentials(state, path);
        self.not_both(
            state,
            &[("TimeoutSeconds", "TimeoutSecondsPath"), ("HeartbeatSeconds", "HeartbeatSecondsPath")],
            path,
        );
        let timeout = self.integer(state, "TimeoutSeconds", 1, LONGEST, path, Some(language));
        let heartbeat = self.integer(state, "HeartbeatSeconds", 1, LONGEST, path, Some(language));
        if let (Some(timeout), Some(heartbeat)) = (timeout, heartbeat)
            && heartbeat >= timeout
        {
            self.problem(
                &format!("{path}.HeartbeatSeconds"),
                "`HeartbeatSeconds` must be less than `TimeoutSeconds`",
                "",
            );
        }
    }

    /// See <https://docs.aws.amazon.com/step-functions/latest/dg/concepts-access-cross-acct-resources.html>.
    fn credentials(&mut self, state: &Fields, path: &str) {
        let at = format!("{path}.Credentials");
        match state.get("Credentials") {
            Some(Value::Map(credentials)) => {
                self.only(credentials, &["RoleArn", "RoleArn.$"], &at, "`Credentials`");
                if !credentials.contains_key("RoleArn") && !credentials.contains_key("RoleArn.$") {
                    self.problem(&at, "`Credentials` needs a `RoleArn`", "the role that the task assumes");
                }
            }
            None => {}
            Some(value) if is_open(value) => {}
            Some(_) => self.problem(&at, "`Credentials` is a table", "such as `{ RoleArn = \"…\" }`"),
        }
    }

    fn wait(&mut self, state: &Fields, language: Language, path: &str) {
        let fields = ["Seconds", "SecondsPath", "Timestamp", "TimestampPath"];
        if fields.iter().filter(|name| state.contains_key(**name)).count() != 1 {
            self.problem(path, format!("a Wait state has exactly one of {}", fields.join(", ")), "");
        }
        self.integer(state, "Seconds", 0, LONGEST, path, Some(language));
        if let Some(Value::String(time)) = state.get("Timestamp")
            && !is_expression(time)
            && !is_timestamp(time)
        {
            self.problem(
                &format!("{path}.Timestamp"),
                format!("`{time}` is not a time"),
                "such as `2030-01-31T02:00:00Z`",
            );
        }
    }

    fn parallel(&mut self, state: &Fields, path: &str) {
        match state.get("Branches") {
            Some(Value::List(branches)) if !branches.is_empty() => {
                for (place, branch) in branches.iter().enumerate() {
                    self.inner(branch, &format!("{path}.Branches.{place}"));
                }
            }
            Some(value) if is_open(value) => {}
            _ => self.problem(
                path,
                "a Parallel state needs branches",
                "add `Branches = [{ StartAt = …, States = … }]`",
            ),
        }
    }

    fn inner(&mut self, machine: &Value, path: &str) {
        match machine {
            Value::Map(machine) => {
                let language = self.language(machine, self.language, path);
                self.only(machine, INNER, path, "a machine inside a state");
                self.machine(machine, language, path);
            }
            value if is_open(value) => {}
            _ => self.problem(path, "a machine is a table", "it has `StartAt` and `States`"),
        }
    }

    fn map(&mut self, state: &Fields, language: Language, path: &str) {
        let mut mode = Some("INLINE");
        match (state.get("ItemProcessor"), state.get("Iterator")) {
            (Some(_), Some(_)) => {
                self.problem(
                    path,
                    "the state has both `ItemProcessor` and `Iterator`",
                    "keep `ItemProcessor`",
                );
            }
            (None, None) => self.problem(
                path,
                "a Map state needs an `ItemProcessor`",
                "the machine that each item runs through",
            ),
            (Some(processor), None) => {
                mode = self.processor(processor, &format!("{path}.ItemProcessor"));
                self.inner(processor, &format!("{path}.ItemProcessor"));
            }
            (None, Some(iterator)) => self.inner(iterator, &format!("{path}.Iterator")),
        }
        if mode == Some("INLINE") {
            for name in DISTRIBUTED.iter().filter(|name| state.contains_key(**name)) {
                self.problem(
                    &format!("{path}.{name}"),
                    format!("`{name}` is for distributed maps"),
                    "set `ItemProcessor.ProcessorConfig = { Mode = \"DISTRIBUTED\", ExecutionType = \"STANDARD\" }`",
                );
            }
        }
        self.not_both(
            state,
            &[
                ("ItemSelector", "Parameters"),
                ("MaxConcurrency", "MaxConcurrencyPath"),
                ("ToleratedFailurePercentage", "ToleratedFailurePercentagePath"),
                ("ToleratedFailureCount", "ToleratedFailureCountPath"),
            ],
            path,
        );
        if let Some(Value::String(label)) = state.get("Label") {
            let is_right =
                |one: char| !one.is_whitespace() && !one.is_control() && !NOT_IN_LABELS.contains(one);
            if !(1..=40).contains(&label.chars().count()) || !label.chars().all(is_right) {
                self.problem(
                    &format!("{path}.Label"),
                    format!("`Label` cannot be `{label}`"),
                    "it has 1 to 40 characters, without spaces and ?*<>{}[]:;,\\|^~$#%&`\"/",
                );
            }
        }
        self.integer(state, "MaxConcurrency", 0, i64::MAX, path, Some(language));
        self.integer(state, "ToleratedFailureCount", 0, i64::MAX, path, Some(language));
    }

    /// The mode of a `Map`; `None` if it is unknown.
    fn processor<'a>(&mut self, processor: &'a Value, path: &str) -> Option<&'a str> {
        let at = format!("{path}.ProcessorConfig");
        let config = match processor.get("ProcessorConfig") {
            None => return if is_open(processor) { None } else { Some("INLINE") },
            Some(Value::Map(config)) => config,
            Some(value) if is_open(value) => return None,
            Some(_) => {
                self.problem(&at, "`ProcessorConfig` is a table", "");
                return None;
            }
        };
        self.only(config, &["Mode", "ExecutionType"], &at, "`ProcessorConfig`");
        match config.get("Mode") {
            None => Some("INLINE"),
            Some(Value::String(mode)) if mode == "INLINE" => Some("INLINE"),
            Some(Value::String(mode)) if mode == "DISTRIBUTED" => {
                match config.get("ExecutionType") {
                    Some(Value::String(kind)) if kind == "STANDARD" || kind == "EXPRESS" => {}
                    Some(value) if is_open(value) => {}
                    _ => self.problem(
                        &at,
                        "a distributed map needs an `ExecutionType`",
                        "`STANDARD` or `EXPRESS`",
                    ),
                }
                if self.express {
                    self.problem(
                        &at,
                        "an express machine has no distributed maps",
                        "make the machine `STANDARD`",
                    );
                }
                Some("DISTRIBUTED")
            }
            Some(Value::String(mode)) => {
                self.problem(
                    &format!("{at}.Mode"),
                    format!("there is no mode `{mode}`"),
                    "`INLINE` or `DISTRIBUTED`",
                );
                None
            }
            Some(_) => None,
        }
    }

    fn retry(&mut self, state: &Fields, path: &str) {
        for (at, retrier, last) in self.handlers(state, "Retry", path) {
            self.errors(&retrier, &at, last);
            self.only(
                &retrier,
                &[
                    "BackoffRate",
                    "Comment",
                    "ErrorEquals",
                    "IntervalSeconds",
                    "JitterStrategy",
                    "MaxAttempts",
                    "MaxDelaySeconds",
                ],
                &at,
                "a retrier",
            );
            let interval = self.integer(&retrier, "IntervalSeconds", 1, LONGEST, &at, None).or(Some(1));
            self.integer(&retrier, "MaxAttempts", 0, LONGEST, &at, None);
            let longest = self.integer(&retrier, "MaxDelaySeconds", 1, 31_622_400, &at, None);
            if let (Some(interval), Some(longest)) = (interval, longest)
                && longest <= interval
                && !retrier.get("IntervalSeconds").is_some_and(is_open)
            {
                self.problem(
                    &format!("{at}.MaxDelaySeconds"),
                    "`MaxDelaySeconds` must be more than `IntervalSeconds`",
                    "",
                );
            }
            match retrier.get("BackoffRate") {
                Some(Value::Number(rate)) if rate.as_f64() >= 1.0 => {}
                None => {}
                Some(value) if is_open(value) => {}
                Some(_) => self.problem(
                    &format!("{at}.BackoffRate"),
                    "`BackoffRate` must be a number, 1 or more",
                    "",
                ),
            }
            if let Some(Value::String(jitter)) = retrier.get("JitterStrategy")
                && !matches!(jitter.as_str(), "FULL" | "NONE")
            {
                self.problem(
                    &format!("{at}.JitterStrategy"),
                    format!("there is no jitter `{jitter}`"),
                    "`FULL` or `NONE`",
                );
            }
        }
    }

    fn catch(&mut self, state: &Fields, language: Language, path: &str, exits: &mut Exits) {
        if state.get("Catch").is_some_and(is_open) {
            exits.open = true;
        }
        for (at, catcher, last) in self.handlers(state, "Catch", path) {
            self.errors(&catcher, &at, last);
            let allowed: &[&str] = match language {
                Language::JsonPath => &["Assign", "Comment", "ErrorEquals", "Next", "ResultPath"],
                Language::Jsonata => &["Assign", "Comment", "ErrorEquals", "Next", "Output"],
            };
            self.only(&catcher, allowed, &at, "a catcher");
            match catcher.get("Next") {
                Some(next) => exits.go(self, next, &format!("{at}.Next")),
                None => {
                    self.problem(&at, "a catcher needs a `Next`", "the state that goes on after the error")
                }
            }
        }
    }

    /// The elements of `Retry` or `Catch`: each with its path, its fields, and whether it is the last.
    fn handlers(&mut self, state: &Fields, name: &str, path: &str) -> Vec<(String, Fields, bool)> {
        let list = match state.get(name) {
            None => return Vec::new(),
            Some(value) if is_open(value) => return Vec::new(),
            Some(Value::List(list)) => list,
            Some(_) => {
                self.problem(&format!("{path}.{name}"), format!("`{name}` is a list"), "");
                return Vec::new();
            }
        };
        let mut handlers = Vec::new();
        for (place, handler) in list.iter().enumerate() {
            let at = format!("{path}.{name}.{place}");
            match handler {
                Value::Map(handler) => handlers.push((at, handler.clone(), place + 1 == list.len())),
                value if is_open(value) => {}
                _ => self.problem(&at, "it is a table with `ErrorEquals`", ""),
            }
        }
        handlers
    }

    fn errors(&mut self, handler: &Fields, path: &str, last: bool) {
        let errors = match handler.get("ErrorEquals") {
            Some(Value::List(errors)) if !errors.is_empty() => errors,
            Some(value) if is_open(value) => return,
            _ => {
                self.problem(
                    path,
                    "`ErrorEquals` must list at least one error",
                    "such as `[\"States.ALL\"]`",
                );
                return;
            }
        };
        if errors.iter().any(|error| !matches!(error, Value::String(_)) && !is_open(error)) {
            self.problem(&format!("{path}.ErrorEquals"), "errors are strings", "");
        }
        if errors.iter().any(|error| matches!(error, Value::String(error) if error == "States.ALL")) {
            if errors.len() > 1 {
                self.problem(
                    &format!("{path}.ErrorEquals"),
                    "`States.ALL` must be alone in its list",
                    "it matches every error",
                );
            }
            if !last {
                self.problem(
                    &format!("{path}.ErrorEquals"),
                    "`States.ALL` must be in the last element",
                    "what follows it is never reached",
                );
            }
        }
    }
}

#[cfg(test)]
mod tests;
