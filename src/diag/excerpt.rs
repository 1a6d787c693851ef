//! Redacts secrets in the lines of an excerpt and keeps the line breaks.

use std::borrow::Cow;
use std::ops::Range;

use super::mask::{MASK, secrets_in};

/// The redacted text of a file, and how places in it moved.
pub(super) struct Excerpt<'t> {
    pub(super) text: Cow<'t, str>,
    /// Each redacted range, with the range of its mask, in order.
    moved: Vec<(Range<usize>, Range<usize>)>,
}

impl<'t> Excerpt<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let mut moved = Vec::new();
        let mut masked = String::new();
        let mut from = 0;
        for place in secrets_in(text) {
            let mut start = place.start;
            // A secret of several lines keeps its line breaks.
            for line in text.get(place).unwrap_or_default().split_inclusive('\n') {
                let words = line.trim();
                let indent = line.len() - line.trim_start().len();
                let old = start + indent..start + indent + words.len();
                start += line.len();
                if words.is_empty() {
                    continue;
                }
                masked.push_str(text.get(from..old.start).unwrap_or_default());
                let new = masked.len()..masked.len() + MASK.len();
                masked.push_str(MASK);
                from = old.end;
                moved.push((old, new));
            }
        }
        if moved.is_empty() {
            return Self { text: Cow::Borrowed(text), moved };
        }
        masked.push_str(text.get(from..).unwrap_or_default());
        Self { text: Cow::Owned(masked), moved }
    }

    /// Maps a place of the file to the redacted text. A place inside a secret maps to its whole mask.
    pub(super) fn place(&self, of: Range<usize>) -> Range<usize> {
        let at = |place: usize, end: bool| {
            let before = self.moved.iter().take_while(|(old, _)| old.start <= place).last();
            match before {
                None => place,
                Some((old, new)) if place >= old.end => new.end + (place - old.end),
                Some((_, new)) if end => new.end,
                Some((_, new)) => new.start,
            }
        };
        let start = at(of.start, false);
        start..at(of.end, of.end > of.start).max(start)
    }
}

#[cfg(test)]
mod tests {
    use super::Excerpt;

    #[test]
    fn line_breaks_are_kept_and_labels_stay_at_their_words() {
        crate::diag::learn("excerpted-1\nexcerpted-two-2");
        let text = "a = \"excerpted-1\" # é\n  b = '''\n  excerpted-1\n  excerpted-two-2'''\nc = 1\n";
        let excerpt = Excerpt::of(text);
        assert_eq!(excerpt.text, "a = \"(secret)\" # é\n  b = '''\n  (secret)\n  (secret)'''\nc = 1\n");
        for (words, shown) in [
            ("a", "a"),
            ("# é", "# é"),
            ("b = ", "b = "),
            ("excerpted-two-2", "(secret)"),
            ("c = 1", "c = 1"),
            ("cerp", "(secret)"),
        ] {
            let start = text.find(words).expect("there");
            let place = excerpt.place(start..start + words.len());
            assert_eq!(excerpt.text.get(place), Some(shown), "{words}");
        }
        assert_eq!(excerpt.place(text.len()..text.len()), excerpt.text.len()..excerpt.text.len());
    }
}
