//! The risks of a plan in SARIF 2.1.0, at the lines of the stack's files, for code scanning
//! (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>).

use serde_json::{Value as Json, json};

use super::{Options, escape, place};
use crate::plan::review::{Item, Review, Sort, risk_text, visible};
use crate::plan::{Risk, RiskLabel};

/// Every rule: its id, level, and what it means.
const RULES: [(&str, &str, &str); 8] = [
    ("data-loss", "error", "Data is lost."),
    ("irreversible", "error", "It cannot be undone."),
    ("destroy", "warning", "A resource is destroyed."),
    ("downtime", "warning", "The service is interrupted."),
    ("wider-access", "warning", "More is allowed, or to more."),
    ("weaker-protection", "warning", "Less is encrypted, recorded, kept back or backed up."),
    ("drift", "note", "Someone changed it outside dwctl."),
    ("cost-up", "note", "It costs more."),
];

/// The rules that were one in earlier versions, `security-widening`.
const SPLIT: [&str; 2] = ["wider-access", "weaker-protection"];

/// GitHub shows 5,000 results of a run
/// (<https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning>).
const MOST: usize = 5_000;

pub(super) fn render(review: &Review<'_>, options: &Options) -> String {
    let mut results = Vec::new();
    let mut items: Vec<&Item<'_>> = review.items.iter().collect();
    items.sort_by_key(|item| item.gravity());
    for item in items {
        let (found, from) = (results.len(), options);
        for detail in &item.details {
            for risk in detail.risks.iter().filter(|risk| item.has(risk.label)) {
                let attribute = visible(&detail.attribute);
                let message = format!("{}: {attribute}: {}", item.address, risk_text(risk));
                results.push(result(rule(risk), item, Some(&detail.attribute), message, from));
            }
        }
        // What is of the resource as a whole.
        let told: Vec<RiskLabel> =
            item.details.iter().flat_map(|detail| &detail.risks).map(|risk| risk.label).collect();
        for risk in item.risks.iter().filter(|risk| !told.contains(&risk.label)) {
            let message = format!("{}: {}: {}", item.address, item.words, risk_text(risk));
            results.push(result(rule(risk), item, None, message, from));
        }
        match item.sort {
            Sort::Destroy if results.len() == found => {
                let message = format!("{}: {} {}", item.address, item.words, item.why);
                results.push(result("destroy", item, None, message, from));
            }
            Sort::Changed | Sort::Deleted => {
                let message = format!("{} was {} outside dwctl", item.address, item.words);
                results.push(result("drift", item, None, message, from));
            }
            _ => {}
        }
    }
    results.truncate(MOST);
    let rules: Vec<Json> = RULES
        .iter()
        .map(|(id, level, text)| {
            let mut rule = json!({
                "id": format!("dwctl/{id}"),
                "name": id.split('-').map(capital).collect::<String>(),
                "shortDescription": { "text": text },
                "fullDescription": { "text": text },
                "help": { "text": "Look at the plan of the pull request." },
                "defaultConfiguration": { "level": level },
                "properties": { "tags": ["infrastructure"] },
            });
            if SPLIT.contains(id) {
                // What was dismissed under the old name stays so.
                rule["deprecatedIds"] = json!(["dwctl/security-widening"]);
            }
            rule
        })
        .collect();
    let json = json!({
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

fn result(id: &str, item: &Item<'_>, attribute: Option<&str>, message: String, options: &Options) -> Json {
    let index = RULES.iter().position(|(rule, ..)| *rule == id);
    let level = index.and_then(|index| RULES.get(index)).map_or("warning", |(_, level, _)| level);
    // What is no longer declared has no line; code scanning wants one all the same.
    let (file, line) = place(item.change, attribute, options).unwrap_or_else(|| ("stack.toml".to_owned(), 1));
    json!({
        "ruleId": format!("dwctl/{id}"),
        "ruleIndex": index,
        "level": level,
        "message": { "text": message.trim_end() },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": uri(&file), "uriBaseId": "%SRCROOT%" },
                "region": { "startLine": line },
            },
            "logicalLocations": [{ "fullyQualifiedName": item.address, "kind": "resource" }],
        }],
        // The same finding in the next run is the same alert, wherever its line moved to.
        "partialFingerprints": {
            "dwctl/v1": format!("{id}:{}:{}", item.address, visible(attribute.unwrap_or_default())),
        },
    })
}

/// A path as a relative URI.
fn uri(path: &str) -> String {
    use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
    const SET: &AsciiSet =
        &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`').add(b'%').add(b'#').add(b'?').add(b':');
    utf8_percent_encode(&visible(path), SET).to_string()
}
