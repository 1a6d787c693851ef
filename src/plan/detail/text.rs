//! Compares long texts by their lines.

use std::time::Duration;

use similar::{ChangeTag, TextDiff};

use super::{Line, Sign};

/// Lines of context around a difference.
const CONTEXT: usize = 2;
/// The most lines that are shown: nobody reads more.
const MAX: usize = 1_000;
/// The time spent on finding the shortest difference. After that, the result is still correct, but
/// longer.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The lines that differ, with some context; `None` if neither text has several lines.
pub(super) fn hunks(before: &str, after: &str) -> Option<Vec<Line>> {
    if before.lines().count() < 2 && after.lines().count() < 2 {
        return None;
    }
    let difference = TextDiff::configure().timeout(TIMEOUT).diff_lines(before, after);
    let mut lines = Vec::new();
    for group in difference.grouped_ops(CONTEXT) {
        let first = group.first().map_or(0, |operation| operation.new_range().start);
        lines.push(Line { sign: None, text: format!("… line {}", first + 1) });
        for change in group.iter().flat_map(|operation| difference.iter_changes(operation)) {
            let sign = match change.tag() {
                ChangeTag::Equal => None,
                ChangeTag::Insert => Some(Sign::Added),
                ChangeTag::Delete => Some(Sign::Removed),
            };
            let text = change.value().trim_end_matches(['\n', '\r']);
            lines.push(Line { sign, text: text.to_owned() });
        }
    }
    if lines.len() > MAX {
        let rest = lines.drain(MAX..).filter(|line| line.sign.is_some()).count();
        lines.push(Line { sign: None, text: format!("… {rest} more lines differ") });
    }
    Some(lines)
}
