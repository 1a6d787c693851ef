//! Explains expressions with double quotes in strings with double quotes.

/// Advice for an expression with double quotes within a string in double quotes, which TOML ends at
/// the second quote. `at` is the place of the parse error. Returns the start of its line, and the advice.
pub(super) fn advice(text: &str, at: usize) -> Option<(usize, String)> {
    let at = at.min(text.len());
    let line_start = text.get(..at)?.rfind('\n').map_or(0, |end| end + 1);
    let line_end = text.get(at..)?.find('\n').map_or(text.len(), |end| at + end);
    let line = text.get(line_start..line_end)?;
    let start = cut_off(line)?;
    let meant = intended(line.get(start + 1..)?)?;
    // A string with both sorts of quotes needs a third sort.
    let quoted = if meant.contains('\'') { format!("'''{meant}'''") } else { format!("'{meant}'") };
    Some((line_start, format!("TOML ends a string in double quotes at the next one: write {quoted}")))
}

/// The string as it was intended: up to the first quote outside of its expressions. `rest` begins after the
/// opening quote.
fn intended(rest: &str) -> Option<&str> {
    // Braces of the expression, and whether its string is open.
    let (mut braces, mut quoted) = (0_usize, false);
    let mut before = ' ';
    for (at, letter) in rest.char_indices() {
        match letter {
            '"' if braces == 0 && before != '\\' => return rest.get(..at),
            '"' if before != '\\' => quoted = !quoted,
            '{' if braces > 0 && !quoted || braces == 0 && matches!(before, '$' | '%') => braces += 1,
            '}' if !quoted => braces = braces.saturating_sub(1),
            _ => {}
        }
        before = letter;
    }
    // The expression does not end: take all up to the last quote.
    rest.get(..rest.rfind('"')?)
}

/// The start of a string in double quotes that ends within an expression.
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
        let (_, help) = advice_at(line, line.find("raw").unwrap()).expect("advice");
        assert!(help.ends_with(r#"write '${s3_bucket.lake["raw"].arn}/*'"#), "{help}");
        let both = r#"a = "${join("'", local.names)}""#;
        let (_, help) = advice_at(both, both.find('\'').unwrap()).expect("advice");
        assert!(help.ends_with(r#"write '''${join("'", local.names)}'''"#), "{help}");
        let two = r#"precondition = [{ condition = "${var.n != "x"}", message = "no x: ${var.n}" }]"#;
        let (start, help) = advice_at(two, two.find("x\"").unwrap()).expect("advice");
        assert!(start == 9 && help.ends_with(r#"write '${var.n != "x"}'"#), "{help}");
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
