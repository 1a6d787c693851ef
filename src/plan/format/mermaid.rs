//! The changes as a Mermaid graph, which GitHub and GitLab draw.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::escape;
use crate::graph::Address;
use crate::plan::review::{Item, Review, Sort, brief};

/// The most nodes: a larger graph is unreadable, and Mermaid draws at most 500 edges
/// (<https://mermaid.js.org/config/schema-docs/config.html>).
const MAX_NODES: usize = 200;
const MAX_EDGES: usize = 450;
/// The most characters for nodes, of the 50,000 that Mermaid draws (`maxTextSize`, same page).
const NODES: usize = 40_000;
const LONGEST_NAME: usize = 120;
/// The most nodes of a graph beside the text.
const SMALL: usize = 30;

/// The fill and stroke of each sort, readable on light and dark backgrounds.
const CLASSES: [(Sort, &str); 9] = [
    (Sort::Destroy, "fill:#ffd7d5,stroke:#cf222e,color:#1f2328"),
    (Sort::Deleted, "fill:#ffd7d5,stroke:#cf222e,color:#1f2328"),
    (Sort::Replace, "fill:#fbdff6,stroke:#a626a4,color:#1f2328"),
    (Sort::Update, "fill:#fff8c5,stroke:#9a6700,color:#1f2328"),
    (Sort::Changed, "fill:#fff8c5,stroke:#9a6700,color:#1f2328"),
    (Sort::Create, "fill:#dafbe1,stroke:#1a7f37,color:#1f2328"),
    (Sort::Forget, "fill:#ddf4ff,stroke:#0969da,color:#1f2328"),
    (Sort::Move, "fill:#ddf4ff,stroke:#0969da,color:#1f2328"),
    (Sort::Import, "fill:#ddf4ff,stroke:#0969da,color:#1f2328"),
];

/// Renders the graph as a format of its own.
pub(super) fn render(review: &Review<'_>) -> String {
    let mut items: Vec<&Item<'_>> = review.items.iter().collect();
    items.sort_by_key(|item| item.severity_key());
    picture(&items, MAX_NODES)
}

/// Renders a small graph, if at least two resources are connected.
pub(super) fn small(review: &Review<'_>) -> Option<String> {
    let mut items: Vec<&Item<'_>> = review.items.iter().collect();
    items.sort_by_key(|item| item.severity_key());
    let picture = picture(&items, SMALL);
    picture.contains(" --> ").then_some(picture)
}

fn picture(items: &[&Item<'_>], most: usize) -> String {
    let mut text = "flowchart LR\n".to_owned();
    let mut place: BTreeMap<&Address, usize> = BTreeMap::new();
    for (index, item) in items.iter().take(most).enumerate() {
        let label = format!("{} {}", item.sort.sign(), brief(&item.address, LONGEST_NAME));
        let line = format!("  n{index}[\"{}\"]:::{}\n", escape::mermaid(&label), item.sort.name());
        if text.len() + line.len() > NODES {
            break;
        }
        text.push_str(&line);
        place.insert(&item.change.address, index);
    }
    let shown = items.get(..place.len()).unwrap_or(items);
    if items.len() > shown.len() {
        let _ = writeln!(text, "  more[\"… {} more\"]", items.len() - shown.len());
    }
    let edges = shown.iter().enumerate().flat_map(|(index, item)| {
        item.change.needs.iter().filter_map(|need| place.get(need)).map(move |needed| (index, *needed))
    });
    for (from, to) in edges.take(MAX_EDGES) {
        let _ = writeln!(text, "  n{from} --> n{to}");
    }
    for (sort, style) in CLASSES {
        if shown.iter().any(|item| item.sort == sort) {
            let _ = writeln!(text, "  classDef {} {style}", sort.name());
        }
    }
    text
}
