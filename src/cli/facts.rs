//! The facts that a stack knows of AWS before its resources: the account, the zones, and the outputs of other
//! stacks, as they are at AWS (`[stack_output.NAME]`).

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::{LocalBoxFuture, join_all};

use super::{AwsArgs, Exit, Failure, context};
use crate::aws::Session;
use crate::diag::{Diagnostic, Span};
use crate::eval::{EvalContext, Facts};
use crate::live;
use crate::plan::{OutputState, Selection, output_states};
use crate::stack::{self, OtherStack, Stack};
use crate::value::Value;

/// Outputs by the name of the block, and of the output.
type Outputs = BTreeMap<String, BTreeMap<String, Value>>;

/// Account and region, with the region's availability zones and the outputs of other stacks if the stack uses
/// them. If `lenient`, outputs that cannot be read are unknown.
pub(super) async fn facts(
    args: &AwsArgs,
    session: &Session,
    stack: &Stack,
    lenient: bool,
) -> Result<Facts, Failure> {
    let facts = context::facts(session, stack).await?;
    Ok(Facts { others: outputs(args, stack, session, lenient).await?, ..facts })
}

/// The outputs of other stacks that this stack refers to. If `lenient`, those that cannot be read are left out:
/// a destroy does not need them.
fn outputs<'a>(
    args: &'a AwsArgs,
    stack: &'a Stack,
    session: &'a Session,
    lenient: bool,
) -> LocalBoxFuture<'a, Result<Outputs, Failure>> {
    Box::pin(async move {
        let asked = EvalContext::asks_of_others(stack);
        let asked = asked.iter().filter_map(|(name, asked)| {
            let other = stack.others.get(name)?;
            Some(async move { (name, read(args, other, session, asked).await) })
        });
        let (mut outputs, mut problems) = (Outputs::new(), Vec::new());
        for (name, read) in join_all(asked).await {
            match read {
                Ok(read) => drop(outputs.insert(name.clone(), read)),
                Err(_) if lenient => {}
                Err(found) => problems.extend(found),
            }
        }
        match problems.is_empty() {
            true => Ok(outputs),
            false => Err(Failure::new(Exit::Error, problems, stack.sources.clone())),
        }
    })
}

/// Reads the outputs of one stack that are asked for: the resources that they need, and no others.
async fn read(
    args: &AwsArgs,
    other: &OtherStack,
    session: &Session,
    asked: &BTreeMap<String, Span>,
) -> Result<BTreeMap<String, Value>, Vec<Diagnostic>> {
    // A stack that could not be read was reported.
    let Some(stack) = &other.stack else { return Ok(BTreeMap::new()) };
    let title = format!("{}/{}", stack.name, stack.env);
    let folder = stack.folder.display().to_string();
    let unreadable = |failure: Failure| {
        let first = failure.diagnostics.into_iter().next();
        let error = Diagnostic::error("read-failed", format!("cannot read the outputs of {title}"));
        let error = error.at(other.span, "needs them");
        vec![match first {
            Some(first) => {
                let notes = std::iter::once(first.message).chain(first.notes);
                let error = notes.fold(error, Diagnostic::note);
                first.helps.into_iter().fold(error, Diagnostic::help)
            }
            None => error,
        }]
    };
    let mut problems = Vec::new();
    let variables = stack::variables(stack, &[], &mut problems);
    let invalid = |problems| unreadable(context::invalid(stack, problems));
    if !problems.is_empty() {
        return Err(invalid(problems));
    }
    context::has_region(stack).map_err(unreadable)?;
    let guard = stack.accounts.get(&stack.env).filter(|ids| !ids.iter().any(|id| id == session.account_id()));
    if let Some(account) = guard.map(|ids| ids.join(", ")).filter(|_| !args.sandbox) {
        let what = format!(
            "{title} is in account {account}, and the credentials belong to {}",
            session.account_id()
        );
        return Err(vec![Diagnostic::error("wrong-account", what).at(other.span, "is in another account")]);
    }
    let ledger = context::read_ledger(args, stack, session, "output").await.map_err(unreadable)?;
    if ledger.resources.is_empty() && ledger.outputs.is_empty() {
        return Err(vec![
            Diagnostic::error("not-applied", format!("{title} is not applied yet: it has no outputs"))
                .at(other.span, "needs them")
                .help(format!("dwctl apply {folder}")),
        ]);
    }
    let facts = facts(args, session, stack, false).await.map_err(unreadable)?;
    let eval = context::eval(stack, facts, variables).map_err(unreadable)?;
    let names: BTreeSet<&str> = match asked.contains_key("") {
        true => stack.root.outputs.keys().map(String::as_str).collect(),
        false => asked.keys().map(String::as_str).collect(),
    };
    let only = eval.needed_by_outputs(names.iter().copied(), ledger.resources.keys());
    let selection = Selection { recover: true, only: Some(only), ..Selection::default() };
    let plan = live::plan(Some(session), &eval, &ledger, &selection).await.map_err(invalid)?;
    let mut outputs = BTreeMap::new();
    for (name, state) in output_states(&eval, &ledger, &plan) {
        if !names.contains(name.as_str()) {
            continue;
        }
        match &state {
            OutputState::There { value, .. } => drop(outputs.insert(name, value.clone())),
            _ => {
                let what = format!("the output `{name}` of {title} has no value");
                let span = asked.get(&name).or_else(|| asked.get("")).copied().unwrap_or(other.span);
                let words = state.pending(&name).unwrap_or_default();
                problems.push(
                    Diagnostic::error("not-applied", what)
                        .at(span, "needs it")
                        .note(words)
                        .help(format!("dwctl apply {folder}")),
                );
            }
        }
    }
    if problems.is_empty() { Ok(outputs) } else { Err(problems) }
}
