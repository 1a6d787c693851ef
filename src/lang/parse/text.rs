//! Text with expressions and directives. As in HCL, it is split into tokens first: `~` strips white
//! space from the adjacent token, and `<<-` then removes the common indentation.

use hcl_edit::Span as _;
use hcl_edit::expr::Expression as Source;
use hcl_edit::template::{Directive, Element, ForTemplateExpr, Strip, Template};

use super::super::functions::clusters;
use super::super::tree::{ForPart, IfPart, Part};
use super::lowering::{Lowered, Lowering, Text, parsed};
use crate::diag::Diagnostic;

enum Token<'e> {
    Literal(String),
    Value(&'e Source),
    If(&'e Source),
    Else,
    EndIf,
    For(&'e ForTemplateExpr),
    EndFor,
}

/// The tokens of a template, each with its strip markers.
type Tokens<'e> = Vec<(Token<'e>, Strip)>;

impl Lowering<'_> {
    pub(super) fn parts(&mut self, template: &Template, text: Text) -> Lowered<Vec<Part>> {
        self.elements(template.iter(), text)
    }

    /// Parses a heredoc again from its source text, because `hcl-edit` removes indentation by other
    /// rules than HCL.
    pub(super) fn heredoc(&mut self, template: &Template) -> Lowered<Vec<Part>> {
        let (Some(range), outer, offset) = (template.span(), self.text, self.offset) else {
            return self.parts(template, Text::Lines);
        };
        let before = outer.get(..range.start).unwrap_or_default();
        let opening = before.rsplit_once("<<").map_or("", |(_, opening)| opening);
        let written = outer.get(range.clone()).unwrap_or_default();
        if !opening.starts_with('-') {
            return self.parts(template, Text::Lines);
        }
        let inner = parsed(written).map_err(|error| {
            let reason = error.message();
            Diagnostic::error("invalid-expression", format!("not a valid expression: {reason}"))
                .at(self.place(Some(range.clone())), "")
        })?;
        self.offset += range.start;
        self.text = written;
        let parts = self.parts(&inner, Text::Flush);
        (self.text, self.offset) = (outer, offset);
        parts
    }

    pub(super) fn elements<'e>(
        &mut self,
        elements: impl Iterator<Item = &'e Element>,
        text: Text,
    ) -> Lowered<Vec<Part>> {
        let mut tokens = Vec::new();
        flatten(elements, text, false, &mut tokens).map_err(|escape| {
            Diagnostic::error("invalid-expression", format!("`{escape}` is not an escape sequence"))
                .at(self.place(None), "")
                .help("a backslash itself is written `\\\\`")
        })?;
        strip(&mut tokens);
        if text == Text::Flush {
            flush(&mut tokens);
        }
        self.build(&mut tokens.into_iter().map(|(token, _)| token))
    }

    /// The parts up to the end of the surrounding directive.
    fn build<'e>(&mut self, tokens: &mut dyn Iterator<Item = Token<'e>>) -> Lowered<Vec<Part>> {
        Ok(self.until_end(tokens)?.0)
    }

    /// As [`Lowering::build`]; also returns whether an `else` ended the parts.
    fn until_end<'e>(&mut self, tokens: &mut dyn Iterator<Item = Token<'e>>) -> Lowered<(Vec<Part>, bool)> {
        let mut parts = Vec::new();
        while let Some(token) = tokens.next() {
            match token {
                Token::Literal(text) => match parts.last_mut() {
                    Some(Part::Literal(before)) => before.push_str(&text),
                    _ => parts.push(Part::Literal(text)),
                },
                Token::Value(source) => parts.push(Part::Value(self.node(source)?)),
                Token::If(source) => {
                    let condition = self.node(source)?;
                    let (then, has_else) = self.until_end(tokens)?;
                    let otherwise = if has_else { self.build(tokens)? } else { Vec::new() };
                    parts.push(Part::If(Box::new(IfPart { condition, then, otherwise })));
                }
                Token::For(source) => {
                    let (key, value) = (source.key_var.as_ref(), &source.value_var);
                    let over = self.enter(key, value, &source.collection_expr)?;
                    let body = self.build(tokens)?;
                    self.leave(&over);
                    parts.push(Part::For(Box::new(ForPart { over, body })));
                }
                Token::Else => return Ok((parts, true)),
                Token::EndIf | Token::EndFor => break,
            }
        }
        Ok((parts, false))
    }
}

/// Splits elements into tokens. The error is an invalid escape sequence. `inside` a directive, the
/// parser leaves the escapes of quoted strings as they are.
fn flatten<'e>(
    elements: impl Iterator<Item = &'e Element>,
    text: Text,
    inside: bool,
    tokens: &mut Tokens<'e>,
) -> Result<(), String> {
    for element in elements {
        match element {
            Element::Literal(literal) if text == Text::Quoted && inside => {
                tokens.push((Token::Literal(unescaped(literal)?), Strip::None));
            }
            Element::Literal(literal) if text == Text::Quoted => {
                tokens.push((Token::Literal(literal.as_str().to_owned()), Strip::None));
            }
            Element::Literal(literal) => {
                let lines = literal.split_inclusive('\n');
                tokens.extend(lines.map(|line| (Token::Literal(line.to_owned()), Strip::None)));
            }
            Element::Interpolation(source) => tokens.push((Token::Value(&source.expr), source.strip)),
            Element::Directive(directive) => match directive.as_ref() {
                Directive::If(source) => {
                    tokens.push((Token::If(&source.if_expr.cond_expr), source.if_expr.strip));
                    flatten(source.if_expr.template.iter(), text, true, tokens)?;
                    if let Some(otherwise) = &source.else_expr {
                        tokens.push((Token::Else, otherwise.strip));
                        flatten(otherwise.template.iter(), text, true, tokens)?;
                    }
                    tokens.push((Token::EndIf, source.endif_expr.strip));
                }
                Directive::For(source) => {
                    tokens.push((Token::For(&source.for_expr), source.for_expr.strip));
                    flatten(source.for_expr.template.iter(), text, true, tokens)?;
                    tokens.push((Token::EndFor, source.endfor_expr.strip));
                }
            },
        }
    }
    Ok(())
}

/// A quoted text with its escapes replaced. The error is an invalid escape.
fn unescaped(text: &str) -> Result<String, String> {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let digits = match after.bytes().next() {
            Some(b'u') => 4,
            Some(b'U') => 8,
            _ => 0,
        };
        let length = after.chars().next().map_or(0, char::len_utf8) + digits;
        let escape = after.get(..length).unwrap_or(after);
        out.push(match escape {
            "n" => '\n',
            "r" => '\r',
            "t" => '\t',
            "\"" => '"',
            "\\" => '\\',
            other => other
                .strip_prefix(['u', 'U'])
                .filter(|code| code.len() == digits && code.bytes().all(|byte| byte.is_ascii_hexdigit()))
                .and_then(|code| u32::from_str_radix(code, 16).ok())
                .and_then(char::from_u32)
                .ok_or_else(|| format!("\\{other}"))?,
        });
        rest = after.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    Ok(out)
}

/// Removes the white space next to a `~`, within the adjacent token.
fn strip(tokens: &mut Tokens<'_>) {
    for at in 0..tokens.len() {
        let strip = tokens.get(at).map_or(Strip::None, |(_, strip)| *strip);
        if strip.strip_start()
            && let Some((Token::Literal(text), _)) =
                at.checked_sub(1).and_then(|before| tokens.get_mut(before))
        {
            text.truncate(text.trim_end().len());
        }
        if strip.strip_end()
            && let Some((Token::Literal(text), _)) = tokens.get_mut(at + 1)
        {
            text.drain(..text.len() - text.trim_start().len());
        }
    }
}

/// Removes the indentation that all lines share. Lines of only white space do not count, and a line
/// that begins with an expression or a directive has no indentation.
fn flush(tokens: &mut Tokens<'_>) {
    let (mut least, mut starts) = (usize::MAX, true);
    let mut indented = Vec::new();
    for (token, _) in tokens {
        let begins = std::mem::take(&mut starts);
        let Token::Literal(text) = token else {
            least = if begins { 0 } else { least };
            continue;
        };
        starts = text.ends_with('\n');
        let content = text.trim_start();
        if begins && !(content.is_empty() && starts) {
            least = least.min(clusters(&text[..text.len() - content.len()]).count());
            indented.push(text);
        }
    }
    for text in indented {
        let taken: usize = clusters(text).take(least).map(str::len).sum();
        text.drain(..taken);
    }
}
