//! Terms of other tools, and their equivalents here.

use super::{Entry, Node};
use crate::diag::{Diagnostic, Span};
use crate::elsewhere;

/// The tables of the stack language.
const TABLES: [&str; 13] = [
    "stack_output",
    "stack",
    "aws",
    "ledger",
    "variable",
    "local",
    "output",
    "check",
    "data",
    "module",
    "import",
    "moved",
    "removed",
];

/// Foreign names of members of the stack language's own tables.
const MEMBERS: [(&str, &str); 16] = [
    ("prevent_destroy", "protect"),
    ("prevent_deletion", "protect"),
    ("skip_destroy", "retain"),
    ("deletion_policy", "retain"),
    ("DeletionPolicy", "retain"),
    ("ignore", "ignore_changes"),
    ("default_tags", "tags"),
    ("account", "accounts"),
    ("account_id", "accounts"),
    ("required_version", "requires"),
    ("version", "requires"),
    ("key", "prefix"),
    ("path", "prefix"),
    ("workspace_key_prefix", "prefix"),
    ("encrypt", "kms_key_id"),
    ("error_message", "message"),
];

/// The one of `known` that an unknown name probably means.
pub(super) fn member<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let theirs = MEMBERS.into_iter().find(|(theirs, ours)| *theirs == name && known.contains(ours));
    let ours = theirs.and_then(|(_, ours)| known.iter().copied().find(|one| *one == ours));
    ours.or_else(|| crate::diag::nearest(name, known.iter().copied()))
}

/// The declarations in a misnamed table, in the form of [`Stack::unread`]. References to them are not
/// reported as further errors.
///
/// [`Stack::unread`]: super::Stack::unread
pub(super) fn declares(name: &str, value: &Node) -> Vec<String> {
    match name.to_ascii_lowercase().as_str() {
        "locals" => vec!["local".to_owned()],
        "variables" | "vars" | "var" | "parameters" | "inputs" => vec!["variable".to_owned()],
        "resource" | "resources" => {
            let kinds = value.entries().iter();
            let named = |kind: &Entry| {
                let names = kind.value.entries().iter().map(|one| format!("{}.{}", kind.name, one.name));
                names.collect::<Vec<_>>()
            };
            kinds.flat_map(named).collect()
        }
        _ => Vec::new(),
    }
}

/// Members of `[stack]` that people write above its header, or without it.
const OF_STACK: [&str; 6] = ["name", "region", "tags", "accounts", "requires", "provider"];

/// An error for an unknown table or value at the top of a file.
pub(super) fn table(name: &str, is_table: bool, span: Span) -> Diagnostic {
    let unknown = |label: String| {
        Diagnostic::error("unknown-kind", format!("there is no kind `{name}`")).at(span, label)
    };
    let other = |code, message: String, label: &str, help: &str| {
        Diagnostic::error(code, message).at(span, label).help(help)
    };
    let no_table = || format!("there is no table `{name}`");
    match name.to_ascii_lowercase().as_str() {
        "resource" | "resources" => other(
            "unknown-kind",
            no_table(),
            "a resource is `[KIND.NAME]`",
            "write `[s3_bucket.lake]`; `dwctl explain` lists all kinds",
        ),
        "locals" => other("unknown-kind", no_table(), "did you mean `local`?", "write `[local]`"),
        "checks" | "assert" | "asserts" => other(
            "unknown-kind",
            no_table(),
            "did you mean `check`?",
            "write `[check.NAME]` with `condition` and `message`",
        ),
        "outputs" => other(
            "unknown-kind",
            no_table(),
            "did you mean `output`?",
            "write `[output]`, with a line for each: `name = \"${…}\"`",
        ),
        "variables" | "vars" | "var" | "parameters" | "inputs" => other(
            "unknown-kind",
            no_table(),
            "did you mean `variable`?",
            "write `[variable.NAME]` with `type` and `default`; `env/NAME.toml` sets it",
        ),
        "terraform" | "backend" => other(
            "unknown-kind",
            no_table(),
            "did you mean `stack` or `ledger`?",
            "`[stack]` has the name and the region; `[ledger]` with `bucket` keeps what Terraform calls its state in S3",
        ),
        "provider" | "providers" if is_table => other(
            "unknown-kind",
            no_table(),
            "did you mean `stack`?",
            "`region` belongs in `[stack]`; credentials come from the environment, as for every AWS tool; `[aws.NAME]` with `role_arn` is another account",
        ),
        "env" | "environment" | "environments" => other(
            "unknown-kind",
            no_table(),
            "an environment is a file of its own",
            "write its settings into `env/NAME.toml`, and choose it: --env NAME",
        ),
        "modules" => other(
            "unknown-kind",
            no_table(),
            "did you mean `module`?",
            "write `[module.NAME]` with `source` and the values of its variables",
        ),
        "policy" => Diagnostic::error(
            "not-supported",
            format!("`[{name}]` is not supported by this version of dwctl"),
        )
        .at(span, "cannot be used yet"),
        _ if !is_table && OF_STACK.contains(&name) => other(
            "unknown-kind",
            format!("`{name}` is in no table"),
            "did you mean `name` of `[stack]`?".replace("`name`", &format!("`{name}`")).as_str(),
            "write `[stack]` on a line above it",
        ),
        _ if !is_table => other(
            "unknown-kind",
            format!("`{name}` is in no table"),
            "not known here",
            "values belong below `[stack]`, `[local]`, `[output]` or a resource's `[KIND.NAME]`",
        )
        .help("pass a variable file with --var-file, or keep it in another folder"),
        _ => {
            let slip =
                crate::diag::nearest(name, TABLES).filter(|near| strsim::osa_distance(name, near) <= 2);
            let near = match slip {
                Some(near) => vec![near.to_owned()],
                None => elsewhere::kinds_like(name),
            };
            let label = match (near.is_empty(), is_type(name)) {
                (false, _) => elsewhere::did_you_mean(&near),
                (true, true) => "this version of dwctl has no kind for it".to_owned(),
                (true, false) => "neither a kind nor a table of the stack language".to_owned(),
            };
            unknown(label).help("dwctl explain lists all kinds")
        }
    }
}

fn is_type(name: &str) -> bool {
    name.starts_with("aws_") || name.starts_with("AWS")
}
