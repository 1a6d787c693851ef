//! Detects edits of a plan file. An HMAC of the whole file under the ledger's key decides; HMACs of
//! its parts name the edited ones.

use serde_json::Value as Json;

use super::file::{Saved, Seals};
use crate::ledger::Fingerprints;
use crate::plan::review::visible;

/// The prefix of sealed text. No stack file, which the same key fingerprints, contains it.
const WHOLE: &str = "\0plan\0";
const PART: &str = "\0part\0";
/// The digits of a part's fingerprint. It only names the part; the whole HMAC decides.
const SHORT: usize = 24;
/// The most edited parts that are listed.
const MAX: usize = 12;

/// The result of checking a seal.
pub(super) enum Verdict {
    /// The file is unchanged.
    Whole,
    /// The file was edited, in these parts.
    Edited(Vec<String>),
    /// The file was sealed with another key.
    Foreign,
}

/// Seals a file.
pub(super) fn seal(saved: &mut Saved, prints: &Fingerprints) {
    saved.seals = seals(saved, prints);
    saved.seal = whole(saved, prints);
}

/// Checks whether a file is unchanged since it was sealed.
pub(super) fn check(saved: &Saved, prints: &Fingerprints) -> Verdict {
    if saved.seal == whole(saved, prints) {
        return Verdict::Whole;
    }
    let (then, now) = (&saved.seals, seals(saved, prints));
    if then.is_empty() {
        return Verdict::Edited(vec!["the seals of its parts were removed".to_owned()]);
    }
    let mut edits = Vec::new();
    let mut fits = false;
    for (section, parts) in &now {
        let Some(sealed) = then.get(section) else {
            edits.push(format!("{} was added", subject(section, None)));
            continue;
        };
        for (part, print) in parts {
            match sealed.get(part) {
                Some(sealed) if sealed == print => fits = true,
                Some(_) => edits.push(format!("{} was changed", subject(section, Some(part)))),
                None => edits.push(format!("{} was added", subject(section, Some(part)))),
            }
        }
        for part in sealed.keys().filter(|part| !parts.contains_key(*part)) {
            edits.push(format!("{} was removed", subject(section, Some(part))));
        }
    }
    for section in then.keys().filter(|section| !now.contains_key(*section)) {
        edits.push(format!("{} was removed", subject(section, None)));
    }
    if !fits {
        return Verdict::Foreign;
    }
    if edits.is_empty() {
        edits.push("its seal was changed".to_owned());
    }
    let more = edits.len().saturating_sub(MAX);
    edits.truncate(MAX);
    if more > 0 {
        edits.push(format!("… and {more} more parts"));
    }
    Verdict::Edited(edits)
}

fn whole(saved: &Saved, prints: &Fingerprints) -> String {
    let open = Saved { seal: String::new(), ..saved.clone() };
    let text = serde_json::to_string(&open).unwrap_or_default();
    prints.seal(format!("{WHOLE}{text}").as_bytes())
}

fn seals(saved: &Saved, prints: &Fingerprints) -> Seals {
    let mut seals = Seals::new();
    let mut add = |section: &str, part: &str, value: &Json| {
        let sealed = Json::from(vec![section.into(), part.into(), value.clone()]);
        let mut print = prints.seal(format!("{PART}{sealed}").as_bytes());
        print.truncate(SHORT);
        let parts = seals.entry(section.to_owned()).or_default();
        let mut name = part.to_owned();
        // A duplicate counts as a part that was added.
        while parts.contains_key(&name) {
            name.push_str(" (again)");
        }
        parts.insert(name, print);
    };
    let Ok(Json::Object(file)) = serde_json::to_value(saved) else { return seals };
    for (name, value) in &file {
        match (name.as_str(), value) {
            ("seal" | "seals", _) => {}
            ("files" | "variables" | "selection", Json::Object(entries)) => {
                entries.iter().for_each(|(part, value)| add(name, part, value));
            }
            ("changes", Json::Array(changes)) => {
                add("", "order of its changes", &order(changes));
                for change in changes {
                    sections(&mut add, "what happens to", change);
                }
            }
            ("shown", Json::Object(shown)) => {
                for (part, value) in shown.iter().filter(|(part, _)| *part != "plan") {
                    add("review", part, value);
                }
                let plan = shown.get("plan").and_then(Json::as_object);
                for (part, value) in plan.into_iter().flatten() {
                    match value {
                        Json::Array(changes) => {
                            add("review", &format!("order of {part}"), &order(changes));
                            for change in changes {
                                add("the review of", &address(change), change);
                            }
                        }
                        value => add("review", part, value),
                    }
                }
            }
            _ => add("", name, value),
        }
    }
    seals
}

/// Adds the members of a change, and its attributes by path.
fn sections(add: &mut impl FnMut(&str, &str, &Json), of: &str, change: &Json) {
    let section = format!("{of} {}", address(change));
    for (part, value) in change.as_object().into_iter().flatten() {
        match value {
            Json::Array(attributes) if part == "attributes" => {
                add(&section, "order of the attributes", &order(attributes));
                for one in attributes {
                    add(&section, &format!("attribute {}", address(one)), one);
                }
            }
            value => add(&section, part, value),
        }
    }
}

/// The name of a list element: its path, or its address, with the id if another element has the
/// same address.
fn address(one: &Json) -> String {
    let name = one["address"].as_str().or(one["path"].as_str()).unwrap_or_default().to_owned();
    match (one["reason"].as_str(), one["id"].as_str()) {
        (Some("replaced before" | "Deposed"), Some(id)) => format!("{name} ({id})"),
        _ => name,
    }
}

fn order(list: &[Json]) -> Json {
    list.iter().map(|one| Json::from(address(one))).collect()
}

/// The name of a part.
fn subject(section: &str, part: Option<&str>) -> String {
    let whole = match section {
        "" => "the plan",
        "files" => "the list of stack files",
        "variables" => "the list of variables",
        "selection" => "its part of the stack",
        "review" => "what the reviewer is shown",
        "the review of" => "what the reviewer is shown of every resource",
        other => other,
    };
    let words = part.map(|part| match section {
        "files" => format!("the fingerprint of the stack file {part}"),
        "variables" => format!("the fingerprint of the variable {part}"),
        "selection" => format!("`{part}` of its part of the stack"),
        "review" => format!("`{part}` of what the reviewer is shown"),
        "the review of" => format!("what the reviewer is shown of {part}"),
        "" => format!("the `{part}` of the plan"),
        of => match (of.strip_prefix("what happens to "), part.strip_prefix("attribute ")) {
            (Some(address), Some(path)) => format!("the attribute `{path}` of {address}"),
            (Some(address), None) => format!("the {} of {address}", part.replace('_', " ")),
            (None, _) => format!("{part} of {of}"),
        },
    });
    visible(words.as_deref().unwrap_or(whole))
}
