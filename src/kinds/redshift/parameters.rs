//! The known parameters of a parameter group
//! (<https://docs.aws.amazon.com/redshift/latest/mgmt/working-with-parameter-groups.html>).

use crate::kind::prelude::*;
use crate::value::{Number, Value};

/// Engine versions.
const FAMILIES: [&str; 2] = ["redshift-1.0", "redshift-2.0"];

/// The values that a parameter accepts.
enum Takes {
    /// `true` or `false`.
    Flag,
    /// A whole number in a range, or 0.
    Number(i64, i64),
    /// A format and an order of day, month and year. The two may be swapped
    /// (<https://docs.aws.amazon.com/redshift/latest/dg/r_datestyle.html>).
    DateStyle,
    /// Any text.
    Text,
}

/// The parameters, with the values that each accepts.
const PARAMETERS: [(&str, Takes); 13] = [
    ("auto_analyze", Takes::Flag),
    ("auto_mv", Takes::Flag),
    ("datestyle", Takes::DateStyle),
    ("enable_case_sensitive_identifier", Takes::Flag),
    ("enable_user_activity_logging", Takes::Flag),
    ("extra_float_digits", Takes::Number(-15, 2)),
    ("max_concurrency_scaling_clusters", Takes::Number(0, 10)),
    ("max_cursor_result_set_size", Takes::Number(0, 14_400_000)),
    ("query_group", Takes::Text),
    ("require_ssl", Takes::Flag),
    ("search_path", Takes::Text),
    ("statement_timeout", Takes::Number(100, 2_147_483_647)),
    ("use_fips_ssl", Takes::Flag),
];

const STYLES: [&str; 7] = ["ISO", "Postgres", "SQL", "German", "DMY", "MDY", "YMD"];

pub(super) fn check_family(spec: Known<'_>, problems: &mut Vec<Problem>) {
    let path = "parameter_group_family";
    let Some(family) = spec.text(path).filter(|family| !FAMILIES.contains(family)) else { return };
    let is_version = family.strip_prefix("redshift-").is_some_and(|version| {
        version.split('.').count() == 2
            && version.split('.').all(|part| !part.is_empty() && part.bytes().all(|one| one.is_ascii_digit()))
    });
    let help = format!("the families are {}", FAMILIES.join(" and "));
    problems.push(if is_version {
        Problem::warning(path, format!("dwctl does not know the family `{family}`")).help(help)
    } else {
        Problem::new(path, format!("there is no family `{family}`")).help(help)
    });
}

pub(super) fn check_parameters(spec: Known<'_>, problems: &mut Vec<Problem>) {
    let Some(parameters) = spec.get("parameters").and_then(Value::as_map) else { return };
    for (name, value) in parameters.iter().filter(|(name, _)| *name != super::wlm::WLM) {
        let path = format!("parameters.{name}");
        if name.chars().any(char::is_uppercase) {
            problems.push(
                Problem::new(path, "parameter names are in lower case")
                    .help(format!("write `{}`", name.to_lowercase())),
            );
            continue;
        }
        let Some((_, takes)) = PARAMETERS.iter().find(|(known, _)| known == name) else {
            problems.push(match nearest(name, PARAMETERS.iter().map(|(known, _)| *known)) {
                Some(near) => Problem::new(path, format!("Redshift has no parameter `{name}`"))
                    .help(format!("did you mean `{near}`?")),
                None => Problem::warning(path, format!("dwctl does not know the parameter `{name}`"))
                    .help("`aws redshift describe-default-cluster-parameters` lists them"),
            });
            continue;
        };
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(Number::Integer(number)) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            _ => continue,
        };
        let (fits, form) = match takes {
            Takes::Flag => (matches!(text.as_str(), "true" | "false"), "`true` or `false`".to_owned()),
            Takes::Number(least, most) => {
                let number = text.parse::<i64>().ok();
                (
                    number.is_some_and(|number| number == 0 || (*least..=*most).contains(&number)),
                    format!("a whole number from {least} to {most}"),
                )
            }
            Takes::DateStyle => {
                let mut words = text.split([',', ' ']).filter(|word| !word.is_empty());
                if !words.all(|word| STYLES.iter().any(|style| style.eq_ignore_ascii_case(word))) {
                    problems.push(
                        Problem::warning(path, format!("`{text}` is not a date style"))
                            .help("ISO, Postgres, SQL or German, then DMY, MDY or YMD, such as `ISO, MDY`"),
                    );
                }
                continue;
            }
            Takes::Text => (true, String::new()),
        };
        if !fits {
            problems.push(Problem::new(path, format!("`{name}` is {form}, not `{text}`")));
        }
    }
}
