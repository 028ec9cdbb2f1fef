//! The client's address behind our proxies.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

/// An address or a range of addresses, such as `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network(IpNet);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an address or a range such as 10.0.0.0/8")]
pub struct InvalidNetwork;

impl Network {
    /// Whether the range contains an address; an IPv4 address may be mapped to IPv6.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let address = || text.parse().map(|address: IpAddr| address.to_canonical().into());
        text.parse()
            .or_else(|_| address())
            .map(Self)
            .map_err(|_| InvalidNetwork)
    }
}

/// The header in which proxies append the address of their client.
pub(crate) const FORWARDED_FOR: &str = "x-forwarded-for";

/// Returns the client: the rightmost hop that is not a trusted proxy. Everything to its left may be forged.
/// `forwarded` are the values of [`FORWARDED_FOR`] in their order.
pub(crate) fn client<'a>(
    peer: IpAddr,
    forwarded: impl Iterator<Item = &'a [u8]>,
    trusted: &[Network],
) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let hops: Vec<&[u8]> = forwarded
        .flat_map(|value| value.split(|byte| *byte == b','))
        .collect();
    let mut client = peer.to_canonical();
    for hop in hops.into_iter().rev() {
        if !is_trusted(client) {
            break;
        }
        let address = std::str::from_utf8(hop)
            .ok()
            .and_then(|hop| hop.trim().parse::<IpAddr>().ok());
        let Some(address) = address else { break };
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
    fn range_contains_its_addresses() {
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
    fn client_is_the_rightmost_untrusted_hop() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let of = |peer: &str, header: &[&str]| {
            client(ip(peer), header.iter().map(|value| value.as_bytes()), &trusted).to_string()
        };
        assert_eq!(
            of("203.0.113.9", &["1.2.3.4"]),
            "203.0.113.9",
            "an untrusted peer's header is ignored"
        );
        assert_eq!(
            of("10.0.0.1", &["1.2.3.4, 203.0.113.9"]),
            "203.0.113.9",
            "hops to its left may be forged"
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
