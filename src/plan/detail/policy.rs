//! Policies, compared by statement. A changed statement is described by the grants that are added
//! and removed
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html>).

use std::collections::BTreeSet;
use std::fmt::Write;

use super::json::differences;
use super::{Part, RiskLabel, Sign, list_text, path_text, value_text};
use crate::kind::matches_pattern;
use crate::value::Value;

/// Describes a policy that is added or removed as a whole.
pub(super) fn whole(before: Option<&Value>, after: Option<&Value>, creating: bool) -> Vec<Part> {
    fn all(policy: Option<&Value>) -> Option<&[Value]> {
        policy.map_or(Some(&[]), |policy| policy.get("Statement")?.as_list())
    }
    if before.is_some() && after.is_some() {
        return Vec::new();
    }
    match (all(before), all(after)) {
        (Some(before), Some(after)) => statements(before.iter(), after.iter(), creating),
        _ => Vec::new(),
    }
}

/// Describes statements that only one side has, in pairs where one became the other.
pub(super) fn statements<'v>(
    before: impl Iterator<Item = &'v Value>,
    after: impl Iterator<Item = &'v Value>,
    creating: bool,
) -> Vec<Part> {
    let old: Vec<Statement<'v>> = before.map(Statement::of).collect();
    let new: Vec<Statement<'v>> = after.map(Statement::of).collect();
    let (partner, free) = paired(&old, &new);
    let statements = Statements { old: &old, new: &new, creating };
    let mut parts = Vec::new();
    for (place, statement) in new.iter().enumerate() {
        match partner[place] {
            Some(at) => statements.changed(&old[at], statement, &mut parts),
            None => parts.push(statements.comes(statement, statement.sentence())),
        }
    }
    parts.extend(free.into_iter().map(|at| statements.goes(&old[at], old[at].sentence())));
    parts
}

/// Pairs the statements of two policies, by position. Added and removed statements have no partner.
pub(in crate::plan) fn partners(old: &[Value], new: &[Value]) -> Vec<(Option<usize>, Option<usize>)> {
    let old: Vec<Statement<'_>> = old.iter().map(Statement::of).collect();
    let new: Vec<Statement<'_>> = new.iter().map(Statement::of).collect();
    let (partner, free) = paired(&old, &new);
    let pairs = partner.into_iter().enumerate().map(|(place, at)| (at, Some(place)));
    pairs.chain(free.into_iter().map(|at| (Some(at), None))).collect()
}

/// The title of a statement: `statement Read`.
pub(in crate::plan) fn title(statement: &Value) -> String {
    Statement::of(statement).title()
}

/// Returns, for each new statement, the position of the old one that became it, and the positions
/// of the removed ones.
fn paired(old: &[Statement<'_>], new: &[Statement<'_>]) -> (Vec<Option<usize>>, Vec<usize>) {
    let mut free: Vec<usize> = (0..old.len()).collect();
    let mut partner: Vec<Option<usize>> = vec![None; new.len()];
    for (place, one) in new.iter().enumerate().filter(|(_, one)| one.sid.is_some()) {
        if let Some(at) = free.iter().position(|&at| old[at].sid == one.sid) {
            partner[place] = Some(free.remove(at));
        }
    }
    loop {
        let pairs = partner.iter().enumerate().filter(|(_, taken)| taken.is_none());
        let scored = pairs.flat_map(|(place, _)| free.iter().map(move |&at| (place, at)));
        let best = scored
            .map(|(place, at)| (old[at].in_common(&new[place]), place, at))
            .filter(|(score, ..)| *score > 0)
            .max_by_key(|&(score, place, at)| (score, std::cmp::Reverse((place, at))));
        let Some((_, place, at)) = best else { break };
        partner[place] = Some(at);
        free.retain(|&one| one != at);
    }
    (partner, free)
}

struct Statements<'s, 'v> {
    old: &'s [Statement<'v>],
    new: &'s [Statement<'v>],
    creating: bool,
}

impl Statements<'_, '_> {
    /// Describes an added grant or denial.
    fn comes(&self, grant: &Statement<'_>, sentence: String) -> Part {
        let part = Part::new(Sign::Added, sentence);
        let widens = match grant.effect.as_str() {
            "Allow" if self.creating => grant.is_open() || grant.is_everything(),
            "Allow" => !self.old.iter().any(|old| old.effect == "Allow" && old.covers(grant)),
            _ => false,
        };
        if !widens {
            return part;
        }
        part.risk(RiskLabel::Access, grant.risk("allows"))
    }

    /// Describes a removed grant or denial.
    fn goes(&self, grant: &Statement<'_>, sentence: String) -> Part {
        let part = Part::new(Sign::Removed, sentence);
        let widens =
            grant.effect == "Deny" && !self.new.iter().any(|new| new.effect == "Deny" && new.covers(grant));
        if !widens {
            return part;
        }
        part.risk(RiskLabel::Access, grant.risk("no longer denies"))
    }

    fn changed(&self, old: &Statement<'_>, new: &Statement<'_>, parts: &mut Vec<Part>) {
        let earlier = parts.len();
        let sides = [
            (&old.actions, &new.actions),
            (&old.resources, &new.resources),
            (&old.principals, &new.principals),
        ];
        let plain = old.effect == new.effect
            && sides.iter().all(|(old, new)| old == new || (old.is_plain() && new.is_plain()));
        if plain {
            self.grants(old, new, parts);
            // Only for a grant that stays; added and removed grants are shown with their
            // conditions.
            let stays = |(old, new): &(&Dimension, &Dimension)| {
                !old.within(new).is_absent() || (old.is_absent() && new.is_absent())
            };
            if sides.iter().all(stays) {
                conditions(old, new, parts);
            }
            let (was, is) = (old.value.get("Sid"), new.value.get("Sid"));
            if was != is {
                parts.push(Part::between(format!("name of: {}", new.grant_words()), was, is));
            }
        } else {
            parts.push(self.goes(old, old.sentence()));
            parts.push(self.comes(new, new.sentence()));
        }
        if parts.len() == earlier {
            // The difference is in members that statements do not have.
            parts.extend(super::json::parts(&new.title(), old.value, new.value));
        }
    }

    /// Describes added and removed grants: new actions on all resources, old actions on new
    /// resources, and old actions on old resources for new principals.
    fn grants(&self, old: &Statement<'_>, new: &Statement<'_>, parts: &mut Vec<Part>) {
        for (from, to, comes) in [(old, new, true), (new, old, false)] {
            let actions = to.actions.beyond(&from.actions);
            let resources = to.resources.beyond(&from.resources);
            let principals = to.principals.beyond(&from.principals);
            let (kept, same) = (to.actions.within(&from.actions), to.resources.within(&from.resources));
            let pieces = [
                (actions, to.resources.clone(), to.principals.clone()),
                (kept.clone(), resources, to.principals.clone()),
                (kept, same, principals),
            ];
            let absent = [to.actions.is_absent(), to.resources.is_absent(), to.principals.is_absent()];
            for (place, (actions, resources, principals)) in pieces.into_iter().enumerate() {
                let dimensions = [&actions, &resources, &principals];
                // Each piece is the new part of one dimension.
                let is_none =
                    |(at, one): (usize, &&Dimension)| one.is_absent() && (at == place || !absent[at]);
                if dimensions.iter().enumerate().any(is_none) {
                    continue;
                }
                let grant = Statement { actions, resources, principals, ..to.clone() };
                let sentence = grant.sentence();
                parts.push(if comes { self.comes(&grant, sentence) } else { self.goes(&grant, sentence) });
            }
        }
    }
}

/// Describes the differences between the conditions of a statement, by operator and key.
fn conditions(old: &Statement<'_>, new: &Statement<'_>, parts: &mut Vec<Part>) {
    let nothing = Value::Map(Default::default());
    let (before, after) = (old.condition.unwrap_or(&nothing), new.condition.unwrap_or(&nothing));
    for (path, was, is) in flat(before, after) {
        let part =
            Part::between(format!("{}: condition {path}", new.grant_words()), was.as_ref(), is.as_ref());
        let allow = new.effect == "Allow";
        let risk = match (&was, &is) {
            (None, Some(_)) => (!allow).then_some("denied only under a further condition"),
            (Some(_), None) => allow.then_some("a condition is dropped"),
            _ => Some("another condition"),
        };
        parts.push(match risk {
            Some(words) => {
                let actions = short(&new.actions.names);
                part.risk(RiskLabel::Access, format!("{} {actions}: {words}", new.effect))
            }
            None => part,
        });
    }
}

/// The conditions that differ, as `StringEquals aws:SourceVpc` and its values.
fn flat(before: &Value, after: &Value) -> Vec<(String, Option<Value>, Option<Value>)> {
    let all = |condition: &Value| -> Option<std::collections::BTreeMap<String, Value>> {
        let mut found = std::collections::BTreeMap::new();
        for (operator, keys) in condition.as_map()? {
            for (key, values) in keys.as_map()? {
                found.insert(format!("{operator} {key}"), values.clone());
            }
        }
        Some(found)
    };
    match (all(before), all(after)) {
        (Some(before), Some(after)) => before
            .keys()
            .chain(after.keys().filter(|name| !before.contains_key(*name)))
            .filter(|name| before.get(*name) != after.get(*name))
            .map(|name| (name.clone(), before.get(name).cloned(), after.get(name).cloned()))
            .collect(),
        _ => differences(before, after)
            .into_iter()
            .map(|(path, before, after)| (path_text(&path), before.cloned(), after.cloned()))
            .collect(),
    }
}

/// The actions, resources or principals of a statement.
#[derive(Clone, Debug, Default, PartialEq)]
struct Dimension {
    names: BTreeSet<String>,
    /// True for `NotAction` and its like: everything except these.
    inverted: bool,
    /// Its form is not valid in a statement, or it is partly secret or unknown.
    odd: bool,
}

impl Dimension {
    /// Reads `Action` or `NotAction`, and likewise for the other members.
    fn of(statement: &Value, member: &str) -> Self {
        let (value, inverted) = match (statement.get(member), statement.get(&format!("Not{member}"))) {
            (Some(value), None) => (value, false),
            (None, Some(value)) => (value, true),
            (None, None) => return Self::default(),
            (Some(_), Some(_)) => return Self { odd: true, ..Self::default() },
        };
        let mut dimension = Self { inverted, ..Self::default() };
        match value {
            Value::Map(kinds) => {
                for (kind, names) in kinds {
                    dimension.add(names, &|name| format!("{kind} {name}"));
                }
            }
            names => dimension.add(names, &str::to_owned),
        }
        dimension
    }

    fn add(&mut self, names: &Value, word: &dyn Fn(&str) -> String) {
        match names {
            Value::List(list) => list.iter().for_each(|name| self.add(name, word)),
            Value::String(name) => drop(self.names.insert(word(name))),
            other => {
                self.odd = true;
                self.names.insert(word(&value_text(other)));
            }
        }
    }

    fn is_plain(&self) -> bool {
        !self.inverted && !self.odd
    }

    fn is_absent(&self) -> bool {
        self.names.is_empty()
    }

    fn beyond(&self, other: &Self) -> Self {
        Self { names: self.names.difference(&other.names).cloned().collect(), ..self.clone() }
    }

    fn within(&self, other: &Self) -> Self {
        Self { names: self.names.intersection(&other.names).cloned().collect(), ..self.clone() }
    }

    /// Returns whether it contains all of `other`, considering wildcards.
    fn covers(&self, other: &Self, same: &dyn Fn(&str) -> String) -> bool {
        if self.inverted || other.inverted {
            return self == other;
        }
        // Neither has any, like the resources of a trust policy.
        (self.is_absent() && other.is_absent())
            || (!other.is_absent()
                && other.names.iter().all(|name| {
                    self.names.iter().any(|pattern| matches_pattern(&same(pattern), &same(name)))
                }))
    }

    fn words(&self) -> String {
        self.names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
    }
}

/// A parsed statement.
#[derive(Clone, Debug)]
struct Statement<'v> {
    value: &'v Value,
    sid: Option<&'v str>,
    effect: String,
    actions: Dimension,
    resources: Dimension,
    principals: Dimension,
    condition: Option<&'v Value>,
}

impl<'v> Statement<'v> {
    fn of(value: &'v Value) -> Self {
        Self {
            value,
            sid: value.get("Sid").and_then(Value::as_str).filter(|sid| !sid.is_empty()),
            effect: value.get("Effect").map(list_text).unwrap_or_default(),
            actions: Dimension::of(value, "Action"),
            resources: Dimension::of(value, "Resource"),
            principals: Dimension::of(value, "Principal"),
            condition: value.get("Condition"),
        }
    }

    /// A score of how much two statements have in common; 0 if one cannot have become the other.
    fn in_common(&self, other: &Self) -> usize {
        let common = |left: &Dimension, right: &Dimension| left.names.intersection(&right.names).count();
        let (actions, resources) =
            (common(&self.actions, &other.actions), common(&self.resources, &other.resources));
        let principals = common(&self.principals, &other.principals);
        let apart = self.effect != other.effect
            || self.actions.inverted != other.actions.inverted
            || self.resources.inverted != other.resources.inverted
            || self.principals.inverted != other.principals.inverted
            || (actions == 0 && (resources == 0 || !self.actions.is_related(&other.actions)));
        if apart {
            return 0;
        }
        let condition = usize::from(self.condition.is_some() && self.condition == other.condition);
        2 * actions + 2 * resources + principals + condition
    }

    /// Returns whether it grants everything that the other does, as far as the two alone show.
    fn covers(&self, other: &Self) -> bool {
        let bounds = self.condition.is_none() || self.condition == other.condition;
        let principal = |name: &str| if name == "AWS *" { "*".to_owned() } else { name.to_owned() };
        bounds
            && self.actions.covers(&other.actions, &|name| name.to_lowercase())
            && self.resources.covers(&other.resources, &str::to_owned)
            && self.principals.covers(&other.principals, &principal)
    }

    /// Returns whether it applies to everybody.
    fn is_open(&self) -> bool {
        self.condition.is_none()
            && (self.principals.inverted
                || self.principals.names.iter().any(|name| name == "AWS *" || name == "*"))
    }

    /// Returns whether it covers all actions on all resources.
    fn is_everything(&self) -> bool {
        let all = |dimension: &Dimension| dimension.names.contains("*") || dimension.inverted;
        all(&self.actions) && all(&self.resources)
    }

    /// Describes the risk: `allows kms:Decrypt to account 111122223333`, `allows s3:* on
    /// everything`. For a resource policy, the principals are named instead: `*` there is only that
    /// one resource.
    fn risk(&self, verb: &str) -> String {
        let but = if self.actions.inverted { "all but " } else { "" };
        let mut words = format!("{verb} {but}{}", short(&self.actions.names));
        if !self.principals.is_absent() {
            let names = self.principals.names.iter().map(|name| who(name)).collect();
            let but = if self.principals.inverted { "everybody but " } else { "" };
            let _ = write!(words, " to {but}{}", short(&names));
        } else if self.resources.names.contains("*") {
            words.push_str(" on everything");
        }
        if self.condition.is_some() {
            words.push_str(" under a condition");
        }
        words
    }

    /// Describes the statement: `Allow s3:PutObject on arn:… for Service glue.amazonaws.com if {…}
    /// (Sid)`.
    fn sentence(&self) -> String {
        let mut text = self.grant_words();
        if let Some(condition) = self.condition {
            let _ = write!(text, " if {}", condition_words(condition));
        }
        if let Some(Value::String(sid)) = self.value.get("Sid") {
            let _ = write!(text, "  ({sid})");
        }
        text
    }

    fn grant_words(&self) -> String {
        let mut text = self.effect.clone();
        for (dimension, plain, inverted) in [
            (&self.actions, "", "everything but "),
            (&self.resources, "on ", "on all but "),
            (&self.principals, "for ", "for all but "),
        ] {
            if !dimension.is_absent() {
                let _ = write!(
                    text,
                    " {}{}",
                    if dimension.inverted { inverted } else { plain },
                    dimension.words()
                );
            }
        }
        text.trim().to_owned()
    }

    fn title(&self) -> String {
        self.sid.map_or_else(|| "statement".to_owned(), |sid| format!("statement {sid}"))
    }
}

impl Dimension {
    /// Returns whether both name some of the same services.
    fn is_related(&self, other: &Self) -> bool {
        let service = |name: &String| name.split(':').next().unwrap_or_default().to_owned();
        self.names.iter().any(|name| other.names.iter().any(|one| service(one) == service(name)))
    }
}

/// A policy statement as a sentence.
pub(super) fn sentence(value: &Value) -> String {
    match value {
        Value::Map(_) => Statement::of(value).sentence(),
        other => value_text(other),
    }
}

/// Describes conditions: `Bool aws:SecureTransport = false and …`.
fn condition_words(condition: &Value) -> String {
    let Some(operators) = condition.as_map() else { return value_text(condition) };
    let mut words = Vec::new();
    for (operator, keys) in operators {
        match keys {
            Value::Map(keys) => words
                .extend(keys.iter().map(|(key, values)| format!("{operator} {key} = {}", list_text(values)))),
            other => words.push(format!("{operator} {}", value_text(other))),
        }
    }
    words.join(" and ")
}

/// Describes a principal by type and name: `everybody`, `account 111122223333`, `role/etl of
/// account 111122223333`, `glue.amazonaws.com`.
fn who(name: &str) -> String {
    let (kind, name) = name.split_once(' ').unwrap_or(("", name));
    if name == "*" {
        return "everybody".to_owned();
    }
    // arn:aws:iam::111122223333:role/etl
    let parts: Vec<&str> = name.splitn(6, ':').collect();
    match (kind, parts.as_slice()) {
        ("AWS", ["arn", _, "iam", "", account, "root"]) => format!("account {account}"),
        ("AWS", ["arn", _, "iam" | "sts", "", account, what]) => format!("{what} of account {account}"),
        _ => name.to_owned(),
    }
}

fn short(names: &BTreeSet<String>) -> String {
    let some: Vec<&str> = names.iter().take(3).map(String::as_str).collect();
    match names.len() {
        0..=3 => some.join(", "),
        count => format!("{} and {} more", some.join(", "), count - 3),
    }
}
