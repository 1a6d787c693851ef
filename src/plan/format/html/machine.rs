//! Draws state machines before and after a change, side by side. Parts that both have are at the
//! same place.

use std::fmt::Write;

use super::super::escape::html;
use super::super::layout::layered;
use crate::plan::detail::{Chart, Flow, State};
use crate::plan::review::shorten;
use crate::plan::{Change, Sign};

/// Above this number of states, only changed ones and their neighbours are drawn.
const MAX_STATES: usize = 60;
/// The most transitions in a picture; more would be unreadable.
const MAX_FLOWS: usize = 300;
/// The most states in all pictures of a machine, including its inner machines.
const MAX_IN_ALL: usize = 300;
/// Longest name, and longest condition.
const NAME: usize = 26;
const WHEN: usize = 26;
/// Wider pictures are placed one below the other; narrower ones are scaled to fit.
const WIDE: f64 = 600.0;

/// A side of the comparison.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Before,
    After,
}

impl Side {
    fn has(self, sign: Option<Sign>) -> bool {
        sign != Some(if self == Self::Before { Sign::Added } else { Sign::Removed })
    }
}

/// Draws the state machines whose states or transitions change.
pub(super) fn machines(text: &mut String, change: &Change, drift: bool) {
    for (name, chart) in crate::plan::detail::charts(change) {
        if !changes(&chart) {
            continue;
        }
        let words = match counted(&chart).as_str() {
            "" => String::new(),
            words => format!(": {words}"),
        };
        let name = html(&name);
        let _ = writeln!(
            text,
            "<details class=\"doc\"><summary><code>{name}</code> as a picture{words}</summary>"
        );
        Pictures { text, name: &name, drift, room: MAX_IN_ALL }.of(&chart, "");
        text.push_str("</details>\n");
    }
}

fn changes(chart: &Chart) -> bool {
    chart.states.iter().any(|state| state.sign.is_some())
        || chart.flows.iter().any(|flow| flow.sign.is_some())
}

/// Counts changed states, including those of inner machines: `1 state added, 2 changed`.
fn counted(chart: &Chart) -> String {
    fn add(chart: &Chart, counts: &mut [usize; 3]) {
        for state in &chart.states {
            match state.sign {
                Some(Sign::Added) => counts[0] += 1,
                Some(Sign::Removed) => counts[1] += 1,
                Some(Sign::Changed) => counts[2] += 1,
                None => {}
            }
            state.inner.iter().for_each(|inner| add(inner, counts));
        }
    }
    let mut counts = [0; 3];
    add(chart, &mut counts);
    let changed = counts.into_iter().zip(["added", "removed", "changed"]).filter(|(count, _)| *count > 0);
    let words = changed.enumerate().map(|(place, (count, what))| match (place, count) {
        (0, 1) => format!("1 state {what}"),
        (0, _) => format!("{count} states {what}"),
        _ => format!("{count} {what}"),
    });
    words.collect::<Vec<_>>().join(", ")
}

/// The pictures of a machine and its inner machines.
struct Pictures<'t> {
    text: &'t mut String,
    name: &'t str,
    drift: bool,
    room: usize,
}

impl Pictures<'_> {
    fn of(&mut self, chart: &Chart, within: &str) {
        if !within.is_empty() {
            let _ = writeln!(self.text, "<p class=\"dim\">Inside {}</p>", html(&shorten(within, 200)));
        }
        self.pair(chart, within);
        for state in chart.states.iter().filter(|state| state.sign == Some(Sign::Changed)) {
            for (place, inner) in state.inner.iter().enumerate().filter(|(_, inner)| changes(inner)) {
                let outer = if within.is_empty() { String::new() } else { format!("{within} / ") };
                let branch =
                    if state.kind == "Parallel" { format!(", branch {}", place + 1) } else { String::new() };
                self.of(inner, &format!("{outer}{}{branch}", state.name));
            }
        }
    }

    fn pair(&mut self, chart: &Chart, within: &str) {
        let part = Part::of(chart);
        if part.states.len() > self.room.min(2 * MAX_STATES) || part.flows.len() > MAX_FLOWS {
            let _ = writeln!(self.text, "<p class=\"dim\">Not drawn: {} states.</p>", part.states.len());
            return;
        }
        self.room -= part.states.len();
        if part.states.len() < chart.states.len() {
            let _ = writeln!(
                self.text,
                "<p class=\"dim\">Of {} states, the {} that change or are next to those.</p>",
                chart.states.len(),
                part.states.len()
            );
        }
        let picture = Picture::of(&part);
        let wide = if picture.width > WIDE { " wide" } else { "" };
        let _ = writeln!(self.text, "<div class=\"pair{wide}\">");
        let heads = if self.drift { ["As applied", "As it is now"] } else { ["Before", "After"] };
        for (side, head) in [Side::Before, Side::After].into_iter().zip(heads) {
            let _ = writeln!(self.text, "<figure><figcaption class=\"dim\">{head}</figcaption>");
            if part.states.iter().any(|state| side.has(state.sign)) {
                let inside = if within.is_empty() {
                    String::new()
                } else {
                    format!(", inside {}", shorten(within, 200))
                };
                let title = format!("{}{}, {}", self.name, html(&inside), head.to_lowercase());
                picture.draw(self.text, &part, side, &title);
            } else {
                self.text.push_str("<p class=\"dim\">(none)</p>\n");
            }
            self.text.push_str("</figure>\n");
        }
        self.text.push_str("</div>\n");
    }
}

/// The part of a machine that is drawn.
struct Part<'c> {
    states: Vec<&'c State>,
    flows: Vec<(Option<usize>, Option<usize>, &'c Flow)>,
}

impl<'c> Part<'c> {
    fn of(chart: &'c Chart) -> Self {
        let count = chart.states.len();
        let mut kept = vec![count <= MAX_STATES; count];
        if count > MAX_STATES {
            let mark = |kept: &mut Vec<bool>, places: [Option<usize>; 2]| {
                for place in places.into_iter().flatten() {
                    if let Some(one) = kept.get_mut(place) {
                        *one = true;
                    }
                }
            };
            for (place, _) in chart.states.iter().enumerate().filter(|(_, state)| state.sign.is_some()) {
                mark(&mut kept, [Some(place), None]);
            }
            chart
                .flows
                .iter()
                .filter(|flow| flow.sign.is_some())
                .for_each(|flow| mark(&mut kept, [flow.from, flow.to]));
            let changed = kept.clone();
            let is = |place: Option<usize>| place.is_some_and(|place| changed.get(place) == Some(&true));
            for flow in chart.flows.iter().filter(|flow| is(flow.from) || is(flow.to)) {
                mark(&mut kept, [flow.from, flow.to]);
            }
        }
        let mut places = vec![None; count];
        let mut states = Vec::new();
        for ((state, place), _) in
            chart.states.iter().zip(&mut places).zip(kept).filter(|(_, is_kept)| *is_kept)
        {
            *place = Some(states.len());
            states.push(state);
        }
        let at = |place: Option<usize>| match place {
            None => Some(None),
            Some(place) => places.get(place).copied().flatten().map(Some),
        };
        let flows = chart.flows.iter().filter_map(|flow| Some((at(flow.from)?, at(flow.to)?, flow)));
        Self { flows: flows.collect(), states }
    }
}

/// A box that takes room.
#[derive(Clone, Copy, Default)]
struct Node {
    /// Its centre, from the left.
    x: f64,
    /// Its top and its bottom.
    top: f64,
    bottom: f64,
    width: f64,
    height: f64,
    /// The node is only a bend of a line.
    is_bend: bool,
}

impl Node {
    fn sized(width: f64, height: f64) -> Self {
        Self { width, height, ..Self::default() }
    }
}

/// A transition, as the nodes it passes from top to bottom.
#[derive(Default)]
struct Line {
    nodes: Vec<usize>,
    /// The node of its label.
    label: Option<usize>,
    /// The transition leads upwards.
    is_back: bool,
}

/// The layout. Nodes are the start, the states, the end, and then the labels and bends of lines.
struct Picture {
    nodes: Vec<Node>,
    /// One line per flow.
    lines: Vec<Line>,
    width: f64,
    height: f64,
}

/// The space around a picture, between layers, and between nodes.
const EDGE: f64 = 10.0;
const GAP: f64 = 22.0;
const SPACE: f64 = 18.0;
/// The distance of upward lines from others.
const OFF: f64 = 14.0;

impl Picture {
    fn of(part: &Part<'_>) -> Self {
        let (start, end) = (0, part.states.len() + 1);
        let mut nodes = vec![Node::sized(14.0, 14.0)];
        nodes.extend(part.states.iter().map(|state| {
            let wide = |text: &str, each: f64| text.chars().count() as f64 * each;
            let width = wide(&name(state), 7.3).max(wide(&kind(state), 6.1)) + 20.0;
            Node::sized(width.max(64.0), 38.0)
        }));
        nodes.push(Node::sized(14.0, 14.0));
        let ends: Vec<(usize, usize)> = part
            .flows
            .iter()
            .map(|(from, to, _)| (from.map_or(start, |at| at + 1), to.map_or(end, |at| at + 1)))
            .collect();
        let back = leading_back(nodes.len(), &ends);
        let mut lines = Vec::new();
        let mut links = Vec::new();
        for (&(from, to), ((_, _, flow), is_back)) in ends.iter().zip(part.flows.iter().zip(back)) {
            let mut line = Line { is_back, ..Line::default() };
            let (above, below) = if is_back { (to, from) } else { (from, to) };
            line.nodes.push(above);
            // Without a bend, two lines between the same states would coincide.
            let is_twin = links.contains(&(above, below));
            if from != to && (flow.label.is_some() || is_back || is_twin) {
                let width = when(flow).chars().count() as f64 * 6.4 + 6.0;
                let is_bend = flow.label.is_none();
                line.label = (!is_bend).then_some(nodes.len());
                line.nodes.push(nodes.len());
                nodes.push(if is_bend {
                    Node { is_bend, ..Node::sized(8.0, 0.0) }
                } else {
                    Node::sized(width, 15.0)
                });
            }
            line.nodes.push(below);
            links.extend(pairs(&line.nodes));
            lines.push(line);
        }
        // A long line bends in every layer that it crosses, to avoid other nodes.
        let layers: Vec<usize> = layered(nodes.len(), &links).iter().map(|spot| spot.layer).collect();
        links.clear();
        for line in &mut lines {
            let mut bent = Vec::new();
            for (above, below) in pairs(&line.nodes) {
                bent.push(above);
                if let (Some(&from), Some(&to)) = (layers.get(above), layers.get(below)) {
                    for _ in from + 1..to {
                        bent.push(nodes.len());
                        nodes.push(Node { is_bend: true, ..Node::sized(8.0, 0.0) });
                    }
                }
            }
            bent.extend(line.nodes.last());
            line.nodes = bent;
            links.extend(pairs(&line.nodes));
        }
        let mut picture = Self { nodes, lines, width: 0.0, height: 0.0 };
        picture.place(&links);
        picture
    }

    fn place(&mut self, links: &[(usize, usize)]) {
        let spots = layered(self.nodes.len(), links);
        let count = spots.iter().map(|spot| spot.layer + 1).max().unwrap_or(0);
        let mut layers: Vec<Vec<usize>> = vec![Vec::new(); count];
        let mut order: Vec<usize> = (0..spots.len()).collect();
        order.sort_by_key(|&node| spots.get(node).map(|spot| (spot.layer, spot.row)));
        for node in order {
            if let Some(layer) = spots.get(node).and_then(|spot| layers.get_mut(spot.layer)) {
                layer.push(node);
            }
        }
        let mut near: Vec<[Vec<usize>; 2]> = vec![Default::default(); self.nodes.len()];
        for &(above, below) in links.iter().filter(|(above, below)| above != below) {
            if let Some([over, _]) = near.get_mut(below) {
                over.push(above);
            }
            if let Some([_, under]) = near.get_mut(above) {
                under.push(below);
            }
        }
        for sweep in 0..12 {
            let upwards = sweep % 2 == 1;
            let mut order: Vec<&Vec<usize>> = layers.iter().collect();
            if upwards {
                order.reverse();
            }
            for layer in order {
                let wanted: Vec<f64> = layer
                    .iter()
                    .map(|&node| {
                        let own = self.nodes.get(node).map_or(0.0, |one| one.x);
                        let Some([over, under]) = near.get(node) else { return own };
                        let one = if upwards { under } else { over };
                        if one.is_empty() {
                            return own;
                        }
                        let sum: f64 = one.iter().filter_map(|&one| Some(self.nodes.get(one)?.x)).sum();
                        sum / one.len() as f64
                    })
                    .collect();
                self.settle(layer, &wanted);
            }
        }
        let left = self.nodes.iter().map(|node| node.x - node.width / 2.0).fold(f64::INFINITY, f64::min);
        let mut top = EDGE;
        for layer in &layers {
            let heights = layer.iter().filter_map(|&node| Some(self.nodes.get(node)?.height));
            let height = heights.fold(0.0, f64::max);
            for &node in layer {
                if let Some(node) = self.nodes.get_mut(node) {
                    let above = if node.is_bend { 0.0 } else { (height - node.height) / 2.0 };
                    (node.top, node.bottom) = (top + above, top + height - above);
                    node.x += EDGE - left;
                }
            }
            top += height + GAP;
        }
        let right = self.nodes.iter().map(|node| node.x + node.width / 2.0).fold(0.0, f64::max);
        (self.width, self.height) = (right + EDGE + OFF, top - GAP + EDGE);
    }

    /// Moves the nodes of a layer as close to their wanted positions as their order and widths
    /// allow: to the middle between the leftmost and the rightmost solution.
    fn settle(&mut self, layer: &[usize], wanted: &[f64]) {
        let widths: Vec<f64> = layer.iter().filter_map(|&node| Some(self.nodes.get(node)?.width)).collect();
        let mut left = wanted.to_vec();
        let mut right = wanted.to_vec();
        for (at, pair) in widths.windows(2).enumerate() {
            let apart = pair.iter().sum::<f64>() / 2.0 + SPACE;
            left[at + 1] = left[at + 1].max(left[at] + apart);
        }
        for (at, pair) in widths.windows(2).enumerate().rev() {
            let apart = pair.iter().sum::<f64>() / 2.0 + SPACE;
            right[at] = right[at].min(right[at + 1] - apart);
        }
        for (&node, (left, right)) in layer.iter().zip(left.into_iter().zip(right)) {
            if let Some(node) = self.nodes.get_mut(node) {
                node.x = f64::midpoint(left, right);
            }
        }
    }

    fn draw(&self, text: &mut String, part: &Part<'_>, side: Side, title: &str) {
        let (width, height) = (self.width.round(), self.height.round());
        let _ = writeln!(
            text,
            "<div class=\"graph\"><svg width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\">\
             <title>{title}</title>"
        );
        let mut ends = [false, false];
        for ((from, to, flow), line) in part.flows.iter().zip(&self.lines) {
            if side.has(flow.sign) {
                ends[0] |= from.is_none();
                ends[1] |= to.is_none();
                let _ = write!(text, "<g{}>", class(flow.sign));
                self.line(text, line);
                if let (Some(label), Some(node)) = (&flow.label, line.label.and_then(|at| self.nodes.get(at)))
                {
                    let (x, y) = (node.x.round(), (node.top + 11.0).round());
                    let _ = write!(
                        text,
                        "<text class=\"when\" x=\"{x}\" y=\"{y}\">{}<title>{}</title></text>",
                        html(&when(flow)),
                        html(&shorten(label, 400))
                    );
                }
                text.push_str("</g>\n");
            }
        }
        for (state, node) in part.states.iter().zip(self.nodes.iter().skip(1)) {
            if side.has(state.sign) {
                let (left, top) = ((node.x - node.width / 2.0).round(), node.top.round());
                let round = if state.kind == "Choice" { 19 } else { 5 };
                let _ = writeln!(
                    text,
                    "<g{}><title>{}</title><rect x=\"{left}\" y=\"{top}\" width=\"{}\" height=\"38\" rx=\"{round}\"/>\
                     <text x=\"{x}\" y=\"{}\">{}</text><text class=\"type\" x=\"{x}\" y=\"{}\">{}</text></g>",
                    class(state.sign),
                    html(&shorten(&state.name, 400)),
                    node.width.round(),
                    top + 16.0,
                    html(&name(state)),
                    top + 30.0,
                    html(&kind(state)),
                    x = node.x.round(),
                );
            }
        }
        // The start is filled, the end is a ring.
        for (is_there, (node, class)) in ends
            .into_iter()
            .zip([(self.nodes.first(), "start"), (self.nodes.get(part.states.len() + 1), "end")])
        {
            if let (true, Some(node)) = (is_there, node) {
                let (x, y) = (node.x.round(), (node.top + 7.0).round());
                let _ = writeln!(text, "<circle class=\"{class}\" cx=\"{x}\" cy=\"{y}\" r=\"6\"/>");
            }
        }
        text.push_str("</svg></div>\n");
    }

    fn line(&self, text: &mut String, line: &Line) {
        let (Some(&first), Some(&last)) = (line.nodes.first(), line.nodes.last()) else { return };
        let (Some(above), Some(below)) = (self.nodes.get(first), self.nodes.get(last)) else { return };
        if first == last {
            // A transition to the same state.
            let (x, y) = (above.x + above.width / 2.0, f64::midpoint(above.top, above.bottom));
            let (x, y) = (x.round(), y.round());
            let (high, low, far) = (y - 8.0, y + 8.0, x + 16.0);
            let _ = write!(
                text,
                "<path d=\"M{x} {high}C{far} {high} {far} {low} {x} {low}\"/><path class=\"tip\" d=\"M{x} {low}l6 -4v8z\"/>"
            );
            return;
        }
        let off = if line.is_back { OFF } else { 0.0 };
        let x = |index: usize, node: &Node| {
            let is_end = index == first || index == last;
            (node.x + if is_end { off.min(node.width / 2.0 - 3.0) } else { 0.0 }).round()
        };
        let mut path = String::new();
        let mut is_begun = false;
        for (one, other) in pairs(&line.nodes) {
            let (Some(from), Some(to)) = (self.nodes.get(one), self.nodes.get(other)) else { continue };
            let (from_x, to_x, bottom, top) =
                (x(one, from), x(other, to), from.bottom.round(), to.top.round());
            let middle = f64::midpoint(bottom, top).round();
            // A label interrupts its line.
            if !is_begun || !from.is_bend {
                let _ = write!(path, "M{from_x} {bottom}");
            }
            is_begun = true;
            let _ = write!(path, "C{from_x} {middle} {to_x} {middle} {to_x} {top}");
            if to.is_bend {
                let _ = write!(path, "V{}", to.bottom.round());
            }
        }
        let tip = if line.is_back {
            format!("M{} {}l-4 7h8z", x(first, above), above.bottom.round())
        } else {
            format!("M{} {}l-4 -7h8z", x(last, below), below.top.round())
        };
        let _ = write!(text, "<path d=\"{path}\"/><path class=\"tip\" d=\"{tip}\"/>");
    }
}

fn class(sign: Option<Sign>) -> &'static str {
    match sign {
        None => "",
        Some(Sign::Added) => " class=\"create\"",
        Some(Sign::Removed) => " class=\"destroy\"",
        Some(Sign::Changed) => " class=\"update\"",
    }
}

fn name(state: &State) -> String {
    let sign = match state.sign {
        None => "",
        Some(Sign::Added) => "+ ",
        Some(Sign::Removed) => "- ",
        Some(Sign::Changed) => "~ ",
    };
    format!("{sign}{}", shorten(&state.name, NAME))
}

/// Describes the type of a state: `Parallel, 3 branches`.
fn kind(state: &State) -> String {
    let kind = shorten(&state.kind, NAME);
    match state.inner.as_slice() {
        [] => kind,
        [one] if state.kind != "Parallel" => match one.states.len() {
            1 => format!("{kind} of 1 state"),
            count => format!("{kind} of {count} states"),
        },
        [_] => format!("{kind}, 1 branch"),
        branches => format!("{kind}, {} branches", branches.len()),
    }
}

fn when(flow: &Flow) -> String {
    shorten(flow.label.as_deref().unwrap_or_default(), WHEN)
}

fn pairs(nodes: &[usize]) -> impl Iterator<Item = (usize, usize)> {
    nodes.iter().copied().zip(nodes.iter().copied().skip(1))
}

/// Returns which edges lead back to an ancestor in a depth-first walk from the first node.
fn leading_back(count: usize, edges: &[(usize, usize)]) -> Vec<bool> {
    struct Walk<'e> {
        edges: &'e [(usize, usize)],
        out: Vec<Vec<usize>>,
        seen: Vec<bool>,
        within: Vec<bool>,
        back: Vec<bool>,
    }
    impl Walk<'_> {
        // The recursion is bounded by the number of states in a picture.
        fn visit(&mut self, node: usize) {
            if std::mem::replace(&mut self.seen[node], true) {
                return;
            }
            self.within[node] = true;
            for edge in std::mem::take(&mut self.out[node]) {
                let to = self.edges[edge].1;
                if to != node && self.within[to] {
                    self.back[edge] = true;
                } else {
                    self.visit(to);
                }
            }
            self.within[node] = false;
        }
    }
    let mut out = vec![Vec::new(); count];
    for (edge, &(from, _)) in edges.iter().enumerate() {
        out[from].push(edge);
    }
    let back = vec![false; edges.len()];
    let mut walk = Walk { edges, out, seen: vec![false; count], within: vec![false; count], back };
    (0..count).for_each(|node| walk.visit(node));
    walk.back
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Chart, Flow, Part, Picture, State, leading_back};

    #[test]
    fn a_loop_is_drawn_back_to_its_start() {
        let edges = [(0, 2), (2, 1), (1, 3), (3, 2), (3, 4), (4, 4)];
        assert_eq!(leading_back(5, &edges), [false, false, false, true, false, false]);
    }

    proptest! {
        #[test]
        fn shapes_do_not_overlap_and_edges_lead_down(
            ends in prop::collection::vec((0usize..12, 0usize..12, any::<bool>()), 0..40)
        ) {
            let states = (0..10).map(|place| State {
                name: "x".repeat(place * 4 + 1),
                kind: "Task".to_owned(),
                sign: None,
                inner: Vec::new(),
            });
            // There are ten states; eleven stands for the start or the end.
            let place = |place: usize| (place < 10).then_some(place);
            let flows = ends.iter().map(|&(from, to, is_labelled)| Flow {
                from: place(from),
                to: place(to),
                label: is_labelled.then(|| "if $.a = 1".to_owned()),
                sign: None,
            });
            let chart = Chart { states: states.collect(), flows: flows.collect() };
            let picture = Picture::of(&Part::of(&chart));
            let boxes: Vec<_> = picture.nodes.iter().filter(|node| !node.is_bend).collect();
            for (index, one) in boxes.iter().enumerate() {
                prop_assert!(one.x - one.width / 2.0 >= 0.0 && one.x + one.width / 2.0 <= picture.width);
                prop_assert!(one.top >= 0.0 && one.bottom <= picture.height);
                for other in boxes.iter().skip(index + 1) {
                    let beside = (one.x - other.x).abs() >= (one.width + other.width) / 2.0;
                    prop_assert!(beside || one.bottom <= other.top || other.bottom <= one.top);
                }
            }
            for line in picture.lines.iter().filter(|line| line.nodes.first() != line.nodes.last()) {
                for pair in line.nodes.windows(2) {
                    prop_assert!(picture.nodes[pair[0]].bottom < picture.nodes[pair[1]].top);
                }
            }
        }
    }
}
