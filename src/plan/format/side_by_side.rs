//! Documents before and after a change, line by line: policies, state machines, dashboards.

use serde_json::Value as Json;
use similar::{Algorithm, DiffTag, capture_diff_slices};

use super::terraform::MASK;
use crate::kinds;
use crate::plan::Change;
use crate::plan::conceal::conceal;
use crate::plan::detail::{at, policy};
use crate::schema::{Node, PathStep, Shape};
use crate::value::Value;

/// The differing parts of a document.
pub(super) struct Document {
    /// The attribute that contains it.
    pub(super) name: String,
    /// The lines that differ, with some context.
    pub(super) rows: Vec<Row>,
}

/// A line on each side.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// The same line on both sides.
    Same(String),
    /// The left and the right line.
    Differs(Option<String>, Option<String>),
    /// Equal lines that are not shown.
    Gap,
    /// The heading of the lines below.
    Heading(String),
}

/// Lines of context around a difference.
const CONTEXT: usize = 3;
/// Longer documents are not compared, and no more rows are shown.
const MAX_LINES: usize = 3_000;
const MAX_ROWS: usize = 400;
/// Longest line.
const MAX_CHARACTERS: usize = 400;

/// The documents that differ, each once.
pub(super) fn documents(change: &Change, drift: bool) -> Vec<Document> {
    let Some(kind) = kinds::kind(&change.address.kind) else { return Vec::new() };
    let schema = &kind.schema().spec;
    let mut paths: Vec<&[PathStep]> = Vec::new();
    for one in &change.attributes {
        if let Some(path) = document_of(schema, &one.path)
            && !paths.contains(&path)
        {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        return Vec::new();
    }
    let (existing, desired) = conceal(Some(schema), &change.existing, &change.desired);
    let (left, right) = if drift { (&desired, &existing) } else { (&existing, &desired) };
    paths
        .into_iter()
        .filter_map(|path| {
            let (before, after) = (at(left, path), at(right, path));
            let is_policy = schema.at(path).is_some_and(|node| matches!(node.shape, Shape::Policy));
            let rows = match before.zip(after).filter(|_| is_policy) {
                Some((before, after)) => policies(before, after),
                None => compare(&lines(before), &lines(after)),
            };
            (!rows.is_empty()).then(|| Document { name: crate::plan::detail::path_text(path), rows })
        })
        .collect()
}

/// Returns the prefix of a path that leads to a document.
fn document_of<'p>(schema: &Node, path: &'p [PathStep]) -> Option<&'p [PathStep]> {
    let mut node = schema;
    for (index, step) in path.iter().enumerate() {
        node = match (&node.shape, step) {
            (Shape::Object { fields, .. }, PathStep::Name(name)) => fields.get(name)?,
            (Shape::Map(element), PathStep::Name(_)) => element,
            _ => return None,
        };
        if matches!(node.shape, Shape::Policy | Shape::Json) {
            return path.get(..=index);
        }
    }
    None
}

/// Compares two policies by statement: each stands beside its earlier version, wherever that was.
fn policies(before: &Value, after: &Value) -> Vec<Row> {
    let statements = |policy: &Value| policy.get("Statement").and_then(Value::as_list).map(<[Value]>::to_vec);
    let (Some(old), Some(new)) = (statements(before), statements(after)) else {
        return compare(&lines(Some(before)), &lines(Some(after)));
    };
    let rest = |policy: &Value| match policy.clone() {
        Value::Map(mut policy) => {
            policy.remove("Statement");
            Value::Map(policy)
        }
        other => other,
    };
    let mut rows = compare(&lines(Some(&rest(before))), &lines(Some(&rest(after))));
    for (was, is) in policy::partners(&old, &new) {
        let (was, is) = (was.and_then(|at| old.get(at)), is.and_then(|at| new.get(at)));
        let part = compare(&lines(was), &lines(is));
        if let (false, Some(one)) = (part.is_empty(), is.or(was)) {
            rows.push(Row::Heading(policy::title(one)));
            rows.extend(part);
        }
    }
    rows.truncate(MAX_ROWS);
    rows
}

fn lines(document: Option<&Value>) -> Vec<String> {
    match document {
        None | Some(Value::Null) => Vec::new(),
        Some(document) => format!("{:#}", plain(document)).lines().map(str::to_owned).collect(),
    }
}

/// Converts a value to JSON in which unknown values and secrets are named as such.
pub fn plain(value: &Value) -> Json {
    match value {
        Value::Unknown(unknown) => Json::from(format!("({unknown})")),
        Value::Secret(_) => Json::from(MASK),
        Value::List(list) => list.iter().map(plain).collect(),
        Value::Map(map) => map.iter().map(|(name, value)| (name.clone(), plain(value))).collect(),
        other => other.to_json().unwrap_or_default(),
    }
}

fn compare(left: &[String], right: &[String]) -> Vec<Row> {
    if left == right || left.len() > MAX_LINES || right.len() > MAX_LINES {
        return Vec::new();
    }
    let ops = capture_diff_slices(Algorithm::Patience, left, right);
    let mut rows = Vec::new();
    let line = |side: &[String], index: usize| {
        side.get(index).map(|line| crate::plan::review::shorten(line, MAX_CHARACTERS))
    };
    for (number, op) in ops.iter().enumerate() {
        let (tag, old, new) = op.as_tag_tuple();
        if tag == DiffTag::Equal {
            let (first, last) = (number == 0, number + 1 == ops.len());
            let head = if first { 0 } else { CONTEXT.min(old.len()) };
            let tail = if last { 0 } else { CONTEXT.min(old.len() - head) };
            let same = |range: std::ops::Range<usize>| range.filter_map(|at| line(left, at)).map(Row::Same);
            rows.extend(same(old.start..old.start + head));
            if head + tail < old.len() {
                rows.push(Row::Gap);
            }
            rows.extend(same(old.end - tail..old.end));
        } else {
            for index in 0..old.len().max(new.len()) {
                let (before, after) = (
                    (index < old.len()).then(|| line(left, old.start + index)).flatten(),
                    (index < new.len()).then(|| line(right, new.start + index)).flatten(),
                );
                rows.push(Row::Differs(before, after));
            }
        }
    }
    if rows.len() > MAX_ROWS {
        rows.truncate(MAX_ROWS);
        rows.push(Row::Gap);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::{Row, compare};

    #[test]
    fn differences_are_shown_with_context_lines() {
        let left: Vec<String> = (0..20).map(|line| line.to_string()).collect();
        let mut right = left.clone();
        right[10] = "ten".to_owned();
        right.insert(11, "more".to_owned());
        let same = |line: usize| Row::Same(line.to_string());
        assert_eq!(
            compare(&left, &right),
            [
                Row::Gap,
                same(7),
                same(8),
                same(9),
                Row::Differs(Some("10".to_owned()), Some("ten".to_owned())),
                Row::Differs(None, Some("more".to_owned())),
                same(11),
                same(12),
                same(13),
                Row::Gap,
            ]
        );
        assert_eq!(compare(&left, &left), []);
    }
}
