//! The messages between services, and what every gRPC client and server needs.
//!
//! The modules [`auth`], [`stream`], [`vod`], [`chat`], [`notification`], [`events`] and [`common`] are
//! generated from `proto/airwave`. The others are written by hand:
//!
//! | module | contents |
//! | --- | --- |
//! | [`client`] | channels that add a deadline, a service token and a trace context to every call |
//! | [`server`], [`caller`] | the layer that authenticates callers, and what handlers know of them |
//! | [`status`] | [`primitives::Error`] as a gRPC status and back |
//! | [`page`], [`time`] | pages and times as messages |
//! | [`upload`] | streamed files with a request at the end |
//! | [`trace`] | trace contexts in metadata, headers and rows |

pub mod caller;
pub mod client;
pub mod page;
pub mod server;
pub mod status;
pub mod time;
pub mod trace;
pub mod upload;

mod metadata;

pub use caller::Caller;
pub use client::{CallContext, MAX_UPLOAD_TIME, Peer, PeerChannel};
pub use server::Access;
pub use status::{IntoStatus, error_from_status};

macro_rules! generated {
    ($($module:ident => $package:literal;)*) => {
        $(
            pub mod $module {
                // tonic allows lints in the clients and servers that it generates.
                #[cfg_attr(clippy, allow(clippy::allow_attributes))]
                pub mod v1 {
                    tonic::include_proto!($package);
                }
            }
        )*
    };
}

generated! {
    common => "airwave.common.v1";
    events => "airwave.events.v1";
    auth => "airwave.auth.v1";
    stream => "airwave.stream.v1";
    vod => "airwave.vod.v1";
    chat => "airwave.chat.v1";
    notification => "airwave.notification.v1";
}
