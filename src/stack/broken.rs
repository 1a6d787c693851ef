//! Hides secrets in a file that is not valid TOML, for which no schema shows what is secret.

use std::sync::LazyLock;

use regex::Regex;

/// The texts that are probably secret, by well-known attribute names and by those that are `named`
/// secret. A text of several lines yields each line.
pub(super) fn secrets(text: &str, named: impl Fn(&str) -> bool) -> impl Iterator<Item = &str> {
    const NAMES: [&str; 7] =
        ["password", "passphrase", "passwd", "secret", "token", "private_key", "credential"];
    static KEY: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r#"([\w-]+)["']?(?:\s*[=:]\s*|[ \t]+)("{3}|'{3}|["'])?"#).ok());
    let is_secret = move |name: &str| {
        let lower = name.to_ascii_lowercase();
        NAMES.iter().any(|one| lower.contains(one)) || named(name)
    };
    let found = KEY.iter().flat_map(|key| key.captures_iter(text));
    let found = found.filter(move |found| found.get(1).is_some_and(|name| is_secret(name.as_str())));
    found.map(|found| {
        let quote = found.get(2).map_or("", |quote| quote.as_str());
        let rest = &text[found.get(0).map_or(text.len(), |whole| whole.end())..];
        let end = match quote {
            "" => rest.find('\n'),
            long if long.len() == 3 => rest.find(long),
            // The missing closing quote may be the syntax error.
            short => rest.find([short.chars().next().unwrap_or('\n'), '\n']),
        };
        rest[..end.unwrap_or(rest.len())].trim_end()
    })
}

#[cfg(test)]
mod tests {
    use super::secrets;

    #[test]
    fn a_secret_is_found_however_it_is_written() {
        for (text, found) in [
            ("master_user_password = \"hunter22\"\nname = \"a\"", "hunter22"),
            ("password = \"hunter22\nname = \"a\"", "hunter22"),
            ("{ Secret: 'hunter22' }", "hunter22"),
            ("auth_token hunter22\n", "hunter22"),
            ("secret_string = \"\"\"\nhunter\n22\"\"\"\n", "\nhunter\n22"),
            ("secret_string = '\'\'\nhunter22", "\nhunter22"),
        ] {
            assert_eq!(secrets(text, |_| false).collect::<Vec<_>>(), [found], "{text}");
        }
        assert_eq!(secrets("[secretsmanager_secret.api]\nname = \"a\"", |_| false).count(), 0);
        for text in [
            "v = hunter22\n",
            "v: 'hunter22",
            "export v=hunter22",
            "\"v\" \"hunter22\"",
            "{a = 1, v = \"hunter22\"}",
        ] {
            assert_eq!(
                secrets(text, |name| name == "v")
                    .collect::<Vec<_>>()
                    .pop()
                    .map(|one| one.trim_end_matches('}')),
                Some("hunter22"),
                "{text}"
            );
        }
    }
}
