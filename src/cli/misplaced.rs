//! What to do instead where an argument does not belong to its verb.

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::graph::Address;
use crate::kinds;

/// Options that say how AWS is reached, which a verb that does not ask it has no use for.
const OF_AWS: [&str; 3] = ["sandbox", "endpoint-url", "profile"];

/// Advice for an argument that the verb does not take; `None` where there is none.
pub(super) fn help(told: &clap::Error, cli: &Command, arguments: &[String]) -> Option<String> {
    if told.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    let Some(ContextValue::String(argument)) = told.get(ContextKind::InvalidArg) else { return None };
    let verb = arguments.iter().skip(1).find_map(|one| cli.find_subcommand(one))?;
    let Some(option) = argument.strip_prefix("--") else {
        return place(verb.get_name(), argument);
    };
    let name = option.split('=').next().unwrap_or(option);
    let has = |command: &Command| command.get_arguments().any(|one| one.get_long() == Some(name));
    // A verb of its own verbs has it there.
    let below: Vec<String> = verb
        .get_subcommands()
        .filter(|one| has(one))
        .map(|one| format!("dwctl {} {}", verb.get_name(), one.get_name()))
        .collect();
    if !below.is_empty() {
        return Some(format!("`--{name}` stands after the verb it is for: {}", below.join(", ")));
    }
    let verbs: Vec<&str> = cli.get_subcommands().filter(|one| has(one)).map(Command::get_name).collect();
    if verbs.is_empty() {
        return None;
    }
    if OF_AWS.contains(&name) && !OF_AWS.iter().any(|name| knows(verb, name)) {
        return Some(format!("dwctl {} asks AWS nothing: leave `--{name}` out", verb.get_name()));
    }
    Some(format!(
        "`--{name}` is an option of {}: dwctl {} --help lists those of {}",
        verbs.join(", "),
        verb.get_name(),
        verb.get_name()
    ))
}

fn knows(command: &Command, name: &str) -> bool {
    command.get_arguments().any(|one| one.get_long() == Some(name))
        || command.get_subcommands().any(|one| knows(one, name))
}

/// What a word more than the verb takes is meant to be.
fn place(verb: &str, word: &str) -> Option<String> {
    let is_address = word.parse::<Address>().is_ok_and(|address| kinds::kind(&address.kind).is_some());
    match verb {
        "show" => Some(format!("the stack is named by --stack: dwctl show --stack FOLDER {word}")),
        "plan" | "apply" | "destroy" | "drift" if is_address => {
            Some(format!("to choose a part of the stack: --target '{word}'"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::super::Cli;
    use super::help;

    #[test]
    fn an_argument_of_another_verb_is_told_with_what_to_do() {
        for (line, words) in [
            ("dwctl validate --sandbox", "dwctl validate asks AWS nothing: leave `--sandbox` out"),
            ("dwctl validate --profile=x", "dwctl validate asks AWS nothing: leave `--profile` out"),
            ("dwctl explain --endpoint-url x", "dwctl explain asks AWS nothing"),
            ("dwctl validate --target a.b", "`--target` is an option of plan, apply"),
            ("dwctl output --var-file", ""),
            ("dwctl show . s3_bucket.lake", "dwctl show --stack FOLDER s3_bucket.lake"),
            ("dwctl plan . s3_bucket.lake", "--target 's3_bucket.lake'"),
            ("dwctl plan --nonsense", ""),
        ] {
            let arguments: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let told = Cli::try_parse_from(&arguments).expect_err(line);
            let help = help(&told, &Cli::command(), &arguments);
            match words {
                "" => assert_eq!(help, None, "{line}"),
                words => {
                    assert!(help.as_deref().is_some_and(|help| help.contains(words)), "{line}: {help:?}")
                }
            }
        }
    }
}
