//! Exceptions in the tests, each with its reason. Each one is a difference between the emulator, or the
//! models that check requests, and AWS as documented. None is a reason for `dwctl` to behave differently.

use std::collections::BTreeSet;

use crate::exchange::play;
use crate::paper::root;

/// The version for which the waivers were found; see `src/sandbox/requirements.txt`.
pub const EMULATOR: &str = "moto==5.2.5";

/// A part of a kind's life that the emulator does not support.
pub struct Gap {
    pub kind: &'static str,
    pub what: What,
    /// The operation that the emulator lacks or gets wrong.
    pub operation: &'static str,
    pub reason: &'static str,
    /// The script that covers it instead: `tests/data/exchanges/<name>.toml`, from AWS's documentation.
    pub exchange: &'static str,
}

/// The part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "which of them are needed changes with the emulator")]
pub enum What {
    /// The step of this name, such as `change 2`, is left out.
    Step(&'static str),
    /// No step changes this attribute.
    Attribute(&'static str),
    /// The live value of this attribute differs from the predicted one.
    Predicted(&'static str),
}

/// The emulator's gaps.
pub const GAPS: &[Gap] = &[
    Gap {
        kind: "ec2_subnet",
        what: What::Step("replace 5"),
        operation: "ec2:CreateSubnet",
        reason: "it has no subnets without IPv4 addresses",
        exchange: "ec2_subnet_ipv6_native",
    },
    Gap {
        kind: "ec2_subnet",
        what: What::Attribute("ipv6_native"),
        operation: "ec2:CreateSubnet",
        reason: "it has no subnets without IPv4 addresses",
        exchange: "ec2_subnet_ipv6_native",
    },
    Gap {
        kind: "redshift_cluster",
        what: What::Attribute("cluster_version"),
        operation: "redshift:ModifyCluster",
        reason: "1.0 is the only version there is",
        exchange: "redshift_cluster_version",
    },
    Gap {
        kind: "s3_object",
        what: What::Attribute("object_lock_mode"),
        operation: "s3:PutObjectRetention",
        reason: "what is locked cannot be destroyed before its date, as on AWS: the life would not end",
        exchange: "s3_object_lock",
    },
    Gap {
        kind: "s3_object",
        what: What::Attribute("object_lock_retain_until_date"),
        operation: "s3:PutObjectRetention",
        reason: "what is locked cannot be destroyed before its date, as on AWS: the life would not end",
        exchange: "s3_object_lock",
    },
    Gap {
        kind: "sns_subscription",
        what: What::Attribute("delivery_policy"),
        operation: "sns:Subscribe",
        reason: "only HTTP endpoints have one, and nobody in the sandbox confirms theirs",
        exchange: "sns_subscription_delivery_policy",
    },
];

/// A request that AWS accepts, but the models of the checking proxy refuse.
pub struct Violation {
    /// `service:Operation`.
    pub operation: &'static str,
    /// Path of the member in the request.
    pub member: &'static str,
    /// The kind of rule, such as `enum`.
    pub rule: &'static str,
    pub reason: &'static str,
}

/// Rules of the models that AWS does not have.
pub const VIOLATIONS: &[Violation] = &[];

/// Every step that the lives leave out is covered by a script.
#[test]
fn every_waived_step_is_played() {
    let names: BTreeSet<&str> = GAPS.iter().map(|gap| gap.exchange).collect();
    names.iter().for_each(|name| play::script(name).run(name));
    for entry in std::fs::read_dir(root().join("tests/data/exchanges")).expect("the scripts") {
        let name = entry.expect("an entry").path();
        let name = name.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned();
        assert!(names.contains(name.as_str()), "{name} is for no waiver");
    }
}

#[test]
fn waivers_are_of_this_emulator_and_say_why() {
    let requirements = include_str!("../../src/sandbox/requirements.txt");
    assert!(requirements.contains(EMULATOR), "look again at every waiver: the emulator is another one now");
    for gap in GAPS {
        assert!(dwctl::kinds::kind(gap.kind).is_some(), "{} is no kind", gap.kind);
        assert!(!gap.operation.is_empty() && !gap.reason.is_empty(), "{}: {:?}", gap.kind, gap.what);
        let exchange = play::script(gap.exchange);
        assert_eq!(exchange.kind, gap.kind, "{}", gap.exchange);
        assert!(exchange.calls(gap.operation), "{} has no {}", gap.exchange, gap.operation);
        if let What::Attribute(attribute) = gap.what {
            assert!(exchange.shows(attribute), "{} does not change {attribute}", gap.exchange);
        }
    }
    for waiver in VIOLATIONS {
        assert!(!waiver.reason.is_empty(), "{} {} {}", waiver.operation, waiver.member, waiver.rule);
    }
}
