//! What travels between the services, and how.
//!
//! The modules [`auth`], [`stream`], [`vod`], [`chat`], [`notification`], [`events`] and [`common`] are
//! generated from `proto/airwave`. Around them: [`status`] carries a [`primitives::Error`] over gRPC and
//! back, [`client`] makes channels whose calls all have a deadline, [`server`] refuses callers that a method
//! does not accept, [`trace`] hands trace contexts on, and [`time`] turns protobuf times into ours.
//! [`upload`] reads and makes the messages of uploads.

pub mod client;
pub mod page;
pub mod server;
pub mod status;
pub mod time;
pub mod trace;
pub mod upload;

mod metadata;

pub use client::{CallContext, MAX_UPLOAD_TIME, Peer, PeerChannel};
pub use server::{Access, Caller};
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
