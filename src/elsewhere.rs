//! The names of kinds and attributes in Terraform, in CloudFormation and in plain words. Error
//! messages lead from such a name to ours.
//!
//! The names come from the kinds ([`crate::kind::Kind::TERRAFORM`], `CFN`, `ALSO_CALLED`) and from
//! their schemas; nothing here names a kind.

use std::cell::Cell;
use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use crate::aws::Scope;
use crate::diag::nearest;
use crate::kind::{ErasedKind, Identity, Known};
use crate::kinds::{self, KINDS};
use crate::schema::{Node, PathStep, Shape};
use crate::value::Value;

/// Maximum number of names given as advice.
const MAX: usize = 3;

/// Maximum number of a table's attributes that are listed if no name is similar.
const KNOWN: usize = 10;

/// Settings that every resource has, and their names elsewhere.
const ENGINE: [(&str, &str); 16] = [
    ("depends_on", "depends_on"),
    ("for_each", "foreach"),
    ("for_each", "each"),
    ("when", "condition"),
    ("when", "if"),
    ("region", "provider"),
    ("tags", "tag"),
    ("tags", "tags_all"),
    ("lifecycle", "life_cycle"),
    ("lifecycle.protect", "prevent_destroy"),
    ("lifecycle.retain", "deletion_policy"),
    ("lifecycle.retain", "skip_destroy"),
    ("lifecycle.retain", "update_replace_policy"),
    ("lifecycle.create_before_destroy", "create_before_destroy"),
    ("lifecycle.ignore_changes", "ignore_changes"),
    ("lifecycle.replace_triggered_by", "replace_triggered_by"),
];

/// Names elsewhere that have no counterpart here, though they resemble one of our names.
const WITHOUT: [&str; 14] = [
    "app_sync_parameters",
    "batch_parameters",
    "bucket_namespace",
    "cluster_public_key",
    "cluster_revision_number",
    "defer_maintenance_duration",
    "defer_maintenance_start_time",
    "endpoint_auto_confirms",
    "ipv6_cidr_block_network_border_group",
    "ipv6_netmask_length",
    "map_customer_owned_ip_on_launch",
    "revoke_rules_on_delete",
    "snapshot_copy_manual",
    "timeouts",
];

/// A kind, or an attribute of one, that was found by another name.
#[derive(Clone, Copy)]
pub struct Home {
    /// The kind.
    pub kind: &'static dyn ErasedKind,
    /// Dotted path of the attribute; empty for the kind itself.
    pub attribute: &'static str,
}

impl std::fmt::Display for Home {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.kind.name())?;
        if self.attribute.is_empty() { Ok(()) } else { write!(out, ".{}", self.attribute) }
    }
}

/// The kind or attribute with exactly this name in Terraform or CloudFormation, in any of their
/// spellings: `aws_s3_bucket`, `AWS::S3::Bucket`, `aws_s3_bucket_policy`.
pub fn exactly(name: &str) -> Option<Home> {
    static TYPES: LazyLock<HashMap<String, Home>> = LazyLock::new(|| {
        let all = || KINDS.iter().map(AsRef::as_ref);
        let itself = all().flat_map(|kind| {
            let names = [kind.terraform().resource].into_iter().chain(kind.cloudformation());
            names.map(move |name| (name, Home { kind, attribute: "" }))
        });
        let parts = all().flat_map(|kind| {
            let types = kind.also_called().iter().filter(|(_, called)| is_type(called));
            types.map(move |&(attribute, called)| (called, Home { kind, attribute }))
        });
        let mut types = HashMap::new();
        for (name, home) in itself.chain(parts) {
            types.entry(plain_type(name)).or_insert(home);
        }
        types
    });
    TYPES.get(&plain_type(name)).copied()
}

/// Kinds that data of this name may be of: as [`kinds_like`], and those that can only be read.
pub fn data_kinds_like(name: &str) -> Vec<String> {
    let all = || kinds::DATA_KINDS.iter().map(AsRef::as_ref);
    let theirs = all().find(|kind: &&dyn ErasedKind| kind.terraform().resource == name);
    if let Some(near) = theirs.map(ErasedKind::name).or_else(|| typo_of(name, all().map(ErasedKind::name))) {
        return vec![near.to_owned()];
    }
    kinds_like(name)
}

/// The kinds, or attributes of kinds, that an unknown name may mean, best first.
pub fn kinds_like(name: &str) -> Vec<String> {
    static KNOWN: LazyLock<Vec<(&'static dyn ErasedKind, BTreeSet<String>)>> =
        LazyLock::new(|| KINDS.iter().map(AsRef::as_ref).map(|kind| (kind, words_of(kind))).collect());
    if has_searched_enough() {
        return Vec::new();
    }
    if let Some(home) = exactly(name) {
        return vec![home.to_string()];
    }
    let all = || KINDS.iter().map(AsRef::as_ref);
    if let Some(near) = typo_of(name, all().map(ErasedKind::name)) {
        return vec![near.to_owned()];
    }
    let wanted = words(&plain_type(name));
    let head = words_in_order(&plain_type(name)).pop();
    let fits = |fit: &dyn Fn(&BTreeSet<String>) -> bool| {
        let mut found: Vec<&(&dyn ErasedKind, BTreeSet<String>)> =
            KNOWN.iter().filter(|(_, own)| fit(own)).collect();
        // Best is the kind whose own name has the fewest other words.
        found.sort_by_key(|(kind, _)| {
            let own = words(kind.name());
            (!head.as_ref().is_some_and(|head| own.contains(head)), own.difference(&wanted).count())
        });
        // If this very word is in our own name of a kind, drop kinds that are only called so elsewhere.
        let is_own =
            |kind: &dyn ErasedKind| head.as_ref().is_some_and(|head| words(kind.name()).contains(head));
        let own = found.iter().any(|(kind, _)| is_own(*kind));
        let found = found.into_iter().filter(|(kind, _)| !own || is_own(*kind));
        found.take(MAX).map(|(kind, _)| kind.name().to_owned()).collect::<Vec<_>>()
    };
    let found = fits(&|own| !wanted.is_empty() && wanted.is_subset(own));
    if !found.is_empty() || is_type(name) {
        return found;
    }
    // `data_bucket` means some bucket, but `lambda_function` does not mean a step function, nor `orders_table` a route
    // table.
    let heads = |kind: &dyn ErasedKind| {
        let own = words_in_order(kind.name());
        let thing = own.get(1..).unwrap_or_default();
        let same = thing.iter().filter(|word| wanted.contains(*word)).count();
        head.as_ref().is_some_and(|head| own.contains(head)) && (thing.len() < 2 || same > 1)
    };
    let mut found = fits(&|own| head.as_ref().is_some_and(|head| own.contains(head)));
    found.retain(|name| kinds::kind(name).is_some_and(heads));
    found
}

/// The attributes that an unknown name in the table at `parent` may mean, best first, as dotted
/// paths. `parent` is dotted, and empty for the resource itself.
pub fn attributes_like(kind: &dyn ErasedKind, parent: &str, name: &str) -> Vec<String> {
    let spec = &kind.schema().spec;
    let table = below(spec, parent).filter(|_| !has_searched_enough());
    let Some(table) = table else { return Vec::new() };
    let here = |field: &str| if parent.is_empty() { field.to_owned() } else { format!("{parent}.{field}") };
    let mine = snake(name);
    let fields = || table.fields().into_iter().flatten().map(|(name, _)| name.as_str());
    if let Some(field) = fields().find(|field| *field == mine) {
        return vec![here(field)];
    }
    let of_all = ENGINE.into_iter().map(|(own, _)| own).find(|own| *own == mine && *own != name);
    if let Some(own) = of_all.filter(|_| parent.is_empty()) {
        return vec![own.to_owned()];
    }
    let translated = translated(kind, parent, &mine);
    if !translated.is_empty() {
        return translated;
    }
    if WITHOUT.contains(&mine.as_str()) || parent.is_empty() && mine == "id" && kind.assigns_ids() {
        return Vec::new();
    }
    if parent.is_empty()
        && ["name", "id", "identifier", "resource_name", "name_prefix"].contains(&mine.as_str())
        && let Some(name) = naming(kind)
    {
        return vec![name];
    }
    if let Some(near) = typo_of(&mine, fields()) {
        return vec![here(near)];
    }
    if parent.is_empty() {
        let theirs = ENGINE.into_iter().find(|(_, theirs)| *theirs == mine);
        let own =
            theirs.map(|(own, _)| own).or_else(|| typo_of(&mine, ENGINE.into_iter().map(|(own, _)| own)));
        // A correctly written name has another problem.
        if let Some(own) = own.filter(|own| *own != name) {
            return vec![own.to_owned()];
        }
    }
    let mut elsewhere = named(spec, &mine, parent);
    // A plain word such as `enabled` does not mean an attribute of an unrelated table.
    if !parent.is_empty() && !mine.contains('_') {
        let table =
            |path: &str| path.rsplit_once('.').map_or(String::new(), |(table, _)| format!("{table}."));
        let here = format!("{parent}.");
        elsewhere.retain(|path| table(path).starts_with(&here) || here.starts_with(&table(path)));
    }
    if !elsewhere.is_empty() {
        return elsewhere;
    }
    let wanted = words(&mine);
    let mut found: Vec<&str> = fields()
        .filter(|field| {
            let own = words(field);
            wanted.is_subset(&own) || (own.len() > 1 && own.is_subset(&wanted))
        })
        .collect();
    found.sort_by_key(|field| words(field).symmetric_difference(&wanted).count());
    let mut found: Vec<String> = found.into_iter().take(MAX).map(here).collect();
    if found.is_empty() {
        found.extend(nearest(&mine, fields()).map(here));
    }
    found
}

/// Returns whether this thread has searched so often that further advice is useless. The advice of
/// the first errors is shown, and each search takes about a tenth of a millisecond.
fn has_searched_enough() -> bool {
    const SEARCHES: u32 = 5_000;
    thread_local! {
        static LEFT: Cell<u32> = const { Cell::new(SEARCHES) };
    }
    let left = LEFT.get();
    LEFT.set(left.saturating_sub(1));
    left == 0
}

/// The names as a question, `a`, `b` or `c`; empty without names.
pub fn did_you_mean<S: AsRef<str>>(names: &[S]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((only, [])) => format!("did you mean {only}?"),
        Some((last, others)) => format!("did you mean {} or {last}?", others.join(", ")),
    }
}

/// The attributes with this name in Terraform or CloudFormation. Those in the table at `parent` come
/// before those anywhere else.
fn translated(kind: &dyn ErasedKind, parent: &str, name: &str) -> Vec<String> {
    let spec = &kind.schema().spec;
    let pairs: Vec<&(&str, &str)> = kind
        .terraform()
        .names
        .iter()
        .chain(kind.also_called())
        .filter(|(path, _)| !path.is_empty())
        .collect();
    let called = |there: &str| !is_type(there) && snake(there) == name;
    let found = pairs.iter().filter(|(_, there)| called(there)).map(|(here, _)| *here);
    let mut found: Vec<&str> = found.collect();
    found.dedup();
    let within = |path: &&&str| path.rsplit_once('.').map_or("", |(parent, _)| parent) == parent;
    let here: Vec<String> = found.iter().filter(within).take(MAX).map(|path| (*path).to_owned()).collect();
    if !here.is_empty() {
        return here;
    }
    // Elsewhere there is one more table: its members are in this table here.
    if !parent.is_empty() && found.contains(&parent) {
        return vec![parent.to_owned()];
    }
    // Blocks elsewhere in the kind, and anything below this table. A mere `name` may mean anything.
    let is_block = |path: &str| below(spec, path).is_some_and(|node| node.fields().is_some());
    let inside = |path: &str| path.starts_with(&format!("{parent}.")) && !parent.is_empty();
    if found.iter().any(|path| inside(path)) {
        found.retain(|path| inside(path));
    }
    let specific = name.contains('_') || (found.len() == 1 && !["name", "id"].contains(&name));
    let mut found: Vec<String> = found
        .into_iter()
        .filter(|path| is_block(path) || inside(path) || specific)
        .map(str::to_owned)
        .collect();
    found.truncate(MAX);
    found
}

/// The attribute that names the resource.
fn naming(kind: &dyn ErasedKind) -> Option<String> {
    let scope =
        Scope { partition: "aws".to_owned(), account_id: "0".repeat(12), region: "us-east-1".to_owned() };
    let fields = kind.schema().spec.fields()?;
    let texts = || fields.iter().filter(|(_, node)| matches!(node.shape, Shape::String { .. }));
    let probe = |changed: &str| {
        let spec =
            texts().map(|(name, _)| (name.clone(), Value::from(if name == changed { "b" } else { "a" })));
        match kind.identity(Known(&Value::Map(spec.collect())), &scope) {
            Identity::Named(id) => Some(id),
            _ => None,
        }
    };
    let plain = probe("");
    let mut decides: Vec<&String> =
        texts().map(|(name, _)| name).filter(|name| plain.is_some() && probe(name) != plain).collect();
    // Between a catalog and a name, the name is meant.
    decides.sort_by_key(|name| (*name != "name", !name.ends_with("name")));
    let named = decides.first().map(|name| (*name).clone());
    named.or_else(|| texts().map(|(name, _)| name).find(|name| name.ends_with("_name")).cloned())
}

/// Other places in a kind with an attribute of this name: above the table at `parent`, below it, or
/// elsewhere.
fn named(spec: &Node, name: &str, parent: &str) -> Vec<String> {
    fn walk(node: &Node, path: &str, name: &str, found: &mut Vec<String>) {
        for (field, inner) in element(node).fields().into_iter().flatten() {
            let here = if path.is_empty() { field.clone() } else { format!("{path}.{field}") };
            if field == name {
                found.push(here.clone());
            }
            walk(inner, &here, name, found);
        }
    }
    let mut found = Vec::new();
    walk(spec, "", name, &mut found);
    let depth = |path: &str| path.split('.').count();
    let inside = |path: &String| !parent.is_empty() && path.starts_with(&format!("{parent}."));
    if found.iter().any(inside) {
        found.retain(inside);
    }
    found.sort_by_key(|path| depth(path));
    if found.len() <= MAX {
        return found;
    }
    // For an attribute in many tables, suggest the table that contains them all.
    let first: Vec<&str> = found.first().map(|path| path.split('.').collect()).unwrap_or_default();
    let shared = (0..first.len())
        .take_while(|at| found.iter().all(|path| path.split('.').nth(*at) == first.get(*at).copied()));
    let common = first.iter().take(shared.count()).copied().collect::<Vec<_>>().join(".");
    if common.is_empty() || common == parent { Vec::new() } else { vec![common] }
}

/// The node at a dotted path, through lists and maps; the path may contain a key of a map.
fn below<'n>(spec: &'n Node, path: &str) -> Option<&'n Node> {
    let mut steps = path.split('.').filter(|step| !step.is_empty());
    let node = steps.try_fold(spec, |node, step| match (element(node).fields()?.get(step), &node.shape) {
        (Some(field), _) => Some(field),
        (None, Shape::Map(element)) => Some(element.as_ref()),
        (None, _) => None,
    })?;
    Some(element(node))
}

/// A path without list indices and map keys, as the names elsewhere are listed.
pub fn dotted(kind: &dyn ErasedKind, path: &[PathStep]) -> String {
    let mut names: Vec<&str> = Vec::new();
    let mut node = Some(&kind.schema().spec);
    for step in path {
        node = match (node.map(|node| &node.shape), step) {
            (Some(Shape::List { element, .. } | Shape::Map(element)), _) => Some(element),
            (_, PathStep::Index(_)) => None,
            (_, PathStep::Name(name)) => {
                names.push(name);
                node.and_then(Node::fields).and_then(|fields| fields.get(name))
            }
        };
    }
    names.join(".")
}

/// Advice, in a few words, on an attribute that a table of a kind does not have.
pub fn advice(kind: &dyn ErasedKind, path: &[PathStep]) -> String {
    let Some((PathStep::Name(name), parents)) = path.split_last() else { return String::new() };
    let parent = dotted(kind, parents);
    let likely = attributes_like(kind, &parent, name);
    match likely.first() {
        // The name is correct, only its table is not.
        Some(path) if path == name => {
            format!("`{name}` belongs to the resource itself, not to `{parent}`")
        }
        Some(path) if *path == parent => format!("its contents belong in `{parent}` itself"),
        // Within the same table, the name is enough.
        Some(_) => {
            let here = format!("{parent}.");
            let short = |path: String| match path.strip_prefix(&here) {
                Some(rest) if !rest.contains('.') => rest.to_owned(),
                _ => path,
            };
            did_you_mean(&likely.into_iter().map(short).collect::<Vec<_>>())
        }
        None => {
            let fields = below(&kind.schema().spec, &parent).and_then(Node::fields);
            let names: Vec<String> =
                fields.into_iter().flatten().map(|(name, _)| format!("`{name}`")).collect();
            if names.is_empty() || names.len() > KNOWN {
                String::new()
            } else {
                format!("known: {}", names.join(", "))
            }
        }
    }
}

/// The attributes of a kind, and its tags: everything that `ignore_changes` can ignore.
pub fn everything(kind: &str) -> Vec<String> {
    let Some(kind) = kinds::kind(kind) else { return Vec::new() };
    let fields = kind.schema().spec.fields().into_iter().flatten().map(|(name, _)| name.clone());
    fields.chain(kind.taggable().then(|| "tags".to_owned())).collect()
}

fn element(node: &Node) -> &Node {
    match &node.shape {
        Shape::List { element, .. } | Shape::Map(element) => self::element(element),
        _ => node,
    }
}

/// A candidate that differs only by a typo.
fn typo_of<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = nearest(name, candidates)?;
    let slips = if name.len() > 4 { 2 } else { 1 };
    (strsim::osa_distance(name, near) <= slips).then_some(near)
}

/// Returns whether a name is a type of Terraform or CloudFormation.
fn is_type(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.starts_with("aws_") || lower.starts_with("aws::")
}

/// A type of Terraform or CloudFormation in their common form: `s3_bucket`.
fn plain_type(name: &str) -> String {
    let parts: Vec<String> = name.split("::").map(snake).collect();
    let joined = parts.join("_");
    joined.strip_prefix("aws_").map_or(joined.clone(), str::to_owned)
}

/// `BucketName`, `bucket-name` and `bucket name` as `bucket_name`; `DBName` as `db_name`.
fn snake(name: &str) -> String {
    let letters: Vec<char> = name.trim().chars().collect();
    let mut snake = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| letters.get(at));
        let after_small = before.is_some_and(|letter| letter.is_lowercase() || letter.is_ascii_digit());
        let before_small = before.is_some_and(|letter| letter.is_uppercase())
            && letters.get(at + 1).is_some_and(|next| next.is_lowercase());
        if letter.is_uppercase() && (after_small || before_small) {
            snake.push('_');
        }
        if letter.is_alphanumeric() {
            snake.extend(letter.to_lowercase());
        } else {
            snake.push('_');
        }
    }
    snake
}

/// The words of a name, in the singular.
fn words_in_order(name: &str) -> Vec<String> {
    let words = name.split('_').filter(|word| !word.is_empty() && *word != "aws");
    words
        .map(|word| match word {
            word if word.ends_with("ies") && word.len() > 4 => format!("{}y", &word[..word.len() - 3]),
            word if word.ends_with('s') && !word.ends_with("ss") && word.len() > 3 => {
                word[..word.len() - 1].to_owned()
            }
            word => word.to_owned(),
        })
        .collect()
}

fn words(name: &str) -> BTreeSet<String> {
    words_in_order(name).into_iter().collect()
}

/// Every word in any name of a kind.
fn words_of(kind: &dyn ErasedKind) -> BTreeSet<String> {
    let plain = kind.also_called().iter().filter(|(path, _)| path.is_empty()).map(|(_, name)| *name);
    let names =
        [kind.name(), kind.terraform().resource].into_iter().chain(kind.cloudformation()).chain(plain);
    names.flat_map(|name| words_in_order(&plain_type(name))).collect()
}

/// The kind with this name, here or elsewhere.
pub fn kind(name: &str) -> Option<Home> {
    kinds::kind(name).map(|kind| Home { kind, attribute: "" }).or_else(|| exactly(name))
}

#[cfg(test)]
mod tests {
    use super::{attributes_like, did_you_mean, exactly, kinds_like, snake};
    use crate::kinds::{KINDS, kind};

    #[test]
    fn names_of_other_tools_and_plain_words_lead_to_a_kind() {
        for (name, first) in [
            ("aws_cloudwatch_log_group", "cloudwatchlogs_log_group"),
            ("aws_glue_catalog_database", "glue_database"),
            ("AWS::S3::Bucket", "s3_bucket"),
            ("aws::glue::job", "glue_job"),
            ("AWS::StepFunctions::StateMachine", "sfn_state_machine"),
            ("S3::Bucket", "s3_bucket"),
            ("glue_catalog_database", "glue_database"),
            ("aws_s3_bucket_versioning", "s3_bucket.versioning"),
            ("aws_iam_role_policy_attachment", "iam_role.managed_policy_arns"),
            ("AWS::SNS::TopicPolicy", "sns_topic.policy"),
            ("AWS::Logs::MetricFilter", "cloudwatchlogs_log_group.metric_filters"),
            ("sns_topik", "sns_topic"),
            ("s3_buckets", "s3_bucket"),
            ("bucket", "s3_bucket"),
            ("S3Bucket", "s3_bucket"),
            ("s3", "s3_bucket"),
            ("data_bucket", "s3_bucket"),
            ("crawler", "glue_crawler"),
            ("etl_job", "glue_job"),
            ("database", "glue_database"),
            ("role", "iam_role"),
            ("state_machine", "sfn_state_machine"),
            ("step_function", "sfn_state_machine"),
            ("stepfunctions_state_machine", "sfn_state_machine"),
            ("log_group", "cloudwatchlogs_log_group"),
            ("parameter_group", "redshift_cluster_parameter_group"),
            ("redshift", "redshift_cluster"),
            ("topic", "sns_topic"),
            ("secret", "secretsmanager_secret"),
            ("vpc", "ec2_vpc"),
            ("network", "ec2_vpc"),
            ("firewall", "ec2_security_group"),
            ("kms", "kms_key"),
            ("alarm", "cloudwatch_alarm"),
            ("cron", "eventbridge_rule"),
        ] {
            let near = kinds_like(name);
            assert_eq!(near.first().map(String::as_str), Some(first), "{name}: {near:?}");
        }
        for name in [
            "aws_lambda_function",
            "lambda_function",
            "dynamodb_table",
            "ecs_service",
            "glue_table",
            "AWS::DynamoDB::Table",
            "aws_glue_catalog_table",
            "qqq",
            "",
        ] {
            assert_eq!(kinds_like(name), [""; 0], "{name}");
        }
    }

    #[test]
    fn names_of_other_tools_and_plain_words_lead_to_an_attribute() {
        for (of, parent, name, first) in [
            ("redshift_cluster", "", "database_name", "db_name"),
            ("redshift_cluster", "", "master_password", "master_user_password"),
            ("redshift_cluster", "", "DBName", "db_name"),
            ("glue_job", "command", "script", "command.script_location"),
            ("glue_job", "", "script", "command.script_location"),
            ("glue_crawler", "", "path", "targets"),
            ("s3_bucket", "", "acl", "object_ownership"),
            ("redshift_cluster", "", "name", "cluster_identifier"),
            ("cloudwatchlogs_log_group", "", "name", "log_group_name"),
            ("cloudwatchlogs_log_group", "", "retention", "retention_in_days"),
            ("cloudwatchlogs_log_group", "metric_filters", "pattern", "metric_filters.filter_pattern"),
            ("cloudwatchlogs_log_group", "metric_filters", "name", "metric_filters.filter_name"),
            ("s3_bucket", "", "name", "bucket"),
            ("s3_bucket", "", "bucket_name", "bucket"),
            ("s3_bucket", "", "BucketName", "bucket"),
            ("s3_bucket", "", "VersioningConfiguration", "versioning"),
            ("s3_bucket", "", "lifecycle_rule", "lifecycle_rules"),
            ("s3_bucket", "lifecycle_rules", "enabled", "lifecycle_rules.status"),
            ("s3_bucket", "replication.rules", "enabled", "replication.rules.status"),
            ("s3_bucket", "", "server_side_encryption_configuration", "encryption"),
            ("s3_bucket", "", "sse_algorithm", "encryption.sse_algorithm"),
            ("glue_crawler", "", "s3_target", "targets.s3_targets"),
            ("glue_crawler", "", "s3_targets", "targets.s3_targets"),
            ("glue_crawler", "", "security_configuration", "crawler_security_configuration"),
            ("glue_crawler", "", "database", "database_name"),
            ("glue_job", "", "role_arn", "role"),
            ("glue_job", "", "timeout", "timeout_minutes"),
            ("glue_job", "", "workers", "number_of_workers"),
            ("glue_job", "", "script_location", "command.script_location"),
            ("glue_job", "", "NumberOfWorkers", "number_of_workers"),
            ("glue_job", "command", "ScriptLocation", "command.script_location"),
            ("iam_role", "", "assume_role_policy", "assume_role_policy_document"),
            ("iam_role", "", "trust_policy", "assume_role_policy_document"),
            ("iam_role", "", "name", "role_name"),
            ("iam_role", "", "inline_policy", "inline_policies"),
            ("iam_policy", "", "policy", "policy_document"),
            ("kms_key", "", "deletion_window_in_days", "deletion_window_days"),
            ("sfn_state_machine", "", "state_machine_name", "name"),
            ("sfn_state_machine", "", "role", "role_arn"),
            (
                "sfn_state_machine",
                "logging_configuration",
                "log_destination",
                "logging_configuration.log_group_arn",
            ),
            ("ec2_security_group", "ingress", "protocol", "ingress.ip_protocol"),
            ("ec2_security_group", "ingress", "cidr_blocks", "ingress.cidr_ipv4"),
            ("sns_topic", "", "fifo", "fifo_topic"),
            ("sns_topic", "", "nmae", "name"),
            ("sns_topic", "", "DependsOn", "depends_on"),
            ("sns_topic", "", "DeletionPolicy", "lifecycle.retain"),
            ("sns_topic", "", "prevent_destroy", "lifecycle.protect"),
            ("sns_topic", "", "for_eech", "for_each"),
        ] {
            let near = attributes_like(kind(of).expect("a kind"), parent, name);
            assert_eq!(near.first().map(String::as_str), Some(first), "{of}.{parent} {name}: {near:?}");
        }
        assert_eq!(attributes_like(kind("sns_topic").expect("a kind"), "", "zzz"), [""; 0]);
        assert_eq!(attributes_like(kind("sns_topic").expect("a kind"), "no.such", "name"), [""; 0]);
    }

    /// Every name in the tables leads to its declared path, which exists.
    #[test]
    fn every_name_of_another_tool_leads_to_ours() {
        for kind in KINDS.iter().map(AsRef::as_ref) {
            let types = [kind.terraform().resource].into_iter().chain(kind.cloudformation());
            for name in types {
                assert_eq!(exactly(name).expect("a home").to_string(), kind.name(), "{name}");
            }
            for (path, name) in kind.terraform().names.iter().chain(kind.also_called()) {
                let what = format!("{}: {path} is {name}", kind.name());
                assert!(
                    super::below(&kind.schema().spec, path).is_some(),
                    "{what}: there is no such attribute"
                );
                if super::is_type(name) {
                    let home = exactly(name).expect("a home");
                    assert_eq!((home.kind.name(), home.attribute), (kind.name(), *path), "{what}");
                } else if path.is_empty() {
                    assert!(kinds_like(name).iter().any(|near| near == kind.name()), "{what}");
                } else {
                    let parent = path.rsplit_once('.').map_or("", |(parent, _)| parent);
                    let table = super::below(&kind.schema().spec, parent).and_then(|node| node.fields());
                    // A name that exists here, too, needs no advice.
                    if table.is_some_and(|fields| !fields.contains_key(&snake(name))) {
                        let leads =
                            |parent| attributes_like(kind, parent, name).iter().any(|one| one == path);
                        assert!(leads(parent) || leads(path), "{what}");
                    }
                }
            }
        }
    }

    #[test]
    fn advice_is_a_question() {
        assert_eq!(did_you_mean::<&str>(&[]), "");
        assert_eq!(did_you_mean(&["a"]), "did you mean `a`?");
        assert_eq!(did_you_mean(&["a", "b", "c"]), "did you mean `a`, `b` or `c`?");
    }
}
