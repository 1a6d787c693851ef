//! IP address ranges, versions 4 and 6.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::{Arguments, Function, Outcome, Problem, Reads};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("cidrhost", &["prefix", "host"], Reads::All, cidrhost),
    Function::new("cidrnetmask", &["prefix"], Reads::All, cidrnetmask),
    Function::new("cidrsubnet", &["prefix", "new_bits", "number"], Reads::All, cidrsubnet),
    Function::new("cidrsubnets", &["prefix", "new_bits..."], Reads::All, cidrsubnets),
];

/// A range as numbers, so that both versions use the same arithmetic.
#[derive(Clone, Copy)]
struct Block {
    first: u128,
    length: u8,
    /// 32 or 128, by version.
    bits: u8,
}

impl Block {
    fn of(arguments: &Arguments<'_>) -> Result<Self, Problem> {
        let text = arguments.text(0)?;
        let net: IpNet = text
            .parse()
            .map_err(|_| Problem::of(0, format!("`{text}` is not an address block in CIDR notation")))?;
        Ok(match net {
            IpNet::V4(net) => {
                Self { first: u32::from(net.network()).into(), length: net.prefix_len(), bits: 32 }
            }
            IpNet::V6(net) => Self { first: net.network().into(), length: net.prefix_len(), bits: 128 },
        })
    }

    /// The highest host number, with all host bits set.
    fn last_host(self) -> u128 {
        u128::MAX.checked_shr(128 - u32::from(self.bits - self.length)).unwrap_or(0)
    }

    fn address(self, host: u128) -> IpAddr {
        let number = self.first | host;
        match u32::try_from(number) {
            Ok(number) if self.bits == 32 => Ipv4Addr::from(number).into(),
            _ => Ipv6Addr::from(number).into(),
        }
    }

    fn show(self) -> Value {
        format!("{}/{}", self.address(0), self.length).into()
    }

    fn longer_by(self, new_bits: i64, argument: usize) -> Result<u8, Problem> {
        u8::try_from(i64::from(self.length).saturating_add(new_bits))
            .ok()
            .filter(|&length| new_bits >= 0 && length <= self.bits)
            .ok_or_else(|| {
                let room = self.bits - self.length;
                Problem::of(
                    argument,
                    format!("the prefix has room for 0 to {room} more bits, not {new_bits}"),
                )
            })
    }
}

fn cidrhost(arguments: &mut Arguments<'_>) -> Outcome {
    let block = Block::of(arguments)?;
    let number = arguments.number(1)?;
    if !number.is_integer() {
        return Err(Problem::of(1, "expected a whole number"));
    }
    let host = u128::try_from(number.magnitude()).ok().and_then(|distance| match distance.checked_sub(1) {
        // -1 means the last address.
        Some(back) if number.is_negative() => block.last_host().checked_sub(back),
        _ => Some(distance).filter(|&host| host <= block.last_host()),
    });
    match host {
        Some(host) => Ok(block.address(host).to_string().into()),
        None => Err(Problem::of(1, format!("the prefix has no host {number}")).code("out-of-range")),
    }
}

fn cidrnetmask(arguments: &mut Arguments<'_>) -> Outcome {
    let block = Block::of(arguments)?;
    if block.bits != 32 {
        return Err(Problem::of(0, "only version 4 blocks have a netmask"));
    }
    let mask = u32::MAX.checked_shl(32 - u32::from(block.length)).unwrap_or(0);
    Ok(Ipv4Addr::from(mask).to_string().into())
}

fn cidrsubnet(arguments: &mut Arguments<'_>) -> Outcome {
    let block = Block::of(arguments)?;
    let new_bits = arguments.integer(1)?;
    let length = block.longer_by(new_bits, 1)?;
    let number = u128::try_from(arguments.integer(2)?)
        .ok()
        .filter(|number| new_bits >= 128 || number.checked_shr(new_bits as u32).unwrap_or(0) == 0)
        .ok_or_else(|| {
            Problem::of(2, format!("{new_bits} bits do not hold that number")).code("out-of-range")
        })?;
    let shifted = number.checked_shl(u32::from(block.bits - length)).unwrap_or(0);
    Ok(Block { first: block.first | shifted, length, ..block }.show())
}

fn cidrsubnets(arguments: &mut Arguments<'_>) -> Outcome {
    let block = Block::of(arguments)?;
    let end = block.first | block.last_host();
    let mut next = Some(block.first);
    let mut subnets = Vec::new();
    for index in 1..arguments.len() {
        let length = block.longer_by(arguments.integer(index)?, index)?;
        let subnet = Block { length, ..block };
        // A block is aligned to its size.
        let last = subnet.last_host();
        let first = next
            .and_then(|next| next.checked_add(last))
            .map(|first| first & !last)
            .filter(|&first| first <= end)
            .ok_or_else(|| {
                Problem::of(index, "the prefix has no room left for this block").code("out-of-range")
            })?;
        subnets.push(Block { first, ..subnet }.show());
        next = (first | last).checked_add(1);
    }
    Ok(subnets.into())
}
