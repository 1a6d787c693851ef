//! The tag index of a stack, and what it shows.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::time::Duration;

use futures_util::future::join_all;

use crate::aws::{self, Place, Session, Tags};
use crate::graph::Address;
use crate::kind::{ErasedKind, Owner};
use crate::kinds;

/// Time limit for the tag index; the kinds work without it.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);
/// The most values of one tag in one call
/// (<https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_TagFilter.html>).
const VALUES: usize = 20;

/// The tags of a stack's resources in the tag index, by ARN.
pub type Index = HashMap<String, Tags>;

/// A resource that the tag index shows.
pub struct Shown {
    /// Its kind.
    pub kind: &'static dyn ErasedKind,
    /// Its id.
    pub id: String,
    /// Its address; `None` if it is too long for a tag.
    pub address: Option<Address>,
}

/// Why an entry of the tag index cannot be resolved.
pub enum Unresolved {
    /// The tag of the owner holds no address.
    NoAddress(String),
    /// This version has no such kind.
    NoKind(String),
    /// The ARN is not one of the kind.
    NoId(String),
}

impl fmt::Display for Unresolved {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAddress(tag) => write!(formatter, "has the tag `{tag}`, which is not an address"),
            Self::NoKind(address) => {
                write!(formatter, "is {address}, of a kind that this version does not know")
            }
            Self::NoId(address) => write!(formatter, "is {address}, but its id is not known"),
        }
    }
}

/// Resolves an entry of the tag index: an ARN, and the tag that names its address.
///
/// # Errors
/// The entry is not of a resource that this version knows.
pub fn resolve(arn: &str, tag: &str) -> Result<Shown, Unresolved> {
    let address = Address::of_tag(tag);
    let shown = address.as_ref().map_or_else(|| tag.to_owned(), ToString::to_string);
    let name = Address::kind_of_tag(tag).ok_or_else(|| Unresolved::NoAddress(tag.to_owned()))?;
    let kind = kinds::kind(name).ok_or_else(|| Unresolved::NoKind(shown.clone()))?;
    let id = kind.id_of_arn(arn).ok_or(Unresolved::NoId(shown))?;
    Ok(Shown { kind, id, address })
}

/// The ids of resources with an owner's tags, from a tag index.
pub(super) async fn indexed_ids(
    cx: aws::Cx,
    kind: &dyn ErasedKind,
    owner: &Owner,
) -> aws::Result<Vec<String>> {
    let filter = [
        (Owner::STACK, &[owner.stack.as_str()][..]),
        (Owner::ENV, &[owner.env.as_str()]),
        (Owner::ADDRESS, &[owner.address.as_str()]),
    ];
    let index = aws::tags_by_arn(&cx, &filter).await?;
    Ok(index.keys().filter_map(|arn| kind.id_of_arn(arn)).collect())
}

/// Fetches the tag indices of these places that are not known yet. An index that does not answer
/// counts as empty.
pub(super) async fn consult(
    session: &Session,
    mut places: BTreeSet<Place>,
    owner: &(String, String),
    indices: &mut BTreeMap<Place, Index>,
) {
    places.retain(|place| !indices.contains_key(place));
    let owner = (owner.0.as_str(), owner.1.as_str());
    let asked = join_all(places.into_iter().map(|place| async move {
        let index = ask(session, &place, owner, None).await;
        (place, index)
    }))
    .await;
    indices.extend(asked);
}

/// The part of a tag index with these addresses of an owner's stack and environment, as AWS tags
/// name them. An index that does not answer counts as empty.
pub async fn index_of(session: &Session, place: &Place, owner: (&str, &str), addresses: &[&str]) -> Index {
    let asked = addresses.chunks(VALUES).map(|some| ask(session, place, owner, Some(some)));
    join_all(asked).await.into_iter().flatten().collect()
}

/// Asks the tag index of a place for the resources of an owner, or for those with some addresses alone.
async fn ask(session: &Session, place: &Place, owner: (&str, &str), addresses: Option<&[&str]>) -> Index {
    let (stack, env) = ([owner.0], [owner.1]);
    let mut filter = vec![(Owner::STACK, &stack[..]), (Owner::ENV, &env)];
    filter.extend(addresses.map(|addresses| (Owner::ADDRESS, addresses)));
    let cx = session.cx(place);
    match tokio::time::timeout(TIMEOUT, aws::tags_by_arn(&cx, &filter)).await {
        Ok(Ok(index)) => index,
        Ok(Err(error)) => {
            tracing::debug!(%place, %error, "no tag index");
            Index::new()
        }
        Err(_) => {
            tracing::debug!(%place, "no tag index in time");
            Index::new()
        }
    }
}

/// The place whose tag index covers resources of this kind.
pub fn indexed(kind: &dyn ErasedKind, place: &Place) -> Place {
    if kind.global() { place.home() } else { place.clone() }
}

/// Returns whether the index shows these tags, which include the address, for exactly one resource,
/// the one with this id. Tags of others do not count.
pub fn shows(index: &Index, id: &str, tags: &Tags, is_others: &dyn Fn(&str, &str) -> bool) -> bool {
    let Some(address) = tags.get(Owner::ADDRESS) else { return false };
    let is_wanted = |found: &Tags| {
        tags.iter().all(|(key, value)| found.get(key) == Some(value))
            && found.keys().all(|key| tags.contains_key(key) || is_others(address, key))
    };
    let is_it = |arn: &str| resolve(arn, address).is_ok_and(|found| found.id == id);
    let mut of_address = index.iter().filter(|(_, found)| found.get(Owner::ADDRESS) == Some(address));
    match (of_address.next(), of_address.next()) {
        (Some((arn, found)), None) => is_wanted(found) && is_it(arn),
        // Not indexed yet, or indexed twice, because it was replaced or its address was reused.
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{Index, Tags, shows};

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_index_proves_tags_only_if_they_are_exactly_the_desired_ones() {
        let job = "arn:aws:glue:eu-west-1:123456789012:job/orders";
        let own = tags(&[("dwctl:address", "glue_job.orders"), ("team", "data")]);
        let index = |entries: &[(&str, &Tags)]| -> Index {
            entries.iter().map(|(arn, tags)| ((*arn).to_owned(), (*tags).clone())).collect()
        };
        let other = tags(&[("dwctl:address", "glue_job.returns"), ("team", "data")]);
        let plain = index(&[(job, &own), ("arn:aws:glue:eu-west-1:123456789012:job/returns", &other)]);
        assert!(shows(&plain, "orders", &own, &|_, _| false));

        // Tags that an organisation's automation adds are ignored, and no others.
        let more = tags(&[("dwctl:address", "glue_job.orders"), ("team", "data"), ("org:cost", "1")]);
        let is_others = |address: &str, key: &str| address == "glue_job.orders" && key == "org:cost";
        assert!(shows(&index(&[(job, &more)]), "orders", &own, &is_others));
        assert!(!shows(&index(&[(job, &more)]), "orders", &own, &|_, _| false));
        assert!(!shows(
            &index(&[(job, &tags(&[("dwctl:address", "glue_job.orders")]))]),
            "orders",
            &own,
            &is_others
        ));

        // The index has another resource at the address, or none.
        assert!(!shows(&plain, "orders-2", &own, &|_, _| false));
        assert!(!shows(&index(&[]), "orders", &own, &|_, _| false));
        // Tags that were changed, added or taken away.
        for there in [
            tags(&[("dwctl:address", "glue_job.orders"), ("team", "ops")]),
            tags(&[("dwctl:address", "glue_job.orders"), ("team", "data"), ("cost", "1")]),
            tags(&[("dwctl:address", "glue_job.orders")]),
            tags(&[("team", "data")]),
        ] {
            assert!(!shows(&index(&[(job, &there)]), "orders", &own, &|_, _| false), "{there:?}");
        }
        // A predecessor that the index still shows.
        let former = "arn:aws:glue:eu-west-1:123456789012:job/orders-1";
        let gone = tags(&[("dwctl:address", "glue_job.orders")]);
        assert!(!shows(&index(&[(job, &own), (former, &gone)]), "orders", &own, &|_, _| false));
        // Without an address, nothing proves whose tags they are.
        let nobody = tags(&[("team", "data")]);
        assert!(!shows(&index(&[(job, &nobody)]), "orders", &nobody, &|_, _| false));
    }

    #[test]
    fn an_index_names_resources_by_arn() {
        for (address, arn, id) in [
            ("cloudwatch_alarm.a", "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:late", "late"),
            (
                "cloudwatchlogs_log_group.a",
                "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/glue/jobs:*",
                "/aws/glue/jobs",
            ),
            ("eventbridge_rule.a", "arn:aws:events:eu-west-1:123456789012:rule/bus/nightly", "bus|nightly"),
            ("eventbridge_rule.a", "arn:aws:events:eu-west-1:123456789012:rule/nightly", "default|nightly"),
            ("s3_bucket.a", "arn:aws:s3:::acme-raw", "acme-raw"),
            ("s3_object.a", "arn:aws:s3:::acme-raw/a/b:c", "acme-raw/a/b:c"),
            ("iam_role.a", "arn:aws:iam::123456789012:role/team/etl", "etl"),
            (
                "secretsmanager_secret.a",
                "arn:aws:secretsmanager:eu-west-1:123456789012:secret:a/b-c-Ab12Cd",
                "a/b-c",
            ),
            ("sns_topic.a", "arn:aws:sns:eu-west-1:123456789012:t", "arn:aws:sns:eu-west-1:123456789012:t"),
        ] {
            let own = tags(&[("dwctl:address", address)]);
            let index = Index::from([(arn.to_owned(), own.clone())]);
            assert!(shows(&index, id, &own, &|_, _| false), "{arn}");
            // An ARN with the same ending is another resource.
            assert!(!shows(&index, &format!("/other{id}"), &own, &|_, _| false), "{arn}");
        }
    }
}
