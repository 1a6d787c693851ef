//! Words that depend on numbers.

/// A count with its noun in the singular or plural: `1 day`, `2 days`, `0 policies`.
pub fn counted(count: impl ToString, noun: &str) -> String {
    let count = count.to_string();
    if count == "1" { format!("1 {noun}") } else { format!("{count} {}", plural(noun)) }
}

/// A noun with its indefinite article by pronunciation: `an sns_topic`, `a kms_key`, `an integer`.
pub fn a(noun: &str) -> String {
    let first = noun.split(['_', ' ', '-', ':']).next().unwrap_or_default().to_ascii_lowercase();
    let begins = |letters: &str| first.starts_with(|letter| letters.contains(letter));
    // A word without vowels, or with a digit, is spelled out: the name of its first letter counts.
    let is_spelled =
        !first.contains(['a', 'e', 'i', 'o', 'u', 'y']) || first.contains(|one: char| one.is_ascii_digit());
    let is_vowel =
        if is_spelled { begins("aefhilmnorsx8") } else { begins("aeiou") && !first.starts_with("uni") };
    format!("{} {noun}", if is_vowel { "an" } else { "a" })
}

/// The plural of a regular noun, which may be the last of several words.
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

/// Replaces a placeholder such as `{after}` by a value. A plural noun after it becomes singular if the
/// value is 1.
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
    #[test]
    fn the_article_is_that_of_the_spoken_word() {
        for (expected, noun) in [
            ("an sns_topic", "sns_topic"),
            ("an s3_bucket", "s3_bucket"),
            ("an sfn_state_machine", "sfn_state_machine"),
            ("an iam_role", "iam_role"),
            ("an ec2_vpc", "ec2_vpc"),
            ("an eventbridge_rule", "eventbridge_rule"),
            ("a kms_key", "kms_key"),
            ("a glue_job", "glue_job"),
            ("a redshift_cluster", "redshift_cluster"),
            ("a cloudwatch_alarm", "cloudwatch_alarm"),
            ("a secretsmanager_secret", "secretsmanager_secret"),
            ("an SQS queue", "SQS queue"),
            ("a VPC", "VPC"),
            ("an integer", "integer"),
            ("a unique name", "unique name"),
            ("a string", "string"),
            ("an object", "object"),
            ("a map", "map"),
        ] {
            assert_eq!(super::a(noun), expected);
        }
    }

    use super::{counted, filled};

    #[test]
    fn nouns_agree_with_their_counts() {
        for (count, noun, expected) in [
            (0, "day", "0 days"),
            (1, "day", "1 day"),
            (2, "day", "2 days"),
            (1, "policy", "1 policy"),
            (3, "policy", "3 policies"),
            (2, "more address", "2 more addresses"),
            (11, "call", "11 calls"),
        ] {
            assert_eq!(counted(count, noun), expected);
        }
        for (words, value, expected) in [
            ("kept {after} days instead", "1", "kept 1 day instead"),
            ("kept {after} days instead", "11", "kept 11 days instead"),
            ("{after} days, {after} nodes", "1", "1 day, 1 node"),
            ("tried for {after} s", "1", "tried for 1 s"),
            ("at {after}", "1", "at 1"),
            ("{after}", "1", "1"),
        ] {
            assert_eq!(filled(words, "{after}", value), expected);
        }
    }
}
