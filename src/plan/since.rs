//! Compares a plan with one that was shown earlier, by the JSON that was written then.

use std::collections::BTreeMap;
use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::review::{Item, Review, visible};

/// A plan's description of each resource, in a form that can be kept: it contains no values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// `stack/env`.
    pub title: String,
    /// The verb that showed it: see [`Review::verb`].
    pub verb: &'static str,
    /// The action and a digest of the description, by address.
    pub resources: BTreeMap<String, Described>,
}

/// The description of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// The action: `replace`.
    pub words: String,
    /// A digest of the whole description.
    pub digest: String,
}

/// The differences between two plans of the same stack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Since {
    /// Resources that the earlier plan lacks: address and action.
    pub new: Vec<(String, String)>,
    /// Resources whose description changed.
    pub changed: Vec<(String, String)>,
    /// Resources that the later plan lacks: address and former action.
    pub gone: Vec<(String, String)>,
}

impl Snapshot {
    /// Takes the snapshot of a plan.
    pub fn of(review: &Review<'_>) -> Self {
        let resources = review.items.iter().map(|item| {
            (item.address.clone(), Described { words: item.sort.name().to_owned(), digest: digest(item) })
        });
        Self { title: review.title(), verb: review.verb(), resources: resources.collect() }
    }

    /// Returns whether the JSON reports errors instead of a plan.
    pub fn is_of_errors(text: &str) -> bool {
        serde_json::from_str::<serde_json::Value>(text)
            .is_ok_and(|json| json["errored"] == true && json["dwctl"].is_object())
    }

    /// Reads a snapshot from the JSON of a plan.
    ///
    /// # Errors
    /// The text is something else; the error says what.
    pub fn parse(text: &str) -> Result<Self, String> {
        let json: serde_json::Value =
            serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
        let own = &json["dwctl"];
        let (Some(stack), Some(env)) = (own["stack"].as_str(), own["env"].as_str()) else {
            return Err("it is not the JSON of a dwctl plan".to_owned());
        };
        let mut resources = BTreeMap::new();
        for change in json["resource_changes"]
            .as_array()
            .into_iter()
            .flatten()
            .chain(json["resource_drift"].as_array().into_iter().flatten())
        {
            let own = &change["dwctl"];
            if let (Some(address), Some(words), Some(digest)) =
                (own["address"].as_str(), own["action"].as_str(), own["digest"].as_str())
            {
                let resource = Described { words: visible(words), digest: digest.to_owned() };
                resources.insert(visible(address), resource);
            }
        }
        let verb = match (&own["revisions"], &own["drift"]) {
            (serde_json::Value::Object(_), _) => "diff",
            (_, serde_json::Value::Bool(true)) => "drift",
            _ => "plan",
        };
        Ok(Self { title: visible(&format!("{stack}/{env}")), verb, resources })
    }
}

/// A digest of a resource's whole description. Of a secret, it contains only that it changes.
pub(super) fn digest(item: &Item<'_>) -> String {
    let mut description = format!("{}\0{}\0{:?}", item.words, item.why, item.risks);
    for one in &item.details {
        // Notes are left out, as they may mention the time.
        let _ = write!(
            description,
            "\0{}\0{}\0{:?}\0{:?}\0{:?}\0{:?}",
            one.attribute, one.part, one.sign, one.before, one.after, one.lines
        );
    }
    hex::encode(&Sha256::digest(description.as_bytes())[..16])
}

impl Since {
    /// Compares an earlier plan with a later one.
    pub fn new(earlier: &Snapshot, later: &Snapshot) -> Self {
        let pair = |(address, resource): (&String, &Described)| (address.clone(), resource.words.clone());
        let missing = |from: &Snapshot, in_: &Snapshot| -> Vec<(String, String)> {
            from.resources
                .iter()
                .filter(|(address, _)| !in_.resources.contains_key(*address))
                .map(pair)
                .collect()
        };
        let changed = later.resources.iter().filter(|(address, resource)| {
            earlier.resources.get(*address).is_some_and(|before| before != *resource)
        });
        Self {
            new: missing(later, earlier),
            changed: changed.map(pair).collect(),
            gone: missing(earlier, later),
        }
    }

    /// The parts that are not empty, with their names.
    pub fn parts(&self) -> Vec<(&'static str, &[(String, String)])> {
        let parts = [("new", &self.new[..]), ("changed", &self.changed[..]), ("gone", &self.gone[..])];
        parts.into_iter().filter(|(_, part)| !part.is_empty()).collect()
    }

    /// `2 new · 1 gone`.
    pub fn summary(&self) -> String {
        let counts: Vec<String> =
            self.parts().into_iter().map(|(name, part)| format!("{} {name}", part.len())).collect();
        if counts.is_empty() { "nothing".to_owned() } else { counts.join(" · ") }
    }

    /// The text for a terminal, ending in a newline.
    pub(super) fn text(&self) -> String {
        const MAX: usize = 20;
        let mut text = format!("Since the previous plan: {}\n", self.summary());
        for (name, part) in self.parts() {
            for (address, words) in part.iter().take(MAX) {
                text.push_str(&format!("  {name:8} {address}  {words}\n"));
            }
            if part.len() > MAX {
                text.push_str(&format!("  {name:8} … {} more\n", part.len() - MAX));
            }
        }
        text
    }
}
