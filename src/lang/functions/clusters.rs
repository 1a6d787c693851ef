//! The characters of a text.

use unicode_segmentation::UnicodeSegmentation;

/// The characters of a text as people count them (grapheme clusters), by Unicode 15.0 as in Terraform.
/// Later versions join two consonants of an Indic script around a virama.
pub(in super::super) fn clusters(text: &str) -> Box<dyn DoubleEndedIterator<Item = &str> + '_> {
    if !text.contains(is_indic_consonant) {
        return Box::new(text.graphemes(true));
    }
    Box::new(text.graphemes(true).flat_map(|cluster| {
        let consonants = cluster.char_indices().filter(|&(_, character)| is_indic_consonant(character));
        let starts: Vec<usize> = std::iter::once(0).chain(consonants.skip(1).map(|(at, _)| at)).collect();
        let ends: Vec<usize> = starts.iter().skip(1).copied().chain([cluster.len()]).collect();
        starts.into_iter().zip(ends).filter_map(|(start, end)| cluster.get(start..end)).collect::<Vec<_>>()
    }))
}

/// Returns whether later versions of Unicode join the consonant (`Indic_Conjunct_Break=Consonant`).
fn is_indic_consonant(character: char) -> bool {
    matches!(character,
        '\u{915}'..='\u{939}' | '\u{958}'..='\u{95f}' | '\u{978}'..='\u{97f}'
        | '\u{995}'..='\u{9b9}' | '\u{9dc}'..='\u{9df}' | '\u{9f0}'..='\u{9f1}'
        | '\u{a95}'..='\u{ab9}' | '\u{af9}'
        | '\u{b15}'..='\u{b39}' | '\u{b5c}'..='\u{b5f}' | '\u{b71}'
        | '\u{c15}'..='\u{c39}' | '\u{c58}'..='\u{c5a}'
        | '\u{d15}'..='\u{d3a}'
        | '\u{1000}'..='\u{102a}' | '\u{103f}' | '\u{1050}'..='\u{1055}'
        | '\u{1780}'..='\u{17b3}'
        | '\u{1b05}'..='\u{1b33}'
        | '\u{a984}'..='\u{a9b2}')
}

/// The number of grapheme clusters.
pub(super) fn length(text: &str) -> usize {
    clusters(text).count()
}
