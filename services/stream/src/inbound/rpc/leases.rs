//! What a gateway says of its viewers.

use primitives::{FieldError, UserId};
use proto::stream::v1 as api;

use super::convert;
use crate::config::is_node_name;
use crate::error::Result;
use crate::store::leases::{ByStream, Lease};

/// Leases in one call: a gateway with more viewers makes several.
const MOST_LEASES: usize = 20_000;
/// Connections of one viewer on one gateway: more sockets than a process can hold.
const MOST_CONNECTIONS: u32 = 1_000_000;

/// The leases of a call, checked one by one.
pub(super) fn by_stream<T>(
    leases: Vec<api::ViewerLease>,
    check: impl Fn(api::ViewerLease) -> Result<T>,
) -> Result<ByStream<T>> {
    if leases.len() > MOST_LEASES {
        return Err(FieldError::too_many("leases", MOST_LEASES).into());
    }
    let mut checked: ByStream<T> = ByStream::new();
    for lease in leases {
        let stream = convert::stream_id(lease.stream_id)?;
        checked.entry(stream).or_default().push(check(lease)?);
    }
    Ok(checked)
}

/// A viewer who is there, and so has a connection.
pub(super) fn lease(lease: api::ViewerLease) -> Result<Lease> {
    if !(1..=MOST_CONNECTIONS).contains(&lease.connections) {
        return Err(FieldError::out_of_range("connections", 1, MOST_CONNECTIONS).into());
    }
    Ok(Lease {
        viewer: viewer(lease.viewer)?,
        connections: lease.connections,
    })
}

/// `u:<user id>` or `g:<visitor id>`.
pub(super) fn viewer(text: String) -> Result<String> {
    let known = match text.split_once(':') {
        Some(("u", id)) => id.parse::<UserId>().is_ok(),
        Some(("g", id)) => is_node_name(id),
        _ => false,
    };
    if known {
        Ok(text)
    } else {
        Err(FieldError::new("viewer", "invalid", "must be u:<user id> or g:<visitor id>").into())
    }
}

pub(super) fn gateway(text: String) -> Result<String> {
    if is_node_name(&text) {
        Ok(text)
    } else {
        Err(FieldError::new("gateway", "invalid", "is not a gateway's name").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn viewers_are_users_or_guests() {
        for good in ["u:7", "g:0a1B-_."] {
            assert!(viewer(good.into()).is_ok(), "{good}");
        }
        for bad in [
            "", "7", "u:", "u:0", "u:07", "u:x", "g:", "g:a=b", "g:a;b", "g:a,b", "x:7",
        ] {
            assert!(viewer(bad.into()).is_err(), "{bad}");
        }
    }

    #[test]
    fn who_is_there_has_a_connection() {
        for (connections, fits) in [(0, false), (1, true), (1_000_000, true), (1_000_001, false)] {
            let told = api::ViewerLease {
                stream_id: 1,
                viewer: "u:7".into(),
                connections,
            };
            assert_eq!(lease(told).is_ok(), fits, "{connections}");
        }
    }
}
