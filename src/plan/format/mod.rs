//! The formats of a plan, one file each. Their contents come from [`super::review`].

mod escape;
mod html;
mod json;
mod junit;
mod layout;
mod markdown;
mod mermaid;
mod modules;
mod options;
mod refusal;
mod sarif;
mod side_by_side;
mod terraform;

use super::Plan;
use super::review::Review;
use super::text;
use crate::lines::hang;

pub use escape::{code, fenced, json_line};
pub use markdown::{LIMIT as MARKDOWN_LIMIT, made};
pub use options::{Format, Options, Provenance};
pub use refusal::Refusal;
pub use side_by_side::plain;

use options::{place, place_of, since, to_apply};

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
