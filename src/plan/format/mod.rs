//! The formats of a plan, one file each; what they tell comes from [`super::review`].

mod escape;
mod html;
mod json;
mod junit;
mod layout;
mod markdown;
mod mermaid;
mod sarif;
mod side_by_side;
mod terraform;

use super::review::Review;
use super::since::{Since, Snapshot};
use super::text::{self, TextOptions};
use super::{Change, Plan};

pub use escape::json_line;
pub use markdown::LIMIT as MARKDOWN_LIMIT;
pub use side_by_side::plain;

/// A format of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// For a terminal.
    Text,
    /// For a comment on a pull request, at GitHub or GitLab.
    Markdown,
    /// In the shape of Terraform's plans, for tools.
    Json,
    /// One page that needs no network, for a browser.
    Html,
    /// Risks at the lines of the stack's files, for code scanning.
    Sarif,
    /// A test case a resource, for CI systems.
    Junit,
    /// A graph of what changes.
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

/// How to show a plan, in any format.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What the text format is to show; `drift` counts for all formats.
    pub text: TextOptions,
    /// The commands by which the plan is applied, for those who read it elsewhere.
    pub commands: Vec<String>,
    /// The plan that was shown before: tells what is new.
    pub since: Option<Snapshot>,
    /// The folder that paths of stack files are told from; that of the repository.
    pub root: Option<std::path::PathBuf>,
}

/// The plan in a format, ending in a newline.
pub fn render(format: Format, plan: &Plan, options: &Options) -> String {
    let review = Review::new(plan, options.text.drift);
    match format {
        Format::Text => {
            let mut shown = text::of(&review, &options.text);
            if let Some(since) = since(&review, options) {
                shown = format!("{}\n{shown}", since.text());
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

/// What is new since the plan that was shown before.
fn since(review: &Review<'_>, options: &Options) -> Option<Since> {
    Some(Since::new(options.since.as_ref()?, &Snapshot::of(review)))
}

/// Where a change is declared: the path from the root, with `/`, and the line.
fn place(change: &Change, attribute: Option<&str>, options: &Options) -> Option<(String, usize)> {
    let declared = change.declared.as_ref()?;
    let path = match &options.root {
        Some(root) => declared.file.strip_prefix(root).unwrap_or(&declared.file),
        None => &declared.file,
    };
    let path = path.to_string_lossy().replace('\\', "/");
    let path = path.strip_prefix("./").unwrap_or(&path).to_owned();
    Some((path, attribute.map_or(declared.line, |attribute| declared.line_of(attribute))))
}
