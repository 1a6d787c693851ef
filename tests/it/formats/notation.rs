//! Separates the notation of a format from its text, and checks it.

/// The part of a page between the head and the foot, which are the same for all.
pub(crate) fn main_of(page: &str) -> &str {
    let (_, rest) = page.split_once("<body>").expect("a body");
    rest.split_once("<footer>").expect("a footer").0
}

/// Checks that every opened tag is closed, in order: for XML, or for HTML with its void elements.
pub(crate) fn balanced(text: &str) -> Result<(), String> {
    const VOID: [&str; 4] = ["meta", "br", "input", "!DOCTYPE"];
    let mut open: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        if before.contains('>') && !open.is_empty() {
            return Err(format!("`>` in the text {before:?}"));
        }
        let mut quote = None;
        let end = after
            .char_indices()
            .find(|&(_, one)| match (quote, one) {
                (None, '>') => true,
                (None, '"') => {
                    quote = Some('"');
                    false
                }
                (Some(mark), one) if mark == one => {
                    quote = None;
                    false
                }
                _ => false,
            })
            .map(|(at, _)| at)
            .ok_or("a tag without an end")?;
        let tag = &after[..end];
        rest = &after[end + 1..];
        let name = tag.trim_start_matches('/').split([' ', '/', '\n']).next().unwrap_or_default();
        if tag.starts_with('?') || tag.ends_with('/') || VOID.contains(&name) {
            continue;
        }
        if tag.starts_with('/') {
            match open.pop() {
                Some(opened) if opened == name => {}
                other => return Err(format!("</{name}> closes {other:?}")),
            }
        } else {
            open.push(name.to_owned());
            // Text as it stands, until its end.
            if name == "script" || name == "style" {
                let at = rest.find(&format!("</{name}>")).ok_or("no end")?;
                rest = &rest[at..];
            }
        }
    }
    if open.is_empty() { Ok(()) } else { Err(format!("{open:?} are not closed")) }
}

pub(crate) fn attribute(text: &str, name: &str) -> String {
    let (_, rest) = text.split_once(&format!("{name}=\"")).unwrap_or_else(|| panic!("no {name} in {text}"));
    rest.split('"').next().unwrap_or_default().to_owned()
}

/// Markdown without code, in which nothing is notation.
pub(crate) fn outside_of_code(text: &str) -> String {
    let mut plain = String::new();
    let mut fence: Option<String> = None;
    let code = regex::Regex::new("<code>[^<]*</code>").expect("a pattern");
    for line in text.lines() {
        let ticks: String = line.chars().take_while(|one| *one == '`').collect();
        match &fence {
            Some(open) if ticks.len() >= open.len() && line.trim() == ticks => fence = None,
            Some(_) => {}
            None if ticks.len() >= 3 => fence = Some(ticks),
            None => {
                let html = code.replace_all(line, "");
                let mut rest = html.as_ref();
                while let Some(start) = rest.find('`') {
                    plain.push_str(&rest[..start]);
                    let run = rest[start..].chars().take_while(|one| *one == '`').count();
                    let after = &rest[start + run..];
                    let mut end = None;
                    let mut at = 0;
                    while let Some(next) = after[at..].find('`') {
                        let length = after[at + next..].chars().take_while(|one| *one == '`').count();
                        if length == run {
                            end = Some(at + next + length);
                            break;
                        }
                        at += next + length;
                    }
                    rest = &after[end.unwrap_or_else(|| panic!("code without an end: {line}"))..];
                }
                plain.push_str(rest);
                plain.push('\n');
            }
        }
    }
    assert_eq!(fence, None, "a fence is left open:\n{text}");
    plain
}
