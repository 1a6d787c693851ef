//! The rules between the resources of a stack.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{EvalContext, Instance};
use crate::aws::Place;
use crate::diag::Diagnostic;
use crate::graph::Address;
use crate::kind::{Among, Known, Peer, Peers, Problem};

/// Maximum number of earlier resources with the same claim that a resource is compared with. AWS has
/// room for no more, such as subnets in a VPC.
const COMPARED: usize = 1_000;

impl EvalContext<'_> {
    /// Checks the rules between resources. Only those that claim the same are compared.
    pub(super) fn check_among(&self, all: &BTreeMap<Address, Instance<'_>>, problems: &mut Vec<Diagnostic>) {
        let peers = all.values().map(|instance| Peer {
            address: instance.address.to_string(),
            kind: instance.kind.name(),
            place: &instance.place,
            spec: Known(&instance.spec),
        });
        let peers = Peers::new(peers.collect());
        let mut claimed: HashMap<(&str, String), Vec<usize>> = HashMap::new();
        let mut ids: HashMap<(&str, Place, String), &Address> = HashMap::new();
        for (at, ((address, instance), own)) in all.iter().zip(peers.all()).enumerate() {
            let kind = instance.kind;
            let mut before = BTreeSet::new();
            for claim in kind.claims(own) {
                let others = claimed.entry((kind.name(), claim)).or_default();
                before.extend(others.iter().take(COMPARED).copied());
                others.push(at);
            }
            let before: Vec<&Peer<'_>> = before.into_iter().filter_map(|at| peers.all().get(at)).collect();
            let clashes = before.iter().filter_map(|other| kind.clash(own, other)).collect::<Vec<_>>();
            let account_id = instance.account_id.as_str();
            let among =
                Among { address: &own.address, peers: &peers, before, place: &instance.place, account_id };
            let mut found = kind.check_among(Known(&instance.written), &among);
            found.extend(clashes);
            if let Some(id) = self.id(instance) {
                let place = instance.place.unique(kind.global());
                let other = ids.insert((kind.name(), place, id), address);
                found.extend(other.map(|other| {
                    Problem::new("", format!("{address} would be the same resource at AWS as {other}"))
                        .help("give one of them another name")
                }));
            }
            self.report(found, instance, None, problems);
        }
    }
}
