//! Texts that follow from a spec, with names in braces: `arn:{partition}:sqs:{region}:{account_id}:{queue_name}`.
//! `partition`, `region`, `account_id` and `dns_suffix` are those of the scope, all others are attributes of the
//! spec.

use super::{Identity, Known, Predicted};
use crate::aws::Scope;
use crate::value::Value;

/// The names in a template, each with the text before it; the last text has no name after it.
fn parts(template: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    template.split_inclusive('}').map(|part| match part.split_once('{') {
        Some((text, name)) => (text, Some(name.trim_end_matches('}'))),
        None => (part, None),
    })
}

/// The text for a spec; `None` if an attribute of it is absent, or not known.
fn fill(template: &str, spec: Known<'_>, scope: &Scope) -> Option<String> {
    let mut filled = String::new();
    for (text, name) in parts(template) {
        filled += text;
        filled += match name {
            None => "",
            Some("partition") => &scope.partition,
            Some("region") => &scope.region,
            Some("account_id") => &scope.account_id,
            Some("dns_suffix") => scope.dns_suffix(),
            Some(attribute) => spec.text(attribute)?,
        };
    }
    Some(filled)
}

/// The scope and the attributes of a spec for which the template gives this text, if there are any. A value ends
/// where the text after it begins.
fn unfill(template: &str, text: &str) -> Option<(Scope, Value)> {
    let mut scope = Scope::of("", "");
    let mut spec = std::collections::BTreeMap::new();
    let mut rest = text;
    let mut name = None;
    for (before, next) in parts(template).chain([("", None)]) {
        let value;
        (value, rest) = match name {
            None => ("", rest.strip_prefix(before)?),
            Some(_) if before.is_empty() => (rest, ""),
            Some(_) => rest.split_once(before)?,
        };
        match name {
            None | Some("dns_suffix") => {}
            Some("partition") => value.clone_into(&mut scope.partition),
            Some("region") => value.clone_into(&mut scope.region),
            Some("account_id") => value.clone_into(&mut scope.account_id),
            Some(attribute) => drop(spec.insert(attribute.to_owned(), Value::from(value))),
        }
        name = next;
    }
    rest.is_empty().then_some((scope, Value::Map(spec)))
}

/// See [`super::Kind::predict`].
pub(super) fn predict(templates: &[(&str, &str)], spec: Known<'_>, scope: &Scope) -> Predicted {
    templates.iter().fold(Predicted::default(), |predicted, (attribute, template)| {
        match fill(template, spec, scope) {
            Some(text) => predicted.with(attribute, text),
            None => predicted,
        }
    })
}

fn template<'t>(templates: &[(&str, &'t str)], attribute: &str) -> Option<&'t str> {
    templates.iter().find(|(name, _)| *name == attribute).map(|(_, template)| *template)
}

/// See [`super::Kind::identity`].
pub(super) fn identity(id: &str, templates: &[(&str, &str)], spec: Known<'_>, scope: &Scope) -> Identity {
    Identity::named(match template(templates, id) {
        Some(template) => fill(template, spec, scope),
        None => spec.text(id).map(str::to_owned),
    })
}

/// See [`super::Kind::id_of_arn`].
pub(super) fn id_of_arn(id: Option<&str>, templates: &[(&str, &str)], arn: &str) -> Option<String> {
    if let Some((id, template)) = id.zip(template(templates, "arn")) {
        let (scope, spec) = unfill(template, arn)?;
        return identity(id, templates, Known(&spec), &scope).id();
    }
    let resource = arn.splitn(6, ':').nth(5)?;
    Some(resource.split_once(['/', ':']).map_or(resource, |(_, id)| id).to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{id_of_arn, identity, predict};
    use crate::aws::Scope;
    use crate::kind::{Identity, Known};
    use crate::value::Value;

    const QUEUE: &[(&str, &str)] = &[
        ("arn", "arn:{partition}:sqs:{region}:{account_id}:{queue_name}"),
        ("queue_url", "https://sqs.{region}.{dns_suffix}/{account_id}/{queue_name}"),
        ("owner", "{account_id}"),
    ];
    const URL: &str = "https://sqs.cn-north-1.amazonaws.com.cn/111111111111/loads.fifo";

    #[test]
    fn a_template_is_filled_in_and_read_back() {
        let scope = Scope::of("cn-north-1", "111111111111");
        let spec = Value::from_json(&json!({ "queue_name": "loads.fifo" }));
        let predicted = predict(QUEUE, Known(&spec), &scope).0;
        let text = |name: &str| predicted.get(name).and_then(Value::as_str);
        assert_eq!(text("arn"), Some("arn:aws-cn:sqs:cn-north-1:111111111111:loads.fifo"));
        assert_eq!((text("queue_url"), text("owner")), (Some(URL), Some("111111111111")));

        let arn = text("arn").unwrap_or_default();
        assert_eq!(id_of_arn(Some("queue_url"), QUEUE, arn).as_deref(), Some(URL));
        assert_eq!(id_of_arn(Some("queue_name"), QUEUE, arn).as_deref(), Some("loads.fifo"));
        assert_eq!(id_of_arn(Some("arn"), QUEUE, arn).as_deref(), Some(arn));
        assert_eq!(identity("arn", QUEUE, Known(&spec), &scope), Identity::Named(arn.to_owned()));
        assert_eq!(id_of_arn(Some("arn"), QUEUE, "arn:aws:sns:eu-west-1:111111111111:loads"), None);
        assert_eq!(
            id_of_arn(Some("name"), &[], "arn:aws:glue:eu-west-1:1:job/load").as_deref(),
            Some("load")
        );
    }

    #[test]
    fn unknown_parts_are_not_predicted() {
        let scope = Scope::of("eu-west-1", "111111111111");
        for spec in [Value::Null, Value::from_json(&json!({ "queue_name": null }))] {
            let predicted = predict(QUEUE, Known(&spec), &scope).0;
            assert_eq!(predicted.keys().collect::<Vec<_>>(), ["owner"]);
            assert_eq!(identity("queue_url", QUEUE, Known(&spec), &scope), Identity::Unknown);
        }
    }
}
