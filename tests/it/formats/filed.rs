//! A plan's file shows what the plan shows, and contains no secret.

use dwctl::plan::Plan;
use dwctl::plan::format::Format;

use super::corpus::{Case, corpus};

/// A plan's file, and the plan read from it again.
pub(crate) fn filed(plan: &Plan) -> (String, Plan) {
    let mut redacted = plan.clone();
    redacted.redact(None);
    let text = serde_json::to_string(&redacted).expect("it has a form in JSON");
    let read: Plan = serde_json::from_str(&text).expect("it can be read again");
    assert!(read == redacted, "{text}");
    (text, read)
}

#[test]
fn a_saved_plan_shows_the_same_as_the_plan() {
    for case in &corpus() {
        let (text, plan) = filed(&case.plan);
        for secret in ["Correct-Horse-7", "Battery-Staple-8"] {
            assert!(!text.contains(secret), "{}: {text}", case.name);
        }
        let read = Case { name: case.name, plan, drift: case.drift };
        for format in Format::ALL {
            let (shown, again) = (case.render(format), read.render(format));
            same(case.name, format, &shown, &again);
        }
    }
}

/// Expects equal texts; shows the first lines that differ.
#[track_caller]
fn same(name: &str, format: Format, left: &str, right: &str) {
    for (left, right) in left.lines().zip(right.lines()) {
        assert_eq!(left, right, "{name} as {}", format.name());
    }
    assert_eq!(left, right, "{name} as {}", format.name());
}
