//! The stack that a case declares, and its text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde_json::Value as Json;

use super::engine::{ABROAD, ACCOUNT, APART};
use crate::harness::REGION;

/// The stack's name.
pub const STACK: &str = "chaos";
/// The bucket of the ledger, in cases that keep it in S3.
pub const BUCKET: &str = "chaos-ledger";
const TRUST: &str = "assume_role_policy_document = { Version = \"2012-10-17\", Statement = [{ Effect = \"Allow\", \
    Action = \"sts:AssumeRole\", Principal = { Service = \"glue.amazonaws.com\" } }] }";
const INLINE: [&str; 2] = [
    "{ a = { Version = \"2012-10-17\", Statement = [{ Effect = \"Allow\", Action = \"sqs:SendMessage\", Resource = \"*\" }] } }",
    "{ b = { Version = \"2012-10-17\", Statement = [{ Effect = \"Allow\", Action = \"s3:ListBucket\", Resource = \"*\" }] } }",
];
const RULES: [&str; 2] = [
    "[{ ip_protocol = \"tcp\", from_port = 5439, to_port = 5439, cidr_ipv4 = \"10.0.0.0/8\" }]",
    "[{ ip_protocol = \"tcp\", from_port = 443, to_port = 443, cidr_ipv4 = \"0.0.0.0/0\" }, { ip_protocol = \"-1\", self = true }]",
];
const FILTERS: [&str; 2] = [
    "[{ filter_name = \"rows\", filter_pattern = \"ERROR\", metric_transformations = [{ metric_name = \"Rows\", metric_namespace = \"Chaos\", metric_value = \"1\" }] }]",
    "[{ filter_name = \"runs\", filter_pattern = \"RUN\", metric_transformations = [{ metric_name = \"Runs\", metric_namespace = \"Chaos\", metric_value = \"1\" }] }]",
];

/// An attribute that varies: absent, or one of these values. `{n}` is the resource's number.
pub struct Knob {
    pub name: &'static str,
    pub options: &'static [&'static str],
    /// True if AWS returns exactly the declared value.
    pub plain: bool,
    /// True if it is set on creation and cannot change afterwards.
    pub replaces: bool,
}

const fn plain(name: &'static str, options: &'static [&'static str]) -> Knob {
    Knob { name, options, plain: true, replaces: false }
}

const fn other(name: &'static str, options: &'static [&'static str]) -> Knob {
    Knob { name, options, plain: false, replaces: false }
}

const fn forever(name: &'static str, options: &'static [&'static str]) -> Knob {
    Knob { name, options, plain: true, replaces: true }
}

/// A kind, as far as chaos knows it.
pub struct Shape {
    pub kind: &'static str,
    /// The parent's kind.
    pub parent: Option<usize>,
    /// Attributes that are always declared. `{n}` is the resource's number, `{p}` its parent.
    head: &'static str,
    /// The id of resource `{n}`, if it follows from its name.
    pub named: Option<&'static str>,
    pub knobs: &'static [Knob],
}

impl Shape {
    /// True if any replacement can be created first. Another role of the same name cannot, and then does
    /// not exist when a job needs it.
    pub fn may_be_first(&self) -> bool {
        !["iam_role", "glue_job"].contains(&self.kind)
    }
}

/// Kinds of different shapes: named and assigned ids, children, single and multiple calls.
pub const SHAPES: [Shape; 13] = [
    Shape {
        kind: "sns_topic",
        parent: None,
        head: "name = \"topic-{n}\"",
        named: Some("arn:aws:sns:us-east-1:123456789012:topic-{n}"),
        knobs: &[plain("display_name", &["\"One\"", "\"Two\""]), plain("signature_version", &["\"2\""])],
    },
    Shape {
        kind: "iam_role",
        parent: None,
        head: "role_name = \"role-{n}\"\n{trust}",
        named: Some("role-{n}"),
        knobs: &[
            plain("description", &["\"One\"", "\"Two\""]),
            plain("max_session_duration", &["7200"]),
            other("inline_policies", &INLINE),
            // Another role of the same name.
            forever("path", &["\"/etl/\""]),
        ],
    },
    Shape {
        kind: "kms_key",
        parent: None,
        head: "description = \"Key {n}\"",
        named: None,
        knobs: &[
            plain("enable_key_rotation", &["true"]),
            plain("aliases", &["[\"alias/{n}-a\"]", "[\"alias/{n}-a\", \"alias/{n}-b\"]"]),
            forever("multi_region", &["true"]),
        ],
    },
    Shape {
        kind: "ec2_vpc",
        parent: None,
        head: "cidr_block = \"10.{n}.0.0/16\"",
        named: None,
        knobs: &[plain("enable_dns_hostnames", &["true"])],
    },
    Shape {
        kind: "ec2_subnet",
        parent: Some(3),
        head: "vpc_id = \"${{p}.vpc_id}\"\ncidr_block = \"${cidrsubnet({p}.cidr_block, 8, {n})}\"",
        named: None,
        knobs: &[plain("map_public_ip_on_launch", &["true"])],
    },
    Shape {
        kind: "ec2_security_group",
        parent: Some(3),
        head: "vpc_id = \"${{p}.vpc_id}\"\ngroup_name = \"group-{n}\"\ndescription = \"Chaos\"",
        named: None,
        knobs: &[other("ingress", &RULES)],
    },
    Shape {
        kind: "cloudwatchlogs_log_group",
        parent: None,
        head: "log_group_name = \"/chaos/{n}\"",
        named: Some("/chaos/{n}"),
        knobs: &[plain("retention_in_days", &["1", "14"]), other("metric_filters", &FILTERS)],
    },
    Shape {
        kind: "glue_database",
        parent: None,
        head: "name = \"db_{n}\"",
        named: Some("db_{n}"),
        knobs: &[
            plain("description", &["\"One\"", "\"Two\""]),
            plain("parameters", &["{ owner = \"data\" }", "{ owner = \"ops\", tier = \"1\" }"]),
        ],
    },
    Shape {
        kind: "glue_job",
        parent: Some(1),
        head: "name = \"job-{n}\"\nrole = \"${{p}.arn}\"\nglue_version = \"5.0\"\nworker_type = \"G.1X\"\nnumber_of_workers = 2\n\
               command = { script_location = \"s3://scripts/job.py\", python_version = \"3\" }",
        named: Some("job-{n}"),
        knobs: &[plain("description", &["\"One\"", "\"Two\""]), plain("timeout_minutes", &["60", "90"])],
    },
    Shape {
        kind: "s3_bucket",
        parent: None,
        head: "bucket = \"chaos-bucket-{n}\"\nforce_destroy = true",
        named: Some("chaos-bucket-{n}"),
        knobs: &[plain("versioning", &["true", "false"]), plain("tls_only", &["true"])],
    },
    Shape {
        kind: "s3_object",
        parent: Some(9),
        head: "bucket = \"${{p}.bucket}\"\nkey = \"dir/object-{n}\"\ncontent_type = \"text/plain\"",
        named: None,
        knobs: &[other("content", &["\"one\"", "\"two\""]), plain("cache_control", &["\"no-cache\""])],
    },
    Shape {
        kind: "secretsmanager_secret",
        parent: None,
        head: "name = \"secret-{n}\"\nrecovery_window_days = 0",
        named: Some("secret-{n}"),
        knobs: &[plain("description", &["\"One\"", "\"Two\""]), other("secret_string", &["\"a\"", "\"b\""])],
    },
    Shape {
        kind: "sns_subscription",
        parent: Some(0),
        head: "topic_arn = \"${{p}.arn}\"\nprotocol = \"sqs\"\nendpoint = \"arn:aws:sqs:us-east-1:123456789012:queue-{n}\"",
        named: None,
        knobs: &[plain("raw_message_delivery", &["true"])],
    },
];

/// A declared resource.
#[derive(Clone, Debug)]
pub struct Declared {
    pub shape: usize,
    /// The name in its address.
    pub label: String,
    /// The number in its physical name.
    pub number: u32,
    pub parent: Option<u32>,
    /// For each knob 0, or the option's index plus one.
    pub knobs: Vec<usize>,
    pub create_first: bool,
    pub after: Option<u32>,
    /// Its region or account, as in a [`Thing`](super::engine::Thing); children are in that of their parent.
    pub region: &'static str,
}

impl Declared {
    pub fn shape(&self) -> &'static Shape {
        &SHAPES[self.shape]
    }

    pub fn address(&self) -> String {
        format!("{}.{}", self.shape().kind, self.label)
    }

    /// The knobs that are set, with the option's text.
    pub fn set(&self) -> impl Iterator<Item = (&'static Knob, String)> + '_ {
        let options = self.shape().knobs.iter().zip(&self.knobs);
        options
            .filter(|(_, option)| **option > 0)
            .map(|(knob, option)| (knob, knob.options[*option - 1].replace("{n}", &self.number.to_string())))
    }
}

/// All that is declared.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// In the order of addition, so dependencies come first.
    pub resources: BTreeMap<u32, Declared>,
    pub moved: Vec<(String, String)>,
    /// The addresses in `[[removed]]` blocks.
    pub removed: Vec<String>,
    pub in_s3: bool,
    pub slots: u32,
    pub numbers: u32,
}

impl Model {
    pub fn fresh_number(&mut self) -> u32 {
        self.numbers += 1;
        // A part of network addresses, too.
        self.numbers
    }

    /// Declares another resource, and a parent for it if there is none.
    pub fn add(&mut self, shape: usize, choice: usize) -> u32 {
        let parent = SHAPES[shape].parent.map(|parent| {
            let there: Vec<u32> = self.of(parent);
            if there.is_empty() { self.add(parent, choice / 7) } else { there[choice % there.len()] }
        });
        let (slot, number) = (self.slots, self.fresh_number());
        self.slots += 1;
        let knobs = SHAPES[shape].knobs.iter().enumerate();
        let knobs = knobs.map(|(at, knob)| (choice >> (2 * at)) % (knob.options.len() + 1)).collect();
        let declared = Declared {
            shape,
            label: format!("r{slot}"),
            number,
            parent,
            knobs,
            create_first: choice % 5 == 4 && SHAPES[shape].may_be_first(),
            after: None,
            region: REGION,
        };
        self.resources.insert(slot, declared);
        slot
    }

    /// The resource that decides the region of this slot; `None` for a global resource.
    pub fn region_owner(&self, slot: u32) -> Option<u32> {
        let one = self.resources.get(&slot)?;
        match one.parent.and_then(|parent| self.region_owner(parent)) {
            None => (one.shape().kind != "iam_role").then_some(slot),
            parent => parent,
        }
    }

    fn region(&self, slot: u32) -> &'static str {
        self.region_owner(slot)
            .and_then(|region_owner| self.resources.get(&region_owner))
            .map_or(REGION, |one| one.region)
    }

    fn of(&self, shape: usize) -> Vec<u32> {
        self.resources.iter().filter(|(_, one)| one.shape == shape).map(|(slot, _)| *slot).collect()
    }

    /// One of the resources.
    pub fn pick(&self, choice: usize) -> Option<u32> {
        let count = self.resources.len();
        (count > 0).then(|| self.resources.keys().nth(choice % count).copied()).flatten()
    }

    /// The resources with their direct and indirect dependencies or, if `upwards`, dependents.
    pub fn spread(&self, slots: impl IntoIterator<Item = u32>, upwards: bool) -> BTreeSet<u32> {
        let mut all: BTreeSet<u32> = slots.into_iter().collect();
        loop {
            let before = all.len();
            for (slot, one) in &self.resources {
                let needs = one.parent.into_iter().chain(one.after);
                match upwards {
                    true if needs.clone().any(|needed| all.contains(&needed)) => drop(all.insert(*slot)),
                    false if all.contains(slot) => all.extend(needs),
                    _ => {}
                }
            }
            if all.len() == before {
                return all;
            }
        }
    }

    /// Removes a resource and its children.
    pub fn remove(&mut self, slot: u32) {
        let mut gone = BTreeSet::from([slot]);
        gone.extend(self.resources.iter().filter(|(_, one)| one.parent == Some(slot)).map(|(slot, _)| *slot));
        self.resources.retain(|slot, _| !gone.contains(slot));
        for one in self.resources.values_mut() {
            one.after = one.after.filter(|after| !gone.contains(after));
        }
    }

    /// The stack's text.
    pub fn text(&self) -> String {
        let mut text =
            format!("[stack]\nname = \"{STACK}\"\nregion = \"us-east-1\"\ntags = {{ team = \"data\" }}\n");
        text.push_str(ACCOUNT);
        if self.in_s3 {
            let _ = writeln!(text, "[ledger]\nbucket = \"{BUCKET}\"");
        }
        let declared: BTreeSet<String> = self.resources.values().map(Declared::address).collect();
        for (from, to) in &self.moved {
            // To where something is, now or after another move.
            let mut end = to;
            while let Some((_, next)) = self.moved.iter().find(|(from, _)| from == end) {
                end = next;
            }
            if !declared.contains(end) {
                continue;
            }
            let _ = writeln!(text, "[[moved]]\nfrom = \"{from}\"\nto = \"{to}\"");
        }
        for from in &self.removed {
            let _ = writeln!(text, "[[removed]]\nfrom = \"{from}\"");
        }
        for (slot, one) in &self.resources {
            let parent = one.parent.and_then(|slot| self.resources.get(&slot)).map(Declared::address);
            let head = one
                .shape()
                .head
                .replace("{n}", &one.number.to_string())
                .replace("{trust}", TRUST)
                .replace("{p}", &parent.unwrap_or_default());
            let _ = writeln!(text, "[{}]\n{head}", one.address());
            match self.region(*slot) {
                ABROAD => drop(writeln!(text, "region = \"{ABROAD}\"")),
                APART => text.push_str("account = \"other\"\n"),
                _ => {}
            }
            for (knob, option) in one.set() {
                let _ = writeln!(text, "{} = {option}", knob.name);
            }
            // An object has to have a content.
            if one.shape().kind == "s3_object" && one.knobs[0] == 0 {
                text.push_str("content = \"zero\"\n");
            }
            if let Some(after) = one.after.and_then(|slot| self.resources.get(&slot)) {
                let _ = writeln!(text, "depends_on = [\"{}\"]", after.address());
            }
            if one.create_first {
                text.push_str("lifecycle = { create_before_destroy = true }\n");
            }
        }
        text
    }
}

/// A TOML value as JSON.
pub fn json(text: &str) -> Json {
    let table: toml::Table = format!("value = {text}").parse().expect("TOML");
    serde_json::to_value(&table["value"]).expect("JSON")
}
