//! Tags of the kinds of Amazon CloudWatch.

use crate::kind::prelude::*;

tag_type!(aws_sdk_cloudwatch::types::Tag);
tagging!(cloudwatch(resource_arn): tag_resource.set_tags, untag_resource.set_tag_keys, list_tags_for_resource.tags);
