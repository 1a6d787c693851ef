//! The formats of a plan, one file each. Their contents come from [`super::review`].

mod escape;
mod html;
mod json;
mod junit;
mod layout;
mod markdown;
mod mermaid;
mod refusal;
mod sarif;
mod side_by_side;
mod terraform;

use super::review::Review;
use super::since::{Since, Snapshot};
use super::text::{self, TextOptions};
use super::{Change, Declared, Plan};
use crate::lines::hang;

pub use escape::{code, fenced, json_line};
pub use markdown::{LIMIT as MARKDOWN_LIMIT, made};
pub use refusal::Refusal;
pub use side_by_side::plain;

/// A format of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// For a terminal.
    Text,
    /// For a comment on a pull request, at GitHub or GitLab.
    Markdown,
    /// In the format of Terraform's plans, for tools.
    Json,
    /// A page for a browser that needs no network.
    Html,
    /// Risks at lines of the stack's files, for code scanning.
    Sarif,
    /// One test case per resource, for CI systems.
    Junit,
    /// A graph of the changes.
    Mermaid,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 7] =
        [Self::Text, Self::Markdown, Self::Json, Self::Html, Self::Sarif, Self::Junit, Self::Mermaid];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Markdown => "markdown",
            Self::Json => "json",
            Self::Html => "html",
            Self::Sarif => "sarif",
            Self::Junit => "junit",
            Self::Mermaid => "mermaid",
        }
    }
}

/// Where a plan was made, according to the CI system. All of it has been checked: a URL contains
/// nothing that Markdown or HTML could take for notation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The URL of the run.
    pub run: Option<String>,
    /// The commit, and its URL.
    pub commit: Option<(String, String)>,
    /// The plan is for a pull request or merge request.
    pub is_request: bool,
}

/// How to show a plan, in any format.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where the plan was made, in CI.
    pub origin: Option<Origin>,
    /// The plan is saved, and the commands apply exactly this plan.
    pub is_saved: bool,
    /// The options for text; `drift` applies to all formats.
    pub text: TextOptions,
    /// The commands that apply the plan, for those who read it elsewhere.
    pub commands: Vec<String>,
    /// The plan that was shown before, to mark what is new.
    pub since: Option<Snapshot>,
    /// The folder that file paths are relative to: that of the repository.
    pub root: Option<std::path::PathBuf>,
}

/// Renders a plan in a format, ending in a newline.
pub fn render(format: Format, plan: &Plan, options: &Options) -> String {
    let review = Review::new(plan, options.text.drift);
    match format {
        Format::Text => {
            let mut shown = text::of(&review, &options.text);
            if let Some(since) = since(&review, options) {
                let lines = since.text();
                let lines = lines.lines().map(|line| format!("{}\n", hang(line, 11, options.text.width)));
                shown = format!("{}\n{shown}", lines.collect::<String>());
            }
            shown
        }
        Format::Markdown => markdown::render(&review, options),
        Format::Json => json::render(&review, options),
        Format::Html => html::render(&review, options),
        Format::Sarif => sarif::render(&review, options),
        Format::Junit => junit::render(&review, options),
        Format::Mermaid => mermaid::render(&review),
    }
}

/// Describes what the commands do; for a pull request, also that merging does not.
fn to_apply(review: &Review<'_>, options: &Options) -> &'static str {
    let is_request = options.origin.as_ref().is_some_and(|origin| origin.is_request);
    match (review.drift, is_request, options.is_saved) {
        (true, ..) => "To set it back",
        (_, false, _) => "To apply it",
        (_, _, true) => {
            "Merging alone changes nothing at AWS. This, run by hand or by the workflow of the merge, applies \
             exactly this plan, and refuses what is otherwise by then"
        }
        (_, _, false) => {
            "Merging alone changes nothing at AWS. This, run by hand or by the workflow of the merge, plans \
             again and applies that"
        }
    }
}

/// The differences to the plan that was shown before.
fn since(review: &Review<'_>, options: &Options) -> Option<Since> {
    Some(Since::new(options.since.as_ref()?, &Snapshot::of(review)))
}

/// The location of a change's declaration: its path from the root, with `/`, and its line.
fn place(change: &Change, attribute: Option<&str>, options: &Options) -> Option<(String, usize)> {
    change.declared.as_ref().map(|declared| place_of(declared, attribute, options))
}

/// The same for a declaration.
fn place_of(declared: &Declared, attribute: Option<&str>, options: &Options) -> (String, usize) {
    let path = match &options.root {
        Some(root) => declared.file.strip_prefix(root).unwrap_or(&declared.file),
        None => &declared.file,
    };
    let path = path.to_string_lossy().replace('\\', "/");
    let path = path.strip_prefix("./").unwrap_or(&path).to_owned();
    (path, attribute.map_or(declared.line, |attribute| declared.line_of(attribute)))
}
