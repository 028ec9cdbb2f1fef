//! The client's address behind our proxies.

use std::net::IpAddr;
use std::str::FromStr;

/// An address range, such as `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    base: u128,
    mask: u128,
}

/// A text that is no address range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an address or a range such as 10.0.0.0/8")]
pub struct InvalidNetwork;

impl Network {
    /// Whether the address lies in the range.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        bits(address) & self.mask == self.base
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| InvalidNetwork)?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let length: u32 = length.map_or(Ok(width), str::parse).map_err(|_| InvalidNetwork)?;
        let host_bits = width.checked_sub(length).ok_or(InvalidNetwork)?;
        let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
        Ok(Self {
            base: bits(address) & mask,
            mask,
        })
    }
}

/// IPv4 addresses count as the IPv6 addresses that they are mapped to.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// The client: the rightmost hop that is not one of our proxies. What stands left of it may be invented.
/// `forwarded` are the values of `X-Forwarded-For` in their order.
pub(crate) fn client<'a>(
    peer: IpAddr,
    forwarded: impl DoubleEndedIterator<Item = &'a str>,
    trusted: &[Network],
) -> IpAddr {
    let is_ours = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer.to_canonical();
    for hop in forwarded.flat_map(|value| value.split(',')).rev() {
        if !is_ours(client) {
            break;
        }
        let Ok(address) = hop.trim().parse::<IpAddr>() else {
            break;
        };
        client = address.to_canonical();
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn ranges_contain_their_addresses() {
        let private: Network = "10.0.0.0/8".parse().unwrap();
        assert!(private.contains(ip("10.255.1.2")) && !private.contains(ip("11.0.0.1")));
        assert!(
            "127.0.0.1"
                .parse::<Network>()
                .unwrap()
                .contains(ip("::ffff:127.0.0.1"))
        );
        let six: Network = "2001:db8::/32".parse().unwrap();
        assert!(six.contains(ip("2001:db8:1::1")) && !six.contains(ip("2001:db9::1")));
        assert!(
            "0.0.0.0/0"
                .parse::<Network>()
                .unwrap()
                .contains(ip("203.0.113.9"))
        );
        for bad in ["", "10.0.0.0/33", "host", "10.0.0.0/-1", "::/129"] {
            assert_eq!(bad.parse::<Network>(), Err(InvalidNetwork), "{bad:?}");
        }
    }

    #[test]
    fn the_client_is_the_rightmost_hop_that_is_not_ours() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let of = |peer: &str, header: &[&str]| client(ip(peer), header.iter().copied(), &trusted).to_string();
        assert_eq!(
            of("203.0.113.9", &["1.2.3.4"]),
            "203.0.113.9",
            "a stranger's header says nothing"
        );
        assert_eq!(
            of("10.0.0.1", &["1.2.3.4, 203.0.113.9"]),
            "203.0.113.9",
            "left of it may be invented"
        );
        assert_eq!(
            of("10.0.0.1", &["1.2.3.4", "203.0.113.9, 10.0.0.7"]),
            "203.0.113.9"
        );
        assert_eq!(of("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(of("10.0.0.1", &["nonsense"]), "10.0.0.1");
        assert_eq!(of("10.0.0.1", &["10.0.0.2, 10.0.0.3"]), "10.0.0.2");
    }
}
