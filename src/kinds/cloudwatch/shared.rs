//! Tags of the kinds of Amazon CloudWatch.

use aws_sdk_cloudwatch::types::Tag;

use crate::aws::{Cx, Result, ResultExt, Tags};
use crate::kind::{Lookup, user_tags};

/// Tags in CloudWatch's own type; `None` if there are none.
pub fn to_tags(tags: &Tags) -> Option<Vec<Tag>> {
    (!tags.is_empty())
        .then(|| tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect())
}

/// The user's tags of a resource; `None` if it does not exist.
pub async fn read_tags(cx: &Cx, lookup: &Lookup<'_>, arn: &str) -> Result<Option<Tags>> {
    if let Some(tags) = lookup.tags {
        return Ok(Some(tags.clone()));
    }
    let answer = cx.aws.cloudwatch().list_tags_for_resource().resource_arn(arn).send().await.or_gone()?;
    Ok(answer.map(|answer| {
        user_tags(answer.tags().iter().filter_map(|tag| Some((tag.key()?, tag.value().unwrap_or_default()))))
    }))
}

/// Sets and removes tags.
pub async fn change_tags(cx: &Cx, arn: &str, set: &Tags, remove: &[String]) -> Result<()> {
    let cloudwatch = cx.aws.cloudwatch();
    if !remove.is_empty() {
        cloudwatch.untag_resource().resource_arn(arn).set_tag_keys(Some(remove.to_vec())).send().await?;
    }
    if !set.is_empty() {
        cloudwatch.tag_resource().resource_arn(arn).set_tags(to_tags(set)).send().await?;
    }
    Ok(())
}
