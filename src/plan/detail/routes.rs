//! Describes the routes of a route table in words.

use ipnet::IpNet;

use super::values::tables;
use super::{Part, RiskLabel, Sign, list_text};
use crate::value::Value;

/// The members that name the destination of a route.
const DESTINATIONS: [(&str, &str); 3] = [
    ("destination_cidr_block", ""),
    ("destination_ipv6_cidr_block", ""),
    ("destination_prefix_list_id", "prefix list "),
];

/// The members that name the target of a route.
const TARGETS: [(&str, &str); 10] = [
    ("gateway_id", "gateway"),
    ("nat_gateway_id", "NAT gateway"),
    ("vpc_endpoint_id", "endpoint"),
    ("transit_gateway_id", "transit gateway"),
    ("vpc_peering_connection_id", "peering connection"),
    ("network_interface_id", "network interface"),
    ("egress_only_internet_gateway_id", "egress-only internet gateway"),
    ("carrier_gateway_id", "carrier gateway"),
    ("local_gateway_id", "local gateway"),
    ("core_network_arn", "core network"),
];

/// The routes that are added, redirected and removed.
pub(super) fn routes<'v>(
    before: impl Iterator<Item = &'v Value>,
    after: impl Iterator<Item = &'v Value>,
    creating: bool,
) -> Vec<Part> {
    let Some((mut gone, come)) = tables(before, after) else { return Vec::new() };
    let mut parts = Vec::new();
    for route in come {
        let same = gone.iter().position(|old| destination(old) == destination(route));
        let opens = leads_to_the_internet(route);
        let (part, opens) = match same.map(|same| gone.remove(same)) {
            Some(old) => {
                let words =
                    format!("{} goes to {} instead of {}", destination(route), target(route), target(old));
                let part = Part::new(Sign::Changed, words)
                    .risk(RiskLabel::Downtime, format!("traffic to {} is interrupted", destination(route)));
                (part, opens && !leads_to_the_internet(old))
            }
            None => {
                (Part::new(Sign::Added, format!("{} goes to {}", destination(route), target(route))), opens)
            }
        };
        let words = || format!("{} goes to {}, which may be the internet", destination(route), target(route));
        parts.push(if opens && !creating { part.risk(RiskLabel::Access, words()) } else { part });
    }
    for route in gone {
        let words = format!("{} no longer goes to {}", destination(route), target(route));
        let risk = format!("traffic to {} loses its route", destination(route));
        parts.push(Part::new(Sign::Removed, words).risk(RiskLabel::Downtime, risk));
    }
    parts
}

fn named(route: &Value, members: &[(&str, &'static str)]) -> Option<(&'static str, String)> {
    members.iter().find_map(|(member, words)| {
        let value = route.get(member).filter(|value| !value.is_null())?;
        Some((*words, list_text(value)))
    })
}

fn destination(route: &Value) -> String {
    named(route, &DESTINATIONS).map_or_else(|| "?".to_owned(), |(words, name)| format!("{words}{name}"))
}

fn target(route: &Value) -> String {
    named(route, &TARGETS).map_or_else(|| "?".to_owned(), |(words, name)| format!("{words} {name}"))
}

/// Returns whether all traffic goes to a gateway that lets traffic in, too.
fn leads_to_the_internet(route: &Value) -> bool {
    let network = |member: &str| route.get(member)?.as_str()?.parse::<IpNet>().ok();
    let all = network("destination_cidr_block").or_else(|| network("destination_ipv6_cidr_block"));
    // A virtual private gateway leads elsewhere.
    let gateway = route.get("gateway_id").filter(|value| !value.is_null());
    let is_internet = gateway.is_some_and(|id| id.as_str().is_none_or(|id| !id.starts_with("vgw-")));
    all.is_some_and(|network| network.prefix_len() == 0) && is_internet
}
