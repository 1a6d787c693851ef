//! State machines that Step Functions accepts or refuses.

use super::{check, is_timestamp};
use crate::value::{Unknown, Value};
use serde_json::{Value as Json, json};

fn faults(definition: Json) -> Vec<String> {
    check(&Value::from_json(&definition), false)
        .into_iter()
        .map(|problem| format!("{}: {}", problem.path, problem.message))
        .collect()
}

/// A machine with the state `A`, and another state as a possible successor.
fn one(state: Json) -> Json {
    json!({ "StartAt": "A", "States": { "A": state, "B": { "Type": "Succeed" } } })
}

#[test]
fn a_pipeline_passes() {
    let load = json!({
        "Comment": "Nightly load", "StartAt": "Extract", "TimeoutSeconds": 7200,
        "States": {
            "Extract": { "Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync",
                "Parameters": { "JobName": "extract", "Arguments": { "--day.$": "$.day" } },
                "ResultPath": null, "TimeoutSeconds": 3600, "HeartbeatSeconds": 60,
                "Retry": [
                    { "ErrorEquals": ["Glue.ConcurrentRunsExceededException"], "IntervalSeconds": 30, "MaxAttempts": 5,
                      "BackoffRate": 1.5, "MaxDelaySeconds": 300, "JitterStrategy": "FULL" },
                    { "ErrorEquals": ["States.ALL"], "MaxAttempts": 0 }],
                "Catch": [{ "ErrorEquals": ["States.ALL"], "Next": "Failed", "ResultPath": "$.error" }],
                "Next": "Any" },
            "Any": { "Type": "Choice", "Default": "Pause", "Choices": [
                { "Variable": "$.rows", "NumericGreaterThan": 0, "Next": "Load" },
                { "And": [{ "Variable": "$.a", "IsPresent": true }, { "Not": { "Variable": "$.a", "StringMatches": "x*" } }],
                  "Next": "Both" }] },
            "Pause": { "Type": "Wait", "Seconds": 60, "Next": "Any" },
            "Load": { "Type": "Map", "ItemsPath": "$.tables", "MaxConcurrency": 4, "Next": "Both",
                "ItemSelector": { "table.$": "$$.Map.Item.Value" },
                "ItemProcessor": { "ProcessorConfig": { "Mode": "INLINE" }, "StartAt": "Copy", "States": {
                    "Copy": { "Type": "Pass", "Parameters": { "id.$": "States.UUID()" }, "End": true } } } },
            "Both": { "Type": "Parallel", "End": true, "Branches": [
                { "StartAt": "Left", "States": { "Left": { "Type": "Pass", "End": true } } },
                { "StartAt": "Right", "States": { "Right": { "Type": "Succeed" } } }] },
            "Failed": { "Type": "Fail", "Error": "LoadFailed", "CausePath": "$.error.Cause" }
        }
    });
    assert_eq!(faults(load), [""; 0]);
}

#[test]
fn a_jsonata_machine_passes() {
    let machine = json!({ "QueryLanguage": "JSONata", "StartAt": "Run", "States": {
        "Run": { "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Arguments": { "FunctionName": "run", "Payload": { "n": "{% $states.input.n %}" } },
                 "Output": "{% $states.result %}", "TimeoutSeconds": "{% $n %}", "Assign": { "n": 1 }, "Next": "More" },
        "More": { "Type": "Choice", "Choices": [{ "Condition": "{% $n > 1 %}", "Next": "Run" }], "Default": "Done" },
        "Done": { "Type": "Succeed", "Output": {} } } });
    assert_eq!(faults(machine), [""; 0]);
}

/// As observed at AWS: each state of a JSONPath machine may choose its own language, at any depth.
#[test]
fn a_state_inherits_the_query_language_of_its_machine() {
    let nested = |outer: &str, machine: &str| {
        json!({ "QueryLanguage": machine, "StartAt": "Each", "States": { "Each": {
            "Type": "Map", "QueryLanguage": "JSONata", "Items": "{% $states.input.tables %}", "End": true,
            "ItemProcessor": { "StartAt": "Load", "States": {
                "Load": { "Type": "Pass", "QueryLanguage": outer, "End": true } } } } } })
    };
    assert_eq!(faults(nested("JSONPath", "JSONPath")), [""; 0]);
    assert_eq!(faults(nested("JSONata", "JSONata")), [""; 0]);
    assert_eq!(
        faults(nested("JSONPath", "JSONata")),
        [
            "definition.States.Each.ItemProcessor.States.Load.QueryLanguage: a state of a JSONata machine cannot go back to JSONPath"
        ]
    );
    // In a JSONPath machine, an inner state without a language is JSONPath, even inside a JSONata state.
    let mut silent = nested("JSONPath", "JSONPath");
    silent["States"]["Each"]["ItemProcessor"]["States"]["Load"] =
        json!({ "Type": "Pass", "InputPath": "$.a", "End": true });
    assert_eq!(faults(silent), [""; 0]);
}

#[test]
fn errors_name_their_place() {
    let all = json!([{ "ErrorEquals": ["States.ALL"] }, { "ErrorEquals": ["Other"] }]);
    for (definition, fault) in [
        (json!({ "States": { "A": { "Type": "Succeed" } } }), "definition: a machine needs a first state"),
        (json!({ "StartAt": "A" }), "definition: a machine needs states"),
        (
            json!({ "StartAt": "Z", "States": { "A": { "Type": "Succeed" } } }),
            "definition.StartAt: there is no state `Z`",
        ),
        (
            json!({ "StartAt": "A", "States": { "A": { "Type": "Succeed" } }, "Start": 1 }),
            "definition.Start: a state machine has no field `Start`",
        ),
        (one(json!({ "Type": "Pass", "Next": "C" })), "definition.States.A.Next: there is no state `C` here"),
        (one(json!({ "Type": "Pass", "End": true })), "definition.States.B: the state `B` cannot be reached"),
        (
            one(json!({ "Type": "Pass", "End": true, "Next": "B" })),
            "definition.States.A: the state has both `Next` and `End`",
        ),
        (
            json!({ "StartAt": "A", "States": { "A": { "Type": "Pass", "Next": "A" } } }),
            "definition: no state ends the machine",
        ),
        (
            one(json!({ "Type": "Taks", "Next": "B" })),
            "definition.States.A.Type: there is no state type `Taks`",
        ),
        (
            one(json!({ "Type": "Pass", "Resource": "x", "Next": "B" })),
            "definition.States.A.Resource: a Pass state has no field `Resource`",
        ),
        (
            one(json!({ "Type": "Pass", "Output": 1, "Next": "B" })),
            "definition.States.A.Output: `Output` is a field of JSONata, but the state uses JSONPath",
        ),
        (one(json!({ "Type": "Task", "Next": "B" })), "definition.States.A: a Task state needs a `Resource`"),
        (
            one(json!({ "Type": "Task", "Resource": "lambda", "Next": "B" })),
            "definition.States.A.Resource: `lambda` is not an ARN",
        ),
        (
            one(json!({ "Type": "Task", "Resource": "arn:x", "TimeoutSeconds": 0, "Next": "B" })),
            "definition.States.A.TimeoutSeconds: `TimeoutSeconds` must be a whole number, 1 to 99999999",
        ),
        (
            one(json!({ "Type": "Task", "Resource": "arn:x", "Retry": all, "Next": "B" })),
            "definition.States.A.Retry.0.ErrorEquals: `States.ALL` must be in the last element",
        ),
        (
            one(
                json!({ "Type": "Task", "Resource": "arn:x", "Retry": [{ "ErrorEquals": ["E"], "BackoffRate": 0.5 }], "Next": "B" }),
            ),
            "definition.States.A.Retry.0.BackoffRate: `BackoffRate` must be a number, 1 or more",
        ),
        (
            one(
                json!({ "Type": "Task", "Resource": "arn:x", "Catch": [{ "ErrorEquals": ["E"] }], "Next": "B" }),
            ),
            "definition.States.A.Catch.0: a catcher needs a `Next`",
        ),
        (
            one(json!({ "Type": "Wait", "Seconds": 1, "Timestamp": "2030-01-31T02:00:00Z", "Next": "B" })),
            "definition.States.A: a Wait state has exactly one of Seconds, SecondsPath, Timestamp, TimestampPath",
        ),
        (
            one(
                json!({ "Type": "Choice", "Choices": [{ "Variable": "$.a", "StringEqual": "b", "Next": "B" }] }),
            ),
            "definition.States.A.Choices.0.StringEqual: there is no comparison `StringEqual`",
        ),
        (
            one(
                json!({ "Type": "Choice", "Choices": [{ "Variable": "$.a", "NumericEquals": "1", "Next": "B" }] }),
            ),
            "definition.States.A.Choices.0.NumericEquals: `NumericEquals` compares with a number",
        ),
        (
            one(json!({ "Type": "Pass", "InputPath": "a", "Next": "B" })),
            "definition.States.A.InputPath: a JSONPath begins with `$`",
        ),
        (
            one(json!({ "Type": "Pass", "Parameters": { "x": { "y.$": "a" } }, "Next": "B" })),
            "definition.States.A.Parameters.x.y.$: a JSONPath begins with `$`",
        ),
        (
            one(
                json!({ "Type": "Map", "Label": "x", "Iterator": { "StartAt": "I", "States": { "I": { "Type": "Succeed" } } }, "Next": "B" }),
            ),
            "definition.States.A.Label: `Label` is for distributed maps",
        ),
        (
            one(
                json!({ "Type": "Parallel", "Branches": [{ "StartAt": "B", "States": { "B": { "Type": "Succeed" } } }], "Next": "B" }),
            ),
            "definition.States.B: two states are named `B`",
        ),
    ] {
        assert_eq!(faults(definition.clone()), [fault], "{definition}");
    }
}

#[test]
fn an_express_machine_does_not_wait() {
    let task =
        one(json!({ "Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync", "Next": "B" }));
    let problems = check(&Value::from_json(&task), true);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].message.contains("express"));
}

#[test]
fn unknown_parts_are_accepted() {
    let Value::Map(mut machine) = Value::from_json(&one(json!({ "Type": "Task", "Next": "B" }))) else {
        return;
    };
    let unknown = Value::Unknown(Unknown::new("lambda_function.load", "arn"));
    if let Some(Value::Map(states)) = machine.get_mut("States") {
        if let Some(Value::Map(state)) = states.get_mut("A") {
            state.insert("Resource".to_owned(), unknown.clone());
            state.insert("Retry".to_owned(), unknown.clone());
        }
        // An unknown state may lead anywhere, so no state is unreachable.
        states.insert("C".to_owned(), unknown.clone());
    }
    assert_eq!(check(&Value::Map(machine), false), []);
    assert_eq!(check(&unknown, false), []);
}

#[test]
fn timestamps_are_checked() {
    for time in ["2030-01-31T02:00:00Z", "2030-01-31T02:00:00.5Z", "2030-01-31T02:00:00+01:00"] {
        assert!(is_timestamp(time), "{time}");
    }
    for time in ["2030-01-31", "2030-01-31T02:00:00", "2030-01-31 02:00:00Z", "2030-1-31T02:00:00Z", "T"] {
        assert!(!is_timestamp(time), "{time}");
    }
}
