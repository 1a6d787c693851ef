//! A file that is no TOML, which no schema tells anything of.

use std::sync::LazyLock;

use regex::Regex;

/// What stands where a secret would, by the names of attributes; with several lines, all of them.
pub(super) fn secrets(text: &str) -> impl Iterator<Item = &str> {
    const NAMES: &str = "pass(?:word|phrase|wd)|secret|token|private_key|credential";
    static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(&format!(r#"(?i)(?:{NAMES})[\w-]*["']?(?:\s*[=:]\s*|[ \t]+)("{{3}}|'{{3}}|["'])?"#)).ok()
    });
    let found = NAMED.iter().flat_map(|named| named.captures_iter(text));
    found.map(|found| {
        let quote = found.get(1).map_or("", |quote| quote.as_str());
        let rest = &text[found.get(0).map_or(text.len(), |whole| whole.end())..];
        let end = match quote {
            "" => rest.find('\n'),
            long if long.len() == 3 => rest.find(long),
            // A quote that is not closed is what is wrong with it.
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
            assert_eq!(secrets(text).collect::<Vec<_>>(), [found], "{text}");
        }
        assert_eq!(secrets("[secretsmanager_secret.api]\nname = \"a\"").count(), 0);
    }
}
