//! The state of parsing a template, and the parser for its source.

use std::borrow::Cow;
use std::ops::Range;

use hcl_edit::template;

use super::super::Reference;
use crate::diag::{Diagnostic, Span};

/// The source of a text token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Text {
    /// A whole quoted string.
    Quoted,
    /// A line, including its line break.
    Lines,
    /// A line of a heredoc whose indentation is removed.
    Flush,
}

/// The state of parsing: turns trees of `hcl-edit` into ours.
pub(super) struct Lowering<'t> {
    /// The template that is parsed, and its offset in the outermost one.
    pub(super) text: &'t str,
    pub(super) offset: usize,
    pub(super) span: Span,
    pub(super) exact: bool,
    /// The names bound by enclosing `for`s.
    pub(super) bound: Vec<String>,
    pub(super) references: Vec<Reference>,
}

pub(super) type Lowered<T> = Result<T, Diagnostic>;

impl Lowering<'_> {
    pub(super) fn place(&self, range: Option<Range<usize>>) -> Span {
        match range {
            Some(range) if self.exact => {
                let start = self.span.start + self.offset;
                Span::new(self.span.file, start + range.start, start + range.end)
            }
            _ => self.span,
        }
    }
}

/// Parses a text with `hcl-edit`. It refuses numbers that no double can hold, such as `1e400`. Their
/// exponents are replaced by zeros here, and the numbers are read from the text afterwards.
pub(super) fn parsed(text: &str) -> Result<template::Template, hcl_edit::parser::Error> {
    let mut source = Cow::Borrowed(text);
    loop {
        let error = match source.parse() {
            Ok(parsed) => return Ok(parsed),
            Err(error) => error,
        };
        match large_exponent(&source, error.location().offset()) {
            Some(digits) => {
                let zeros = "0".repeat(digits.len());
                source.to_mut().replace_range(digits, &zeros);
            }
            None => return Err(error),
        }
    }
}

/// The exponent's digits of the number at `at`, if no double can hold that number.
fn large_exponent(text: &str, at: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+');
    let at = at.min(bytes.len());
    let start = at - bytes[..at].iter().rev().take_while(|&byte| is_part(byte)).count();
    let end = at + bytes[at..].iter().take_while(|&byte| is_part(byte)).count();
    let number = text.get(start..end)?;
    let number = &number[number.find(|character: char| character.is_ascii_digit())?..];
    let exponent = number.find(['e', 'E'])? + 1;
    let exponent = exponent + usize::from(number[exponent..].starts_with('+'));
    let digits = number[exponent..].bytes().take_while(u8::is_ascii_digit).count();
    let start = end - number.len() + exponent;
    number[..exponent + digits].parse::<f64>().is_ok_and(f64::is_infinite).then_some(start..start + digits)
}
