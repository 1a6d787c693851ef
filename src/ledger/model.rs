//! A ledger, and what it records of each resource.

use super::fingerprint::{Fingerprints, is_of_secret};
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::aws::Place;
use crate::diag::{Diagnostic, Outside};
use crate::graph::Address;
use crate::kind::ErasedLive;
use crate::value::Value;

/// The format that this version writes; it also reads all earlier ones.
pub const VERSION: u32 = 1;

/// Fields that a newer dwctl wrote and that this one keeps as they are.
pub type Unknown = BTreeMap<String, serde_json::Value>;

/// The resources that a stack owns in one environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Format of the file.
    pub version: u32,
    /// Distinguishes ledgers of the same name; set once.
    pub lineage: String,
    /// Counts the writes.
    pub serial: u64,
    /// The stack's name.
    pub stack: String,
    /// The environment.
    pub env: String,
    /// The stack's own account; empty until the first apply.
    pub account: String,
    /// The other accounts of its resources, by id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub accounts: BTreeMap<String, KnownAccount>,
    /// Key of the fingerprints, 32 bytes in hexadecimal.
    pub key: String,
    /// Existing resources.
    pub resources: BTreeMap<Address, Entry>,
    /// Resources that an apply started to create and has not finished.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub intents: BTreeMap<Address, Intent>,
    /// Replaced resources that are still to be deleted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub deposed: BTreeMap<Address, Vec<Entry>>,
    /// Keyed fingerprint of each output after the last apply, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, String>,
    /// Fields that a newer dwctl added.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// How an account besides the stack's own was last reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownAccount {
    /// The NAME of its `[aws.NAME]`.
    pub name: String,
    /// The role that was assumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// The profile that was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Fields that a newer dwctl added.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// A field of older ledgers that is read and dropped.
#[derive(Clone, Copy, Debug, Default)]
pub struct Obsolete;

// All values are equal, since the content is dropped.
impl PartialEq for Obsolete {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Obsolete {}

impl<'de> Deserialize<'de> for Obsolete {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

/// One resource of the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The physical id.
    pub id: String,
    /// Where it is.
    #[serde(flatten)]
    pub place: Place,
    /// The addresses it needs, for the order of deletions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Address>,
    /// When dwctl last changed it, RFC 3339.
    pub applied: String,
    /// Refuse to delete it, even if its block is gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protect: bool,
    /// Leave it at AWS if its block is gone, and when everything is destroyed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retain: bool,
    /// The address under which the fingerprints were taken, if it was renamed since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprinted_as: Option<Address>,
    /// AWS's name for this state of it, if any, such as the version of an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamp: Option<String>,
    /// Keyed fingerprint of its id and of what distinguishes it from a later resource with the same id
    /// ([`crate::kind::Live::incarnation`]), when dwctl last wrote or saw it. None if AWS returns nothing of
    /// the kind, and in entries of older versions.
    #[serde(default, rename = "born", skip_serializing_if = "Option::is_none")]
    pub incarnation: Option<String>,
    /// Keyed fingerprint of each attribute as it was applied, by path. Empty if that is unknown, for
    /// example after an interrupted apply that may have written it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fingerprints: BTreeMap<String, String>,
    /// Attributes, by the paths of their fingerprints, that an interrupted apply was about to write,
    /// so that their values are not known. Nobody is blamed for a difference.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub writing: BTreeSet<String>,
    /// Spellings that an earlier version kept; not written any more.
    #[serde(default, rename = "spelled", skip_serializing)]
    pub former_spellings: Obsolete,
    /// For attributes that are partly secret, by name: the fingerprints of the secret texts. Without
    /// an entry, any text of the attribute may be secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, BTreeSet<String>>,
    /// The `name_prefix` that its name was made with, if dwctl generated the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_prefix: Option<String>,
    /// Its `timeout.delete` in seconds: how long its deletion may take when its block is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_timeout: Option<u64>,
    /// Fields that a newer dwctl added.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// A resource about to be created: what to look for after a crash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Where it is created.
    #[serde(flatten)]
    pub place: Place,
    /// The client token of all attempts.
    pub token: String,
    /// The id it will have, if that follows from the spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The addresses it needs, for the order of deletions if it is no longer declared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Address>,
    /// As in an [`Entry`], for the spec it is created with. If the stack changed since, they still
    /// prove which attributes are the stack's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fingerprints: BTreeMap<String, String>,
    /// See [`Entry::protect`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protect: bool,
    /// See [`Entry::retain`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retain: bool,
    /// See [`Entry::name_prefix`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_prefix: Option<String>,
    /// See [`Entry::delete_timeout`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_timeout: Option<u64>,
    /// Fields that a newer dwctl added.
    #[serde(flatten)]
    pub unknown: Unknown,
}

impl Entry {
    /// The address that the fingerprints were taken under, for the entry of `address`.
    pub fn fingerprinted<'a>(&'a self, address: &'a Address) -> &'a Address {
        self.fingerprinted_as.as_ref().unwrap_or(address)
    }

    /// The fingerprint applied at this path, if it is known.
    pub fn fingerprint(&self, path: &str) -> Option<&String> {
        self.fingerprints.get(path).filter(|print| !print.is_empty())
    }
}

impl Intent {
    /// The entry of the resource if it was created with this id.
    pub fn entry(&self, id: &str) -> Entry {
        Entry {
            id: id.to_owned(),
            place: self.place.clone(),
            needs: self.needs.clone(),
            applied: now(),
            fingerprints: self.fingerprints.clone(),
            protect: self.protect,
            retain: self.retain,
            name_prefix: self.name_prefix.clone(),
            delete_timeout: self.delete_timeout,
            ..Entry::default()
        }
    }
}

impl Ledger {
    /// The places of all that it knows, each with an address there.
    pub fn places(&self) -> impl Iterator<Item = (&Address, &Place)> {
        let entries = self.resources.iter().map(|(address, entry)| (address, &entry.place));
        let intents = self.intents.iter().map(|(address, intent)| (address, &intent.place));
        let deposed = self.deposed.iter();
        let deposed = deposed.flat_map(|(address, all)| all.iter().map(move |entry| (address, &entry.place)));
        entries.chain(intents).chain(deposed)
    }

    /// Records the stack's own account, and those of its `[aws.NAME]` blocks. Accounts without resources are
    /// forgotten.
    pub fn set_accounts(&mut self, own: &str, mut others: BTreeMap<String, KnownAccount>) {
        own.clone_into(&mut self.account);
        others.remove(own);
        let used: BTreeSet<String> = self.places().filter_map(|(_, place)| place.account.clone()).collect();
        let mut known = std::mem::take(&mut self.accounts);
        known.retain(|id, _| used.contains(id));
        known.extend(others);
        self.accounts = known;
    }

    /// Moves a resource to another address, also in the needs of others. The fingerprints stay those
    /// of the old address until the next apply.
    pub fn rename(&mut self, from: &Address, to: &Address) {
        let printed = |mut entry: Entry| {
            entry.fingerprinted_as.get_or_insert_with(|| from.clone());
            entry.fingerprinted_as.take_if(|printed| printed == to);
            entry
        };
        if let Some(entry) = self.resources.remove(from) {
            self.resources.insert(to.clone(), printed(entry));
        }
        if let Some(deposed) = self.deposed.remove(from) {
            self.deposed.entry(to.clone()).or_default().extend(deposed.into_iter().map(printed));
        }
        let entries = self.resources.values_mut().chain(self.deposed.values_mut().flatten());
        let intended = self.intents.values_mut().map(|intent| &mut intent.needs);
        for needed in entries.map(|entry| &mut entry.needs).chain(intended).flatten() {
            if needed == from {
                *needed = to.clone();
            }
        }
    }

    /// The entry of the resource with this id at an address, current or deposed.
    pub fn entry_with_id(&self, address: &Address, place: &Place, id: &str) -> Option<&Entry> {
        let deposed = self.deposed.get(address).into_iter().flatten();
        let mut known = self.resources.get(address).into_iter().chain(deposed);
        known.find(|entry| entry.id == id && entry.place == *place)
    }

    /// The entry of a resource that an interrupted apply started to create for this address, or for a
    /// former address if its id follows from its spec.
    pub fn intended_entry(&self, address: &Address, place: &Place, id: &str) -> Option<Entry> {
        let own = self.intents.get(address).filter(|intent| {
            intent.place == *place && intent.id.as_deref().is_none_or(|intended| intended == id)
        });
        if let Some(intent) = own {
            return Some(intent.entry(id));
        }
        let (former, intent) = self.intended(&address.kind, place, id)?;
        Some(Entry { fingerprinted_as: Some(former.clone()), ..intent.entry(id) })
    }

    /// The intent for a resource with this id, and its address.
    pub fn intended(&self, kind: &str, place: &Place, id: &str) -> Option<(&Address, &Intent)> {
        self.intents.iter().find(|(address, intent)| {
            address.kind == kind && intent.place == *place && intent.id.as_deref() == Some(id)
        })
    }

    /// Makes room for a successor at an address: its current resource is to be deleted.
    pub fn depose(&mut self, address: &Address) {
        let Some(entry) = self.resources.remove(address) else { return };
        // Its fingerprints are kept: they show how to delete it, for example with its content.
        self.deposed.entry(address.clone()).or_default().push(entry);
    }

    /// Removes a deposed entry after its deletion. Returns false if there is none.
    pub fn discard(&mut self, address: &Address, place: &Place, id: &str) -> bool {
        let Some(deposed) = self.deposed.get_mut(address) else { return false };
        let before = deposed.len();
        deposed.retain(|entry| entry.id != id || entry.place != *place);
        let found = deposed.len() < before;
        if deposed.is_empty() {
            self.deposed.remove(address);
        }
        found
    }

    /// Creates a ledger that owns nothing.
    ///
    /// # Errors
    /// The operating system provides no randomness.
    pub fn new(stack: &str, env: &str) -> Result<Self, getrandom::Error> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        Ok(Self {
            version: VERSION,
            lineage: uuid::Uuid::new_v4().to_string(),
            serial: 0,
            stack: stack.to_owned(),
            env: env.to_owned(),
            account: String::new(),
            accounts: BTreeMap::new(),
            key: hex::encode(key),
            resources: BTreeMap::new(),
            intents: BTreeMap::new(),
            deposed: BTreeMap::new(),
            outputs: BTreeMap::new(),
            unknown: Unknown::new(),
        })
    }

    /// The fingerprint of an output, or `None` if a part of it is unknown.
    pub fn print_of_output(&self, name: &str, value: &Value) -> Option<String> {
        let address = Address::new("output", name, None);
        self.fingerprints().of(&address, "", value)
    }

    /// Returns whether an output with this fingerprint had this value. It compares without regard to
    /// whether the output is declared secret now.
    pub fn is_output(&self, name: &str, print: &str, value: &Value) -> bool {
        let bare = value.clone().reveal();
        let value = if is_of_secret(print) { bare.into_secret() } else { bare };
        self.print_of_output(name, &value).as_deref() == Some(print)
    }

    /// The fingerprint of a resource's incarnation, or `None` if AWS returns nothing of it. It does not
    /// depend on the address.
    pub fn incarnation_fingerprint(
        &self,
        kind: &str,
        place: &Place,
        id: &str,
        live: &ErasedLive,
    ) -> Option<String> {
        let address = Address::new(kind, "born", None);
        let parts = [
            Some(place.region.as_str()),
            Some(id),
            Some(live.incarnation.as_deref()?),
            place.account.as_deref(),
        ];
        let parts = parts.into_iter().flatten().map(Value::from).collect();
        self.fingerprints().of(&address, "", &Value::List(parts))
    }

    /// Parses a ledger. `place` names its origin in messages.
    ///
    /// # Errors
    /// It is no ledger, or was written by a newer version.
    pub fn parse(text: &[u8], place: &str) -> Result<Self, Diagnostic> {
        let damaged = |note: String| {
            Diagnostic::error("ledger", format!("the ledger {place} is damaged"))
                .note(note)
                .note("nothing was changed at AWS")
                .help("restore it from a backup, or an earlier version of the object in S3")
                .help("or move it away and run `dwctl ledger recover`, which rebuilds it from AWS")
        };
        #[derive(Deserialize)]
        struct Format {
            version: u32,
        }
        // Read the version first: a newer format may have another shape.
        let format: Format = serde_json::from_slice(text)
            .map_err(|error| damaged(Outside::new(error.to_string()).to_string()))?;
        if format.version > VERSION {
            return Err(Diagnostic::error(
                "ledger",
                format!("the ledger {place} was written by a newer dwctl"),
            )
            .note(format!("its format is {}, this version reads up to {VERSION}", format.version))
            .note("it was left as it is")
            .help("install the newer dwctl"));
        }
        let ledger: Self = serde_json::from_slice(text)
            .map_err(|error| damaged(Outside::new(error.to_string()).to_string()))?;
        Ok(Self { version: VERSION, ..ledger })
    }

    /// The text of the ledger, with a line break at its end.
    pub fn text(&self) -> Vec<u8> {
        // Its keys are strings and its values plain, so it always has a JSON form.
        let mut text = serde_json::to_vec_pretty(self).unwrap_or_default();
        text.push(b'\n');
        text
    }

    /// The fingerprints under this ledger's key.
    pub fn fingerprints(&self) -> Fingerprints {
        Fingerprints::new(&self.key)
    }
}

/// Now, as RFC 3339 in UTC to the second.
pub fn now() -> String {
    let now = jiff::Timestamp::now();
    jiff::Timestamp::from_second(now.as_second()).unwrap_or(now).to_string()
}

#[cfg(test)]
mod tests {
    use super::{Entry, Intent, Ledger, Unknown};
    use crate::aws::Place;
    use crate::graph::Address;

    #[test]
    fn a_deposed_resource_stays_in_the_ledger_until_it_is_discarded() {
        let address = |text: &str| text.parse::<Address>().expect("an address");
        let (key, other) = (address("kms_key.data"), address("kms_key.other"));
        let mut ledger = Ledger::new("shop", "dev").expect("randomness");
        let entry = |id: &str| Entry { id: id.to_owned(), place: Place::of("eu-west-1"), ..Entry::default() };
        ledger.resources.insert(key.clone(), entry("old"));
        ledger.depose(&key);
        ledger.resources.insert(key.clone(), entry("new"));
        let intent = Intent {
            place: Place::of("eu-west-1"),
            token: "t".to_owned(),
            id: None,
            needs: vec![key.clone()],
            fingerprints: std::collections::BTreeMap::new(),
            protect: false,
            retain: false,
            name_prefix: None,
            delete_timeout: None,
            unknown: Unknown::new(),
        };
        ledger.intents.insert(other.clone(), intent);
        let ledger = Ledger::parse(&ledger.text(), "test");
        let mut ledger = ledger.expect("readable");
        ledger.rename(&key, &other);
        assert_eq!(ledger.deposed[&other][0].id, "old");
        assert!(!ledger.discard(&other, &Place::of("eu-west-1"), "new"));
        assert!(!ledger.discard(&other, &Place::of("us-east-1"), "old"));
        assert!(ledger.discard(&other, &Place::of("eu-west-1"), "old") && ledger.deposed.is_empty());
        assert_eq!(ledger.resources[&other].id, "new");
    }

    #[test]
    fn a_ledger_of_an_older_version_is_read() {
        let ledger = Ledger::new("shop", "dev").expect("randomness");
        let text = String::from_utf8(ledger.text()).expect("text");
        assert!(!text.contains("deposed"), "what is not there is not written");
        assert_eq!(Ledger::parse(text.as_bytes(), "test").expect("readable"), ledger);
    }
}
