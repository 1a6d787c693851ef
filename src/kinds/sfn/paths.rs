//! Checks JSONPaths and intrinsic functions
//! (<https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html>).

use crate::kind::prelude::*;

/// The functions, with their minimum and maximum number of arguments.
const FUNCTIONS: [(&str, usize, usize); 18] = [
    ("Array", 0, usize::MAX),
    ("ArrayContains", 2, 2),
    ("ArrayGetItem", 2, 2),
    ("ArrayLength", 1, 1),
    ("ArrayPartition", 2, 2),
    ("ArrayRange", 3, 3),
    ("ArrayUnique", 1, 1),
    ("Base64Decode", 1, 1),
    ("Base64Encode", 1, 1),
    ("Format", 1, usize::MAX),
    ("Hash", 2, 2),
    ("JsonMerge", 3, 3),
    ("JsonToString", 1, 1),
    ("MathAdd", 2, 2),
    ("MathRandom", 2, 3),
    ("StringSplit", 2, 2),
    ("StringToJson", 1, 1),
    ("UUID", 0, 0),
];

/// Maximum depth of nested calls at AWS.
const DEEPEST: usize = 10;

/// A problem with a text, and advice.
pub(super) type Fault = (String, String);

/// Checks a JSONPath or the call of an intrinsic function.
pub(super) fn check(text: &str) -> Result<(), Fault> {
    if text.starts_with("States.") {
        let rest = call(text, 1)?;
        return match rest.trim() {
            "" => Ok(()),
            rest => Err(broken(text, &format!("`{rest}` is not expected after it"))),
        };
    }
    if !text.starts_with('$') {
        return Err(("a JSONPath begins with `$`".to_owned(), "such as `$.detail`".to_owned()));
    }
    path(text)
}

fn broken(text: &str, why: &str) -> Fault {
    (
        format!("`{text}` is not a valid call of an intrinsic function: {why}"),
        "such as `States.Format('{}', $.name)`".to_owned(),
    )
}

/// Parses a call, and returns the text after it.
fn call(text: &str, depth: usize) -> Result<&str, Fault> {
    let Some((name, mut rest)) = text.strip_prefix("States.").and_then(|rest| rest.split_once('(')) else {
        return Err(broken(text, "it has no `(`"));
    };
    let Some((_, least, most)) = FUNCTIONS.iter().find(|(known, ..)| *known == name) else {
        let near = nearest(name, FUNCTIONS.iter().map(|(known, ..)| *known));
        let help = near.map_or_else(
            || format!("one of States.{}", FUNCTIONS.map(|(known, ..)| known).join(", States.")),
            |near| format!("did you mean `States.{near}`?"),
        );
        return Err((format!("there is no intrinsic function `States.{name}`"), help));
    };
    if depth > DEEPEST {
        return Err(broken(text, &format!("calls are nested {DEEPEST} deep at most")));
    }
    let mut count = 0;
    rest = rest.trim_start();
    if let Some(after) = rest.strip_prefix(')') {
        rest = after;
    } else {
        loop {
            rest = argument(text, rest.trim_start(), depth)?.trim_start();
            count += 1;
            if let Some(after) = rest.strip_prefix(',') {
                rest = after;
            } else if let Some(after) = rest.strip_prefix(')') {
                rest = after;
                break;
            } else if rest.is_empty() {
                return Err(broken(text, "a `)` is missing at its end"));
            } else {
                return Err(broken(text, "its arguments are separated by `,`"));
            }
        }
    }
    if !(*least..=*most).contains(&count) {
        let wants = match (least, most) {
            (least, most) if least == most => least.to_string(),
            (least, &usize::MAX) => format!("{least} or more"),
            (least, most) => format!("{least} to {most}"),
        };
        return Err((format!("`States.{name}` takes {wants} arguments, not {count}"), String::new()));
    }
    Ok(rest)
}

/// Parses a string, a number, a path or a call, and returns the text after it.
fn argument<'a>(whole: &str, text: &'a str, depth: usize) -> Result<&'a str, Fault> {
    if text.starts_with("States.") {
        return call(text, depth + 1);
    }
    if let Some(inner) = text.strip_prefix('\'') {
        let mut escaped = false;
        for (at, letter) in inner.char_indices() {
            match letter {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '\'' => return Ok(inner.get(at + 1..).unwrap_or_default()),
                _ => {}
            }
        }
        return Err(broken(whole, "a text has no closing '"));
    }
    let end = end_of(text);
    let (word, rest) = text.split_at(end);
    let word = word.trim_end();
    if word.starts_with('$') {
        path(word)?;
        return Ok(rest);
    }
    if matches!(word, "true" | "false" | "null") || word.parse::<f64>().is_ok() {
        return Ok(rest);
    }
    Err(broken(whole, &format!("`{word}` is neither a path, nor a number, nor a text between single quotes")))
}

/// The end of an argument: the next `,` or `)` outside of brackets and quotes.
fn end_of(text: &str) -> usize {
    let (mut depth, mut quote) = (0_i32, None);
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (Some(open), letter) if letter == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') if depth > 0 => quote = Some(letter),
            (None, '[' | '(') => depth += 1,
            (None, ']') => depth -= 1,
            (None, ')') if depth > 0 => depth -= 1,
            (None, ',' | ')') if depth <= 0 => return at,
            _ => {}
        }
    }
    text.len()
}

/// Checks that a path closes its brackets and quotes, and ends with a name.
fn path(text: &str) -> Result<(), Fault> {
    let fault = |why: &str| {
        Err((format!("`{text}` is not a valid JSONPath: {why}"), "such as `$.detail.rows[0]`".to_owned()))
    };
    let (mut open, mut quote) = (Vec::new(), None);
    let mut before = ' ';
    for letter in text.chars() {
        match (quote, letter) {
            (Some(mark), letter) if letter == mark && before != '\\' => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') if !open.is_empty() => quote = Some(letter),
            (None, '[') => open.push(']'),
            (None, '(') => open.push(')'),
            (None, ']') if before == '[' => return fault("`[]` names nothing"),
            (None, ']' | ')') if open.pop() != Some(letter) => {
                return fault(&format!("`{letter}` closes nothing"));
            }
            _ => {}
        }
        before = letter;
    }
    if quote.is_some() {
        return fault("a text in it has no end");
    }
    if let Some(close) = open.pop() {
        return fault(&format!("a `{close}` is missing"));
    }
    if text.ends_with('.') {
        return fault("a name is missing after its last `.`");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn documented_paths_are_accepted() {
        for text in [
            "$",
            "$$",
            "$.a.b",
            "$$.Task.Token",
            "$.a[0]",
            "$['a b']",
            "$.a[?(@.b == 'x' && @.c > (1))]",
            "$..book[*]",
            "$name.x",
            "$.a['b)c']",
            "States.UUID()",
            "States.Array()",
            "States.Array( $.a , 'b', 1.5, null, States.UUID() )",
            "States.Format('Hello, {} \\'{}\\'', $.name, States.JsonToString($))",
            "States.ArrayGetItem(States.StringSplit($.path, '/'), 2)",
            "States.MathRandom(1, 999)",
            "States.MathRandom(1, 999, $.seed)",
            "States.JsonMerge($.a, $.b, false)",
            "States.Hash($.x[?(@.a==1)], 'SHA-1')",
            "States.Format('{}) and ,', $.x)",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn paths_that_aws_refuses_are_refused() {
        for text in [
            "a",
            "$.a[0",
            "$.a.",
            "$.a[]",
            "$.a['b]",
            "States.Format('{}', $.x",
            "States.Format()",
            "States.UUID(1)",
            "States.Fromat('{}')",
            "States.Array(1 2)",
            "States.Array(a)",
            "States.Format('{}', $.x) x",
            "States.Array",
            "States.ArrayContains($.x)",
            "States.Format('{}, $.x)",
            "States.MathAdd($.a, $.b, 1)",
        ] {
            assert!(check(text).is_err(), "{text}");
        }
    }
}
