//! A plan as a JUnit report, with one test case per resource. Destroyed resources, data loss and
//! drift are failures; everything else passes (<https://github.com/testmoapp/junitxml>).

use std::fmt::Write;

use super::escape::html as xml;
use super::{Options, place};
use crate::plan::review::{Item, Rest, Review, Sort, ValueText, notes, shorten};
use crate::plan::{Change, RiskLabel, Sign};

/// The most lines of one text.
const MAX_LINES: usize = 100;

pub(super) fn render(review: &Review<'_>, options: &Options) -> String {
    let failures = review.items.iter().filter(|item| failure(item).is_some()).count();
    let rest: Vec<(&Change, Rest)> =
        review.plan.changes.iter().filter_map(|one| Some((one, review.rest_of(one)?))).collect();
    let count = review.items.len() + rest.len();
    let skipped = rest.iter().filter(|(_, rest)| *rest != Rest::Unchanged).count();
    let name = xml(&format!("dwctl {} {}", review.verb(), review.title()));
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    let _ = write!(
        text,
        "<testsuites name=\"{name}\" tests=\"{count}\" failures=\"{failures}\" errors=\"0\">\n  \
         <testsuite name=\"{name}\" tests=\"{count}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\">\n"
    );
    for item in &review.items {
        case(&mut text, item, review.drift, options);
    }
    for (change, rest) in rest {
        let (kind, address) = (xml(&change.address.kind), xml(&change.address.to_string()));
        let _ = write!(text, "    <testcase classname=\"{kind}\" name=\"{address}\"");
        let _ = match rest {
            Rest::Unchanged => writeln!(text, "/>"),
            Rest::NotSelected => writeln!(text, "><skipped message=\"not selected\"/></testcase>"),
            Rest::NotApplied => writeln!(text, "><skipped message=\"not applied yet\"/></testcase>"),
        };
    }
    let warnings: Vec<String> = review.warnings().into_iter().map(|(_, words)| xml(&words)).collect();
    if !warnings.is_empty() {
        let lines = warnings[..warnings.len().min(MAX_LINES)].join("\n");
        let _ = writeln!(text, "    <system-err>{lines}</system-err>");
    }
    text.push_str("  </testsuite>\n</testsuites>\n");
    text
}

/// The reason for which a resource fails, in a word.
fn failure(item: &Item<'_>) -> Option<&'static str> {
    match item.sort {
        Sort::Deleted | Sort::Changed => Some("drift"),
        _ if item.has(RiskLabel::DataLoss) => Some("data loss"),
        Sort::Destroy => Some("destroy"),
        _ => None,
    }
}

fn case(text: &mut String, item: &Item<'_>, drift: bool, options: &Options) {
    let _ = write!(
        text,
        "    <testcase classname=\"{}\" name=\"{}\"",
        xml(&item.change.address.kind),
        xml(&item.address)
    );
    if let Some((file, line)) = place(item.change, None, options) {
        let _ = write!(text, " file=\"{}\" line=\"{line}\"", xml(&file));
    }
    text.push_str(">\n");
    let mut message = format!("{} {}", item.sort.sign(), item.words);
    for more in [&item.why, &item.risk_words(), &item.id_words(), &item.kept, &item.dependents.words(5)] {
        if !more.is_empty() {
            let _ = write!(message, " · {more}");
        }
    }
    let mut lines = format!("{}\n", xml(&message));
    for one in item.details.iter().filter(|_| item.shows_details()) {
        let values = ValueText::of(one, false).shortened(200).line();
        let notes = notes(one, drift).join(", ");
        let words = [one.attribute.as_str(), &one.part, &values, &notes];
        let words: Vec<&str> = words.into_iter().filter(|words| !words.is_empty()).collect();
        let line = format!("{} {}", one.sign.mark(), words.join(" "));
        let _ = writeln!(lines, "{}", xml(&shorten(&line, 600)));
        for line in one.lines.iter().take(MAX_LINES) {
            let sign = line.sign.map_or(" ", Sign::mark);
            let _ = writeln!(lines, "{}", xml(&shorten(&format!("  {sign} {}", line.text), 600)));
        }
    }
    match failure(item) {
        Some(sort) => {
            let _ = writeln!(
                text,
                "      <failure type=\"{sort}\" message=\"{}\">{lines}</failure>",
                xml(&message)
            );
        }
        None => {
            let _ = writeln!(text, "      <system-out>{lines}</system-out>");
        }
    }
    text.push_str("    </testcase>\n");
}
