//! Explains expressions with double quotes in texts with double quotes.

/// Advice for an expression with double quotes within a text in double quotes, which TOML ends at
/// the second quote. `at` is the place of the parse error.
pub(super) fn advice(text: &str, at: usize) -> Option<String> {
    let at = at.min(text.len());
    let line_start = text.get(..at)?.rfind('\n').map_or(0, |end| end + 1);
    let line_end = text.get(at..)?.find('\n').map_or(text.len(), |end| at + end);
    let line = text.get(line_start..line_end)?;
    let start = cut_off(line)?;
    // The text as it was intended, up to the last quote of the line.
    let value = line.get(start..)?;
    let end = value.rfind('"')?;
    let meant = value.get(1..end)?;
    // A text with both sorts of quotes needs a third sort.
    let quoted = if meant.contains('\'') { format!("'''{meant}'''") } else { format!("'{meant}'") };
    Some(format!("TOML ends a text in double quotes at the next one: write {quoted}"))
}

/// The start of a text in double quotes that ends within an expression.
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
    #[test]
    fn an_expression_with_quotes_gets_advice_on_quoting() {
        let advice_at =
            |line: &str, at: usize| super::advice(&format!("[output]\n{line}\nnext = 1\n"), 9 + at);
        let line = r#"arn = "${s3_bucket.lake["raw"].arn}/*""#;
        let help = advice_at(line, line.find("raw").unwrap()).expect("advice");
        assert!(help.ends_with(r#"write '${s3_bucket.lake["raw"].arn}/*'"#), "{help}");
        let both = r#"a = "${join("'", local.names)}""#;
        let help = advice_at(both, both.find('\'').unwrap()).expect("advice");
        assert!(help.ends_with(r#"write '''${join("'", local.names)}'''"#), "{help}");
        let directive = r#"a = "%{ if var.x == "y" }b%{ endif }""#;
        assert!(advice_at(directive, directive.find('y').unwrap()).is_some());
        // In a list, after a correct text.
        let list = r#"a = ["${b}", "${c["d"]}"]"#;
        assert!(advice_at(list, list.find("d\"").unwrap()).is_some());
        // Other mistakes.
        for line in [r#"a = "b" c"#, "a = b", r#"a = '${b["c"]}' d"#, r#"# "${b["c"]}""#, r#"a = "\" b"#] {
            assert_eq!(advice_at(line, line.len()), None, "{line}");
        }
    }
}
