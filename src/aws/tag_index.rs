//! The tag index over all services, AWS Resource Groups Tagging: the tags of a hundred resources a
//! call. It lags behind the services, so it only ever saves calls. Its one IAM action,
//! `tag:GetResources`, is optional.

use std::collections::HashMap;

use aws_sdk_resourcegroupstagging::config::{self, retry::RetryConfig};
use aws_sdk_resourcegroupstagging::types::TagFilter;

use super::{Cx, Result, Tags};

/// The maximum size of a page
/// (<https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html>).
const PAGE: i32 = 100;

/// The tags of all resources in the region that have all tags of `filter`, each with one of its values, by
/// ARN, without AWS's own (`aws:*`). Deleted resources may still be among them, and new ones still missing.
///
/// # Errors
/// AWS answered with an error.
pub async fn tags_by_arn(cx: &Cx, filter: &[(&str, &[&str])]) -> Result<HashMap<String, Tags>> {
    let filters = filter.iter().map(|(key, values)| {
        let values = values.iter().map(|&value| value.to_owned()).collect();
        TagFilter::builder().key(*key).set_values(Some(values)).build()
    });
    let filters: Vec<TagFilter> = filters.collect();
    // An optional call is not worth many attempts.
    let hasty = || config::Builder::new().retry_config(RetryConfig::standard().with_max_attempts(2));
    let mut found = HashMap::new();
    let mut token = None;
    loop {
        let page = cx
            .aws
            .resourcegroupstagging()
            .get_resources()
            .set_tag_filters(Some(filters.clone()))
            .resources_per_page(PAGE)
            .set_pagination_token(token)
            .customize()
            .config_override(hasty())
            .send()
            .await?;
        for resource in page.resource_tag_mapping_list.unwrap_or_default() {
            let tags = resource.tags.unwrap_or_default().into_iter();
            let tags = tags.map(|tag| (tag.key, tag.value)).filter(|(key, _)| !key.starts_with("aws:"));
            found.insert(resource.resource_arn.unwrap_or_default(), tags.collect());
        }
        token = page.pagination_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(found);
        }
    }
}
