//! Upper, lower and title case of single characters, as in Go and thus in Terraform: Unicode's
//! simple mappings, which leave `ß` and `ﬁ` unchanged. The standard library has the full mappings,
//! which can turn one character into several.

pub(super) fn upper(character: char) -> char {
    let mut mapped = character.to_uppercase();
    match (mapped.next(), mapped.next()) {
        (Some(single), None) => single,
        _ => match character {
            // Greek letters with iota subscript: the simple mapping leads to the letter with adscript.
            '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => {
                char::from_u32(u32::from(character) + 8).unwrap_or(character)
            }
            '\u{1fb3}' => '\u{1fbc}',
            '\u{1fc3}' => '\u{1fcc}',
            '\u{1ff3}' => '\u{1ffc}',
            other => other,
        },
    }
}

pub(super) fn lower(character: char) -> char {
    match character {
        // The only character whose full lower case is longer.
        '\u{130}' => 'i',
        _ => character.to_lowercase().next().unwrap_or(character),
    }
}

/// The form at the start of a word.
pub(super) fn title(character: char) -> char {
    match character {
        // Digraphs: `ǆ` becomes `ǅ`.
        '\u{1c4}'..='\u{1c6}' => '\u{1c5}',
        '\u{1c7}'..='\u{1c9}' => '\u{1c8}',
        '\u{1ca}'..='\u{1cc}' => '\u{1cb}',
        '\u{1f1}'..='\u{1f3}' => '\u{1f2}',
        // Georgian has capitals, but does not use them at the start of words.
        '\u{10d0}'..='\u{10fa}' | '\u{10fd}'..='\u{10ff}' => character,
        other => upper(other),
    }
}
