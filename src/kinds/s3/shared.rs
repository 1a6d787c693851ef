//! Helpers shared by the kinds of Amazon S3.

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{Delete, ObjectIdentifier, Tag};

use crate::kind::prelude::*;

tag_type!(Tag);

/// Converts tags to S3's type.
pub fn to_tags<'a>(tags: impl IntoIterator<Item = (&'a String, &'a String)>) -> Result<Vec<Tag>> {
    tags.into_iter().map(|(key, value)| SdkTag::of(key, value)).collect()
}

/// Converts tags from S3's type.
pub fn of_tags<'a, T: FromIterator<(String, String)>>(tags: impl IntoIterator<Item = &'a Tag>) -> T {
    tags.into_iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect()
}

/// Computes the tags after a change. AWS's own tags stay: S3 only replaces all tags at once, and refuses a
/// set without AWS's own.
pub fn changed_tags(before: &[Tag], set: &Tags, remove: &[String]) -> Tags {
    let mut tags: Tags = of_tags(before);
    tags.retain(|key, _| !remove.contains(key));
    tags.extend(set.clone());
    tags
}

/// Deletes up to a thousand versions.
pub async fn delete_versions(s3: &Client, bucket: &str, objects: Vec<ObjectIdentifier>) -> Result<()> {
    if objects.is_empty() {
        return Ok(());
    }
    let delete = Delete::builder().set_objects(Some(objects)).quiet(true).build().built()?;
    let Some(answer) = s3.delete_objects().bucket(bucket).delete(delete).send().await.or_gone()? else {
        return Ok(());
    };
    match answer.errors().first() {
        None => Ok(()),
        Some(error) => {
            let class = match error.code() {
                Some("InternalError" | "SlowDown") => Class::Transient,
                Some("AccessDenied") => Class::Denied,
                _ => Class::Invalid,
            };
            Err(Error {
                code: error.code().unwrap_or_default().to_owned(),
                ..Error::finding(
                    class,
                    format!(
                        "`{}` and {} other versions in `{bucket}` cannot be deleted: {}",
                        error.key().unwrap_or_default(),
                        answer.errors().len() - 1,
                        error.message().unwrap_or("S3 does not say why")
                    ),
                )
            })
        }
    }
}
