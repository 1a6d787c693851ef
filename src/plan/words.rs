//! Texts as a plan shows them: shortened, and with every character visible.

/// Cuts a text to at most `most` characters.
pub fn shorten(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => format!("{}…", text.chars().take(most.saturating_sub(1)).collect::<String>()),
    }
}

/// Shortens a text to at most `most` characters, keeping its start and end, because names differ
/// there.
pub fn brief(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most {
        return text.to_owned();
    }
    let end = most / 3;
    let start = most.saturating_sub(end + 1);
    let (start, end): (String, String) =
        (text.chars().take(start).collect(), text.chars().skip(count - end).collect());
    format!("{start}…{end}")
}

/// Makes every character of a text visible. Control characters are escaped, and so are characters
/// that change the writing direction or take no room, which can make one text look like another
/// (<https://trojansource.codes>).
pub fn visible(text: &str) -> String {
    crate::diag::visible(text).into_owned()
}
