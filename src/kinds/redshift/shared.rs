//! Helpers shared by the Redshift kinds.

use aws_sdk_redshift::types::Tag;

use crate::aws::{Cx, Result, Tags};
use crate::kind::user_tags;

/// Converts tags to Redshift's type.
pub(super) fn to_tags(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// Converts tags from Redshift's type, without AWS's own.
pub(super) fn from_tags(tags: &[Tag]) -> Tags {
    user_tags(tags.iter().map(|tag| (tag.key().unwrap_or_default(), tag.value().unwrap_or_default())))
}

/// Sets and removes tags of the resource with this ARN.
pub(super) async fn tag(cx: &Cx, arn: &str, set: &Tags, remove: &[String]) -> Result<()> {
    let redshift = cx.aws.redshift();
    if !remove.is_empty() {
        redshift.delete_tags().resource_name(arn).set_tag_keys(Some(remove.to_vec())).send().await?;
    }
    if !set.is_empty() {
        redshift.create_tags().resource_name(arn).set_tags(Some(to_tags(set))).send().await?;
    }
    Ok(())
}
