//! Addresses, and the order between them.

mod address;

use std::collections::{BTreeMap, BTreeSet};

use petgraph::algo::{kosaraju_scc, toposort};
use petgraph::graphmap::DiGraphMap;

pub use address::{Address, ModulePath, ModuleStep, Place};

/// Sorts the nodes `0..count` so that each one comes after its needs. `needs` holds `(node, needed)`.
/// The order is deterministic.
///
/// # Errors
/// There is a cycle. Returns its nodes: each needs the next, and the last needs the first.
pub fn order(count: usize, needs: &BTreeSet<(usize, usize)>) -> Result<Vec<usize>, Vec<usize>> {
    let mut graph = DiGraphMap::<usize, ()>::new();
    for node in (0..count).rev() {
        graph.add_node(node);
    }
    for &(node, needed) in needs {
        graph.add_edge(needed, node, ());
    }
    match toposort(&graph, None) {
        Ok(order) => Ok(order),
        Err(_) => Err(cycle(&graph, needs)),
    }
}

/// Returns the `soft` edges to give up, so that an order of the nodes exists for all `hard` edges and
/// the other soft ones. Both sets hold `(node, needed)`. Only edges within a cycle are given up, and
/// few of them by a simple rule: the node with the fewest open needs comes first.
///
/// # Errors
/// There is a cycle of hard edges alone, as for [`order`].
pub fn relax(
    count: usize,
    hard: &BTreeSet<(usize, usize)>,
    soft: &BTreeSet<(usize, usize)>,
) -> Result<BTreeSet<(usize, usize)>, Vec<usize>> {
    order(count, hard)?;
    let mut graph = DiGraphMap::<usize, ()>::new();
    for &(node, needed) in hard.iter().chain(soft) {
        graph.add_edge(needed, node, ());
    }
    let mut given_up: BTreeSet<(usize, usize)> =
        soft.iter().filter(|(node, needed)| node == needed).copied().collect();
    let knots = kosaraju_scc(&graph);
    let mut knot_of = vec![None; count];
    for (index, knot) in knots.iter().enumerate().filter(|(_, knot)| knot.len() > 1) {
        for &node in knot {
            knot_of[node] = Some(index);
        }
    }
    let inside = |&&(node, needed): &&(usize, usize)| {
        node != needed && knot_of[node].is_some() && knot_of[node] == knot_of[needed]
    };
    // For each node, the number of its hard and soft needs that have no place yet, and its dependents.
    let mut left = vec![(0usize, 0usize); count];
    let mut needed_by: Vec<Vec<(usize, bool)>> = vec![Vec::new(); count];
    for (edges, is_hard) in [(hard, true), (soft, false)] {
        for &(node, needed) in edges.iter().filter(inside) {
            // An edge in both sets counts as hard.
            if is_hard || !hard.contains(&(node, needed)) {
                let (of_hard, of_soft) = &mut left[node];
                *(if is_hard { of_hard } else { of_soft }) += 1;
                needed_by[needed].push((node, is_hard));
            }
        }
    }
    let mut ready: BTreeSet<(usize, usize)> = (0..count)
        .filter(|&node| knot_of[node].is_some() && left[node].0 == 0)
        .map(|node| (left[node].1, node))
        .collect();
    let mut place = vec![usize::MAX; count];
    let mut placed = 0;
    while let Some((_, node)) = ready.pop_first() {
        place[node] = placed;
        placed += 1;
        for &(later, is_hard) in &needed_by[node] {
            if place[later] != usize::MAX {
                continue;
            }
            ready.remove(&(left[later].1, later));
            let (of_hard, of_soft) = &mut left[later];
            *(if is_hard { of_hard } else { of_soft }) -= 1;
            if left[later].0 == 0 {
                ready.insert((left[later].1, later));
            }
        }
    }
    let against = |(node, needed): &(usize, usize)| place[*needed] > place[*node];
    given_up.extend(soft.iter().filter(inside).filter(|edge| against(edge)));
    Ok(given_up)
}

/// The shortest cycle through the first node of the smallest strongly connected component (knot).
fn cycle(graph: &DiGraphMap<usize, ()>, needs: &BTreeSet<(usize, usize)>) -> Vec<usize> {
    let looped = needs.iter().find(|(node, needed)| node == needed);
    if let Some((node, _)) = looped {
        return vec![*node];
    }
    let knot: BTreeSet<usize> = kosaraju_scc(graph)
        .into_iter()
        .filter(|knot| knot.len() > 1)
        .min_by_key(Vec::len)
        .into_iter()
        .flatten()
        .collect();
    let Some(&start) = knot.first() else { return Vec::new() };
    // Search breadth first along `needs`, within the knot, until the start is reached again.
    let mut came_from: BTreeMap<usize, usize> = BTreeMap::new();
    let mut queue = std::collections::VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        for &(_, needed) in needs.range((node, 0)..=(node, usize::MAX)) {
            if needed == start {
                let mut path = vec![node];
                let mut at = node;
                while let Some(&before) = came_from.get(&at) {
                    path.push(before);
                    at = before;
                }
                path.reverse();
                return path;
            }
            if knot.contains(&needed) && needed != start && !came_from.contains_key(&needed) {
                came_from.insert(needed, node);
                queue.push_back(needed);
            }
        }
    }
    knot.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::{order, relax};

    #[test]
    fn a_cycle_is_reported_as_a_closed_path() {
        assert_eq!(order(4, &BTreeSet::from([(0, 1), (1, 2), (2, 1), (3, 0)])), Err(vec![1, 2]));
        assert_eq!(order(2, &BTreeSet::from([(1, 1)])), Err(vec![1]));
    }

    #[test]
    fn only_soft_edges_are_dropped() {
        // Two buckets (0, 1) replicate by a role (2) to another (3); the role's policy (4) names both.
        // The policy must be deleted after the role.
        let soft = BTreeSet::from([(2, 0), (2, 1), (3, 0), (3, 1), (0, 4), (1, 4)]);
        let given_up = relax(5, &BTreeSet::from([(4, 2)]), &soft).expect("an order");
        assert_eq!(given_up, BTreeSet::from([(0, 4), (1, 4)]));
        assert_eq!(relax(2, &BTreeSet::from([(0, 1), (1, 0)]), &BTreeSet::new()), Err(vec![0, 1]));
        // A node that needs itself, and many nodes that need each other.
        assert_eq!(relax(1, &BTreeSet::new(), &BTreeSet::from([(0, 0)])), Ok(BTreeSet::from([(0, 0)])));
        let all = (0..600).flat_map(|one| (0..600).map(move |other| (one, other))).collect();
        assert_eq!(relax(600, &BTreeSet::new(), &all).map(|given_up| given_up.len()), Ok(600 * 601 / 2));
    }

    fn edges(most: usize) -> impl Strategy<Value = BTreeSet<(usize, usize)>> {
        prop::collection::btree_set((0usize..24, 0usize..24), 0..most)
    }

    proptest! {
        #[test]
        fn soft_edges_are_dropped_only_in_cycles(hard in edges(24), soft in edges(60)) {
            // A maximal part of the hard edges that has an order.
            let mut kept = BTreeSet::new();
            for edge in hard {
                kept.insert(edge);
                if order(24, &kept).is_err() {
                    kept.remove(&edge);
                }
            }
            let given_up = relax(24, &kept, &soft).expect("an order of the hard edges");
            prop_assert!(given_up.is_subset(&soft));
            let rest: BTreeSet<_> = soft.difference(&given_up).chain(&kept).copied().collect();
            prop_assert!(order(24, &rest).is_ok());
            // Reachability along all edges: an edge that is given up closes a cycle.
            let all: BTreeSet<_> = soft.union(&kept).copied().collect();
            for (node, needed) in given_up {
                let (mut seen, mut next) = (BTreeSet::from([needed]), vec![needed]);
                while let Some(at) = next.pop() {
                    next.extend(all.range((at, 0)..=(at, 24)).map(|edge| edge.1).filter(|one| seen.insert(*one)));
                }
                prop_assert!(seen.contains(&node), "{} needs {} in no cycle", node, needed);
            }
        }

        #[test]
        fn resources_come_after_their_dependencies(edges in prop::collection::btree_set((0usize..40, 0usize..40), 0..120)) {
            match order(40, &edges) {
                Ok(order) => {
                    prop_assert_eq!(order.iter().collect::<BTreeSet<_>>().len(), 40);
                    let place = |node: usize| order.iter().position(|&one| one == node);
                    for (node, needed) in edges {
                        prop_assert!(place(needed) < place(node));
                    }
                }
                Err(cycle) => {
                    prop_assert!(!cycle.is_empty());
                    for (index, &node) in cycle.iter().enumerate() {
                        let next = cycle[(index + 1) % cycle.len()];
                        prop_assert!(edges.contains(&(node, next)), "{} does not need {}", node, next);
                    }
                }
            }
        }
    }
}
