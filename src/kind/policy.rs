//! The grammar of IAM policy documents, checked before AWS sees them
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>).

use std::collections::{BTreeMap, BTreeSet};

use super::{Problem, in_document};
use crate::diag::nearest;
use crate::value::Value;

/// The place where a policy is attached. It decides which elements the policy may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyUse {
    /// A role, user or group: no principals, but resources.
    Identity,
    /// A resource, such as a bucket, key or topic: with principals.
    Resource,
    /// The trust policy of a role, which says who may assume it: principals, but no resources.
    Trust,
}

const DOCUMENT: [&str; 3] = ["Version", "Id", "Statement"];
const STATEMENT: [&str; 9] = [
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];
const PRINCIPALS: [&str; 4] = ["AWS", "Service", "Federated", "CanonicalUser"];

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
const OPERATORS: [&str; 27] = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "Bool",
    "BinaryEquals",
    "IpAddress",
    "NotIpAddress",
    "ArnEquals",
    "ArnNotEquals",
    "ArnLike",
    "ArnNotLike",
    "Null",
];

/// The violations of IAM's grammar in the policy at `path`: a table or JSON text, parts of which may
/// be unknown. Unknown and secret parts count as valid.
pub fn check_policy(value: &Value, path: &str, of: PolicyUse) -> Vec<Problem> {
    in_document(value, path, |document| {
        let mut check = Check { of, problems: Vec::new() };
        check.document(document, path);
        check.problems
    })
}

/// Returns whether a value cannot be judged.
fn is_hidden(value: &Value) -> bool {
    matches!(value, Value::Unknown(_) | Value::Secret(_))
}

/// The items of an element that is a value or a list, each with its path.
fn each<'a>(value: &'a Value, path: &str) -> Vec<(&'a Value, String)> {
    match value {
        Value::List(list) => {
            list.iter().enumerate().map(|(index, one)| (one, format!("{path}.{index}"))).collect()
        }
        one => vec![(one, path.to_owned())],
    }
}

struct Check {
    of: PolicyUse,
    problems: Vec<Problem>,
}

impl Check {
    fn problem(&mut self, path: impl Into<String>, message: impl Into<String>, help: impl Into<String>) {
        self.problems.push(Problem::new(path, message).help(help));
    }

    fn members(&mut self, map: &BTreeMap<String, Value>, known: &[&'static str], what: &str, path: &str) {
        for name in map.keys().filter(|name| !known.contains(&name.as_str())) {
            let help = match nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("one of {}", known.join(", ")),
            };
            self.problem(format!("{path}.{name}"), format!("{what} has no element `{name}`"), help);
        }
    }

    fn document(&mut self, document: &Value, path: &str) {
        if is_hidden(document) {
            return;
        }
        let Value::Map(map) = document else {
            return self.problem(path, "a policy is a table", "write `Version` and `Statement`");
        };
        self.members(map, &DOCUMENT, "a policy", path);
        if let Some(version) = map.get("Version")
            && !is_hidden(version)
            && !matches!(version.as_str(), Some("2012-10-17" | "2008-10-17"))
        {
            self.problem(
                format!("{path}.Version"),
                "this version of the policy language does not exist",
                "write \"2012-10-17\"",
            );
        }
        if self.of == PolicyUse::Identity && map.contains_key("Id") {
            self.problem(format!("{path}.Id"), "only policies of resources have an `Id`", "remove it");
        }
        let place = format!("{path}.Statement");
        match map.get("Statement") {
            None | Some(Value::Null) => {
                self.problem(path, "the policy has no `Statement`", "write at least one statement");
            }
            Some(statements) => {
                let statements = each(statements, &place);
                if statements.is_empty() {
                    self.problem(place, "the policy has no statement", "write at least one statement");
                }
                let mut sids = BTreeSet::new();
                for (statement, path) in statements {
                    self.statement(statement, &path, &mut sids);
                }
            }
        }
    }

    fn statement<'a>(&mut self, statement: &'a Value, path: &str, sids: &mut BTreeSet<&'a str>) {
        if is_hidden(statement) {
            return;
        }
        let Value::Map(map) = statement else {
            return self.problem(
                path,
                "a statement is a table",
                "write `Effect`, `Action`, and `Resource` or `Principal`",
            );
        };
        self.members(map, &STATEMENT, "a statement", path);
        match map.get("Effect") {
            None | Some(Value::Null) => {
                self.problem(path, "the statement has no `Effect`", "\"Allow\" or \"Deny\"");
            }
            Some(effect) if !is_hidden(effect) && !matches!(effect.as_str(), Some("Allow" | "Deny")) => {
                self.problem(format!("{path}.Effect"), "no such effect", "\"Allow\" or \"Deny\"");
            }
            Some(_) => {}
        }
        if let Some(sid) = map.get("Sid").and_then(Value::as_str)
            && self.of != PolicyUse::Resource
        {
            // Some services permit spaces and more in the `Sid` of resource policies.
            if !sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                self.problem(format!("{path}.Sid"), "a `Sid` may have only letters and digits", "rename it");
            }
            if !sid.is_empty() && !sids.insert(sid) {
                self.problem(
                    format!("{path}.Sid"),
                    format!("two statements have the `Sid` \"{sid}\""),
                    "rename one",
                );
            }
        }
        if let Some((name, actions)) = self.one_of(map, "Action", "NotAction", true, path) {
            for (action, path) in each(actions, &format!("{path}.{name}")) {
                self.action(action, path);
            }
        }
        self.resources(map, path);
        self.principals(map, path);
        if let Some(condition) = map.get("Condition") {
            self.condition(condition, &format!("{path}.Condition"));
        }
    }

    /// The written one of two elements that exclude each other.
    fn one_of<'a>(
        &mut self,
        map: &'a BTreeMap<String, Value>,
        name: &'static str,
        negation: &'static str,
        needed: bool,
        path: &str,
    ) -> Option<(&'static str, &'a Value)> {
        let written = |name| map.get(name).filter(|value| !value.is_null()).map(|value| (name, value));
        match (written(name), written(negation)) {
            (Some(_), Some(_)) => {
                self.problem(
                    format!("{path}.{negation}"),
                    format!("a statement has `{name}` or `{negation}`, not both"),
                    "split it into two statements",
                );
                None
            }
            (None, None) => {
                if needed {
                    self.problem(
                        path,
                        format!("the statement has no `{name}`"),
                        format!("write `{name}` or `{negation}`"),
                    );
                }
                None
            }
            (one, other) => {
                let (name, value) = one.or(other)?;
                if matches!(value, Value::List(list) if list.is_empty()) {
                    self.problem(format!("{path}.{name}"), format!("`{name}` is empty"), "name at least one");
                }
                Some((name, value))
            }
        }
    }

    fn action(&mut self, action: &Value, path: String) {
        if is_hidden(action) {
            return;
        }
        let Some(action) = action.as_str() else {
            return self.problem(path, "an action is a string", "such as \"s3:GetObject\"");
        };
        let well_formed = action == "*"
            || action.split_once(':').is_some_and(|(service, name)| {
                let is_service = service == "*"
                    || !service.is_empty()
                        && service.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
                let is_name = !name.is_empty()
                    && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"*?-_".contains(&byte));
                is_service && is_name
            });
        if !well_formed {
            self.problem(
                path,
                format!("\"{action}\" is not an action"),
                "an action is `service:Name`, such as \"s3:GetObject\", or \"*\"",
            );
        } else if self.of == PolicyUse::Trust
            && !action.get(..4).is_some_and(|service| service.eq_ignore_ascii_case("sts:"))
        {
            self.problem(
                path,
                format!("a trust policy cannot contain \"{action}\""),
                "its actions are those of STS, such as \"sts:AssumeRole\"",
            );
        }
    }

    fn resources(&mut self, map: &BTreeMap<String, Value>, path: &str) {
        if self.of == PolicyUse::Trust {
            for name in ["Resource", "NotResource"] {
                if map.get(name).is_some_and(|value| !value.is_null()) {
                    self.problem(
                        format!("{path}.{name}"),
                        format!("a trust policy has no `{name}`"),
                        "remove it: it applies to the role itself",
                    );
                }
            }
            return;
        }
        let needed = self.of == PolicyUse::Identity;
        let Some((name, resources)) = self.one_of(map, "Resource", "NotResource", needed, path) else {
            return;
        };
        for (resource, path) in each(resources, &format!("{path}.{name}")) {
            if is_hidden(resource) {
                continue;
            }
            let Some(resource) = resource.as_str() else {
                self.problem(path, "a resource is a string", "an ARN, or \"*\"");
                continue;
            };
            // Some services (API Gateway) accept short forms in resource policies.
            let well_formed = resource == "*"
                || if resource.starts_with("arn:") {
                    resource.split(':').count() >= 6 || resource.contains('*')
                } else {
                    self.of == PolicyUse::Resource && !resource.is_empty()
                };
            if !well_formed {
                self.problem(
                    path,
                    format!("\"{resource}\" is not an ARN"),
                    "write arn:partition:service:region:account:resource, or \"*\"",
                );
            }
        }
    }

    fn principals(&mut self, map: &BTreeMap<String, Value>, path: &str) {
        if self.of == PolicyUse::Identity {
            for name in ["Principal", "NotPrincipal"] {
                if map.get(name).is_some_and(|value| !value.is_null()) {
                    self.problem(
                        format!("{path}.{name}"),
                        format!("a policy of a role, user or group has no `{name}`"),
                        "remove it: it applies to whoever has the policy",
                    );
                }
            }
            return;
        }
        let Some((name, principal)) = self.one_of(map, "Principal", "NotPrincipal", true, path) else {
            return;
        };
        let path = format!("{path}.{name}");
        match principal {
            Value::String(all) if all == "*" => {}
            Value::Map(kinds) => {
                if kinds.is_empty() {
                    self.problem(&*path, format!("`{name}` is empty"), "name at least one");
                }
                self.members(kinds, &PRINCIPALS, &format!("`{name}`"), &path);
                for (kind, names) in kinds.iter().filter(|(kind, _)| PRINCIPALS.contains(&kind.as_str())) {
                    let names = each(names, &format!("{path}.{kind}"));
                    if names.is_empty() {
                        self.problem(
                            format!("{path}.{kind}"),
                            format!("`{kind}` is empty"),
                            "name at least one",
                        );
                    }
                    for (one, path) in names {
                        self.principal(kind, one, path);
                    }
                }
            }
            hidden if is_hidden(hidden) => {}
            _ => self.problem(
                path,
                format!("`{name}` is a table or \"*\""),
                "such as { Service = \"glue.amazonaws.com\" } or { AWS = \"111122223333\" }",
            ),
        }
    }

    fn principal(&mut self, kind: &str, name: &Value, path: String) {
        if is_hidden(name) {
            return;
        }
        let Some(name) = name.as_str() else {
            return self.problem(
                path,
                "a principal is a string",
                "an ARN, an account id, or a service's name",
            );
        };
        match kind {
            "AWS" => {
                let is_account = name.len() == 12 && name.bytes().all(|byte| byte.is_ascii_digit());
                // The id that AWS puts in place of a deleted principal.
                let is_unique_id = (16..=128).contains(&name.len())
                    && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
                if name.starts_with("arn:") {
                    if name.contains(['*', '?']) {
                        self.problem(
                            path,
                            format!("\"{name}\" has a wildcard, which a principal cannot have"),
                            "name the account, and narrow it by a condition on `aws:PrincipalArn`",
                        );
                    } else if let Some((message, help)) = not_a_principal(name) {
                        self.problem(path, message, help);
                    }
                } else if name != "*" && !is_account && !is_unique_id {
                    let help = if name.contains(".amazonaws.") {
                        "a service is written { Service = \"…\" }"
                    } else {
                        "an ARN, an account id of 12 digits, or \"*\""
                    };
                    self.problem(path, format!("\"{name}\" is not a principal"), help);
                }
            }
            "Service" => {
                const DOMAINS: [&str; 4] =
                    ["amazonaws.com", "amazon.com", "amazonaws.com.cn", "amazonaws.eu"];
                let is_host = name.contains('.')
                    && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-')
                    && name.split('.').all(|label| !label.is_empty());
                let domain = name.split_once('.').map_or("", |(_, domain)| domain);
                let slip =
                    !DOMAINS.iter().any(|known| domain == *known || domain.ends_with(&format!(".{known}")))
                        && nearest(domain, DOMAINS).is_some();
                if name != "*" && (!is_host || slip) {
                    self.problem(
                        path,
                        format!("\"{name}\" is not the name of a service"),
                        "such as \"glue.amazonaws.com\"",
                    );
                }
            }
            _ => {
                if name.is_empty() {
                    self.problem(path, "a principal is empty", "name it, or remove it");
                }
            }
        }
    }

    fn condition(&mut self, condition: &Value, path: &str) {
        if is_hidden(condition) || condition.is_null() {
            return;
        }
        let Value::Map(operators) = condition else {
            return self.problem(
                path,
                "`Condition` is a table",
                "such as { StringEquals = { \"aws:SourceAccount\" = \"111122223333\" } }",
            );
        };
        for (operator, keys) in operators {
            let path = format!("{path}.{operator}");
            let base = operator
                .strip_prefix("ForAllValues:")
                .or_else(|| operator.strip_prefix("ForAnyValue:"))
                .unwrap_or(operator);
            let plain = base.strip_suffix("IfExists").unwrap_or(base);
            if !OPERATORS.iter().any(|known| known.eq_ignore_ascii_case(plain)) {
                let help = match nearest(plain, OPERATORS) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "such as `StringEquals`, `ArnLike` or `Bool`".to_owned(),
                };
                self.problem(path, format!("no condition operator `{operator}`"), help);
                continue;
            }
            if plain == "Null" && base != plain {
                self.problem(&*path, "`Null` has no form with `IfExists`", "write `Null`");
            }
            let keys = match keys {
                Value::Map(keys) => keys,
                hidden if is_hidden(hidden) => continue,
                _ => {
                    self.problem(path, format!("`{operator}` is a table of condition keys"), "");
                    continue;
                }
            };
            for (key, values) in keys {
                // Do not use the key in a path: it may contain dots.
                if !key.contains(':') {
                    self.problem(
                        &*path,
                        format!("`{key}` is not a condition key"),
                        "a condition key is `service:Name`, such as `aws:SourceArn`",
                    );
                }
                for (value, at) in each(values, &format!("{path}.{key}")) {
                    if let Value::String(text) = value
                        && !text.contains("${")
                        && let Some(form) = not_comparable(plain, text)
                    {
                        // An error in IAM Access Analyzer. It is not documented that every service refuses
                        // it.
                        self.problems.push(
                            Problem::warning(at, format!("`{plain}` is never true for \"{text}\""))
                                .help(format!("write {form}")),
                        );
                    }
                    let is_right = match value {
                        Value::Map(_) | Value::List(_) | Value::Null => false,
                        // A text with a policy variable is evaluated when the policy is used.
                        Value::String(text) if matches!(plain, "Bool" | "Null") => {
                            text.contains("${")
                                || text.eq_ignore_ascii_case("true")
                                || text.eq_ignore_ascii_case("false")
                        }
                        Value::Number(_) => !matches!(plain, "Bool" | "Null"),
                        _ => true,
                    };
                    if !is_right {
                        let help = match plain {
                            "Bool" | "Null" => "true or false",
                            _ => "a string, or a list of strings",
                        };
                        self.problem(
                            &*path,
                            format!("`{key}` is compared with a value that `{operator}` does not accept"),
                            help,
                        );
                    }
                }
            }
        }
    }
}

/// The reason why an ARN names no principal, and advice
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>).
fn not_a_principal(arn: &str) -> Option<(String, &'static str)> {
    const EXAMPLE: &str = "such as arn:aws:iam::111122223333:role/name";
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [_, _, service, region, _, resource] = parts.as_slice() else {
        return Some((format!("\"{arn}\" is not an ARN"), EXAMPLE));
    };
    let kind = resource.split('/').next().unwrap_or_default();
    let fits = match *service {
        "iam" => ["root", "user", "role"].contains(&kind),
        "sts" => ["assumed-role", "federated-user", "self"].contains(&kind),
        _ => false,
    };
    if *service == "iam" && kind == "group" {
        Some((
            format!("\"{arn}\" is a group of users, which cannot be a principal"),
            "name the users or a role that they assume, or the account",
        ))
    } else if !fits {
        Some((format!("\"{arn}\" is not a principal"), EXAMPLE))
    } else if !region.is_empty() {
        Some((format!("the ARN of a principal has no region, but \"{arn}\" has one"), EXAMPLE))
    } else {
        None
    }
}

/// The form that an operator expects, if a text has another one
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>).
fn not_comparable(operator: &str, text: &str) -> Option<&'static str> {
    let operator = operator.to_ascii_lowercase();
    let (fits, form) = if operator.ends_with("ipaddress") {
        (is_address(text), "an address or a block of them, such as \"203.0.113.0/24\"")
    } else if operator.starts_with("numeric") {
        (text.trim().parse::<f64>().is_ok_and(f64::is_finite), "a number")
    } else if operator.starts_with("date") {
        (is_date(text), "a date such as \"2030-01-31T00:00:00Z\", or seconds since 1970")
    } else {
        return None;
    };
    if fits { None } else { Some(form) }
}

/// Returns whether a text is an IP address or a range of them.
fn is_address(text: &str) -> bool {
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let most = match address.parse() {
        Ok(std::net::IpAddr::V4(_)) => 32,
        Ok(std::net::IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    bits.is_none_or(|bits| bits.parse::<u8>().is_ok_and(|bits| bits <= most))
}

/// Returns whether a text is a date in ISO 8601, with or without time
/// (<https://www.w3.org/TR/NOTE-datetime>), or seconds since 1970.
fn is_date(text: &str) -> bool {
    let digits =
        |text: &str, count: usize| text.len() == count && text.bytes().all(|one| one.is_ascii_digit());
    if text.strip_prefix('-').unwrap_or(text).bytes().all(|one| one.is_ascii_digit()) {
        return !text.is_empty();
    }
    let (date, time) = text.split_once('T').map_or((text, None), |(date, time)| (date, Some(time)));
    let mut parts = date.split('-');
    let is_date = parts.next().is_some_and(|year| digits(year, 4))
        && parts.clone().count() <= 2
        && parts.all(|part| digits(part, 2));
    let is_time = |time: &str| {
        let time = time.trim_end_matches('Z');
        let clock = time.split(['+', '-']).next().unwrap_or_default();
        clock.len() >= 5 && clock.bytes().all(|one| one.is_ascii_digit() || one == b':' || one == b'.')
    };
    is_date && time.is_none_or(is_time)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{PolicyUse, check_policy};
    use crate::value::Value;

    fn faults(of: PolicyUse, document: serde_json::Value) -> Vec<String> {
        check_policy(&Value::from_json(&document), "p", of)
            .into_iter()
            .map(|problem| format!("{}: {} ({})", problem.path, problem.message, problem.help))
            .collect()
    }

    #[test]
    fn valid_policies_pass() {
        let trust = json!({ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": ["sts:AssumeRole", "STS:TagSession"],
            "Principal": { "Service": ["glue.amazonaws.com", "states.us-east-1.amazonaws.com", "vpc-flow-logs.amazonaws.com"],
                "AWS": ["111122223333", "arn:aws:iam::111122223333:root", "AROAEXAMPLEEXAMPLE123", "*"],
                "Federated": "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com" },
            "Condition": { "StringLike": { "token.actions.githubusercontent.com:sub": "repo:acme/*" },
                "ForAnyValue:StringEqualsIfExists": { "aws:TagKeys": ["a"] }, "Bool": { "aws:SecureTransport": true } } } });
        assert_eq!(faults(PolicyUse::Trust, trust), Vec::<String>::new());
        let identity = json!({ "Statement": [
            { "Sid": "A1", "Effect": "Allow", "Action": "s3:Get*", "Resource": ["arn:aws:s3:::b/${aws:username}/*"] },
            { "Effect": "Deny", "NotAction": "*", "NotResource": "*", "Condition": { "Null": { "aws:PrincipalTag/x": "true" } } }] });
        assert_eq!(faults(PolicyUse::Identity, identity), Vec::<String>::new());
        let resource = json!({ "Id": "x", "Statement": { "Sid": "Enable IAM policies", "Effect": "Allow", "Principal": "*",
            "Action": "kms:*", "Resource": "*" } });
        assert_eq!(faults(PolicyUse::Resource, resource), Vec::<String>::new());
    }

    #[test]
    fn unknown_values_are_accepted() {
        let unknown = || Value::unknown("s3_bucket.a", "arn");
        let statement = Value::map([
            ("Effect", unknown()),
            ("Action", unknown()),
            ("Resource", Value::list([unknown()])),
        ]);
        let policy = Value::map([("Statement", Value::list([statement, unknown()]))]);
        assert_eq!(check_policy(&policy, "p", PolicyUse::Identity), []);
        assert_eq!(check_policy(&unknown(), "p", PolicyUse::Trust), []);
    }

    #[test]
    fn invalid_policies_are_reported_at_their_place() {
        let identity = json!({ "Version": "2012-10-18", "Statement": [
            { "Efect": "Allow", "Action": "s3.GetObject", "Resource": "my-bucket", "Principal": "*" },
            { "Sid": "no spaces", "Effect": "allow", "Action": [], "NotResource": "*", "Resource": "*" },
            { "Effect": "Allow", "Action": "s3:*", "Resource": "*",
              "Condition": { "StringEqual": { "aws:x": "y" }, "Bool": { "SecureTransport": "yes" } } }] });
        assert_eq!(
            faults(PolicyUse::Identity, identity),
            [
                "p.Version: this version of the policy language does not exist (write \"2012-10-17\")",
                "p.Statement.0.Efect: a statement has no element `Efect` (did you mean `Effect`?)",
                "p.Statement.0: the statement has no `Effect` (\"Allow\" or \"Deny\")",
                "p.Statement.0.Action: \"s3.GetObject\" is not an action (an action is `service:Name`, such as \"s3:GetObject\", or \"*\")",
                "p.Statement.0.Resource: \"my-bucket\" is not an ARN (write arn:partition:service:region:account:resource, or \"*\")",
                "p.Statement.0.Principal: a policy of a role, user or group has no `Principal` (remove it: it applies to whoever has the policy)",
                "p.Statement.1.Effect: no such effect (\"Allow\" or \"Deny\")",
                "p.Statement.1.Sid: a `Sid` may have only letters and digits (rename it)",
                "p.Statement.1.Action: `Action` is empty (name at least one)",
                "p.Statement.1.NotResource: a statement has `Resource` or `NotResource`, not both (split it into two statements)",
                "p.Statement.2.Condition.Bool: `SecureTransport` is not a condition key (a condition key is `service:Name`, such as `aws:SourceArn`)",
                "p.Statement.2.Condition.Bool: `SecureTransport` is compared with a value that `Bool` does not accept (true or false)",
                "p.Statement.2.Condition.StringEqual: no condition operator `StringEqual` (did you mean `StringEquals`?)",
            ]
        );
    }

    #[test]
    fn invalid_trust_policies_are_reported() {
        let trust = json!({ "Statement": [
            { "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*",
              "Principal": { "Service": ["glue", "glue.amazonws.com"], "AWS": ["arn:aws:iam::111122223333:role/*", "glue.amazonaws.com"], "Aws": "x" } },
            { "Effect": "Allow", "Action": "sts:AssumeRole" }] });
        let faults = faults(PolicyUse::Trust, trust);
        let places: Vec<&str> =
            faults.iter().map(|fault| fault.split(": ").next().unwrap_or_default()).collect();
        assert_eq!(
            places,
            [
                "p.Statement.0.Action",
                "p.Statement.0.Resource",
                "p.Statement.0.Principal.Aws",
                "p.Statement.0.Principal.AWS.0",
                "p.Statement.0.Principal.AWS.1",
                "p.Statement.0.Principal.Service.0",
                "p.Statement.0.Principal.Service.1",
                "p.Statement.1",
            ]
        );
    }

    #[test]
    fn principals_are_accounts_users_and_roles() {
        let refusal = |arn: &str| super::not_a_principal(arn).map(|(message, _)| message);
        for arn in [
            "arn:aws:iam::111122223333:root",
            "arn:aws:iam::111122223333:user/path/me",
            "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1",
            "arn:aws:sts::111122223333:assumed-role/etl/session",
            "arn:aws:sts::111122223333:federated-user/me",
        ] {
            assert_eq!(refusal(arn), None, "{arn}");
        }
        for (arn, says) in [
            ("arn:aws:iam::111122223333:group/g", "a group"),
            ("arn:aws:iam::111122223333:policy/p", "not a principal"),
            ("arn:aws:s3:::lake", "not a principal"),
            ("arn:aws:iam:us-east-1:111122223333:role/r", "no region"),
            ("arn:aws:iam", "not an ARN"),
        ] {
            assert!(refusal(arn).is_some_and(|message| message.contains(says)), "{arn}");
        }
    }

    #[test]
    fn condition_values_fit_their_operators() {
        use super::not_comparable;
        for (operator, fits, not) in [
            (
                "IpAddress",
                &["10.0.0.1", "203.0.113.0/24", "2001:db8::/32"][..],
                &["10.0.0.300", "10.0.0.0/33", "office"][..],
            ),
            (
                "DateLessThan",
                &[
                    "2030",
                    "2030-01",
                    "2030-01-31",
                    "2030-01-31T10:00:00Z",
                    "2030-01-31T10:00+01:00",
                    "1893456000",
                ],
                &["tomorrow", "31.01.2030", "2030-1-1", ""],
            ),
            ("NumericLessThanEquals", &["10", "-1", "0.5"], &["ten", "", "1h"]),
            ("StringEquals", &["anything"], &[]),
        ] {
            for text in fits {
                assert_eq!(not_comparable(operator, text), None, "{operator} {text}");
            }
            for text in not {
                assert!(not_comparable(operator, text).is_some(), "{operator} {text}");
            }
        }
        let variable = json!({ "Statement": { "Effect": "Allow", "Action": "s3:*", "Resource": "*",
            "Condition": { "NumericEquals": { "s3:max-keys": "${aws:PrincipalTag/keys}" } } } });
        assert_eq!(faults(PolicyUse::Identity, variable), Vec::<String>::new());
    }

    #[test]
    fn problems_of_json_text_are_at_its_place() {
        let text = Value::from(r#"{ "Statement": [{ "Effect": "Allow", "Action": "x", "Resource": "*" }] }"#);
        let problems = check_policy(&text, "policy", PolicyUse::Identity);
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].path, "policy");
        assert_eq!(problems[0].message, "Statement.0.Action: \"x\" is not an action");
    }
}
