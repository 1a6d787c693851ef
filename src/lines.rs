//! Lines that fit a terminal. Elsewhere lines are not cut, so that no script and no file gets half a
//! value.

use std::borrow::Cow;

use textwrap::core::display_width;
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

/// Minimum assumed width of a terminal: below it, almost every word would be a line.
const NARROWEST: usize = 40;
/// Minimum width of a shortened column.
const MIN_COLUMN: usize = 16;
/// The space between columns.
const GAP: &str = "  ";

/// The width of prose, unless the terminal is narrower.
pub const PROSE: usize = 96;

/// Words stay whole, unless they are longer than a line.
fn options(width: usize, indent: &str) -> Options<'_> {
    Options::new(width)
        .subsequent_indent(indent)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit)
}

/// Wraps a line at the terminal's width, with `indent` spaces before continuation lines.
pub fn hang(line: &str, indent: usize, width: Option<usize>) -> Cow<'_, str> {
    match width.map(|width| width.max(NARROWEST)) {
        Some(width) if display_width(line) > width => {
            // A long name may leave too little room beside it.
            let is_narrow = width.saturating_sub(indent) * 20 < width * 11;
            let indent = " ".repeat(if is_narrow { 10 } else { indent });
            textwrap::fill(line, options(width, &indent)).into()
        }
        _ => line.into(),
    }
}

/// Wraps paragraphs to lines of at most `width`, each ending in a newline.
pub fn prose(text: &str, indent: usize, width: usize) -> String {
    let (indent, width) = (" ".repeat(indent), width.max(NARROWEST));
    let paragraphs = text.split("\n\n").map(|one| one.split_whitespace().collect::<Vec<_>>().join(" "));
    let filled = paragraphs.filter(|one| !one.is_empty());
    filled.map(|one| textwrap::fill(&one, options(width, &indent).initial_indent(&indent)) + "\n").collect()
}

/// Names with their values in a column, each line ending in a newline.
pub fn pairs(rows: &[(String, String)], indent: usize, between: &str, width: Option<usize>) -> String {
    let widest = rows.iter().map(|(name, _)| display_width(name)).max().unwrap_or(0);
    let start = " ".repeat(indent);
    rows.iter()
        .map(|(name, value)| {
            let head = format!("{start}{}{between}", padded(name, widest));
            let column = display_width(&head);
            match width.map(|width| width.max(NARROWEST)) {
                // The value starts beside its name, even if its first word is long.
                Some(width) if column <= width / 2 => {
                    let lines = textwrap::wrap(value, options(width - column, ""));
                    let indent = format!("\n{}", " ".repeat(column));
                    format!("{}\n", format!("{head}{}", lines.join(&indent)).trim_end())
                }
                _ => format!("{}\n", hang(format!("{head}{value}").trim_end(), column, width)),
            }
        })
        .collect()
}

/// Rows in columns, each line ending in a newline. If they are wider than the terminal, texts in the
/// column `flexible` lose their middle.
pub fn table(rows: &[Vec<String>], flexible: usize, width: Option<usize>) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widest = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|one| display_width(one)).max().unwrap_or(0)
    };
    let mut widths: Vec<usize> = (0..count).map(widest).collect();
    let all = |widths: &[usize]| widths.iter().sum::<usize>() + GAP.len() * count.saturating_sub(1);
    if let Some(width) = width
        && let Some(over) = all(&widths).checked_sub(width.max(NARROWEST))
        && let Some(flexible) = widths.get_mut(flexible)
    {
        *flexible = flexible.saturating_sub(over).max(MIN_COLUMN.min(*flexible));
    }
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, most))| {
            let cut = width.is_some() && column == flexible;
            padded(&if cut { middle_out(cell, *most) } else { cell.into() }, *most)
        });
        let line = cells.collect::<Vec<_>>().join(GAP);
        format!("{}\n", hang(line.trim_end(), 4, width))
    };
    rows.iter().map(line).collect()
}

/// Shortens a text to `most` columns. Start and end are kept, because names differ there.
fn middle_out(text: &str, most: usize) -> Cow<'_, str> {
    let count = text.chars().count();
    if display_width(text) <= most || count <= 3 {
        return text.into();
    }
    let end = (most / 2).min(count);
    let start = most.saturating_sub(end + 1);
    let head: String = text.chars().take(start).collect();
    let tail: String = text.chars().skip(count - end).collect();
    format!("{head}…{tail}").into()
}

fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(display_width(text))))
}

#[cfg(test)]
mod tests {
    use super::{hang, middle_out, pairs, prose, table};

    fn rows(rows: &[[&str; 3]]) -> Vec<Vec<String>> {
        rows.iter().map(|row| row.map(str::to_owned).to_vec()).collect()
    }

    #[test]
    fn wrapped_lines_are_indented_and_words_stay_whole() {
        let line = "  + sns_topic.alerts  create  us-east-1 arn:aws:sns:us-east-1:111111111111:alerts done";
        assert_eq!(hang(line, 6, None), line);
        assert_eq!(
            hang(line, 6, Some(50)),
            "  + sns_topic.alerts  create  us-east-1\n      arn:aws:sns:us-east-1:111111111111:alerts\n      done"
        );
        // A word longer than a line is split.
        let long = format!("  a  {}", "x".repeat(50));
        let (whole, rest) = ("x".repeat(36), "x".repeat(14));
        assert_eq!(hang(&long, 4, Some(40)), format!("  a\n    {whole}\n    {rest}"));
        let coloured = format!("\x1b[1m{}\x1b[0m", "x".repeat(40));
        assert_eq!(hang(&coloured, 4, Some(40)), coloured);
    }

    #[test]
    fn prose_is_indented_by_paragraph() {
        let text = prose("One two\nthree.\n\nFour.", 2, 40);
        assert_eq!(text, "  One two three.\n  Four.\n");
        assert_eq!(prose("", 2, 40), "");
    }

    #[test]
    fn values_are_aligned() {
        let rows = [("a", "1"), ("long", &"x ".repeat(30))].map(|(one, other)| (one.into(), other.into()));
        let text = pairs(&rows, 2, "  ", Some(40));
        assert!(text.starts_with("  a     1\n  long  x x"), "{text}");
        assert!(text.lines().skip(2).all(|line| line.starts_with("        x")), "{text}");
        let arn = [("a".to_owned(), format!("\"arn:{}\"", "x".repeat(60)))];
        let text = pairs(&arn, 0, " = ", Some(40));
        assert!(text.starts_with("a = \"arn:xxx") && text.lines().all(|line| line.len() <= 40), "{text}");
        assert_eq!(pairs(&arn, 0, " = ", None).lines().count(), 1);
    }

    #[test]
    fn a_table_is_cut_only_on_a_terminal() {
        let rows = rows(&[
            ["glue_job.a", "arn:aws:glue:us-east-1:111111111111:job/orders", "us-east-1"],
            ["s3_bucket.lake", "lake", "us-east-1"],
        ]);
        let whole = table(&rows, 1, None);
        assert_eq!(
            whole,
            "glue_job.a      arn:aws:glue:us-east-1:111111111111:job/orders  us-east-1\n\
             s3_bucket.lake  lake                                            us-east-1\n"
        );
        let cut = table(&rows, 1, Some(60));
        assert!(cut.lines().all(|line| line.chars().count() <= 60), "{cut}");
        assert!(cut.contains("…") && cut.contains("job/orders  us-east-1"), "{cut}");
        assert_eq!(table(&rows, 1, Some(100)), whole);
        assert_eq!(middle_out("äbcdefgh", 6), "äb…fgh");
    }
}
