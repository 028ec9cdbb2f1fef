//! Parses the viewer leases that gateways send.

use primitives::node::is_machine_name;
use primitives::{FieldError, UserId};
use proto::stream::v1 as api;

use super::convert;
use crate::error::Result;
use crate::store::leases::{ByStream, Lease};

/// Gateways with more viewers split them into several calls.
const MAX_LEASES: usize = 20_000;
/// Connections of one viewer to one gateway; more than a process can have sockets.
const MAX_CONNECTIONS: u32 = 1_000_000;

/// Groups leases by stream, after `parse` has validated each one.
pub(super) fn by_stream<T>(
    leases: Vec<api::ViewerLease>,
    parse: impl Fn(api::ViewerLease) -> Result<T>,
) -> Result<ByStream<T>> {
    if leases.len() > MAX_LEASES {
        return Err(FieldError::too_many("leases", MAX_LEASES).into());
    }
    let mut grouped: ByStream<T> = ByStream::new();
    for lease in leases {
        let stream = convert::stream_id(lease.stream_id)?;
        grouped.entry(stream).or_default().push(parse(lease)?);
    }
    Ok(grouped)
}

/// Parses the lease of a viewer with at least one connection.
pub(super) fn lease(lease: api::ViewerLease) -> Result<Lease> {
    if !(1..=MAX_CONNECTIONS).contains(&lease.connections) {
        return Err(FieldError::out_of_range("connections", 1, MAX_CONNECTIONS).into());
    }
    Ok(Lease {
        viewer: viewer(lease.viewer)?,
        connections: lease.connections,
    })
}

/// Validates `u:<user id>` or `g:<visitor id>`.
pub(super) fn viewer(text: String) -> Result<String> {
    let valid = match text.split_once(':') {
        Some(("u", id)) => id.parse::<UserId>().is_ok(),
        Some(("g", id)) => is_machine_name(id),
        _ => false,
    };
    if valid {
        Ok(text)
    } else {
        Err(FieldError::new(
            "viewer",
            "invalid_viewer",
            "must be u:<user id> or g:<visitor id>",
        )
        .into())
    }
}

pub(super) fn gateway(text: String) -> Result<String> {
    if is_machine_name(&text) {
        Ok(text)
    } else {
        Err(FieldError::new("gateway", "invalid_name", "is not the name of a gateway").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn viewer_is_a_user_or_a_guest() {
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
    fn lease_needs_a_plausible_number_of_connections() {
        for (connections, fits) in [(0, false), (1, true), (1_000_000, true), (1_000_001, false)] {
            let message = api::ViewerLease {
                stream_id: 1,
                viewer: "u:7".into(),
                connections,
            };
            assert_eq!(lease(message).is_ok(), fits, "{connections}");
        }
    }
}
