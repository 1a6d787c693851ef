//! CSV after RFC 4180. The usual crate accepts errors that Terraform refuses, such as text after a
//! closing quote, and would hide them.

use super::Problem;

/// The records of a text; empty lines are skipped.
pub(super) struct Records<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Records<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { rest: text, line: 0 }
    }

    /// The next line without its line break, and whether it had one.
    fn line(&mut self) -> Option<(&'a str, bool)> {
        if self.rest.is_empty() {
            return None;
        }
        self.line += 1;
        let (line, ended) = match self.rest.split_once('\n') {
            Some((line, rest)) => {
                self.rest = rest;
                (line, true)
            }
            None => (std::mem::take(&mut self.rest), false),
        };
        Some((line.strip_suffix('\r').unwrap_or(line), ended))
    }

    fn invalid(&self, reason: &str) -> Problem {
        Problem::of(0, format!("not valid CSV: line {}: {reason}", self.line))
    }

    /// The rest of a field after its opening quote, and the text after it in its line.
    fn quoted(&mut self, mut line: &'a str, mut ended: bool) -> Result<(String, &'a str), Problem> {
        let mut field = String::new();
        loop {
            let Some((before, after)) = line.split_once('"') else {
                field.push_str(line);
                if !ended {
                    return Err(self.invalid("a quote is not closed"));
                }
                field.push('\n');
                (line, ended) = self.line().ok_or_else(|| self.invalid("a quote is not closed"))?;
                continue;
            };
            field.push_str(before);
            match after.strip_prefix('"') {
                Some(rest) => {
                    field.push('"');
                    line = rest;
                }
                None => return Ok((field, after)),
            }
        }
    }

    fn record(&mut self, mut line: &'a str, ended: bool) -> Result<Vec<String>, Problem> {
        let mut fields = Vec::new();
        loop {
            let (field, rest) = match line.strip_prefix('"') {
                Some(inside) => self.quoted(inside, ended)?,
                None => {
                    let (field, rest) = line.split_at(line.find(',').unwrap_or(line.len()));
                    if field.contains('"') {
                        return Err(self.invalid("there is a quote in a field without quotes"));
                    }
                    (field.to_owned(), rest)
                }
            };
            fields.push(field);
            match rest.strip_prefix(',') {
                Some(rest) => line = rest,
                None if rest.is_empty() => return Ok(fields),
                None => return Err(self.invalid("there is text after a closing quote")),
            }
        }
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Vec<String>, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (line, ended) = self.line()?;
            if !line.is_empty() {
                return Some(self.record(line, ended));
            }
        }
    }
}
