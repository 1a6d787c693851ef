//! A plan as one page for a browser. It needs no network and no scripts to be read. All foreign
//! text is escaped, and a content security policy lets nothing else run.

mod machine;

use std::collections::BTreeMap;
use std::fmt::Write;

use base64::Engine;
use sha2::{Digest, Sha256};

use super::escape::html;
use super::layout::layered;
use super::side_by_side::{Document, Row, documents};
use super::{Options, Provenance, place, since, to_apply};
use crate::diag::counted;
use crate::plan::review::{Item, Review, Sort, Tone, ValueText, noted, risk_text, shorten, visible};
use crate::plan::sections::{Fold, Section, Told};
use crate::plan::{Detail, Risk, RiskLabel, Sign};
use crate::value::Value;

const STYLE: &str = include_str!("plan.css");
const SCRIPT: &str = include_str!("plan.js");

/// Longest value; documents are also shown side by side.
const LONGEST_VALUE: usize = 1_500;
/// The most names in a heading.
const NAMES: usize = 8;
/// Up to this number of resources, no module is folded.
const FEW: usize = 20;
/// Above this number of resources, each declaration is one node.
const MANY_NODES: usize = 60;
/// Above this number of nodes, no graph is drawn.
const MAX_NODES: usize = 300;
/// Longest label of a node.
const LABEL: usize = 34;

pub(super) fn render(review: &Review<'_>, options: &Options) -> String {
    let verb = match review.verb() {
        "diff" => "Diff",
        "drift" => "Drift",
        _ => "Plan",
    };
    let title = html(&format!("{verb} {}", review.title()));
    let mut text = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '{}'; \
         script-src '{}'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta name=\"generator\" content=\"dwctl {}\">\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n",
        digest(STYLE),
        digest(SCRIPT),
        env!("CARGO_PKG_VERSION"),
    );
    let _ = write!(
        text,
        "<header>\n<h1>{title}</h1>\n<p class=\"place\">{}<br>{}{}</p>\n",
        html(&review.summary()),
        html(&review.place()),
        options.provenance.as_ref().map(|provenance| made(provenance, review.plan.now)).unwrap_or_default()
    );
    let sections = review.sections(Fold::of(options.text.details, Fold::Details));
    // A group of changes has a number, by which links lead to it.
    let mut number = 0;
    let groups: Vec<(&Section<'_>, Vec<Group<'_, '_>>)> = sections
        .iter()
        .map(|section| {
            let groups = review.groups(section).into_iter().map(|told| {
                number += 1;
                let items =
                    told.iter().flat_map(|told| told.all()).filter_map(|index| review.items.get(index));
                Group { number: number - 1, items: items.collect(), told }
            });
            (section, groups.collect())
        })
        .collect();
    let places: BTreeMap<&str, usize> = groups
        .iter()
        .flat_map(|(_, groups)| groups)
        .flat_map(|group| group.items.iter().map(|item| (item.address.as_str(), group.number)))
        .collect();
    let page = Page { review, options, places: &places };
    banner(&mut text, review, &places);
    if let Some(since) = since(review, options) {
        let _ = write!(
            text,
            "<div class=\"banner note\"><b>Since the previous plan</b>: {}<ul>",
            html(&since.summary())
        );
        for (name, part) in since.parts() {
            let named: Vec<String> =
                part.iter().take(40).map(|(address, _)| format!("<code>{}</code>", html(address))).collect();
            let rest =
                if part.len() > 40 { format!(", … {} more", part.len() - 40) } else { String::new() };
            let _ = write!(text, "<li>{name}: {}{rest}</li>", named.join(", "));
        }
        text.push_str("</ul></div>\n");
    }
    text.push_str("</header>\n");
    bar(&mut text, review);
    text.push_str("<main>\n");
    if let Some(nothing) = review.nothing() {
        let _ = writeln!(text, "<p>{}</p>", html(nothing));
    }
    graph(&mut text, review, &places);
    for (section, groups) in &groups {
        page.section(&mut text, section, groups);
    }
    outputs(&mut text, review);
    data(&mut text, review);
    if !options.commands.is_empty() && !review.items.is_empty() {
        let _ = match to_apply(review, options) {
            short if !short.contains('.') => write!(text, "<h2>{short}</h2>\n<pre>"),
            words => write!(text, "<h2>To apply it</h2>\n<p>{words}:</p>\n<pre>"),
        };
        for command in &options.commands {
            let _ = writeln!(text, "{}", html(command));
        }
        text.push_str("</pre>\n");
    }
    let _ = write!(
        text,
        "</main>\n<footer><span class=\"keys\"><kbd>/</kbd> search · <kbd>j</kbd> <kbd>k</kbd> next, previous · \
         <kbd>Enter</kbd> open · <kbd>e</kbd> <kbd>c</kbd> open, close all<br></span>dwctl {}</footer>\n\
         <script>{SCRIPT}</script>\n</body>\n</html>\n",
        env!("CARGO_PKG_VERSION")
    );
    text
}

/// Where and when the plan was made.
fn made(provenance: &Provenance, now: Option<jiff::Timestamp>) -> String {
    let link = |url: &str, words: &str| format!("<a href=\"{}\">{}</a>", html(url), html(words));
    let run = provenance.run.as_ref().map_or_else(|| "Run".to_owned(), |url| link(url, "Run"));
    let commit = provenance.commit.as_ref().map(|(commit, url)| {
        let short: String = commit.chars().take(7).collect();
        format!(" of {}", link(url, &short))
    });
    let now = now.map(|now| now.strftime(" on %Y-%m-%d at %H:%M UTC").to_string());
    format!("<br>{run}{}{}", commit.unwrap_or_default(), now.unwrap_or_default())
}

/// The source for a content security policy that allows one script or style.
fn digest(text: &str) -> String {
    format!("sha256-{}", base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text.as_bytes())))
}

fn banner(text: &mut String, review: &Review<'_>, places: &BTreeMap<&str, usize>) {
    // Risks of the same resources share a line, because the first screen of a phone is small.
    let mut groups: Vec<(Vec<&str>, Vec<&str>)> = Vec::new();
    let destroyed = review.items.iter().filter(|item| item.sort == Sort::Destroy);
    let risky = |label| review.at_risk(label).map(|item| item.address.as_str()).collect::<Vec<_>>();
    let all = RiskLabel::ALL.into_iter().map(|label| (label.words(), risky(label)));
    for (what, names) in all.chain([("destroyed", destroyed.map(|item| item.address.as_str()).collect())]) {
        match groups.iter_mut().find(|(_, these)| *these == names) {
            _ if names.is_empty() => {}
            Some((whats, _)) => whats.push(what),
            None => groups.push((vec![what], names)),
        }
    }
    let lines = groups.iter().map(|(whats, names)| {
        let linked: Vec<String> = names.iter().map(|address| linked(address, places)).collect();
        let named = if names.len() > NAMES {
            // A narrow screen shows fewer names.
            let (few, rest) = linked.split_at(NAMES / 2);
            format!(
                "{}<span class=\"wide\">, {}, … {} more</span><span class=\"narrow\">, … {} more</span>",
                few.join(", "),
                rest[..NAMES - few.len()].join(", "),
                names.len() - NAMES,
                rest.len(),
            )
        } else {
            linked.join(", ")
        };
        format!("<b>{}</b>: {named}", whats.join(", "))
    });
    let lines: Vec<String> = lines.collect();
    if !lines.is_empty() {
        let _ = writeln!(
            text,
            "<div class=\"banner\" role=\"alert\"><ul><li>{}</li></ul></div>",
            lines.join("</li><li>")
        );
    }
    let warnings = review.warnings();
    if !warnings.is_empty() {
        let items: String = warnings.iter().map(|(_, words)| format!("<li>{}</li>", html(words))).collect();
        let _ = writeln!(text, "<div class=\"banner note\"><ul>{items}</ul></div>");
    }
    let changed = review.changed_modules();
    if !changed.is_empty() {
        let items: String =
            changed.iter().map(|line| format!("<li><code>{}</code></li>", html(line))).collect();
        let _ = writeln!(text, "<div class=\"banner note\"><b>Changed modules</b><ul>{items}</ul></div>");
    }
    if review.drifted() > 0 && !review.drift {
        let _ = writeln!(
            text,
            "<div class=\"banner note\">Changed outside dwctl since the last apply, and reverted by this plan: {} {}.</div>",
            review.drifted(),
            if review.drifted() == 1 { "setting" } else { "settings" }
        );
    }
}

fn bar(text: &mut String, review: &Review<'_>) {
    text.push_str("<div class=\"bar\"><div>\n");
    for (sort, count) in review.counts() {
        let _ = writeln!(
            text,
            "<button type=\"button\" data-f=\"{0}\" aria-pressed=\"false\"><span class=\"dot {0}\">{1}</span> {count} {2}</button>",
            sort.name(),
            html(sort.sign()),
            sort.counted(),
        );
    }
    let risky = review.items.iter().filter(|item| !item.risks.is_empty()).count();
    if risky > 0 {
        let _ = writeln!(
            text,
            "<button type=\"button\" data-f=\"risk\" aria-pressed=\"false\"><span class=\"dot destroy\">⚠</span> {risky} at risk</button>"
        );
    }
    let outputs = review.outputs().len();
    if outputs > 0 {
        let _ = writeln!(
            text,
            "<button type=\"button\" data-f=\"output\" aria-pressed=\"false\"><span class=\"dot\">⇥</span> {outputs} {}</button>",
            if outputs == 1 { "output" } else { "outputs" }
        );
    }
    text.push_str(
        "<input id=\"q\" type=\"search\" placeholder=\"Search  ( / )\" aria-label=\"Search\">\n\
         <button type=\"button\" id=\"open\">Open all</button>\n<button type=\"button\" id=\"close\">Close all</button>\n\
         <span id=\"count\" class=\"dim\" role=\"status\"></span>\n</div></div>\n",
    );
}

/// The same change of one or more resources.
struct Group<'r, 'p> {
    /// The number of its part of the page.
    number: usize,
    /// All resources that it is about; the first one is shown.
    items: Vec<&'r Item<'p>>,
    told: Vec<&'r Told>,
}

/// What is shown, and how.
struct Page<'r, 'p> {
    review: &'r Review<'p>,
    options: &'r Options,
    /// The part of the page that shows a resource.
    places: &'r BTreeMap<&'r str, usize>,
}

impl Page<'_, '_> {
    /// The changes of the stack itself by sort, or those of a module in one part that can be folded.
    fn section(&self, text: &mut String, section: &Section<'_>, groups: &[Group<'_, '_>]) {
        let of_sort = |sort: Sort| {
            let is_of =
                move |group: &&Group<'_, '_>| group.items.first().is_some_and(|item| item.sort == sort);
            groups.iter().filter(is_of)
        };
        if section.is_root() {
            for sort in Sort::ALL {
                let count: usize = of_sort(sort).map(|group| group.items.len()).sum();
                if count > 0 {
                    let _ = writeln!(text, "<section class=\"g\"><h2>{count} {}</h2>", sort.counted());
                    of_sort(sort).for_each(|group| self.resource(text, section, group));
                    text.push_str("</section>\n");
                }
            }
            return;
        }
        let counts = section.counts.iter().map(|(sort, count)| {
            format!(
                "<span class=\"{}\"><span class=\"dot\">{}</span> {count} {}</span>",
                sort.name(),
                html(sort.sign()),
                sort.counted()
            )
        });
        // A page of a few resources shows all of them.
        let is_open = self.review.items.len() <= FEW
            || groups.iter().flat_map(|group| group.items.first()).any(|item| item.needs_attention());
        let _ = writeln!(
            text,
            "<section class=\"g\"><details class=\"m\"{}><summary><h2><code>{}</code></h2> <span class=\"w\">{}{}</span></summary>",
            if is_open { " open" } else { "" },
            html(&section.name(usize::MAX)),
            counts.collect::<Vec<_>>().join(", "),
            html(&section.remark()),
        );
        for sort in Sort::ALL {
            of_sort(sort).for_each(|group| self.resource(text, section, group));
        }
        text.push_str("</details></section>\n");
    }

    fn resource(&self, text: &mut String, section: &Section<'_>, group: &Group<'_, '_>) {
        let (drift, items) = (self.review.drift, &group.items);
        let Some(first) = items.first() else { return };
        let (times, is_same) = self.review.times(&group.told);
        let times = match times {
            1 => String::new(),
            _ if is_same => format!(" ({times} the same)"),
            _ => format!(" ({times} alike)"),
        };
        let is_like =
            !is_same || items.iter().any(|item| item.change.address.module != first.change.address.module);
        let most = if first.needs_attention() { usize::MAX } else { NAMES };
        let _ = write!(
            text,
            "<details class=\"i {0}\" id=\"r{5}\" data-s=\"{0}\" data-k=\"{1}\"><summary><span class=\"a\">\
             <span class=\"dot\">{2}</span> {3}</span><span class=\"w\">{4}{times}</span>",
            first.sort.name(),
            u8::from(!first.risks.is_empty()),
            html(first.sort.sign()),
            html(&self.review.names_within(section, &group.told, most)),
            first.words,
            group.number,
        );
        if !first.why.is_empty() {
            let _ = write!(text, "<span class=\"w\">{}</span>", html(&first.why));
        }
        if !first.risks.is_empty() {
            let words = |costs: bool| {
                let these = first.risks.iter().filter(|risk| (risk.label == RiskLabel::Cost) == costs);
                html(&these.map(risk_text).collect::<Vec<_>>().join(", "))
            };
            let label = match (words(false), words(true)) {
                (harm, cost) if harm.is_empty() => format!("⚠ {cost}"),
                (harm, cost) if cost.is_empty() => format!("<b>⚠ {harm}</b>"),
                (harm, cost) => format!("<b>⚠ {harm}</b>, {cost}"),
            };
            let _ = write!(text, "<span class=\"k\">{label}</span>");
        }
        if let ([_], Some(id)) = (items.as_slice(), &first.id) {
            let _ = write!(text, "<span class=\"w\">id <code>{}</code></span>", html(&shorten(id, 200)));
        }
        text.push_str("</summary><div class=\"b\">\n");
        if items.len() > 1 {
            text.push_str("<ul class=\"ids\">");
            for item in items {
                let id =
                    item.change.id.as_ref().map(|id| format!(" id <code>{}</code>", html(&shorten(id, 200))));
                let _ =
                    write!(text, "<li><code>{}</code>{}</li>", html(&item.address), id.unwrap_or_default());
            }
            text.push_str("</ul>\n");
        }
        if !first.kept.is_empty() {
            let _ = writeln!(text, "<p>{}</p>", html(&first.kept));
        }
        if is_like {
            let _ = writeln!(
                text,
                "<p>Shown for <code>{}</code>; the others differ only in what follows from their keys.</p>",
                html(&first.address)
            );
        }
        facts(text, first, items.len() == 1 && first.id.is_none(), self.options);
        if !first.dependents.addresses.is_empty() {
            let linked: Vec<String> =
                first.dependents.addresses.iter().map(|address| linked(address, self.places)).collect();
            let more = if first.dependents.more { ", …" } else { "" };
            let _ = writeln!(text, "<p>Needed by {}{more}</p>", linked.join(", "));
        }
        if !first.details.is_empty() {
            attributes(text, first, drift);
        }
        if first.shows_details() {
            machine::machines(text, first.change, drift);
            for document in documents(first.change, drift) {
                side_by_side(text, &document);
            }
        }
        text.push_str("</div></details>\n");
    }
}

/// An address, linked to its description on the page.
fn linked(address: &str, places: &BTreeMap<&str, usize>) -> String {
    let code = format!("<code>{}</code>", html(address));
    match places.get(address) {
        Some(at) => format!("<a href=\"#r{at}\">{code}</a>"),
        None => code,
    }
}

/// Where a resource is declared, its id, and its region.
fn facts(text: &mut String, item: &Item<'_>, alone: bool, options: &Options) {
    let mut facts = Vec::new();
    // The heading of a module has only a part of the address.
    if !item.change.address.module.is_root() {
        facts.push(format!("<code>{}</code>", html(&item.address)));
    }
    if let Some((file, line)) = place(item.change, None, options) {
        facts.push(format!("declared in <code>{}:{line}</code>", html(&file)));
    }
    if let (Some(id), true) = (&item.change.id, alone) {
        facts.push(format!("id <code>{}</code>", html(&shorten(id, 200))));
    }
    facts.push(html(&item.change.place.to_string()));
    let _ = writeln!(text, "<p class=\"dim\">{}</p>", facts.join(" · "));
}

fn attributes(text: &mut String, item: &Item<'_>, drift: bool) {
    let creating = item.sort == Sort::Create;
    let head = match (creating, drift) {
        (true, _) => "<th>Value</th>",
        (false, true) => "<th>As applied</th><th>As it is now</th>",
        (false, false) => "<th>Before</th><th>After</th>",
    };
    let _ = writeln!(text, "<table class=\"t\"><tr class=\"h\"><th>Attribute</th>{head}</tr>");
    let span = if creating { 2 } else { 3 };
    let mut heading = "";
    for one in &item.details {
        if !one.part.is_empty() && heading != one.attribute {
            // The attribute is written once, with its parts below it.
            let _ = writeln!(
                text,
                "<tr class=\"part\"><td colspan=\"{span}\">{}</td></tr>",
                html(&one.attribute)
            );
        }
        heading = if one.part.is_empty() { "" } else { &one.attribute };
        row(text, one, creating, drift, span);
    }
    text.push_str("</table>\n");
}

fn row(text: &mut String, one: &Detail, creating: bool, drift: bool, span: usize) {
    let class_of = |sign| match sign {
        Some(Sign::Added) => ("add", "+"),
        Some(Sign::Removed) => ("del", "-"),
        Some(Sign::Changed) => ("", "~"),
        None => ("", " "),
    };
    let mut notes: Vec<String> = noted(one, drift)
        .iter()
        .map(|(tone, note)| match tone {
            Tone::Danger => format!("<b>{}</b>", html(note)),
            Tone::Drift => format!("<span class=\"o\">{}</span>", html(note)),
            Tone::Plain => html(note),
        })
        .collect();
    if !creating {
        notes.extend(one.risks.iter().map(risk));
    }
    let notes = match notes.is_empty() {
        true => String::new(),
        false => format!("<br><span class=\"n\">{}</span>", notes.join(", ")),
    };
    let values = ValueText::of(one, creating).shortened(LONGEST_VALUE);
    let name = if one.part.is_empty() {
        html(&one.attribute)
    } else {
        let (class, sign) = class_of(Some(one.sign));
        format!("<span class=\"{class}\">{sign} {}</span>", html(&one.part))
    };
    let _ = match values {
        // The name says everything, and takes the whole row.
        ValueText::Nothing => {
            writeln!(text, "<tr><td class=\"all\" colspan=\"{span}\">{name}{notes}</td></tr>")
        }
        values if creating => {
            writeln!(text, "<tr><td>{name}{notes}</td><td>{}</td></tr>", html(&values.line()))
        }
        values => writeln!(text, "<tr><td>{name}{notes}</td>{}</tr>", cells(&values)),
    };
    for line in &one.lines {
        let (class, sign) = class_of(line.sign);
        let _ = writeln!(
            text,
            "<tr class=\"hunk\"><td colspan=\"{span}\" class=\"{class}\">{sign} {}</td></tr>",
            html(&line.text)
        );
    }
}

/// A risk. Cost alone is not shown as alarming.
fn risk(risk: &Risk) -> String {
    let words = html(&risk_text(risk));
    if risk.label == RiskLabel::Cost { format!("⚠ {words}") } else { format!("<b>⚠ {words}</b>") }
}

/// The old and the new value, side by side.
fn cells(values: &ValueText) -> String {
    match values {
        ValueText::Pair(left, right) => {
            format!("<td class=\"del\">{}</td><td class=\"add\">{}</td>", html(left), html(right))
        }
        ValueText::Set(value) | ValueText::Added(value) => {
            format!("<td></td><td class=\"add\">{}</td>", html(value))
        }
        ValueText::Removed(value) => format!("<td class=\"del\">{}</td><td></td>", html(value)),
        ValueText::Becomes(value) => {
            format!("<td class=\"dim\">(not returned by AWS)</td><td class=\"add\">{}</td>", html(value))
        }
        ValueText::Words(words) => format!("<td colspan=\"2\">{}</td>", html(words)),
        ValueText::Nothing => "<td></td><td></td>".to_owned(),
    }
}

fn side_by_side(text: &mut String, document: &Document) {
    let _ = writeln!(
        text,
        "<details class=\"doc\"><summary><code>{}</code> side by side</summary><table>",
        html(&document.name)
    );
    for row in &document.rows {
        let cell = |line: &Option<String>, class: &str| match line {
            Some(line) => format!("<td class=\"{class}\">{}</td>", html(line)),
            None => "<td></td>".to_owned(),
        };
        let _ = match row {
            Row::Same(line) => {
                let line = html(line);
                writeln!(text, "<tr class=\"s\"><td>{line}</td><td>{line}</td></tr>")
            }
            Row::Differs(left, right) => {
                writeln!(text, "<tr>{}{}</tr>", cell(left, "del"), cell(right, "add"))
            }
            Row::Heading(words) => {
                writeln!(text, "<tr class=\"gap\"><td colspan=\"2\">{}</td></tr>", html(words))
            }
            Row::Gap => writeln!(text, "<tr class=\"gap\"><td colspan=\"2\">⋯</td></tr>"),
        };
    }
    text.push_str("</table></details>\n");
}

/// The data that was read, folded.
fn data(text: &mut String, review: &Review<'_>) {
    let data = review.data();
    if data.is_empty() {
        return;
    }
    let _ = writeln!(
        text,
        "<details class=\"doc\"><summary>{} read and not changed</summary><table>",
        counted(data.len(), "data block")
    );
    for (address, words) in data {
        let (address, words) = (shorten(&address, LONGEST_VALUE), shorten(&words, LONGEST_VALUE));
        let _ = writeln!(text, "<tr><td>{}</td><td>{}</td></tr>", html(&address), html(&words));
    }
    text.push_str("</table></details>\n");
}

/// The outputs that change, before and after; unchanged ones are folded.
fn outputs(text: &mut String, review: &Review<'_>) {
    let changing = review.outputs();
    if !changing.is_empty() {
        text.push_str(
            "<section class=\"g\"><h2>Changes to outputs</h2>\n<table class=\"t\"><tr class=\"h\"><th>Output</th>\
             <th>Before</th><th>After</th></tr>\n",
        );
        for one in &changing {
            let (class, sign) = match one.sign {
                Sign::Added => ("add", '+'),
                Sign::Removed => ("del", '-'),
                Sign::Changed => ("", '~'),
            };
            let cells = match one.text(LONGEST_VALUE) {
                ValueText::Set(value) if one.sign == Sign::Removed => cells(&ValueText::Removed(value)),
                // The output's expression changed, and the ledger only keeps a fingerprint of its
                // value.
                ValueText::Becomes(value) => {
                    format!("<td class=\"dim\">(unknown)</td><td class=\"add\">{}</td>", html(&value))
                }
                values => cells(&values),
            };
            let _ = writeln!(
                text,
                "<tr data-s=\"output\" data-k=\"0\"><td><span class=\"{class}\">{sign} {}</span></td>{cells}</tr>",
                html(&one.name)
            );
        }
        text.push_str("</table>\n</section>\n");
    }
    let staying: Vec<(&String, &Value)> = review
        .plan
        .outputs
        .iter()
        .filter(|(name, _)| changing.iter().all(|one| one.name != visible(name)))
        .collect();
    if staying.is_empty() {
        return;
    }
    let _ = writeln!(
        text,
        "<details class=\"doc\"><summary>{} unchanged</summary><table>",
        counted(staying.len(), "output")
    );
    for (name, value) in staying {
        let value = shorten(&crate::plan::value_text(value), LONGEST_VALUE);
        let _ = writeln!(text, "<tr><td>{}</td><td>{}</td></tr>", html(name), html(&value));
    }
    text.push_str("</table></details>\n");
}

/// A node of the graph: a resource, or a whole declaration if there are many resources.
struct Drawn {
    label: String,
    sort: Sort,
    link: usize,
}

fn graph(text: &mut String, review: &Review<'_>, places: &BTreeMap<&str, usize>) {
    let by_declaration = review.items.len() > MANY_NODES;
    let name = |address: &crate::graph::Address| {
        if by_declaration { address.declaration() } else { address.to_string() }
    };
    let mut nodes: Vec<Drawn> = Vec::new();
    let mut place: BTreeMap<String, usize> = BTreeMap::new();
    let mut many: Vec<usize> = Vec::new();
    for item in &review.items {
        let name = name(&item.change.address);
        match place.get(&name).copied() {
            Some(at) => {
                if let (Some(node), Some(count)) = (nodes.get_mut(at), many.get_mut(at)) {
                    *count += 1;
                    node.sort = node.sort.min(item.sort);
                }
            }
            None => {
                place.insert(name.clone(), nodes.len());
                let link = places.get(item.address.as_str()).copied().unwrap_or_default();
                nodes.push(Drawn { label: name, sort: item.sort, link });
                many.push(1);
            }
        }
    }
    let mut edges = std::collections::BTreeSet::new();
    for item in &review.items {
        let Some(&to) = place.get(&name(&item.change.address)) else { continue };
        for need in item.change.first() {
            if let Some(&from) = place.get(&name(need))
                && from != to
            {
                edges.insert((from, to));
            }
        }
    }
    // Resources without connections are listed, and are left out of the picture.
    let mut linked: Vec<usize> = edges.iter().flat_map(|&(from, to)| [from, to]).collect();
    linked.sort_unstable();
    linked.dedup();
    if linked.is_empty() {
        return;
    }
    if linked.len() > MAX_NODES {
        let _ = writeln!(text, "<p class=\"dim\">The graph is not drawn: {} nodes.</p>", linked.len());
        return;
    }
    let alone = nodes.len() - linked.len();
    let at = |node: usize| linked.binary_search(&node).ok();
    let edges: Vec<(usize, usize)> =
        edges.iter().filter_map(|&(from, to)| Some((at(from)?, at(to)?))).collect();
    let drawn: Vec<(&Drawn, usize)> = linked
        .iter()
        .filter_map(|&node| Some((nodes.get(node)?, many.get(node).copied().unwrap_or(1))))
        .collect();
    let what = if by_declaration { "declarations" } else { "resources" };
    let alone = if alone > 0 { format!("; {alone} more without connections") } else { String::new() };
    let _ = writeln!(
        text,
        "<details class=\"doc\"{}><summary>Graph of {} {what}{alone}</summary>",
        if drawn.len() <= 40 { " open" } else { "" },
        drawn.len(),
    );
    svg(text, &drawn, &edges);
    text.push_str("</details>\n");
}

fn svg(text: &mut String, nodes: &[(&Drawn, usize)], edges: &[(usize, usize)]) {
    const ROW: usize = 36;
    const HEIGHT: usize = 26;
    const GAP: usize = 70;
    const EDGE: usize = 10;
    let spots = layered(nodes.len(), edges);
    let labels: Vec<String> = nodes
        .iter()
        .map(|(node, count)| {
            let times = if *count > 1 { format!(" ×{count}") } else { String::new() };
            format!("{} {}{times}", node.sort.sign(), shorten(&node.label, LABEL))
        })
        .collect();
    let layers = spots.iter().map(|spot| spot.layer + 1).max().unwrap_or(0);
    let mut widths = vec![0; layers];
    let mut heights = vec![0; layers];
    for (spot, label) in spots.iter().zip(&labels) {
        if let (Some(width), Some(height)) = (widths.get_mut(spot.layer), heights.get_mut(spot.layer)) {
            *width = (*width).max(label.chars().count() * 73 / 10 + 20);
            *height += 1;
        }
    }
    let tallest = heights.iter().copied().max().unwrap_or(0);
    let mut lefts = Vec::new();
    let mut left = EDGE;
    for width in &widths {
        lefts.push(left);
        left += width + GAP;
    }
    let corner = |index: usize| {
        let spot = spots.get(index)?;
        let height = heights.get(spot.layer)?;
        let top = EDGE + (tallest - height) * ROW / 2 + spot.row * ROW;
        Some((*lefts.get(spot.layer)?, top, *widths.get(spot.layer)?))
    };
    let (width, height) = (left.saturating_sub(GAP) + EDGE, tallest * ROW + 2 * EDGE);
    let _ = writeln!(
        text,
        "<div class=\"graph\"><svg width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
         aria-label=\"Dependencies of what changes\"><defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" \
         markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\"/></marker></defs>"
    );
    for &(from, to) in edges {
        if let (Some((x, y, wide)), Some((to_x, to_y, _))) = (corner(from), corner(to)) {
            let (x, y, to_y) = (x + wide, y + HEIGHT / 2, to_y + HEIGHT / 2);
            let bend = if to_x > x { (to_x - x) / 2 } else { GAP };
            let _ = writeln!(
                text,
                "<path d=\"M{x} {y}C{} {y} {} {to_y} {to_x} {to_y}\" marker-end=\"url(#tip)\"/>",
                x + bend,
                to_x.saturating_sub(bend)
            );
        }
    }
    for (index, ((node, _), label)) in nodes.iter().zip(&labels).enumerate() {
        if let Some((x, y, wide)) = corner(index) {
            let _ = writeln!(
                text,
                "<a href=\"#r{}\" class=\"{}\"><title>{}</title><rect x=\"{x}\" y=\"{y}\" width=\"{wide}\" \
                 height=\"{HEIGHT}\" rx=\"5\"/><text x=\"{}\" y=\"{}\">{}</text></a>",
                node.link,
                node.sort.name(),
                html(&node.label),
                x + 10,
                y + 17,
                html(label)
            );
        }
    }
    text.push_str("</svg></div>\n");
}
