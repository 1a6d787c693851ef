//! Advice for an argument that does not belong to its command.

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::graph::Address;
use crate::kinds;

/// Options that say how to reach AWS. Commands that do not call AWS lack them.
const OF_AWS: [&str; 3] = ["sandbox", "endpoint-url", "profile"];

/// Advice for an argument that the command does not take; `None` if there is none.
pub(super) fn help(error: &clap::Error, cli: &Command, arguments: &[String]) -> Option<String> {
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else { return None };
    let verb = arguments.iter().skip(1).find_map(|one| cli.find_subcommand(one))?;
    let Some(option) = argument.strip_prefix("--") else {
        let before = arguments.iter().take_while(|one| *one != argument).last();
        return place(verb.get_name(), argument, before);
    };
    let name = option.split('=').next().unwrap_or(option);
    let has = |command: &Command| command.get_arguments().any(|one| one.get_long() == Some(name));
    // The option may belong to subcommands.
    let below: Vec<String> = verb
        .get_subcommands()
        .filter(|one| has(one))
        .map(|one| format!("dwctl {} {}", verb.get_name(), one.get_name()))
        .collect();
    if !below.is_empty() {
        return Some(format!("`--{name}` goes after its verb: {}", below.join(", ")));
    }
    let verbs: Vec<&str> = cli.get_subcommands().filter(|one| has(one)).map(Command::get_name).collect();
    if verbs.is_empty() {
        return None;
    }
    if OF_AWS.contains(&name) && !OF_AWS.iter().any(|name| knows(verb, name)) {
        return Some(format!("dwctl {} does not use AWS: remove `--{name}`", verb.get_name()));
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

/// Advice for an extra word, by what it probably means.
fn place(verb: &str, word: &str, before: Option<&String>) -> Option<String> {
    let is_address = word.parse::<Address>().is_ok_and(|address| kinds::kind(&address.kind).is_some());
    match verb {
        "output" => {
            // Terraform's `output NAME`, with the folder before or after the name.
            let before = before.filter(|before| !before.starts_with('-'))?;
            let is_folder = word.contains(std::path::MAIN_SEPARATOR) || std::path::Path::new(word).is_dir();
            let (folder, name) = if is_folder { (word, before.as_str()) } else { (before.as_str(), word) };
            Some(format!("to choose one output: dwctl output {folder} --name {name}"))
        }
        "show" => Some(format!("to name the stack: dwctl show --stack FOLDER {word}")),
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
    fn an_argument_of_another_verb_gets_advice() {
        for (line, words) in [
            ("dwctl validate --sandbox", "dwctl validate does not use AWS: remove `--sandbox`"),
            ("dwctl validate --profile=x", "dwctl validate does not use AWS: remove `--profile`"),
            ("dwctl explain --endpoint-url x", "dwctl explain does not use AWS"),
            ("dwctl validate --target a.b", "`--target` is an option of plan, apply"),
            ("dwctl output --var-file", ""),
            ("dwctl output queue stacks/shop", "dwctl output stacks/shop --name queue"),
            ("dwctl output stacks/shop queue", "dwctl output stacks/shop --name queue"),
            ("dwctl output queue . --env dev", "dwctl output . --name queue"),
            ("dwctl show . s3_bucket.lake", "dwctl show --stack FOLDER s3_bucket.lake"),
            ("dwctl plan . s3_bucket.lake", "--target 's3_bucket.lake'"),
            ("dwctl plan --nonsense", ""),
        ] {
            let arguments: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let error = Cli::try_parse_from(&arguments).expect_err(line);
            let help = help(&error, &Cli::command(), &arguments);
            match words {
                "" => assert_eq!(help, None, "{line}"),
                words => {
                    assert!(help.as_deref().is_some_and(|help| help.contains(words)), "{line}: {help:?}")
                }
            }
        }
    }

    /// Every command in a README is valid: those after a prompt, in a shell block and in `$(…)`.
    #[test]
    fn the_commands_of_the_readmes_are_understood() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let files = [
            "README.md",
            "CONTRIBUTING.md",
            "stacks/ecommerce/README.md",
            "examples/github-actions/README.md",
            "examples/gitlab-ci/README.md",
        ];
        let mut found = 0;
        for file in files {
            let text = std::fs::read_to_string(root.join(file)).expect(file);
            for line in text.lines().flat_map(commands) {
                let line = line.split('#').next().unwrap_or_default();
                let words: Vec<&str> = line.split_whitespace().map(|word| word.trim_matches('\'')).collect();
                if let Err(error) = Cli::try_parse_from(&words) {
                    assert!(!error.use_stderr(), "{file}: {line}\n{error}");
                }
                found += 1;
            }
        }
        assert!(found >= 20, "{found}");
    }

    /// The commands in a line. A command in prose may be only the beginning of one.
    fn commands(line: &str) -> Vec<&str> {
        let alone = line.trim_start().trim_start_matches("$ ");
        let within = line.split("$(").skip(1).filter_map(|part| part.split(')').next());
        let whole = std::iter::once(alone).filter(|line| !line.contains("$("));
        whole.chain(within).filter(|command| is_command(command)).collect()
    }

    fn is_command(text: &str) -> bool {
        let verb = text.strip_prefix("dwctl ").and_then(|rest| rest.split_whitespace().next());
        verb.is_some_and(|verb| Cli::command().find_subcommand(verb).is_some())
    }
}
