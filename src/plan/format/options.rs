//! The formats of a plan, and how it is shown in any of them.

use crate::plan::review::Review;
use crate::plan::since::{Since, Snapshot};
use crate::plan::text::TextOptions;
use crate::plan::{Change, Declared};

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
pub struct Provenance {
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
    pub provenance: Option<Provenance>,
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

/// Describes what the commands do; for a pull request, also that merging does not.
pub(super) fn to_apply(review: &Review<'_>, options: &Options) -> &'static str {
    let is_request = options.provenance.as_ref().is_some_and(|provenance| provenance.is_request);
    match (review.drift, is_request, options.is_saved) {
        (true, ..) => "To revert it",
        (_, false, _) => "To apply it",
        (_, _, true) => {
            "Merging alone changes nothing at AWS. This command, run by hand or by the merge workflow, applies exactly this plan, and refuses changes that differ by then"
        }
        (_, _, false) => {
            "Merging alone changes nothing at AWS. This command, run by hand or by the merge workflow, plans again and applies the result"
        }
    }
}

/// The differences to the plan that was shown before.
pub(super) fn since(review: &Review<'_>, options: &Options) -> Option<Since> {
    Some(Since::new(options.since.as_ref()?, &Snapshot::of(review)))
}

/// The location of a change's declaration: its path from the root, with `/`, and its line.
pub(super) fn place(change: &Change, attribute: Option<&str>, options: &Options) -> Option<(String, usize)> {
    change.declared.as_ref().map(|declared| place_of(declared, attribute, options))
}

/// The same for a declaration.
pub(super) fn place_of(declared: &Declared, attribute: Option<&str>, options: &Options) -> (String, usize) {
    let path = match &options.root {
        Some(root) => declared.file.strip_prefix(root).unwrap_or(&declared.file),
        None => &declared.file,
    };
    let path = path.to_string_lossy().replace('\\', "/");
    let path = path.strip_prefix("./").unwrap_or(&path).to_owned();
    (path, attribute.map_or(declared.line, |attribute| declared.line_of(attribute)))
}
