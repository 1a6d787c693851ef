//! Objects as listings of their buckets show them: one call for a thousand versions.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_s3::types::ObjectVersion;
use futures_util::future::join_all;

use crate::kind::prelude::*;

/// The attributes of a version that can change: its lock, and its encryption (`UpdateObjectEncryption`).
const CHANGEABLE: [&str; 6] = [
    "bucket_key_enabled",
    "object_lock_legal_hold_status",
    "object_lock_mode",
    "object_lock_retain_until_date",
    "server_side_encryption",
    "ssekms_key_id",
];

/// The objects of some lookups, by id: the current version, or `None` if there is certainly no object. An
/// object that is not in it is asked for by itself.
pub type Listed = HashMap<String, Option<ObjectVersion>>;

/// Lists the versions in the buckets of at least two lookups that a listing may answer. Nothing is listed for
/// a caller who may not.
pub async fn listed(cx: &Cx, lookups: &[Lookup<'_>]) -> Listed {
    let mut buckets: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for lookup in lookups.iter().filter(|lookup| is_answered(lookup)) {
        if let Ok((bucket, key)) = parts(lookup.id) {
            buckets.entry(bucket).or_default().push(key);
        }
    }
    let several = buckets.into_iter().filter(|(_, keys)| keys.len() > 1);
    let listed = join_all(several.map(|(bucket, keys)| list(cx, bucket, keys))).await;
    listed.into_iter().flatten().collect()
}

/// Returns whether a listing may answer a lookup: whether the object exists, or whether it is as applied.
fn is_answered(lookup: &Lookup<'_>) -> bool {
    let is_known = lookup.applied.is_some() && !CHANGEABLE.iter().any(|attribute| lookup.wants(attribute));
    // A listing is XML, which does not keep every control character.
    let is_listed = !lookup.id.contains(char::is_control);
    is_listed && (is_known || lookup.is_bare() || (lookup.applied.is_none() && lookup.tags.is_none()))
}

/// Lists the current versions of these keys, in at most half as many calls.
async fn list(cx: &Cx, bucket: &str, mut keys: Vec<&str>) -> Listed {
    keys.sort_unstable();
    let id = |key: &str| format!("{bucket}/{key}");
    let mut found: HashMap<String, ObjectVersion> = HashMap::new();
    let mut next: (Option<String>, Option<String>) = (None, None);
    // The keys that the pages so far have passed.
    let mut passed = 0;
    for _ in 0..keys.len() / 2 {
        let request = cx.aws.s3().list_object_versions().bucket(bucket).prefix(common_prefix(&keys));
        let (key_marker, version_marker) = next;
        let request = request.set_key_marker(key_marker).set_version_id_marker(version_marker);
        let page = match request.send().await.or_gone() {
            Ok(Some(page)) => page,
            Ok(None) => {
                passed = keys.len();
                break;
            }
            Err(_) => break,
        };
        let current = page.versions.unwrap_or_default().into_iter();
        let current = current.filter(|version| version.is_latest() == Some(true));
        found.extend(current.filter_map(|version| Some((id(version.key()?), version))));
        let marker = page.next_key_marker.filter(|_| page.is_truncated == Some(true));
        let Some(marker) = marker else {
            passed = keys.len();
            break;
        };
        // Keys come in order, and the current version of a key comes first.
        passed = keys.partition_point(|key| *key < marker.as_str());
        if passed == keys.len() {
            break;
        }
        next = (Some(marker), page.next_version_id_marker);
    }
    let known = |(place, key): (usize, &&str)| {
        let version = found.get(&id(key)).cloned();
        (place < passed || version.is_some()).then(|| (id(key), version))
    };
    keys.iter().enumerate().filter_map(known).collect()
}

/// The common beginning of all keys.
fn common_prefix<'a>(keys: &[&'a str]) -> &'a str {
    let mut prefix = keys.first().copied().unwrap_or_default();
    while let Some(last) =
        prefix.chars().next_back().filter(|_| !keys.iter().all(|key| key.starts_with(prefix)))
    {
        prefix = &prefix[..prefix.len() - last.len_utf8()];
    }
    prefix
}

/// Bucket and key of an id; a bucket's name has no slash.
pub fn parts(id: &str) -> Result<(&str, &str)> {
    id.split_once('/')
        .ok_or_else(|| Error::finding(Class::Invalid, format!("`{id}` is not a bucket, a slash and a key")))
}
