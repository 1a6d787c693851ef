//! GitHub's own rendering of our Markdown.

use std::fs;

use super::corpus::{corpus, many};
use crate::paper;
use crate::tools;
use dwctl::plan::format::{Format, Options, render};
use dwctl::plan::review::Sort;

/// Text outside of `<code>` and comments, where markup is markup.
fn prose(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some(at) = rest.find("<code") {
        text.push_str(&rest[..at]);
        rest = rest[at..].split_once("</code>").map_or("", |(_, after)| after);
    }
    text + rest
}

#[test]
fn headings_are_bold_and_no_text_is_struck_out() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut written: Vec<(String, String)> =
        corpus().iter().map(|case| (case.name.to_owned(), case.render(Format::Markdown))).collect();
    written.push(("many".to_owned(), render(Format::Markdown, &many(200), &Options::default())));
    for (name, text) in &written {
        fs::write(folder.path().join(format!("{name}.md")), text).expect("written");
    }
    let script = paper::root().join("tests/support/render_markdown.py");
    let done = tools::run("python", &[&script.display().to_string(), &folder.path().display().to_string()]);
    assert!(done.status.success(), "{}", tools::words(&done));
    let mut seen = Vec::new();
    for (name, text) in &written {
        let html = fs::read_to_string(folder.path().join(format!("{name}.html"))).expect("HTML");
        let prose = prose(&html);
        for markup in ["**", "<del>", "~~", "__", "](", "\\"] {
            assert!(!prose.contains(markup), "{name}: `{markup}` stands in\n{prose}\n{text}");
        }
        for sort in Sort::ALL {
            let heading = format!("{} ", sort.sign().replace('<', "&lt;").replace('>', "&gt;"));
            let begin = format!("<strong>{heading}");
            let bold = html.match_indices(&begin);
            let bold = bold.filter(|(at, _)| {
                html[*at..].split_once("</strong>").is_some_and(|(words, _)| words.ends_with(sort.counted()))
            });
            if bold.count() == 1 {
                seen.push(sort);
            } else {
                // No heading may appear, not even as plain text.
                let is_heading = text
                    .lines()
                    .any(|line| line.starts_with("**") && line.ends_with(&format!("{}**", sort.counted())));
                assert!(!is_heading, "{name}: `{}` is no bold heading of\n{html}", sort.counted());
            }
        }
    }
    for sort in
        [Sort::Destroy, Sort::Replace, Sort::Update, Sort::Create, Sort::Changed, Sort::Forget, Sort::Move]
    {
        assert!(seen.contains(&sort), "no plan of the corpus has something {}", sort.counted());
    }
}
