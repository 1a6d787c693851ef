//! The output of `--json`: a stream of events, one JSON object per line. It uses the shapes and words of
//! Terraform's format (<https://developer.hashicorp.com/terraform/internals/machine-readable-ui>)
//! where those exist, so that programs that read Terraform's events can read these.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use crate::apply::{Step, Summary, Unit};
use crate::aws::CallCounts;
use crate::diag::{Diagnostic, Severity, Sources, Span, counted};
use crate::graph::{Address, ModulePath};
use crate::plan::format::json_line;
use crate::plan::review::{Item, Review, Sort, risk_json, visible};
use crate::plan::{Absence, Cause, Change, Plan, Reason};
use crate::value::Value;

/// The version of this format. The minor version grows with additions, the major one with breaking changes.
const FORMAT_VERSION: &str = "1.0";
/// The version of Terraform's format for the event types that it defines.
const UI_VERSION: &str = "1.2";

/// One event, without its time.
pub(super) struct Event {
    level: &'static str,
    kind: &'static str,
    message: String,
    members: Map<String, Json>,
}

impl Event {
    fn new(kind: &'static str, message: impl Into<String>, members: Json) -> Self {
        let members = match members {
            Json::Object(members) => members,
            _ => Map::new(),
        };
        Self { level: "info", kind, message: message.into(), members }
    }

    fn error(self) -> Self {
        Self { level: "error", ..self }
    }

    /// The event as a line, with its line break.
    pub(super) fn line(&self, now: Timestamp) -> String {
        let now = format!("{now:.3}");
        let mut all = Map::new();
        let head = [
            ("@level", self.level),
            ("@message", &visible(&self.message)),
            ("@module", "dwctl"),
            ("@timestamp", &now),
            ("timestamp", &now),
            ("type", self.kind),
        ];
        all.extend(head.map(|(name, value)| (name.to_owned(), value.into())));
        all.extend(self.members.clone());
        format!("{}\n", json_line(&Json::Object(all)))
    }
}

/// The first event of a stream.
pub(super) fn version() -> Event {
    let version = env!("CARGO_PKG_VERSION");
    let members = json!({ "format_version": FORMAT_VERSION, "dwctl": version, "ui": UI_VERSION });
    Event::new("version", format!("dwctl {version}"), members)
}

/// A log message.
pub(super) fn log(text: &str) -> Event {
    Event::new("log", text.trim(), Json::Null)
}

/// The last event of a stream.
pub(super) fn end(exit_code: u8) -> Event {
    Event::new("end", format!("exit code {exit_code}"), json!({ "exit_code": exit_code }))
}

/// A diagnostic.
pub(super) fn diagnostic(diagnostic: &Diagnostic, sources: &Sources) -> Event {
    let (severity, word) = match diagnostic.severity {
        Severity::Error => ("error", "Error"),
        Severity::Warning => ("warning", "Warning"),
    };
    let label = diagnostic.primary.iter().map(|label| label.text.clone()).filter(|text| !text.is_empty());
    let lines: Vec<String> = label.chain(diagnostic.notes.iter().chain(&diagnostic.helps).cloned()).collect();
    let mut diagnostic_json = json!({
        "severity": severity,
        "summary": diagnostic.message,
        "detail": lines.join("\n"),
        "code": diagnostic.code,
        "notes": diagnostic.notes,
        "helps": diagnostic.helps,
    });
    if let Some(label) = &diagnostic.primary {
        diagnostic_json["range"] = range(label.span, sources);
    }
    let event = Event::new(
        "diagnostic",
        format!("{word}: {}", diagnostic.message),
        json!({ "diagnostic": diagnostic_json }),
    );
    Event { level: if severity == "error" { "error" } else { "warn" }, ..event }
}

fn range(span: Span, sources: &Sources) -> Json {
    let place = |at: usize| {
        let at = Span::new(span.file, at, at);
        json!({ "line": sources.line(at), "column": sources.column(at), "byte": at.start })
    };
    json!({
        "filename": sources.path(span.file).display().to_string(),
        "start": place(span.start),
        "end": place(span.end),
    })
}

fn resource(address: &Address) -> Json {
    let whole = address.to_string();
    json!({
        "addr": whole,
        "module": address.module.to_string(),
        "resource": Address { module: ModulePath::default(), ..address.clone() }.to_string(),
        "implied_provider": "aws",
        "resource_type": address.kind,
        "resource_name": address.name,
        "resource_key": address.key,
    })
}

/// The events of a plan: drift, changes, changed outputs and their counts.
pub(super) fn planned(plan: &Plan, destroy: bool) -> Vec<Event> {
    let review = Review::new(plan, false);
    let drift = review.items.iter().filter_map(drift);
    let mut events: Vec<Event> = drift.chain(review.items.iter().map(change)).collect();
    events.extend(output_changes(&review));
    let count = |sorts: &[Sort]| review.items.iter().filter(|item| sorts.contains(&item.sort)).count();
    let changes = json!({
        "add": count(&[Sort::Create, Sort::Replace]),
        "change": count(&[Sort::Update]),
        "remove": count(&[Sort::Destroy, Sort::Replace]),
        "import": count(&[Sort::Import]),
        "move": count(&[Sort::Move]),
        "forget": count(&[Sort::Forget]),
        "unchanged": review.unchanged,
        "not_selected": review.not_selected,
        "operation": "plan",
    });
    let about = json!({
        "changes": changes,
        "stack": plan.stack,
        "env": plan.env,
        "account_id": plan.account_id,
        "region": plan.region,
        "destroy": destroy,
    });
    let message = review.nothing().map_or_else(|| review.summary(), str::to_owned);
    events.push(Event::new("change_summary", message, about));
    events
}

/// The output changes, if there are any.
fn output_changes(review: &Review<'_>) -> Option<Event> {
    let each = review.outputs().into_iter().map(|one| {
        let mut output_json = one.after.as_ref().map_or_else(|| json!({ "sensitive": false }), output);
        output_json["action"] = json!(one.action());
        (one.name, output_json)
    });
    let all: Map<String, Json> = each.collect();
    let message = format!("outputs: {}", all.len());
    (!all.is_empty()).then(|| Event::new("outputs", message, json!({ "outputs": all })))
}

/// An output with its type. A secret one is marked as sensitive.
fn output(value: &Value) -> Json {
    let sensitive = value.contains_secret();
    let mut output_json = json!({ "sensitive": sensitive, "type": type_of(value) });
    if let Ok(plain) = value.to_json()
        && !sensitive
    {
        output_json["value"] = plain;
    }
    output_json
}

fn change(item: &Item<'_>) -> Event {
    let change = item.change;
    let action = match item.sort {
        Sort::Create => "create",
        Sort::Update | Sort::Changed => "update",
        Sort::Replace => "replace",
        Sort::Destroy | Sort::Deleted => "delete",
        Sort::Forget => "remove",
        Sort::Move => "move",
        Sort::Import => "import",
    };
    let risks: Vec<Json> = item.risks.iter().map(risk_json).collect();
    let mut change_json = json!({ "resource": resource(&change.address), "action": action, "risks": risks });
    if let Some(account) = &change.place.account {
        change_json["account_id"] = json!(account);
    }
    if let Some(reason) = reason(change) {
        change_json["reason"] = json!(reason);
    }
    if let Some(from) = &change.moved_from {
        change_json["previous_resource"] = resource(from);
    }
    if change.is_taken_over() {
        change_json["importing"] = json!({ "id": change.id });
    }
    if change.reason == Reason::Deposed {
        change_json["deposed"] = json!(change.id);
    }
    Event::new(
        "planned_change",
        format!("{}: {}", item.address, item.words),
        json!({ "change": change_json }),
    )
}

/// Terraform's name for the reason of a change, as far as this format has it.
fn reason(change: &Change) -> Option<&'static str> {
    match &change.reason {
        Reason::Forced(_) | Reason::Moved { .. } => Some("cannot_update"),
        Reason::Requested => Some("requested"),
        Reason::Triggered(_) => Some("replace_triggered_by"),
        Reason::Undeclared => change.absence().map(Absence::name),
        Reason::Same
        | Reason::Unselected
        | Reason::New
        | Reason::Vanished
        | Reason::Differs
        | Reason::Releases
        | Reason::Deposed
        | Reason::Destroy => None,
    }
}

/// A change made outside of dwctl.
fn drift(item: &Item<'_>) -> Option<Event> {
    let change = item.change;
    let drifted = item.details.iter().filter(|one| one.cause != Cause::Stack);
    let attributes: BTreeSet<&str> = drifted.map(|one| one.attribute.as_str()).collect();
    let action = match (&change.reason, attributes.is_empty()) {
        (Reason::Vanished, _) => "delete",
        (_, false) => "update",
        (_, true) => return None,
    };
    let change_json =
        json!({ "resource": resource(&change.address), "action": action, "attributes": attributes });
    let message = format!("{}: drift ({action})", change.address);
    Some(Event::new("resource_drift", message, json!({ "change": change_json })))
}

/// The events in the life of a unit of work. The id is that of the resource, if it has one.
pub(super) struct Hook<'h> {
    pub(super) unit: &'h Unit,
    pub(super) id: Option<&'h str>,
    pub(super) elapsed: Option<Duration>,
}

impl Hook<'_> {
    fn event(&self, kind: &'static str, words: &str) -> Event {
        let action = match self.unit.step {
            Step::Create => "create",
            Step::Update | Step::Complete | Step::Release => "update",
            Step::Destroy => "delete",
            Step::Forget => "remove",
        };
        let mut hook = json!({ "resource": resource(&self.unit.address), "action": action });
        if let Some(id) = self.id {
            hook["id_key"] = json!("id");
            hook["id_value"] = json!(id);
        }
        if let Some(elapsed) = self.elapsed {
            hook["elapsed_seconds"] = seconds(elapsed);
        }
        if self.unit.deposed.is_some() {
            hook["deposed"] = json!(self.id);
        }
        Event::new(kind, format!("{}: {words}", self.unit.address), json!({ "hook": hook }))
    }

    /// The work begins.
    pub(super) fn start(&self) -> Event {
        self.event("apply_start", self.unit.step.doing())
    }

    /// The work continues. `waiting_for` says what it waits for, if that is known.
    pub(super) fn progress(&self, waiting_for: Option<&str>) -> Event {
        let words =
            waiting_for.map_or_else(|| self.unit.step.doing().to_owned(), |on| format!("waits: {on}"));
        let mut event = self.event("apply_progress", &words);
        if let Some(hook) = event.members.get_mut("hook") {
            hook["waiting_for"] = json!(waiting_for);
        }
        event
    }

    /// The work is done.
    pub(super) fn complete(&self) -> Event {
        self.event("apply_complete", self.unit.step.did())
    }

    /// The work failed.
    pub(super) fn errored(&self, message: &str) -> Event {
        let mut event = self.event("apply_errored", message).error();
        if let Some(hook) = event.members.get_mut("hook") {
            hook["message"] = json!(message);
        }
        event
    }
}

fn seconds(elapsed: Duration) -> Json {
    // Rounded to milliseconds; more digits were not measured.
    json!(elapsed.as_millis() as f64 / 1000.0)
}

/// AWS throttled calls.
pub(super) fn throttled(count: u64) -> Event {
    Event::new(
        "throttled",
        format!("AWS throttled {} so far", counted(count, "call")),
        json!({ "count": count }),
    )
}

/// The ledger was written.
pub(super) fn ledger_write(resources: usize) -> Event {
    let message = format!("the ledger was written: {}", counted(resources, "resource"));
    Event::new("ledger_write", message, json!({ "resources": resources }))
}

/// The user asked to stop.
pub(super) fn stopping(in_flight: usize) -> Event {
    let message = format!("stopping: waiting for {}", counted(in_flight, "running operation"));
    Event::new("stopping", message, json!({ "in_flight": in_flight }))
}

/// The number of calls so far, at the end of `operation`, which took this long.
pub(super) fn calls(operation: &str, call_counts: &CallCounts, elapsed: Duration) -> Event {
    let services: Map<String, Json> =
        call_counts.by_service().into_iter().map(|(service, count)| (service, count.into())).collect();
    let calls =
        json!({ "total": call_counts.total(), "throttled": call_counts.throttled, "by_service": services });
    let members = json!({ "operation": operation, "calls": calls, "elapsed_seconds": seconds(elapsed) });
    Event::new("calls", format!("{} so far", counted(call_counts.total(), "call")), members)
}

/// The message for a resource that was skipped, with the failure that caused it.
pub(super) fn skipped(address: &Address, because: Option<&Address>) -> String {
    match because {
        Some(failed) => format!("skipped: {address}, which depends on {failed}"),
        None => format!("skipped: {address}"),
    }
}

/// The result of an apply.
pub(super) fn applied(summary: &Summary, words: String, destroy: bool) -> Vec<Event> {
    let skipped = summary.skipped.iter().map(|(address, because)| {
        let members = json!({ "resource": resource(address), "because": because.as_ref().map(resource) });
        Event::new("not_begun", skipped(address, because.as_ref()), members)
    });
    let mut events: Vec<Event> = skipped.collect();
    let changes = json!({
        "add": summary.created,
        "change": summary.updated,
        "remove": summary.destroyed,
        "failed": summary.failures.len(),
        "not_begun": summary.skipped.len(),
        "operation": if destroy { "destroy" } else { "apply" },
    });
    let members = json!({
        "changes": changes,
        "interrupted": summary.interrupted,
        "elapsed_seconds": seconds(summary.elapsed),
    });
    events.push(Event::new("change_summary", words, members));
    events
}

/// The outputs.
pub(super) fn outputs(outputs: &BTreeMap<String, Value>) -> Event {
    Event::new("outputs", format!("outputs: {}", outputs.len()), json!({ "outputs": outputs_json(outputs) }))
}

/// Outputs as JSON, each with its type. A sensitive one has no value.
pub(super) fn outputs_json(outputs: &BTreeMap<String, Value>) -> Json {
    Json::Object(outputs.iter().map(|(name, value)| (name.clone(), output(value))).collect())
}

/// The type of a value as Terraform writes it
/// (<https://developer.hashicorp.com/terraform/internals/json-format>).
fn type_of(value: &Value) -> Json {
    match value {
        Value::Secret(inner) => type_of(inner),
        Value::Bool(_) => "bool".into(),
        Value::Number(_) => "number".into(),
        Value::String(_) => "string".into(),
        Value::List(list) | Value::Set(list) => {
            json!(["tuple", list.iter().map(type_of).collect::<Vec<_>>()])
        }
        Value::Map(map) => {
            let members: Map<String, Json> =
                map.iter().map(|(name, value)| (name.clone(), type_of(value))).collect();
            json!(["object", members])
        }
        Value::Null | Value::Unknown(_) => "dynamic".into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::*;

    #[test]
    fn an_event_is_one_line() {
        let event = log("a\nb ##[error] \u{202e}: \"quoted\" 42");
        let line = event.line(Timestamp::UNIX_EPOCH);
        assert_eq!(line.matches('\n').count(), 1, "{line}");
        assert!(line.is_ascii() || !line.contains('\u{202e}'), "{line}");
        assert!(!line.contains("##["), "{line}");
        let json: Json = serde_json::from_str(&line).unwrap();
        assert_eq!(json["type"], "log");
        assert_eq!(json["timestamp"], "1970-01-01T00:00:00.000Z");
        assert_eq!(json["timestamp"], json["@timestamp"]);
    }

    #[test]
    fn types_of_outputs_are_terraforms() {
        let value = Value::map([("a", Value::List(vec![Value::from("x"), Value::Bool(true)]))]);
        assert_eq!(type_of(&value).to_string(), r#"["object",{"a":["tuple",["string","bool"]]}]"#);
    }
}
