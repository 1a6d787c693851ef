//! `[stack_output.NAME]`: reads the blocks, and the stacks whose outputs they name.

use std::path::PathBuf;

use super::load::{Loader, Way, read_in};
use super::{Content, DEFAULT_ENV, Entry, OtherStack, Stack};
use crate::diag::{Diagnostic, counted};
use crate::files::Files;
use crate::limits;

impl Loader<'_> {
    /// Reads one `[stack_output.NAME]` block.
    pub(super) fn other(&mut self, entry: Entry) {
        const KNOWN: [&str; 2] = ["folder", "env"];
        self.name(&entry);
        if let Some(first) = self.others.get(&entry.name) {
            let first = first.span;
            return self.duplicate(&format!("`stack_output.{}`", entry.name), entry.span, first);
        }
        let mut other =
            OtherStack { span: entry.span, folder: (String::new(), entry.span), env: None, stack: None };
        if !matches!(entry.value.content, Content::Table(_)) {
            self.problems.push(
                Diagnostic::error("wrong-type", format!("`stack_output.{}` must be a table", entry.name))
                    .at(entry.value.span, "expected { folder = \"../network\" }"),
            );
        } else if entry.value.entry("folder").is_none() {
            let what = format!("`stack_output.{}` needs a `folder`", entry.name);
            self.problems.push(
                Diagnostic::error("missing-attribute", what)
                    .at(entry.span, "`folder` is missing")
                    .help("the folder of the other stack, from that of this file: folder = \"../network\""),
            );
        }
        for field in entry.value.entries() {
            match field.name.as_str() {
                "folder" => {
                    let folder = self.text(&field.value, "`folder`").unwrap_or_default();
                    other.folder = (folder, field.value.span);
                }
                "env" => other.env = self.text(&field.value, "`env`"),
                _ => self.unknown_key(field, "`[stack_output]`", &KNOWN),
            }
        }
        self.others.insert(entry.name, other);
    }

    /// Reads the stacks that the blocks name. `way` are those that read this one.
    pub(super) fn other_stacks(&mut self, home: &Files, env: &str, way: Way<'_>) {
        let mut others = std::mem::take(&mut self.others);
        for other in others.values_mut().filter(|other| !other.folder.0.is_empty()) {
            match self.other_stack(other, home, env, way) {
                Ok(stack) => other.stack = Some(Box::new(stack)),
                Err(problem) => self.problems.push(problem),
            }
        }
        self.others = others;
    }

    fn other_stack(
        &self,
        other: &OtherStack,
        home: &Files,
        env: &str,
        way: Way<'_>,
    ) -> Result<Stack, Diagnostic> {
        let (text, span) = &other.folder;
        let refused = |code, what: String| Diagnostic::error(code, what).at(*span, "");
        if !text.starts_with('.') {
            return Err(refused("invalid-source", format!("`{text}` does not begin with ./ or ../"))
                .help(format!("to name a folder: folder = \"./{text}\"")));
        }
        let (real, files) = home.module(text, home).map_err(|why| {
            refused("outside-folder", format!("the stack's folder `{text}` {why}"))
                .note("nothing in it was read")
                .help("the other stack is in a folder of the same git repository, and not around this one")
        })?;
        if way.contains(&real) {
            return Err(refused("cycle", format!("the stack in `{text}` reads outputs of this one")));
        }
        if way.len() > limits::STACK_DEPTH {
            return Err(refused(
                "too-many",
                format!("stacks that read outputs are more than {} deep", limits::STACK_DEPTH),
            ));
        }
        let env = other.env.as_deref().unwrap_or(env);
        let way: Vec<PathBuf> = way.iter().cloned().chain([real]).collect();
        let folder = files.folder().to_owned();
        let loaded =
            read_in(files, &folder, Some(env).filter(|env| *env != DEFAULT_ENV), self.kinds, &[], &way);
        let (mut stack, mut problems) = (loaded.stack, loaded.problems);
        if problems.is_empty() {
            let values = super::variables(&stack, &[], &mut problems);
            if stack.region_from.is_some() && problems.is_empty() {
                stack.settle_region(&values, &mut problems);
            }
        }
        let Some(first) = problems.first() else { return Ok(stack) };
        let folder = folder.display();
        let at = first.primary.as_ref().map(|label| stack.sources.location(label.span));
        let at = at.map_or_else(String::new, |at| format!("{at}: "));
        let error = refused(
            "invalid-stack",
            format!("the stack in {folder} has {}", counted(problems.len(), "error")),
        );
        let error = error.note(format!("{at}{}", first.message));
        Err(match first.code {
            "unknown-environment" => error.help("name its environment: env = \"NAME\""),
            _ => error.help(format!("dwctl validate {folder}")),
        })
    }
}
