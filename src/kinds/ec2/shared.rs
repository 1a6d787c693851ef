//! Helpers shared by the kinds of Amazon EC2.

use std::net::{Ipv4Addr, Ipv6Addr};

use aws_sdk_ec2::types::{AttributeBooleanValue, Filter, ResourceType, Tag, TagSpecification};

use crate::kind::prelude::*;

tag_type!(Tag);

/// Maximum number of values in a filter
/// (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html>).
pub const FILTER_VALUES: usize = 200;

/// The largest page size that all `Describe` calls of these kinds accept.
pub const PAGE: i32 = 1000;

/// A filter. With one, AWS leaves out resources that do not exist; an id in the request itself would
/// fail the whole call.
pub fn filter(name: &str, values: impl IntoIterator<Item = impl Into<String>>) -> Filter {
    Filter::builder().name(name).set_values(Some(values.into_iter().map(Into::into).collect())).build()
}

/// Filters by resource id, each with as many ids as one call accepts.
pub fn by_ids<'a>(name: &'a str, lookups: &'a [Lookup<'_>]) -> impl Iterator<Item = Filter> + 'a {
    lookups.chunks(FILTER_VALUES).map(move |chunk| filter(name, chunk.iter().map(|lookup| lookup.id)))
}

/// Filters by the owner tags.
pub fn by_owner(owner: &Owner) -> Vec<Filter> {
    exactly([], &owner.tags())
}

/// Filters by exactly these values and tags. `*` and `?` are wildcards in the value of a filter, so `\` escapes
/// them.
pub fn exactly<'a>(values: impl IntoIterator<Item = (&'a str, Option<String>)>, tags: &Tags) -> Vec<Filter> {
    let escaped = |text: &str| -> String {
        text.chars()
            .flat_map(|one| matches!(one, '*' | '?' | '\\').then_some('\\').into_iter().chain([one]))
            .collect()
    };
    let values = values.into_iter().filter_map(|(name, value)| Some(filter(name, [escaped(&value?)])));
    values.chain(tags.iter().map(|(key, value)| filter(&format!("tag:{key}"), [escaped(value)]))).collect()
}

/// Makes `ids`, which lists the ids of the resources that pass filters, and the search by `Existing`: the names of
/// EC2's filters, each with the field that has its value. `unless` names the function that tells which ones are gone.
macro_rules! existing {
    (
        $describe:ident.$set:ident($page:expr) => $id:ident $(unless $is_gone:ident)?;
        $($name:literal = $field:ident),+ $(,)?
    ) => {
        /// The ids of the resources that pass all filters.
        async fn ids(cx: &Cx, filters: Vec<aws_sdk_ec2::types::Filter>) -> Result<Vec<String>> {
            let request = cx.aws.ec2().$describe().$set(Some(filters)).max_results($page);
            let found: Vec<_> = request.into_paginator().items().send().try_collect().await?;
            let there = found.into_iter()$(.filter(|one| !$is_gone(one)))?;
            Ok(there.filter_map(|one| one.$id).collect())
        }

        impl Filter for Existing {
            async fn search(cx: &Cx, filters: &[Self]) -> Vec<Result<Vec<String>>> {
                each_filter(filters, async |one: &Self| {
                    let values = [$(($name, one.$field.as_ref().map(ToString::to_string))),+];
                    ids(cx, exactly(values, &one.tags)).await
                })
                .await
            }
        }
    };
}
pub(super) use existing;

/// Tags for a create call; `None` if there are none, since AWS refuses an empty list.
pub fn tags_of(resource: ResourceType, tags: &Tags) -> Result<Option<Vec<TagSpecification>>> {
    let of = |tags| vec![TagSpecification::builder().resource_type(resource).set_tags(Some(tags)).build()];
    Ok(sdk_tags(tags)?.map(of))
}

/// Sets and removes tags.
///
/// # Errors
/// An error from AWS.
pub async fn tag(cx: &Cx, id: &str, set: &Tags, remove: &[String]) -> Result<()> {
    let ec2 = cx.aws.ec2();
    if !remove.is_empty() {
        let tags = remove.iter().map(|key| Tag::builder().key(key).build()).collect();
        ec2.delete_tags().resources(id).set_tags(Some(tags)).send().await?;
    }
    if !set.is_empty() {
        ec2.create_tags().resources(id).set_tags(sdk_tags(set)?).send().await?;
    }
    Ok(())
}

/// A flag in the type of the `Modify…Attribute` calls.
pub fn flag(value: bool) -> AttributeBooleanValue {
    AttributeBooleanValue::builder().value(value).build()
}

/// The ARN of an EC2 resource. Its owner may be another account (shared subnets).
pub fn arn(cx: &Cx, owner: Option<&str>, resource: &str, id: &str) -> String {
    let scope = &cx.scope;
    let owner = owner.unwrap_or(&scope.account_id);
    format!("arn:{}:ec2:{}:{owner}:{resource}/{id}", scope.partition, scope.region)
}

/// A CIDR block: its first address and the length of its prefix. `bits` distinguishes IPv4 from IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    first: u128,
    /// The bits of an address: 32 or 128.
    bits: u32,
    /// The length of the prefix.
    pub prefix: u32,
}

impl Cidr {
    /// Parses an IPv4 block: `10.0.0.0/16`.
    pub fn v4(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/')?;
        let first = u128::from(u32::from(address.parse::<Ipv4Addr>().ok()?));
        Some(Self { first, bits: 32, prefix: length(prefix, 32)? })
    }

    /// Parses an IPv6 block: `2600:1f14::/56`.
    pub fn v6(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/')?;
        let first = u128::from(address.parse::<Ipv6Addr>().ok()?);
        Some(Self { first, bits: 128, prefix: length(prefix, 128)? })
    }

    /// The bits of an address outside the prefix.
    fn host_mask(self) -> u128 {
        // Shifting 128 bits by 128 would overflow.
        1_u128.checked_shl(self.bits - self.prefix).map_or(u128::MAX, |bit| bit - 1)
    }

    /// The block as AWS returns it: with its first address, IPv6 in short form.
    pub fn canonical(self) -> String {
        let first = self.first & !self.host_mask();
        match u32::try_from(first) {
            Ok(first) if self.bits == 32 => format!("{}/{}", Ipv4Addr::from(first), self.prefix),
            _ => format!("{}/{}", Ipv6Addr::from(first), self.prefix),
        }
    }

    /// Returns whether this block contains all of the other.
    pub fn contains(self, other: Self) -> bool {
        self.prefix <= other.prefix && self.overlaps(other)
    }

    /// Returns whether the blocks have an address in common.
    pub fn overlaps(self, other: Self) -> bool {
        let mask = !(self.host_mask() | other.host_mask());
        self.bits == other.bits && self.first & mask == other.first & mask
    }
}

fn length(text: &str, most: u32) -> Option<u32> {
    let is_plain = text == "0" || !text.starts_with(['0', '+']);
    text.parse().ok().filter(|length| is_plain && *length <= most)
}

/// Checks the IPv4 block of a network, whose prefix must be `/16` to `/28`
/// (<https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html>).
pub fn check_network_v4(path: &str, text: &str) -> Option<Problem> {
    let Some(cidr) = Cidr::v4(text) else {
        return Some(not_a_block(path, text, "an IPv4", "10.0.0.0/16"));
    };
    if !(16..=28).contains(&cidr.prefix) {
        let message = format!("AWS has no networks of /{}", cidr.prefix);
        return Some(Problem::new(path, message).help("choose a prefix from /16 to /28"));
    }
    check_canonical(path, text, cidr).or_else(|| {
        let (block, of) =
            SPECIAL.iter().find(|(block, _)| Cidr::v4(block).is_some_and(|one| one.overlaps(cidr)))?;
        let message = format!("{text} is in {block}, which is reserved for {of}");
        Some(
            Problem::warning(path, message)
                .help("such as 10.0.0.0/16: a block of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16"),
        )
    })
}

/// Blocks that no host of a network can have, from
/// <https://www.iana.org/assignments/iana-ipv4-special-registry/>.
const SPECIAL: [(&str, &str); 5] = [
    ("0.0.0.0/8", "\"this network\""),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local addresses, such as instance metadata"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "future use"),
];

/// Checks the IPv4 block of a rule.
pub fn check_v4(path: &str, text: &str) -> Option<Problem> {
    match Cidr::v4(text) {
        Some(cidr) => check_canonical(path, text, cidr),
        None => Some(not_a_block(path, text, "an IPv4", "10.0.0.0/16, or 203.0.113.7/32 for one address")),
    }
}

/// Checks an IPv6 block.
pub fn check_v6(path: &str, text: &str) -> Option<Problem> {
    match Cidr::v6(text) {
        Some(cidr) => check_canonical(path, text, cidr),
        None => Some(not_a_block(path, text, "an IPv6", "2600:1f14:abcd::/56")),
    }
}

fn not_a_block(path: &str, text: &str, which: &str, example: &str) -> Problem {
    Problem::new(path, format!("\"{text}\" is not {which} CIDR block")).help(format!("such as {example}"))
}

/// AWS returns blocks in canonical form, so another form would be a permanent difference.
fn check_canonical(path: &str, text: &str, cidr: Cidr) -> Option<Problem> {
    let canonical = cidr.canonical();
    (text != canonical).then(|| {
        Problem::new(path, format!("\"{text}\" is not the way AWS writes this block"))
            .help(format!("write \"{canonical}\""))
    })
}

#[cfg(test)]
mod tests {
    use super::{Cidr, check_network_v4, check_v4, check_v6};

    #[test]
    fn cidr_blocks_are_parsed_and_written_as_aws_does() {
        for (text, canonical) in
            [("10.0.0.0/16", "10.0.0.0/16"), ("10.0.3.4/22", "10.0.0.0/22"), ("0.0.0.0/0", "0.0.0.0/0")]
        {
            assert_eq!(Cidr::v4(text).map(Cidr::canonical).as_deref(), Some(canonical));
        }
        for (text, canonical) in [
            ("::/0", "::/0"),
            ("2600:1F14:0:0::/56", "2600:1f14::/56"),
            ("2001:db8::1/128", "2001:db8::1/128"),
        ] {
            assert_eq!(Cidr::v6(text).map(Cidr::canonical).as_deref(), Some(canonical));
        }
        for text in ["10.0.0.0", "10.0.0/16", "10.0.0.0/33", "10.0.0.0/+8", "10.0.0.0/08", "::/0", ""] {
            assert_eq!(Cidr::v4(text), None, "{text}");
        }
    }

    #[test]
    fn overlapping_cidr_blocks_are_found() {
        let cidr = |text| Cidr::v4(text).or_else(|| Cidr::v6(text)).unwrap_or_else(|| panic!("{text}"));
        assert!(cidr("10.0.0.0/16").overlaps(cidr("10.0.1.0/24")));
        assert!(cidr("10.0.1.0/24").overlaps(cidr("10.0.0.0/16")));
        assert!(!cidr("10.0.0.0/24").overlaps(cidr("10.0.1.0/24")));
        assert!(cidr("0.0.0.0/0").overlaps(cidr("10.0.1.0/24")));
        assert!(!cidr("0.0.0.0/0").overlaps(cidr("::/0")));
        assert!(cidr("10.0.0.0/16").contains(cidr("10.0.1.0/24")));
        assert!(cidr("10.0.0.0/16").contains(cidr("10.0.0.0/16")));
        assert!(!cidr("10.0.1.0/24").contains(cidr("10.0.0.0/16")));
        assert!(!cidr("0.0.0.0/0").contains(cidr("::/0")));
    }

    #[test]
    fn invalid_cidr_blocks_are_reported() {
        assert_eq!(check_network_v4("c", "10.0.0.0/16"), None);
        assert_eq!(check_network_v4("c", "100.64.0.0/16"), None);
        assert_eq!(check_network_v4("c", "198.19.0.0/16"), None);
        for block in ["127.0.0.0/16", "169.254.0.0/24", "224.0.0.0/16", "0.0.0.0/16", "240.1.0.0/16"] {
            assert!(check_network_v4("c", block).is_some_and(|problem| problem.warning), "{block}");
        }
        assert_eq!(check_v4("c", "203.0.113.7/32"), None);
        assert_eq!(check_v6("c", "::/0"), None);
        let help = |problem: Option<super::Problem>| problem.map(|problem| problem.help).unwrap_or_default();
        assert_eq!(help(check_network_v4("c", "10.0.1.0/16")), "write \"10.0.0.0/16\"");
        assert_eq!(help(check_network_v4("c", "10.0.0.0/8")), "choose a prefix from /16 to /28");
        assert_eq!(
            help(check_v4("c", "203.0.113.7")),
            "such as 10.0.0.0/16, or 203.0.113.7/32 for one address"
        );
        assert_eq!(help(check_v6("c", "2600:1F14::/32")), "write \"2600:1f14::/32\"");
    }
}
