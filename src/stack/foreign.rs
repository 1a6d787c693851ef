//! What people write who come from other tools, and what it is here.

use crate::diag::{Diagnostic, Span};
use crate::elsewhere;

/// The tables of the stack language.
const TABLES: [&str; 8] = ["stack", "ledger", "variable", "local", "output", "import", "moved", "removed"];

/// Members of `[stack]` that stand above it, or without it.
const OF_STACK: [&str; 6] = ["name", "region", "tags", "accounts", "requires", "provider"];

/// An error for a table, or a value, of which nothing is known at the top of a file.
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
            "`region` stands in `[stack]`; credentials come from the environment, as for every AWS tool",
        ),
        "env" | "environment" | "environments" => other(
            "unknown-kind",
            no_table(),
            "an environment is a file of its own",
            "write what it sets into `env/NAME.toml`, and name it: --env NAME",
        ),
        "data" => other(
            "not-supported",
            "`[data]` is not supported by this version of dwctl".to_owned(),
            "cannot be used yet",
            "`${aws.account_id}`, `${aws.region}` and `${aws.partition}` are known without; write the name or ARN of what another stack made, or take it from a variable",
        ),
        "module" | "check" | "policy" => Diagnostic::error(
            "not-supported",
            format!("`[{name}]` is not supported by this version of dwctl"),
        )
        .at(span, "cannot be used yet"),
        _ if !is_table && OF_STACK.contains(&name) => other(
            "unknown-kind",
            format!("`{name}` stands in no table"),
            "did you mean `name` of `[stack]`?".replace("`name`", &format!("`{name}`")).as_str(),
            "write `[stack]` on a line above it",
        ),
        _ if !is_table => other(
            "unknown-kind",
            format!("`{name}` stands in no table"),
            "nothing is known of it here",
            "values stand below `[stack]`, `[local]`, `[output]` or a resource's `[KIND.NAME]`",
        )
        .help("a file of variables is given by --var-file, or lies in a folder of its own"),
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

/// Advice where an expression with double quotes stands in a text with double quotes, which TOML ends
/// at the second of them. `at` is where the parser gave up.
pub(super) fn quotes(text: &str, at: usize) -> Option<String> {
    let at = at.min(text.len());
    let line_start = text.get(..at)?.rfind('\n').map_or(0, |end| end + 1);
    let line_end = text.get(at..)?.find('\n').map_or(text.len(), |end| at + end);
    let line = text.get(line_start..line_end)?;
    let start = cut_off(line)?;
    // The whole text as it was meant: to the last quote of the line.
    let value = line.get(start..)?;
    let end = value.rfind('"')?;
    let meant = value.get(1..end)?;
    // What has both sorts of quotes needs a third.
    let quoted = if meant.contains('\'') { format!("'''{meant}'''") } else { format!("'{meant}'") };
    Some(format!("TOML ends a text in double quotes at the next one: write {quoted}"))
}

/// Where a text in double quotes begins that ends within an expression.
fn cut_off(line: &str) -> Option<usize> {
    let mut start = None;
    let mut literal = false;
    for (at, letter) in line.char_indices() {
        match (letter, start) {
            ('\'', None) => literal = !literal,
            ('#', None) if !literal => return None,
            ('"', None) if !literal => start = Some(at),
            ('"', Some(from)) if !line[..at].ends_with('\\') => {
                let inner = &line[from + 1..at];
                let open = inner.rfind("${").max(inner.rfind("%{"));
                if open.is_some_and(|open| !inner[open..].contains('}')) {
                    return Some(from);
                }
                start = None;
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::quotes;

    #[test]
    fn a_text_that_ends_within_an_expression_is_quoted_otherwise() {
        let told = |line: &str, at: usize| quotes(&format!("[output]\n{line}\nnext = 1\n"), 9 + at);
        let line = r#"arn = "${s3_bucket.lake["raw"].arn}/*""#;
        let help = told(line, line.find("raw").unwrap()).expect("advice");
        assert!(help.ends_with(r#"write '${s3_bucket.lake["raw"].arn}/*'"#), "{help}");
        let both = r#"a = "${join("'", local.names)}""#;
        let help = told(both, both.find('\'').unwrap()).expect("advice");
        assert!(help.ends_with(r#"write '''${join("'", local.names)}'''"#), "{help}");
        let directive = r#"a = "%{ if var.x == "y" }b%{ endif }""#;
        assert!(told(directive, directive.find('y').unwrap()).is_some());
        // In a list, after a text that is right.
        let list = r#"a = ["${b}", "${c["d"]}"]"#;
        assert!(told(list, list.find("d\"").unwrap()).is_some());
        // Other mistakes.
        for line in [r#"a = "b" c"#, "a = b", r#"a = '${b["c"]}' d"#, r#"# "${b["c"]}""#, r#"a = "\" b"#] {
            assert_eq!(told(line, line.len()), None, "{line}");
        }
    }
}
