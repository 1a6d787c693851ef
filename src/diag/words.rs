//! Words that depend on numbers.

/// A count with its noun in the singular or plural: `1 day`, `2 days`, `0 policies`.
pub fn counted(count: impl ToString, noun: &str) -> String {
    let count = count.to_string();
    if count == "1" { format!("1 {noun}") } else { format!("{count} {}", plural(noun)) }
}

/// The plural of a regular noun, which may follow other words.
fn plural(noun: &str) -> String {
    let vowel = |letter: char| "aeiou".contains(letter);
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(vowel) => format!("{stem}ies"),
        _ if noun.ends_with(['s', 'x']) || noun.ends_with("ch") || noun.ends_with("sh") => {
            format!("{noun}es")
        }
        _ => format!("{noun}s"),
    }
}

/// Puts a value into words in the place of a name such as `{after}`; a noun in the plural after it
/// becomes singular where the value is one.
pub fn filled(words: &str, name: &str, value: &str) -> String {
    let mut parts = words.split(name);
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str(value);
        let noun = part.strip_prefix(' ').unwrap_or_default();
        let length = noun.find(|one: char| !one.is_alphabetic()).unwrap_or(noun.len());
        match noun[..length].strip_suffix('s') {
            Some(one) if value == "1" && !one.is_empty() => {
                text.push(' ');
                text.push_str(one);
                text.push_str(&noun[length..]);
            }
            _ => text.push_str(part),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{counted, filled};

    #[test]
    fn nouns_agree_with_their_counts() {
        for (count, noun, told) in [
            (0, "day", "0 days"),
            (1, "day", "1 day"),
            (2, "day", "2 days"),
            (1, "policy", "1 policy"),
            (3, "policy", "3 policies"),
            (2, "more address", "2 more addresses"),
            (11, "call", "11 calls"),
        ] {
            assert_eq!(counted(count, noun), told);
        }
        for (words, value, told) in [
            ("kept {after} days instead", "1", "kept 1 day instead"),
            ("kept {after} days instead", "11", "kept 11 days instead"),
            ("{after} days, {after} nodes", "1", "1 day, 1 node"),
            ("tried for {after} s", "1", "tried for 1 s"),
            ("at {after}", "1", "at 1"),
            ("{after}", "1", "1"),
        ] {
            assert_eq!(filled(words, "{after}", value), told);
        }
    }
}
