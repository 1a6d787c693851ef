//! Spellings: different texts for the same thing at AWS, such as a key's id and its ARN. AWS accepts
//! one and returns another, so the engine compares what they mean. Kinds return what AWS says.
//!
//! A field is marked with `x-dwctl-spelling` and the name of a [`Form`]. `kms-key in region` means
//! that the field `region` of the same table holds the region in which a bare id or alias is looked up.

use std::collections::BTreeMap;

use crate::aws::Scope;
use crate::value::Value;

/// The spellings of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spelling {
    /// The rule by which texts are equivalent.
    pub form: Form,
    /// The field of the table that holds the region of the named thing; `None` means the resource's own.
    region: Option<String>,
}

/// The rule by which texts are equivalent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A KMS key by its id or ARN, an alias by its name or ARN: `kms-key`
    /// (<https://docs.aws.amazon.com/kms/latest/developerguide/concepts-key-id.html>).
    KmsKey,
    /// An IAM role by its name, with or without its path, or its ARN: `role`.
    Role,
    /// The ARN of a log group with and without `:*`: `log-group`
    /// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html>).
    LogGroup,
    /// An event bus by its name or ARN: `event-bus`.
    EventBus,
    /// An SNS topic by its name or ARN: `topic`.
    Topic,
    /// A text whose case has no meaning: `any-case`.
    AnyCase,
    /// A prefix with or without a slash at its end: `folder`.
    Folder,
    /// A URL whose password AWS shows as `****`: `masked-url`.
    MaskedUrl,
}

impl Spelling {
    /// Parses a mark; `None` if it is malformed.
    pub fn parse(text: &str) -> Option<Self> {
        let (form, region) = match text.split_once(" in ") {
            Some((form, region)) => (form, Some(region.to_owned())),
            None => (text, None),
        };
        let form = match form {
            "kms-key" => Form::KmsKey,
            "role" => Form::Role,
            "log-group" => Form::LogGroup,
            "event-bus" => Form::EventBus,
            "topic" => Form::Topic,
            "any-case" => Form::AnyCase,
            "folder" => Form::Folder,
            "masked-url" => Form::MaskedUrl,
            _ => return None,
        };
        Some(Self { form, region })
    }

    /// The canonical spelling of a text in the table `beside`.
    pub(super) fn canonical(
        &self,
        text: &str,
        beside: Option<&BTreeMap<String, Value>>,
        scope: &Scope,
    ) -> String {
        let region = self.region.as_ref().and_then(|name| beside?.get(name)?.as_str());
        match region {
            Some(region) => self.form.canonical(text, &Scope::of(region, &scope.account_id)),
            None => self.form.canonical(text, scope),
        }
    }

    /// Returns whether a text is another spelling of one of AWS's own names, in any account and region.
    pub(super) fn is_named(&self, text: &str, name: &str) -> bool {
        match self.form {
            Form::KmsKey => text.strip_prefix("arn:").and_then(|arn| arn.splitn(5, ':').nth(4)) == Some(name),
            _ => false,
        }
    }
}

impl Form {
    /// The canonical spelling of a text.
    pub fn canonical(self, text: &str, scope: &Scope) -> String {
        let is_arn = text.starts_with("arn:");
        match self {
            Self::KmsKey | Self::Role | Self::EventBus | Self::Topic if is_arn => text.to_owned(),
            Self::KmsKey if text.starts_with("alias/") => scope.arn("kms", text),
            Self::KmsKey => scope.arn("kms", format_args!("key/{text}")),
            Self::Role => scope.global_arn("iam", format_args!("role/{}", text.trim_start_matches('/'))),
            Self::LogGroup => text.strip_suffix(":*").unwrap_or(text).to_owned(),
            Self::EventBus => scope.arn("events", format_args!("event-bus/{text}")),
            Self::Topic => scope.arn("sns", text),
            Self::AnyCase => text.to_lowercase(),
            Self::Folder => text.trim_end_matches('/').to_owned(),
            Self::MaskedUrl => masked(text),
        }
    }
}

/// A URL with `****` in place of its password.
fn masked(url: &str) -> String {
    let masked = || {
        let (scheme, rest) = url.split_once("://")?;
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        // A password may contain an `@`: the last one ends it.
        let (user, host) = authority.rsplit_once('@')?;
        let (name, _) = user.split_once(':')?;
        Some(format!("{scheme}://{name}:****@{host}{path}"))
    };
    masked().unwrap_or_else(|| url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::Form;
    use crate::aws::Scope;

    fn scope() -> Scope {
        Scope::of("eu-west-1", "111122223333")
    }

    #[test]
    fn spellings_of_one_thing_have_one_canonical_form() {
        let same = |form: Form, texts: &[&str]| {
            let mut forms = texts.iter().map(|text| form.canonical(text, &scope()));
            let first = forms.next();
            forms.all(|one| Some(one) == first)
        };
        let kms = "arn:aws:kms:eu-west-1:111122223333";
        assert!(same(Form::KmsKey, &["1234", &format!("{kms}:key/1234")]));
        assert!(same(Form::KmsKey, &["alias/lake", &format!("{kms}:alias/lake")]));
        // A multi-Region key is a separate key in each region.
        assert!(!same(Form::KmsKey, &["mrk-1", "arn:aws:kms:us-east-1:111122223333:key/mrk-1"]));
        assert!(!same(Form::KmsKey, &["alias/lake", "arn:aws:kms:eu-west-1:999999999999:alias/lake"]));
        assert!(!same(Form::KmsKey, &["1234", "alias/1234"]));
        let role = "arn:aws:iam::111122223333:role/service-role/etl";
        assert!(same(Form::Role, &[role, "service-role/etl", "/service-role/etl"]));
        assert!(!same(Form::Role, &[role, "etl"]));
        assert!(!same(Form::Role, &["etl", "arn:aws:iam::999999999999:role/etl"]));
        assert!(same(Form::LogGroup, &["arn:aws:logs:x:1:log-group:a", "arn:aws:logs:x:1:log-group:a:*"]));
        assert!(same(Form::EventBus, &["orders", "arn:aws:events:eu-west-1:111122223333:event-bus/orders"]));
        assert!(!same(Form::EventBus, &["orders", "arn:aws:events:eu-west-1:999999999999:event-bus/orders"]));
        assert!(same(Form::AnyCase, &["sun:03:00-sun:04:00", "Sun:03:00-Sun:04:00"]));
        assert!(same(Form::Folder, &["audit", "audit/"]));
        let shown = "https://loader:****@example.com/hook";
        assert!(same(Form::MaskedUrl, &[shown, "https://loader:p@ss:word@example.com/hook"]));
        assert!(!same(Form::MaskedUrl, &[shown, "https://other:secret@example.com/hook"]));
        assert!(!same(Form::MaskedUrl, &[shown, "https://loader:secret@example.com/other"]));
        assert!(!same(Form::MaskedUrl, &[shown, "https://example.com/hook"]));
        assert!(!same(Form::MaskedUrl, &["https://example.com:1/a@b", "https://example.com:2/a@b"]));
        assert!(same(Form::MaskedUrl, &["team@example.com"]));
    }
}
