//! Tags of the Redshift kinds.

use crate::kind::prelude::*;

tag_type!(aws_sdk_redshift::types::Tag);
tagging!(redshift(resource_name): create_tags.set_tags, delete_tags.set_tag_keys);
