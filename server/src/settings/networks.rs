//! [`Networks`]: the addresses that a setting is for.

use std::net::IpAddr;

use super::value::{SettingValue, quoted};

/// Bits of an address once IPv4 is written as IPv6.
const BITS: u32 = 128;

/// Bits that IPv4 has fewer.
const MAPPED_BITS: u32 = 96;

/// Some addresses and blocks of addresses.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Networks(Vec<Network>);

/// The addresses that begin with the same bits, as `10.0.0.0/8`.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Network {
    /// As it was written.
    text: String,
    first: u128,
    /// Bits in which an address may differ.
    free_bits: u32,
}

impl Networks {
    /// Whether an address is among them.
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = bits(address);
        self.0.iter().any(|network| prefix(address ^ network.first, network.free_bits) == 0)
    }

    fn of<'a>(items: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        items.into_iter().map(|item| Network::parse(item.trim())).collect::<Option<_>>().map(Self)
    }
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length.parse::<u32>().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let skipped = if address.is_ipv4() { MAPPED_BITS } else { 0 };
        let free_bits = match length {
            Some(length) => (BITS - skipped).checked_sub(length)?,
            None => 0,
        };
        Some(Self { text: text.to_owned(), first: bits(address), free_bits })
    }
}

/// An address of IPv4 as IPv6 maps it.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// The bits in front of the last `free`.
fn prefix(bits: u128, free: u32) -> u128 {
    bits.checked_shr(free).unwrap_or_default()
}

impl SettingValue for Networks {
    const KIND: &'static str = "list of addresses";
    const FORM: &'static str =
        "a list such as [\"10.0.0.7\", \"10.1.0.0/16\"], in an environment variable separated by commas";

    fn parse(text: &str) -> Option<Self> {
        Self::of(text.split(',').filter(|item| !item.trim().is_empty()))
    }

    fn from_file(value: &toml::Value) -> Option<Self> {
        let items: Option<Vec<&str>> = value.as_array()?.iter().map(toml::Value::as_str).collect();
        Self::of(items?)
    }

    fn show(&self) -> Option<String> {
        let items: Vec<String> = self.0.iter().map(|network| quoted(&network.text)).collect();
        Some(format!("[{}]", items.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot build its input should stop")]

    use super::*;

    #[test]
    fn a_block_contains_the_addresses_that_begin_as_it_does() {
        let networks = Networks::parse("10.1.0.0/16, 192.168.0.7, 2001:db8::/32, ::1").unwrap();
        for inside in ["10.1.0.0", "10.1.255.255", "::ffff:10.1.2.3", "192.168.0.7", "2001:db8:9::1", "::1"] {
            assert!(networks.contain(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["10.0.255.255", "10.2.0.0", "192.168.0.8", "2001:db9::", "::2", "127.0.0.1"] {
            assert!(!networks.contain(outside.parse().unwrap()), "{outside}");
        }
        assert!(!Networks::default().contain("127.0.0.1".parse().unwrap()));
        let all = Networks::parse("0.0.0.0/0").unwrap();
        assert!(all.contain("9.9.9.9".parse().unwrap()) && !all.contain("2001:db8::1".parse().unwrap()));
        assert!(Networks::parse("::/0").unwrap().contain("2001:db8::1".parse().unwrap()));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["localhost", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "10.0.0"] {
            assert!(Networks::parse(text).is_none(), "{text}");
        }
    }
}
