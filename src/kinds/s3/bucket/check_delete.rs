//! Objects and versions that would keep S3 from deleting a bucket
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/delete-bucket.html>).

use crate::kind::prelude::*;

/// Checks the first thousand versions. `parts` are objects of the stack that are deleted before.
pub(super) async fn check_delete(
    cx: &Cx,
    id: &str,
    versioning: bool,
    parts: &[Known<'_>],
) -> Result<Option<DeleteCheck>> {
    let list = cx.aws.s3().list_object_versions().bucket(id).max_keys(1000).send().await;
    let Some(page) = list.or_gone()? else { return Ok(None) };
    let versions = page.versions().iter().map(|one| (one.key(), one.version_id(), true));
    let markers = page.delete_markers().iter().map(|one| (one.key(), one.version_id(), false));
    let mut staying = versions.chain(markers).filter(|(key, version, is_object)| {
        let own = parts.iter().find(|part| part.text("key") == *key);
        // Without versioning, a deleted object is gone. With it, versions and a delete marker stay.
        let is_whole = |part: &&Known<'_>| {
            part.flag("force_destroy") == Some(true)
                || (!versioning && *is_object && version.is_none_or(|version| version == "null"))
        };
        !own.is_some_and(|part| is_whole(&part))
    });
    let Some((key, ..)) = staying.next() else { return Ok(None) };
    let (count, key) = (1 + staying.count(), key.unwrap_or_default());
    let more = if page.is_truncated() == Some(true) { "at least " } else { "" };
    let what = if versioning { "version of an object" } else { "object" };
    let what = match (versioning, count) {
        (true, 2..) => format!("{count} versions of objects"),
        _ => counted(count, what),
    };
    Ok(Some(DeleteCheck::Refused {
        why: format!("holds {more}{what}, such as `{key}`"),
        help:
            "empty it; or set `force_destroy = true` and apply that, so that its contents are deleted with it"
                .to_owned(),
    }))
}
