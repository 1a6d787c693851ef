//! Changes of instances that differ only in what follows from their keys. A review shows such a change
//! once, with the list of instances.
//!
//! Two changes are alike if they are of one declaration, have the same action, place and reason, and
//! the same attributes with the same old and new values, once the keys of each instance are put aside: its
//! own, and those of the modules that it is in. A key counts where it stands between characters that are no
//! letters or digits, as written or in one of [`FORMS`]. In case of doubt, changes are not alike.

use std::collections::HashMap;

use super::review::{Item, Sort};
use super::{Change, Sign};
use crate::value::Value;

/// The forms in which a key appears in names, as functions of expressions make them.
const FORMS: [fn(&str) -> String; 5] = [
    str::to_owned,
    |key| key.replace('-', "_"),
    |key| key.replace('_', "-"),
    str::to_lowercase,
    str::to_uppercase,
];

/// Beside the bits of [`FORMS`]: the key is there by chance, as in `us-east-1`.
const BY_CHANCE: u8 = 1 << 7;

/// The most groups of a declaration that an item is compared with.
const MOST_GROUPS: usize = 16;

/// Finds changes that are alike. Returns for each item the index of the first one like it, which may be
/// itself; `None` for items that a review always shows by themselves.
pub(super) fn alike(items: &[Item<'_>]) -> Vec<Option<usize>> {
    let mut groups: HashMap<Vec<String>, Vec<Group>> = HashMap::new();
    let place = |(index, item): (usize, &Item<'_>)| {
        let form = Form::of(item)?;
        let groups = groups.entry(declaration(item.change)).or_default();
        if let Some(group) = groups.iter_mut().take(MOST_GROUPS).find_map(|group| group.takes(&form)) {
            return Some(group);
        }
        groups.push(Group { first: index, form, readings: None });
        Some(index)
    };
    items.iter().enumerate().map(place).collect()
}

/// The declaration of a change. Two blocks that call one folder have its declarations in common.
fn declaration(change: &Change) -> Vec<String> {
    let address = &change.address;
    let mut parts = vec![format!("{}.{}", address.kind, address.name), address.key.is_some().to_string()];
    match &change.declared {
        Some(declared) => {
            parts.push(format!("{}:{}", declared.line, declared.file.to_string_lossy()));
            let named = |key: &Option<String>, name: &String| key.as_ref().map(|_| name.clone());
            let steps = address.module.steps().iter();
            parts.extend(steps.map(|step| named(&step.key, &step.name).unwrap_or_default()));
        }
        None => parts.push(address.module.to_string()),
    }
    parts
}

/// Items that are alike.
struct Group {
    first: usize,
    form: Form,
    /// What each appearance of a key in the first item is, as bits: the forms that fit all items. `None`
    /// as long as there is one item.
    readings: Option<Vec<u8>>,
}

impl Group {
    /// Adds an item if one reading of the first item fits all. `orders` is the same in several forms, but
    /// `a-b` and `a_b` are not. Returns the first item.
    fn takes(&mut self, other: &Form) -> Option<usize> {
        let readings = self.form.readings(other)?;
        let all = match &self.readings {
            None => readings,
            Some(known) if known.len() == readings.len() => {
                known.iter().zip(readings).map(|(ours, theirs)| ours & theirs).collect()
            }
            Some(_) => return None,
        };
        if all.contains(&0) {
            return None;
        }
        self.readings = Some(all);
        Some(self.first)
    }
}

/// A part of a change's description.
#[derive(PartialEq)]
enum Part {
    /// It is equal in changes that are alike.
    Same(String),
    /// It is equal but for the keys.
    Text(String),
}

/// The description of a change.
struct Form {
    parts: Vec<Part>,
    /// The keys in all forms, the longest first: text, number of the key, and forms as bits.
    keys: Vec<(String, usize, u8)>,
}

impl Form {
    fn of(item: &Item<'_>) -> Option<Self> {
        let change = item.change;
        if !is_quiet(item) || (change.address.module.is_root() && change.address.key.is_none()) {
            return None;
        }
        let mut form = Self { parts: Vec::new(), keys: keys(change) };
        form.same(item.sort.name());
        form.same(item.words);
        form.same(&change.place.to_string());
        form.text(&item.why);
        for detail in &item.details {
            form.same(&format!("{:?} {} {:?}", detail.sign, detail.hidden, detail.cause));
            form.text(&detail.attribute);
            form.text(&detail.part);
            for value in [&detail.before, &detail.after] {
                match value {
                    Some(value) => form.value(value)?,
                    None => form.same("none"),
                }
            }
            for line in &detail.lines {
                form.same(line.sign.map_or("line", Sign::mark));
                form.text(&line.text);
            }
            form.same("notes");
            detail.notes.iter().for_each(|note| form.text(note));
        }
        Some(form)
    }

    fn same(&mut self, text: &str) {
        self.parts.push(Part::Same(text.to_owned()));
    }

    fn text(&mut self, text: &str) {
        self.parts.push(Part::Text(text.to_owned()));
    }

    /// Adds a value. Returns `None` for a secret: a reader cannot see whether two of them are equal.
    fn value(&mut self, value: &Value) -> Option<()> {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => self.same(&format!("{value:?}")),
            Value::String(text) => self.text(text),
            Value::List(list) | Value::Set(list) => {
                self.same(&format!("list of {}", list.len()));
                list.iter().try_for_each(|one| self.value(one))?;
            }
            Value::Map(map) => {
                self.same(&format!("map of {}", map.len()));
                for (name, value) in map {
                    self.text(name);
                    self.value(value)?;
                }
            }
            Value::Unknown(unknown) => {
                self.same("unknown");
                self.text(&unknown.to_string());
            }
            Value::Secret(_) => return None,
        }
        Some(())
    }

    /// Compares two changes. Returns what each appearance of a key in the first one is; `None` if they are
    /// not alike.
    fn readings(&self, other: &Self) -> Option<Vec<u8>> {
        if self.parts.len() != other.parts.len() {
            return None;
        }
        let mut readings = Vec::new();
        for (left, right) in self.parts.iter().zip(&other.parts) {
            match (left, right) {
                (Part::Text(left), Part::Text(right)) => self.align(left, other, right, &mut readings)?,
                (left, right) if left == right => {}
                _ => return None,
            }
        }
        Some(readings)
    }

    fn align(&self, left: &str, other: &Self, right: &str, readings: &mut Vec<u8>) -> Option<()> {
        let (mut here, mut there) = (0, 0);
        loop {
            let (ours, theirs) = (left.get(here..)?, right.get(there..)?);
            if ours.is_empty() && theirs.is_empty() {
                return Some(());
            }
            let mut is_key = false;
            let mut both = None;
            for (length, number, forms) in self.keys_at(left, here) {
                is_key = true;
                let mut same = other.keys_at(right, there).filter(|(_, of, _)| *of == number);
                both = same.find_map(|(end, _, of)| (forms & of != 0).then_some((length, end, forms & of)));
                if both.is_some() {
                    break;
                }
            }
            if let Some((length, end, forms)) = both {
                readings.push(forms);
                (here, there) = (here + length, there + end);
                continue;
            }
            let (our, their) = (ours.chars().next()?, theirs.chars().next()?);
            if our != their {
                return None;
            }
            if is_key {
                readings.push(BY_CHANCE);
            }
            (here, there) = (here + our.len_utf8(), there + their.len_utf8());
        }
    }

    /// The keys that stand at a place of a text, between characters that are of no word: the length of
    /// each, its number and its forms.
    fn keys_at<'t>(&'t self, text: &'t str, at: usize) -> impl Iterator<Item = (usize, usize, u8)> + 't {
        let (before, rest) = text.split_at_checked(at).unwrap_or_default();
        self.keys.iter().filter_map(move |(key, number, forms)| {
            let after = rest.strip_prefix(key.as_str())?;
            let is_apart = !joins(before.chars().next_back(), key.chars().next())
                && !joins(key.chars().next_back(), after.chars().next());
            is_apart.then_some((key.len(), *number, *forms))
        })
    }
}

/// Returns whether two neighbouring characters are of one word.
fn joins(left: Option<char>, right: Option<char>) -> bool {
    let is_word = |one: Option<char>| one.is_some_and(char::is_alphanumeric);
    is_word(left) && is_word(right)
}

/// The keys of an instance in all forms. The name of a module without keys is that of its instance.
fn keys(change: &Change) -> Vec<(String, usize, u8)> {
    let steps = change.address.module.steps().iter();
    let own = steps.map(|step| step.key.as_ref().unwrap_or(&step.name)).chain(&change.address.key);
    let mut keys: Vec<(String, usize, u8)> = Vec::new();
    for (number, key) in own.enumerate().filter(|(_, key)| !key.is_empty()) {
        for (bit, form) in FORMS.iter().enumerate() {
            let text = form(key);
            match keys.iter_mut().find(|(known, of, _)| *known == text && *of == number) {
                Some((.., forms)) => *forms |= 1 << bit,
                None => keys.push((text, number, 1 << bit)),
            }
        }
    }
    // A stable sort: of two equal keys, that of the outer module comes first.
    keys.sort_by_key(|(text, ..)| std::cmp::Reverse(text.len()));
    keys
}

/// Returns whether a change needs nobody's particular attention. All others are named one by one.
fn is_quiet(item: &Item<'_>) -> bool {
    let change = item.change;
    matches!(item.sort, Sort::Create | Sort::Update | Sort::Changed)
        && !item.needs_attention()
        && item.id.is_none()
        && item.kept.is_empty()
        && change.moved_from.is_none()
        && !change.is_taken_over()
        && change.releases.is_empty()
        && change.delete_check.is_none()
        && !item.details.iter().any(|detail| detail.forces_replacement || !detail.risks.is_empty())
}
