//! A small layered graph layout: dependencies are to the left of their dependents.

/// The position of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    /// The column, from the left.
    pub(super) layer: usize,
    /// The position in the column, from the top.
    pub(super) row: usize,
}

/// The number of passes that improve the order in the columns.
const SWEEPS: usize = 6;

/// Places `count` nodes; edges lead from dependencies to dependents. Edges that close a cycle are
/// ignored.
pub(super) fn layered(count: usize, edges: &[(usize, usize)]) -> Vec<Spot> {
    let mut after = vec![Vec::new(); count];
    let mut before = vec![Vec::new(); count];
    for &(from, to) in edges.iter().filter(|(from, to)| from != to && *from < count && *to < count) {
        if let (Some(after), Some(before)) = (after.get_mut(from), before.get_mut(to)) {
            after.push(to);
            before.push(from);
        }
    }
    let layers = layers(&after, &before);
    let deepest = layers.iter().copied().max().unwrap_or(0);
    let mut columns = vec![Vec::new(); deepest + 1];
    for (node, &layer) in layers.iter().enumerate() {
        if let Some(column) = columns.get_mut(layer) {
            column.push(node);
        }
    }
    let mut rows = vec![0.0_f64; count];
    let number = |column: &[usize], rows: &mut Vec<f64>| {
        for (row, &node) in column.iter().enumerate() {
            if let Some(place) = rows.get_mut(node) {
                // Columns are roughly centred on each other.
                *place = row as f64 - column.len() as f64 / 2.0;
            }
        }
    };
    columns.iter().for_each(|column| number(column, &mut rows));
    for sweep in 0..SWEEPS {
        let forward = sweep % 2 == 0;
        let neighbours = if forward { &before } else { &after };
        let mut order: Vec<usize> = (0..columns.len()).collect();
        if !forward {
            order.reverse();
        }
        for index in order {
            let Some(column) = columns.get_mut(index) else { continue };
            let mean = |node: usize| {
                let near = neighbours.get(node).map_or(&[][..], Vec::as_slice);
                let own = rows.get(node).copied().unwrap_or_default();
                if near.is_empty() {
                    return own;
                }
                near.iter().filter_map(|&one| rows.get(one)).sum::<f64>() / near.len() as f64
            };
            let mut placed: Vec<(f64, usize)> = column.iter().map(|&node| (mean(node), node)).collect();
            placed.sort_by(|left, right| left.0.total_cmp(&right.0));
            *column = placed.into_iter().map(|(_, node)| node).collect();
            number(column, &mut rows);
        }
    }
    let mut spots = vec![Spot { layer: 0, row: 0 }; count];
    for (layer, column) in columns.iter().enumerate() {
        for (row, &node) in column.iter().enumerate() {
            if let Some(spot) = spots.get_mut(node) {
                *spot = Spot { layer, row };
            }
        }
    }
    spots
}

/// The layer of each node: one more than the highest layer of its dependencies.
fn layers(after: &[Vec<usize>], before: &[Vec<usize>]) -> Vec<usize> {
    let mut waiting: Vec<usize> = before.iter().map(Vec::len).collect();
    let mut layers = vec![0; after.len()];
    let mut done = vec![false; after.len()];
    let mut ready: Vec<usize> =
        waiting.iter().enumerate().filter(|(_, count)| **count == 0).map(|(node, _)| node).collect();
    let mut next = 0;
    loop {
        while let Some(node) = ready.pop() {
            if std::mem::replace(&mut done[node], true) {
                continue;
            }
            for &one in &after[node] {
                if done[one] {
                    continue;
                }
                layers[one] = layers[one].max(layers[node] + 1);
                waiting[one] = waiting[one].saturating_sub(1);
                if waiting[one] == 0 {
                    ready.push(one);
                }
            }
        }
        // Breaks a cycle by leaving its first node where it is.
        while done.get(next) == Some(&true) {
            next += 1;
        }
        if next >= done.len() {
            return layers;
        }
        ready.push(next);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::layered;

    #[test]
    fn dependencies_are_drawn_to_the_left() {
        let spots = layered(4, &[(0, 1), (1, 2), (0, 2), (3, 2)]);
        assert_eq!(spots.iter().map(|spot| spot.layer).collect::<Vec<_>>(), [0, 1, 2, 0]);
    }

    #[test]
    fn rows_follow_their_neighbours() {
        // In their original order, both edges would cross.
        let spots = layered(4, &[(0, 3), (1, 2)]);
        assert_eq!(spots[0].row < spots[1].row, spots[3].row < spots[2].row);
    }

    proptest! {
        #[test]
        fn nodes_do_not_overlap(
            edges in prop::collection::vec((0usize..30, 0usize..30), 0..90)
        ) {
            let spots = layered(30, &edges);
            let mut seen: Vec<_> = spots.iter().map(|spot| (spot.layer, spot.row)).collect();
            seen.sort_unstable();
            seen.dedup();
            prop_assert_eq!(seen.len(), 30);
        }
    }
}
