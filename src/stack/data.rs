//! `[data.KIND.NAME]`: reads the blocks that name existing resources of others.

use super::load::Loader;
use super::{Content, Entry, Resource};
use crate::diag::Diagnostic;
use crate::elsewhere;
use crate::kind::ErasedKind;
use crate::kinds::DATA_KINDS;

/// Terraform's data sources of facts that every expression sees.
const FACTS: [(&str, &str); 4] = [
    ("aws_caller_identity", "`${aws.account_id}` is always known"),
    ("aws_region", "`${aws.region}` is always known"),
    ("aws_partition", "`${aws.partition}` is always known"),
    ("aws_availability_zones", "`${aws.availability_zones}` is always known"),
];

impl Loader<'_> {
    /// Reads the blocks of one kind, `[data.KIND.…]`.
    pub(super) fn data(&mut self, entry: Entry) {
        let is_data = |kind: &dyn ErasedKind| kind.name() == entry.name;
        let only = DATA_KINDS.iter().map(AsRef::as_ref).find(|kind| is_data(*kind)).map(ErasedKind::name);
        let Some(kind) = self.kinds.iter().find(|kind| **kind == entry.name).copied().or(only) else {
            let error = Diagnostic::error("unknown-kind", format!("there is no kind `{}`", entry.name));
            let fact = FACTS.into_iter().find(|(theirs, _)| *theirs == entry.name);
            let near = elsewhere::data_kinds_like(&entry.name);
            self.unread
                .extend(entry.value.entries().iter().map(|one| format!("data.{}.{}", entry.name, one.name)));
            self.problems.push(match (fact, near.is_empty()) {
                (Some((_, help)), _) => error.at(entry.span, "needs no data here").help(help),
                (None, false) => error.at(entry.span, elsewhere::did_you_mean(&near)),
                (None, true) => error.at(entry.span, "not a kind").help("dwctl explain lists all kinds"),
            });
            return;
        };
        let Content::Table(blocks) = entry.value.content else {
            self.unread.insert("data".to_owned());
            self.problems.push(
                Diagnostic::error("wrong-type", format!("`data.{kind}` must be a table"))
                    .at(entry.value.span, format!("write [data.{kind}.NAME]")),
            );
            return;
        };
        for block in blocks {
            self.data_block(kind, block);
        }
    }

    fn data_block(&mut self, kind: &str, entry: Entry) {
        self.name(&entry);
        let key = (kind.to_owned(), entry.name.clone());
        if let Some(first) = self.data.get(&key) {
            let first = first.span;
            return self.duplicate(&format!("`data.{kind}.{}`", entry.name), entry.span, first);
        }
        let Content::Table(fields) = entry.value.content else {
            self.unread.insert(format!("data.{kind}.{}", entry.name));
            self.problems.push(
                Diagnostic::error("wrong-type", format!("`data.{kind}.{}` must be a table", entry.name))
                    .at(entry.value.span, "expected a table")
                    .help(format!("write [data.{kind}.NAME], and below it what it looks for")),
            );
            return;
        };
        let mut data = Resource { is_data: true, ..Resource::new(kind, &entry.name, entry.span) };
        let mut body = Vec::new();
        for field in fields {
            match field.name.as_str() {
                "for_each" => data.for_each = Some(field.value),
                "when" => data.when = Some(field.value),
                "region" => data.region = Some(field.value),
                "account" => data.account = Some(field.value),
                "depends_on" => data.depends_on = self.texts(&field.value, "`depends_on`"),
                "many" => data.many = self.flag(&field.value, "`many`"),
                "precondition" => data.preconditions = self.conditions(&field, "a precondition"),
                "postcondition" => data.postconditions = self.conditions(&field, "a postcondition"),
                "lifecycle" | "timeout" | "name_prefix" => {
                    let what = format!("data has no `{}`: it is only read", field.name);
                    let error = Diagnostic::error("unknown-attribute", what).at(field.span, "remove it");
                    self.problems.push(match field.name.as_str() {
                        "lifecycle" => error.help("write `precondition` and `postcondition` without it"),
                        _ => error,
                    });
                }
                "provider" | "count" | "filter" => {
                    let what = format!("`{}` is not supported by this version of dwctl", field.name);
                    let error = Diagnostic::error("not-supported", what).at(field.span, "cannot be used yet");
                    self.problems.push(match field.name.as_str() {
                        "count" => error.help("use for_each with a list of names, or when = true or false"),
                        "provider" => error.help("use region and account to look elsewhere"),
                        "filter" => error.help(format!(
                            "write the attributes themselves, such as tags = {{ Name = \"main\" }}; `dwctl explain {kind}` lists them"
                        )),
                        _ => error,
                    });
                }
                _ => body.push(field),
            }
        }
        data.body.content = Content::Table(body);
        self.data.insert(key, data);
    }
}
