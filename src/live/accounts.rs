//! Checks that all accounts of a ledger can be reached.

use std::collections::BTreeMap;

use crate::aws::Session;
use crate::diag::Diagnostic;
use crate::graph::Address;
use crate::ledger::Ledger;
use crate::stack::Stack;

/// The errors for accounts that have resources of the stack, and to which no `[aws.NAME]` leads.
pub(super) fn unreachable(session: &Session, stack: &Stack, ledger: &Ledger) -> Vec<Diagnostic> {
    let mut lost: BTreeMap<&str, (Vec<&Address>, Option<&str>)> = BTreeMap::new();
    for (address, place) in ledger.places().filter(|(_, place)| !session.reaches(place)) {
        let (addresses, name) = lost.entry(place.account.as_deref().unwrap_or_default()).or_default();
        addresses.push(address);
        *name = name.or(place.name.as_deref());
    }
    lost.into_iter().map(|(id, (addresses, name))| error(id, &addresses, name, stack, ledger)).collect()
}

fn error(id: &str, addresses: &[&Address], name: Option<&str>, stack: &Stack, ledger: &Ledger) -> Diagnostic {
    let known = ledger.accounts.get(id);
    let name = known.map(|known| known.name.as_str()).or(name).unwrap_or("NAME");
    let message = format!("the stack has resources in account {id}, but no [aws.NAME] leads there");
    let error = Diagnostic::error("account-unreachable", message);
    let taken = stack.aws.get(name);
    let error = match taken {
        Some(account) => error.at(account.place("role_arn"), "leads to another account by now"),
        None => error.at(stack.span, format!("[aws.{name}] is not declared")),
    };
    let named: Vec<String> = addresses.iter().take(3).map(ToString::to_string).collect();
    let more = match addresses.len() {
        count if count > 3 => format!(" and {} more", count - 3),
        _ => String::new(),
    };
    let error =
        error.note(format!("the ledger has {}{more} there", named.join(", "))).note("nothing was changed");
    let put = match (
        known.and_then(|known| known.role_arn.as_ref()),
        known.and_then(|known| known.profile.as_ref()),
    ) {
        (Some(role), _) => format!(" with role_arn = \"{role}\""),
        (None, Some(profile)) => format!(" with profile = \"{profile}\""),
        (None, None) => String::new(),
    };
    let block = if taken.is_some() { format!("{name}-before") } else { name.to_owned() };
    error
        .help(format!("put [aws.{block}]{put} back until they are destroyed"))
        .help("or give them up, and leave them at AWS: dwctl ledger forget ADDRESS")
}
