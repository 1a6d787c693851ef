//! Describes the rules of a security group in words.

use ipnet::IpNet;

use super::values::tables;
use super::{Part, RiskLabel, Sign, list_text};
use crate::value::Value;

/// The rules that are added and removed, for either ingress or egress.
pub(super) fn rules<'v>(
    before: impl Iterator<Item = &'v Value>,
    after: impl Iterator<Item = &'v Value>,
    ingress: bool,
    creating: bool,
) -> Vec<Part> {
    let Some((mut gone, come)) = tables(before, after) else { return Vec::new() };
    let mut parts = Vec::new();
    let (opens, closes, way) =
        if ingress { ("opens", "closes", "to") } else { ("lets out", "no longer lets out", "to") };
    let before = gone.clone();
    for rule in come {
        let same = gone.iter().position(|old| bare(old) == bare(rule));
        if let Some(same) = same {
            let old = gone.remove(same);
            let what = format!("{} {way} {}: description", traffic(rule), peer(rule));
            parts.push(Part::between(what, old.get("description"), rule.get("description")));
            continue;
        }
        let part =
            Part::new(Sign::Added, format!("{opens} {} {way} {}{}", traffic(rule), peer(rule), about(rule)));
        // A secret rule is not shown, but its risks are.
        let real = rule.clone().reveal();
        let world = is_public(&real);
        let wider = !before.iter().any(|old| covers(&Value::clone(old).reveal(), &real));
        let words = match world {
            true if ingress => format!("{opens} {} to the whole internet", traffic(rule)),
            true => format!("{opens} {} to everywhere", traffic(rule)),
            false => format!("{opens} {} {way} {}", traffic(rule), peer(rule)),
        };
        parts.push(if (world && ingress) || (wider && !creating) {
            part.risk(RiskLabel::Access, words)
        } else {
            part
        });
    }
    for rule in gone {
        parts.push(Part::new(
            Sign::Removed,
            format!("{closes} {} {way} {}{}", traffic(rule), peer(rule), about(rule)),
        ));
    }
    parts
}

fn bare(rule: &Value) -> Value {
    super::json::without(rule, &["description"])
}

fn about(rule: &Value) -> String {
    rule.get("description").map_or_else(String::new, |text| format!("  ({})", list_text(text)))
}

/// Describes the traffic of a rule: `tcp 5439`, `tcp 8000-8100`, `icmp`, `everything`.
fn traffic(rule: &Value) -> String {
    let protocol = rule.get("ip_protocol").map(list_text).unwrap_or_default();
    let protocol = if protocol == "-1" { "everything".to_owned() } else { protocol };
    match (rule.get("from_port"), rule.get("to_port")) {
        (None, None) => protocol,
        (Some(from), Some(to)) if from == to => match from.as_i64() {
            Some(-1) => protocol,
            _ => format!("{protocol} {}", list_text(from)),
        },
        (from, to) => {
            let port = |port: Option<&Value>| port.map_or_else(|| "?".to_owned(), list_text);
            format!("{protocol} {}-{}", port(from), port(to))
        }
    }
}

fn peer(rule: &Value) -> String {
    for (member, words) in [
        ("cidr_ipv4", ""),
        ("cidr_ipv6", ""),
        ("prefix_list_id", "prefix list "),
        ("referenced_security_group_id", "security group "),
    ] {
        if let Some(value) = rule.get(member) {
            let account = rule.get("referenced_security_group_owner_id");
            let account = account.map_or_else(String::new, |one| format!(" of account {}", list_text(one)));
            return format!("{words}{}{account}", list_text(value));
        }
    }
    "itself".to_owned()
}

fn network(rule: &Value) -> Option<IpNet> {
    let text = rule.get("cidr_ipv4").or_else(|| rule.get("cidr_ipv6"))?.as_str()?;
    text.parse().ok()
}

fn is_public(rule: &Value) -> bool {
    network(rule).is_some_and(|network| network.prefix_len() == 0)
}

/// Returns whether the old rule already allows everything that the new one does.
fn covers(old: &Value, new: &Value) -> bool {
    let protocol = |rule: &Value| rule.get("ip_protocol").map(list_text).unwrap_or_default();
    let everything = protocol(old) == "-1";
    let port = |rule: &Value, member| rule.get(member).and_then(Value::as_i64);
    let ports = match (port(old, "from_port"), port(old, "to_port")) {
        (Some(from), Some(to)) => {
            port(new, "from_port").is_some_and(|port| port >= from)
                && port(new, "to_port").is_some_and(|port| port <= to)
        }
        _ => port(new, "from_port") == port(old, "from_port"),
    };
    let peers = match (network(old), network(new)) {
        (Some(old), Some(new)) => old.contains(&new),
        (None, None) => peer(old) == peer(new),
        _ => false,
    };
    peers && (everything || (protocol(old) == protocol(new) && ports))
}
