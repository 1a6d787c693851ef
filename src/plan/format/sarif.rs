//! The risks of a plan as SARIF 2.1.0, at lines of the stack's files, for code scanning
//! (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>).

use serde_json::{Value as Json, json};

use super::{Options, escape, place, place_of};
use crate::diag::counted;
use crate::plan::review::{Item, Review, Sort, brief, risk_text, shorten, visible};
use crate::plan::{Risk, RiskLabel};

/// The rules: id, level and meaning.
const RULES: [(&str, &str, &str); 8] = [
    ("data-loss", "error", "Data is lost."),
    ("irreversible", "error", "It cannot be undone."),
    ("destroy", "warning", "A resource is destroyed."),
    ("downtime", "warning", "The service is interrupted."),
    ("wider-access", "warning", "More actions are allowed, or to more principals."),
    ("weaker-protection", "warning", "Less is encrypted, recorded, copied, locked or retained."),
    ("drift", "note", "Someone changed it outside dwctl."),
    ("cost-up", "note", "It costs more."),
];

/// The rules that earlier versions had as one, `security-widening`.
const SPLIT: [&str; 2] = ["wider-access", "weaker-protection"];

/// GitHub shows 5,000 results of a run
/// (<https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning>).
const MAX: usize = 5_000;
/// GitHub takes 10 MB after compression; we count before.
const ROOM: usize = 9_000_000;
/// Maximum bytes of the structure of one result.
const INDENT: usize = 700;
const LONGEST_MESSAGE: usize = 1_000;
/// The most warnings besides the changes.
const MAX_NOTICES: usize = 50;
const LONGEST_NAME: usize = 300;

pub(super) fn render(review: &Review<'_>, options: &Options) -> String {
    let mut results = Vec::new();
    let mut items: Vec<&Item<'_>> = review.items.iter().collect();
    items.sort_by_key(|item| item.severity_key());
    for item in items {
        let (found, from) = (results.len(), (review, options));
        // For removed resources, their id, and what AWS keeps of them.
        let rest = [item.id_words(), item.kept.clone()].into_iter().filter(|words| !words.is_empty());
        let rest: String = rest.map(|words| format!("; {words}")).collect();
        for detail in &item.details {
            for risk in item.risks_of(detail).iter().filter(|risk| item.has(risk.label)) {
                let attribute = visible(&detail.attribute);
                let message = format!("{}: {attribute}: {}{rest}", item.address, risk_text(risk));
                results.push(result(rule(risk), item, Some(&detail.attribute), message, from));
            }
        }
        // Risks of the resource as a whole.
        let labels: Vec<RiskLabel> =
            item.details.iter().flat_map(|detail| &detail.risks).map(|risk| risk.label).collect();
        for risk in item.risks.iter().filter(|risk| !labels.contains(&risk.label)) {
            let message = format!("{}: {}: {}{rest}", item.address, item.words, risk_text(risk));
            results.push(result(rule(risk), item, None, message, from));
        }
        match item.sort {
            Sort::Destroy if results.len() == found => {
                let message = format!("{}: {} {}{rest}", item.address, item.words, item.why);
                results.push(result("destroy", item, None, message, from));
            }
            Sort::Changed | Sort::Deleted => {
                let message = format!("{} was {} outside dwctl{rest}", item.address, item.words);
                results.push(result("drift", item, None, message, from));
            }
            _ => {}
        }
    }
    let found = results.len();
    let mut room = ROOM;
    let fits = |(size, result): (usize, Json)| {
        room = room.checked_sub(size)?;
        Some(result)
    };
    let results: Vec<Json> = results.into_iter().take(MAX).map_while(fits).collect();
    let left_out = found - results.len();
    let no_room = (left_out > 0).then(|| {
        format!("{} did not fit; the other formats show everything.", counted(left_out, "more result"))
    });
    let warnings = review.warnings().into_iter().map(|(_, words)| shorten(&words, LONGEST_MESSAGE));
    let notices: Vec<Json> = no_room
        .into_iter()
        .chain(warnings.take(MAX_NOTICES))
        .map(|words| json!({ "level": "warning", "message": { "text": words } }))
        .collect();
    let notice = (!notices.is_empty())
        .then(|| json!([{ "executionSuccessful": true, "toolExecutionNotifications": notices }]));
    let rules: Vec<Json> = RULES
        .iter()
        .map(|(id, level, text)| {
            let mut rule = json!({
                "id": format!("dwctl/{id}"),
                "name": id.split('-').map(capital).collect::<String>(),
                "shortDescription": { "text": text },
                "fullDescription": { "text": text },
                "help": { "text": "Review the plan of the pull request." },
                "defaultConfiguration": { "level": level },
                "properties": { "tags": ["infrastructure"] },
            });
            if SPLIT.contains(id) {
                // Findings that were dismissed under the old name stay dismissed.
                rule["deprecatedIds"] = json!(["dwctl/security-widening"]);
            }
            rule
        })
        .collect();
    let mut json = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {
                "driver": { "name": "dwctl", "semanticVersion": env!("CARGO_PKG_VERSION"), "rules": rules },
            },
            "automationDetails": { "id": format!("dwctl/{}/", review.title()) },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    if let Some(notice) = notice {
        json["runs"][0]["invocations"] = notice;
    }
    escape::json(json)
}

fn capital(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

fn rule(risk: &Risk) -> &'static str {
    match risk.label {
        RiskLabel::DataLoss => "data-loss",
        RiskLabel::Irreversible => "irreversible",
        RiskLabel::Downtime => "downtime",
        RiskLabel::Access => "wider-access",
        RiskLabel::Protection => "weaker-protection",
        RiskLabel::Cost => "cost-up",
    }
}

/// A result, and the number of bytes it takes.
fn result(
    id: &str,
    item: &Item<'_>,
    attribute: Option<&str>,
    message: String,
    (review, options): (&Review<'_>, &Options),
) -> (usize, Json) {
    let index = RULES.iter().position(|(rule, ..)| *rule == id);
    let level = index.and_then(|index| RULES.get(index)).map_or("warning", |(_, level, _)| level);
    // A resource that is no longer declared has no line, but code scanning needs one: that of its
    // stack.
    let (file, line) = place(item.change, attribute, options).unwrap_or_else(|| {
        match place_of(&review.plan.asked.stack_at, None, options) {
            // Plans saved by an earlier version do not record it.
            (file, _) if file.is_empty() => ("stack.toml".to_owned(), 1),
            place => place,
        }
    });
    let message = brief(message.trim_end(), LONGEST_MESSAGE);
    let name = brief(&item.address, LONGEST_NAME);
    // Two names may look the same when they are shortened, but must stay distinct.
    let whole = format!("{}:{}", item.address, visible(attribute.unwrap_or_default()));
    let print = match brief(&whole, LONGEST_NAME) {
        short if short == whole => whole,
        short => format!("{short}:{}", digest(&whole)),
    };
    let result = json!({
        "ruleId": format!("dwctl/{id}"),
        "ruleIndex": index,
        "level": level,
        "message": { "text": message },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": uri(&file), "uriBaseId": "%SRCROOT%" },
                "region": { "startLine": line },
            },
            "logicalLocations": [{ "fullyQualifiedName": name, "kind": "resource" }],
        }],
        // The same finding in the next run is the same alert, even if its line has moved.
        "partialFingerprints": { "dwctl/v1": format!("{id}:{print}") },
    });
    (result.to_string().len() + INDENT, result)
}

fn digest(text: &str) -> String {
    use sha2::{Digest, Sha256};
    hex::encode(&Sha256::digest(text)[..8])
}

/// A path as a relative URI.
fn uri(path: &str) -> String {
    use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
    const SET: &AsciiSet =
        &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`').add(b'%').add(b'#').add(b'?').add(b':');
    utf8_percent_encode(&visible(path), SET).to_string()
}
