//! A plan as a comment on a pull request, at GitHub or GitLab. Text from the stack or from AWS is
//! in code spans and blocks, where it cannot be notation, HTML or a mention.

use std::fmt::Write;

use super::escape::{code, fenced, html_in_markdown};
use super::{Options, Provenance, mermaid, since, to_apply};
use crate::plan::review::{Item, Review, Sort, ValueText, brief, notes, visible};
use crate::plan::sections::{Fold, Section, Told};
use crate::plan::since::Since;
use crate::plan::{RiskLabel, Sign, pictures};

/// The longest comment that GitHub takes, in characters
/// (<https://github.com/orgs/community/discussions/27190>); GitLab takes 1,000,000
/// (<https://docs.gitlab.com/administration/instance_limits/>, size of comments). We count bytes
/// of UTF-8, of which there are never fewer than characters, whatever the unit.
pub const LIMIT: usize = 65_536;

/// Bytes reserved for the note on what is left out.
const RESERVE: usize = 1_500;
/// The most bytes for the graph.
const GRAPH: usize = 6_000;
/// The most names in a list, and bytes for them.
const NAMES: usize = 12;
const NAMES_ROOM: usize = 2_500;
/// Longest name, and longest list of names that counts as one.
const LONGEST_NAME: usize = 160;
const LONGEST_NAMES: usize = 800;
/// Longest list of names that need attention.
const LONGEST_LIST: usize = 4_000;
/// The end of a module's section.
const SECTION_END: &str = "\n</details>\n";
/// The most risks of one resource.
const MAX_RISKS: usize = 8;
/// The most bytes for the commands.
const COMMANDS: usize = 6_000;
/// Longest value.
const LONGEST_VALUE: usize = 300;
/// The most differences of one resource.
const MAX_DETAILS: usize = 200;

pub(super) fn render(review: &Review<'_>, options: &Options) -> String {
    let head = head(review, options);
    let foot = foot(review, options);
    let room = LIMIT.saturating_sub(head.len() + foot.len() + RESERVE);
    let sections = review.sections(Fold::of(options.text.details, Fold::Details));
    let groups: Vec<Group> = sections
        .iter()
        .enumerate()
        .flat_map(|(place, section)| {
            let groups = review.groups(section);
            groups.into_iter().map(move |told| (place, section, told))
        })
        .filter_map(|(place, section, told)| Group::new(review, place, section, &told))
        .collect();
    let headings: Vec<String> = sections.iter().map(|section| heading(review, section)).collect();
    let shown = fit(&groups, &headings, room);
    let body = body(&groups, &headings, &shown);
    let mut text = format!("{head}{body}");
    let left = LIMIT.saturating_sub(text.len() + foot.len() + RESERVE);
    let outputs = outputs(review, left);
    text.push_str(&outputs);
    text.push_str(&data(review, left.saturating_sub(outputs.len())));
    let left = LIMIT.saturating_sub(text.len() + foot.len() + RESERVE / 2);
    if let Some(graph) = graph(review, left.min(GRAPH)) {
        text.push_str(&graph);
    }
    text.push_str(&left_out(&groups, &shown));
    text.push_str(&foot);
    text
}

/// A name, as code.
fn named(name: &str) -> String {
    code(&brief(name, LONGEST_NAME))
}

/// A list of as many names as fit, and the number of further ones.
fn listed(all: impl ExactSizeIterator<Item = String>) -> String {
    let count = all.len();
    let (mut text, mut shown) = (String::new(), 0);
    for one in all.take(NAMES) {
        if text.len() + one.len() > NAMES_ROOM {
            break;
        }
        let _ = write!(text, "{}{one}", if shown > 0 { ", " } else { "" });
        shown += 1;
    }
    match count - shown {
        0 => text,
        rest => format!("{text}, … {rest} more"),
    }
}

/// The first lines of a section, folded unless something in it needs attention. The stack itself has none.
fn heading(review: &Review<'_>, section: &Section<'_>) -> String {
    if section.is_root() {
        return String::new();
    }
    let name = brief(&section.name(NAMES), LONGEST_NAMES);
    let counts = section.counts.iter().map(|(sort, count)| format!("{count} {}", sort.counted()));
    let counts = counts.collect::<Vec<_>>().join(", ");
    let mut told = section.told.iter().filter_map(|told| review.items.get(told.index));
    let open = if told.any(Item::needs_attention) { " open" } else { "" };
    let (name, remark) = (html_in_markdown(&name), section.remark());
    format!("\n<details{open}><summary><code>{name}</code> · {counts}{remark}</summary>\n\n")
}

/// The same change of one or more resources.
struct Group {
    /// The index of its section.
    section: usize,
    sort: Sort,
    severity_key: (bool, Sort, bool),
    count: usize,
    /// The change as a line of Markdown, without a line break.
    brief: String,
    /// The same with its id, its leftovers and its dependents.
    line: String,
    /// The line with its differences, folded; empty if there is nothing to show.
    folded: String,
}

/// How much of a group is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Nothing,
    Brief,
    Line,
    Whole,
}

impl Group {
    fn new(review: &Review<'_>, place: usize, section: &Section<'_>, told: &[&Told]) -> Option<Self> {
        let first = review.items.get(told.first()?.index)?;
        let shown = told.iter().flat_map(|told| std::iter::once(&told.index).chain(&told.here));
        let items: Vec<&Item<'_>> = shown.filter_map(|&index| review.items.get(index)).collect();
        // What needs attention is named one by one, as far as there is room.
        let needs_attention = first.needs_attention();
        let (most, longest) =
            if needs_attention { (usize::MAX, LONGEST_LIST) } else { (NAMES, LONGEST_NAMES) };
        let name = brief(&review.names_within(section, told, most), longest);
        let count = told.iter().map(|told| told.all().count()).sum();
        let (times, is_same) = review.times(told);
        let times = match times {
            1 => String::new(),
            _ if is_same => format!(" ({times} the same)"),
            _ => format!(" ({times} alike)"),
        };
        let mut line = format!("- {} {}{times}", code(&name), first.words);
        let mut summary = format!("<code>{}</code>{times} {}", html_in_markdown(&name), first.words);
        if !first.why.is_empty() {
            let why = brief(&first.why, LONGEST_VALUE);
            let _ = write!(line, " · {}", code(&why));
            let _ = write!(summary, " · <code>{}</code>", html_in_markdown(&why));
        }
        if !first.risks.is_empty() {
            let _ = write!(line, " · ⚠️ {}", risks(first));
            // As code: an `@name` in it is no mention.
            let risks = html_in_markdown(&brief(&first.risk_words(), LONGEST_VALUE));
            let _ = write!(summary, " · ⚠️ <b><code>{risks}</code></b>");
        }
        let ids: Vec<String> = items
            .iter()
            .filter_map(|item| item.id.as_deref())
            .map(|id| code(&brief(id, LONGEST_NAME)))
            .collect();
        let mut more = Vec::new();
        if !ids.is_empty() {
            more.push(format!("{} {}", if ids.len() == 1 { "id" } else { "ids" }, listed(ids.into_iter())));
        }
        let needed = brief(&first.dependents.words(5), LONGEST_NAMES);
        more.extend(
            [&first.kept, &needed].into_iter().filter(|words| !words.is_empty()).map(|words| code(words)),
        );
        let brief = line.clone();
        for one in &more {
            let _ = write!(line, " · {one}");
        }
        let details = details(first, review.drift);
        let folded = if details.is_empty() {
            String::new()
        } else {
            let mut needed =
                if more.is_empty() { String::new() } else { format!("{}\n\n", more.join(" · ")) };
            if !is_same {
                let _ = write!(
                    needed,
                    "Shown for {}; the others differ only in what follows from their keys.\n\n",
                    named(&first.address)
                );
            }
            // A picture shows a state machine's changes faster than text.
            let drawn = pictures(first.change);
            let drawn: String =
                drawn.iter().map(|(_, picture)| format!("\n{}", fenced("mermaid", picture))).collect();
            format!(
                "<details><summary>{summary}</summary>\n\n{needed}{}{drawn}\n</details>\n",
                fenced("diff", &details)
            )
        };
        Some(Self {
            section: place,
            sort: first.sort,
            severity_key: first.severity_key(),
            count,
            brief,
            line,
            folded,
        })
    }
}

/// The risks of a resource. Their words may partly come from AWS or the stack.
fn risks(item: &Item<'_>) -> String {
    let words = item.risks.iter().take(MAX_RISKS).map(|risk| match risk.words.as_str() {
        "" => format!("**{}**", risk.label.words()),
        words => format!("**{}** {}", risk.label.words(), code(&brief(words, LONGEST_VALUE))),
    });
    let rest = item.risks.len().saturating_sub(MAX_RISKS);
    words.chain((rest > 0).then(|| format!("… {rest} more"))).collect::<Vec<_>>().join(", ")
}

/// Decides how much of each group fits into this many bytes: lines before details, and the most severe
/// groups first in both.
fn fit(groups: &[Group], headings: &[String], mut room: usize) -> Vec<Shown> {
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by_key(|&index| groups.get(index).map(|group| group.severity_key));
    let mut shown = vec![Shown::Nothing; groups.len()];
    // Room for the headings of the stack itself; a module's heading comes with the first of its changes.
    room = room.saturating_sub(Sort::ALL.len() * 40);
    let mut is_open = vec![false; headings.len()];
    let steps = [(Shown::Nothing, Shown::Brief), (Shown::Brief, Shown::Line), (Shown::Line, Shown::Whole)];
    for (from, to) in steps {
        for &index in &order {
            let (Some(group), Some(shown)) = (groups.get(index), shown.get_mut(index)) else { continue };
            let cost = match to {
                Shown::Whole if group.folded.is_empty() => continue,
                Shown::Whole => group.folded.len().saturating_sub(group.line.len()),
                Shown::Line => group.line.len() - group.brief.len(),
                _ => {
                    let heading = headings.get(group.section).filter(|heading| !heading.is_empty());
                    let is_new = is_open.get(group.section) == Some(&false);
                    let heading = heading.filter(|_| is_new).map_or(0, |one| one.len() + SECTION_END.len());
                    group.brief.len() + 1 + heading
                }
            };
            if *shown == from && cost <= room {
                room -= cost;
                *shown = to;
                if let Some(is_open) = is_open.get_mut(group.section) {
                    *is_open = true;
                }
            } else if to == Shown::Brief {
                // A less severe group is not listed instead of a more severe one.
                break;
            }
        }
    }
    shown
}

fn body(groups: &[Group], headings: &[String], shown: &[Shown]) -> String {
    let mut text = String::new();
    for (place, heading) in headings.iter().enumerate() {
        let own = || groups.iter().zip(shown).filter(move |(group, _)| group.section == place);
        if heading.is_empty() {
            for sort in Sort::ALL {
                let of_sort: Vec<(&Group, Shown)> = own()
                    .filter(|(group, _)| group.sort == sort)
                    .map(|(group, shown)| (group, *shown))
                    .collect();
                let count: usize = of_sort.iter().map(|(group, _)| group.count).sum();
                if count > 0 {
                    // An unescaped tilde within the asterisks could start a strikethrough.
                    let sign = if sort.sign() == "~" { "\\~" } else { sort.sign() };
                    let _ = write!(text, "\n**{sign} {count} {}**\n\n", sort.counted());
                    lines(&mut text, &of_sort);
                }
            }
        } else if own().any(|(_, shown)| *shown != Shown::Nothing) {
            let mut own: Vec<(&Group, Shown)> = own().map(|(group, shown)| (group, *shown)).collect();
            own.sort_by_key(|(group, _)| group.severity_key);
            text.push_str(heading);
            lines(&mut text, &own);
            // An empty line ends a list, and has been written after a folded block.
            text.push_str(if text.ends_with("\n\n") { SECTION_END.trim_start() } else { SECTION_END });
        }
    }
    text
}

/// The changes of a section, as much of them as is shown.
fn lines(text: &mut String, groups: &[(&Group, Shown)]) {
    // An empty line separates a list from a folded block before it.
    for (group, _) in groups.iter().filter(|(_, shown)| *shown == Shown::Whole) {
        let _ = writeln!(text, "{}", group.folded);
    }
    for (group, shown) in groups {
        let _ = match shown {
            Shown::Brief => writeln!(text, "{}", group.brief),
            Shown::Line => writeln!(text, "{}", group.line),
            Shown::Nothing | Shown::Whole => Ok(()),
        };
    }
}

/// The number of changes that did not fit, by sort.
fn left_out(groups: &[Group], shown: &[Shown]) -> String {
    let count = |is: &dyn Fn(&Group, Shown) -> bool| {
        let mut parts = Vec::new();
        for sort in Sort::ALL {
            let of_sort =
                groups.iter().zip(shown).filter(|(group, shown)| group.sort == sort && is(group, **shown));
            let count: usize = of_sort.map(|(group, _)| group.count).sum();
            if count > 0 {
                parts.push(format!("{count} {}", sort.counted()));
            }
        }
        parts.join(", ")
    };
    let details = count(&|group, shown| match shown {
        Shown::Brief => group.brief != group.line || !group.folded.is_empty(),
        Shown::Line => !group.folded.is_empty(),
        Shown::Nothing | Shown::Whole => false,
    });
    let lines = count(&|_, shown| shown == Shown::Nothing);
    if details.is_empty() && lines.is_empty() {
        return String::new();
    }
    let mut text = "\n> [!NOTE]\n> A comment has at most 65,536 characters.".to_owned();
    if !lines.is_empty() {
        let _ = write!(text, " Left out here: {lines}.");
    }
    if !details.is_empty() {
        let _ = write!(text, " Without their details: {details}.");
    }
    text.push_str(" The other formats show everything.\n");
    text
}

fn head(review: &Review<'_>, options: &Options) -> String {
    let plan = review.plan;
    let mut text = format!("<!-- dwctl:{}/{} -->\n", marker(&plan.stack), marker(&plan.env));
    let verb = review.verb();
    let _ = write!(text, "### dwctl {verb} {} · {}\n\n", named(&review.title()), review.summary());
    let _ = writeln!(text, "{}", code(&brief(&review.place(), LONGEST_NAMES)));
    if let Some(provenance) = &options.provenance {
        let _ = writeln!(text, "\n{}", made(provenance, plan.now));
    }
    if let Some(nothing) = review.nothing() {
        let _ = write!(text, "\n{nothing}\n");
    }
    text.push_str(&banner(review));
    let warnings = review.warnings();
    if !warnings.is_empty() {
        let lines = warnings.iter().map(|(_, words)| code(&brief(words, LONGEST_VALUE)));
        let _ = write!(text, "\n> [!WARNING]\n> {}\n", listed(lines.collect::<Vec<_>>().into_iter()));
    }
    let changed = review.changed_modules();
    if !changed.is_empty() {
        let lines = changed.iter().map(|line| format!("- {}", code(&brief(line, LONGEST_NAMES))));
        let more = changed.len().saturating_sub(NAMES);
        let more = if more > 0 { format!("\n- … {more} more") } else { String::new() };
        let lines = lines.take(NAMES).collect::<Vec<_>>().join("\n");
        let _ = write!(text, "\n**Changed modules**\n\n{lines}{more}\n");
    }
    if review.drifted() > 0 && !review.drift {
        let _ = write!(
            text,
            "\n> [!IMPORTANT]\n> {} changed outside dwctl since the last apply; the plan reverts {}.\n",
            count(review.drifted(), "setting was", "settings were"),
            if review.drifted() == 1 { "it" } else { "them" },
        );
    }
    if let Some(since) = since(review, options) {
        text.push_str(&since_text(&since));
    }
    text
}

/// Where and when the plan was made: `[Run](…) of [1a2b3c4](…) on 2026-01-02 at 03:04 UTC`.
pub fn made(provenance: &Provenance, now: Option<jiff::Timestamp>) -> String {
    let run = provenance.run.as_ref().map_or_else(|| "Run".to_owned(), |url| format!("[Run]({url})"));
    let commit = provenance.commit.as_ref().map(|(commit, url)| {
        let short: String = commit.chars().take(7).collect();
        format!(" of [`{short}`]({url})")
    });
    let now = now.map(|now| now.strftime(" on %Y-%m-%d at %H:%M UTC").to_string());
    format!("{run}{}{}", commit.unwrap_or_default(), now.unwrap_or_default())
}

fn count(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The banner with what a reviewer must not miss.
fn banner(review: &Review<'_>) -> String {
    let mut lines = Vec::new();
    let names = |items: Vec<&Item<'_>>| listed(items.iter().map(|item| named(&item.address)));
    for label in RiskLabel::ALL {
        let items: Vec<&Item<'_>> = review.at_risk(label).collect();
        if !items.is_empty() {
            let words = label.words();
            let first = words.get(..1).unwrap_or_default().to_uppercase();
            lines.push(format!("**{first}{}**: {}", words.get(1..).unwrap_or_default(), names(items)));
        }
    }
    let destroyed: Vec<&Item<'_>> = review.items.iter().filter(|item| item.sort == Sort::Destroy).collect();
    if !destroyed.is_empty() {
        lines.push(format!("**Destroyed**: {}", names(destroyed.clone())));
    }
    if lines.is_empty() {
        return String::new();
    }
    // The alert is as loud as its most severe entry: one that is always red is soon ignored.
    let any = |label| review.at_risk(label).next().is_some();
    let alert = if !destroyed.is_empty() || any(RiskLabel::DataLoss) || any(RiskLabel::Irreversible) {
        "CAUTION"
    } else if [RiskLabel::Downtime, RiskLabel::Access, RiskLabel::Protection].into_iter().any(any) {
        "WARNING"
    } else {
        "NOTE"
    };
    format!("\n> [!{alert}]\n> {}\n", lines.join("<br>\n> "))
}

fn since_text(since: &Since) -> String {
    let mut text = format!("\n**Since the previous plan**: {}\n", since.summary());
    for (name, part) in since.parts() {
        let named = part
            .iter()
            .map(|(address, words)| format!("{} {}", named(address), code(&brief(words, LONGEST_VALUE))));
        let _ = writeln!(text, "- {name}: {}", listed(named));
    }
    text
}

fn foot(review: &Review<'_>, options: &Options) -> String {
    if options.commands.is_empty() || review.items.is_empty() {
        return String::new();
    }
    let lines: String = options.commands.iter().map(|command| format!("{}\n", visible(command))).collect();
    let what = to_apply(review, options);
    if lines.len() > COMMANDS {
        return format!("\n{what}: the command is too long for a comment; the HTML page shows it.\n");
    }
    format!("\n{what}:\n\n{}", fenced("sh", &lines))
}

/// The outputs that change, as many as fit.
fn outputs(review: &Review<'_>, room: usize) -> String {
    let outputs = review.outputs();
    let mut lines = String::new();
    for (place, one) in outputs.iter().enumerate() {
        let sign = match one.sign {
            Sign::Added => '+',
            Sign::Removed => '-',
            Sign::Changed => '!',
        };
        let line = format!("{sign} {}\n", one.line(LONGEST_VALUE));
        // Leaves room for the heading and the fence, which is longer if the text has backticks.
        if lines.len() + 2 * line.len() + 100 > room {
            let _ = writeln!(lines, "# … {} more", outputs.len() - place);
            break;
        }
        lines.push_str(&line);
    }
    if lines.is_empty() || room < 200 {
        return String::new();
    }
    format!("\n**Changes to outputs**\n\n{}", fenced("diff", &lines))
}

/// The data that was read, as much of it as fits.
fn data(review: &Review<'_>, room: usize) -> String {
    let data = review.data();
    let mut lines = String::new();
    for (place, (address, words)) in data.iter().enumerate() {
        let line =
            format!("- {}: {}\n", code(&brief(address, LONGEST_VALUE)), code(&brief(words, LONGEST_VALUE)));
        if lines.len() + 2 * line.len() + 200 > room {
            let _ = writeln!(lines, "- … {} more", data.len() - place);
            break;
        }
        lines.push_str(&line);
    }
    if lines.is_empty() || room < 400 {
        return String::new();
    }
    let summary = crate::diag::counted(data.len(), "data block");
    format!("\n<details><summary>Read and not changed: {summary}</summary>\n\n{lines}\n</details>\n")
}

/// The name in the comment by which a later run finds this comment.
fn marker(name: &str) -> String {
    let harmless = |one: char| one.is_alphanumeric() || matches!(one, '.' | '_' | '-' | '/');
    let name = brief(&visible(name), LONGEST_NAME);
    let name: String = name.chars().map(|one| if harmless(one) { one } else { '_' }).collect();
    // Two hyphens end a comment in XML, and with `>` in HTML.
    name.replace("--", "-_")
}

/// The differences, as lines of a diff.
fn details(item: &Item<'_>, drift: bool) -> String {
    let creating = item.sort == Sort::Create;
    let mut text = String::new();
    let mut heading = "";
    for one in item.details.iter().take(MAX_DETAILS) {
        let attribute = brief(&visible(&one.attribute), LONGEST_VALUE);
        let sign = match one.sign {
            Sign::Added => '+',
            Sign::Removed => '-',
            Sign::Changed => '!',
        };
        let notes = match notes(one, drift) {
            notes if notes.is_empty() => String::new(),
            notes => format!("  # {}", brief(&notes.join(", "), LONGEST_VALUE)),
        };
        let values = ValueText::of(one, creating).shortened(LONGEST_VALUE);
        let name = if one.part.is_empty() {
            attribute
        } else {
            if heading != one.attribute {
                let _ = writeln!(text, "@@ {attribute} @@");
                heading = &one.attribute;
            }
            brief(&visible(&one.part), LONGEST_VALUE)
        };
        let _ = match &values {
            ValueText::Pair(left, right) if left.len() + right.len() > 80 => {
                writeln!(text, "- {name}: {}\n+ {name}: {}{notes}", visible(left), visible(right))
            }
            ValueText::Pair(..) | ValueText::Words(_) => {
                writeln!(text, "{sign} {name}: {}{notes}", values.line())
            }
            ValueText::Set(value) | ValueText::Added(value) => {
                writeln!(text, "+ {name}: {}{notes}", visible(value))
            }
            ValueText::Removed(value) => writeln!(text, "- {name}: {}{notes}", visible(value)),
            ValueText::Becomes(value) => writeln!(text, "! {name}: → {}{notes}", visible(value)),
            ValueText::Nothing => writeln!(text, "{sign} {name}{notes}"),
        };
        for line in &one.lines {
            let sign = match line.sign {
                Some(Sign::Added) => '+',
                Some(Sign::Removed) => '-',
                _ => ' ',
            };
            let _ = writeln!(text, "{sign}   {}", brief(&visible(&line.text), LONGEST_VALUE));
        }
    }
    let rest = item.details.len().saturating_sub(MAX_DETAILS);
    if rest > 0 {
        let _ = writeln!(text, "# … {rest} more");
    }
    text
}

/// The changes and their dependencies as a graph, if it is useful and small enough.
fn graph(review: &Review<'_>, room: usize) -> Option<String> {
    let picture = mermaid::small(review)?;
    let text =
        format!("\n<details><summary>Graph</summary>\n\n{}\n</details>\n", fenced("mermaid", &picture));
    (text.len() <= room).then_some(text)
}
