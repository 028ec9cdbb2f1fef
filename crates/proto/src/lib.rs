//! What travels between the services, and how.
//!
//! The modules [`auth`], [`stream`], [`vod`], [`chat`], [`notification`], [`events`] and [`common`] are
//! generated from `proto/airwave`. Around them: [`status`] carries a [`primitives::Error`] over gRPC and
//! back, [`client`] makes channels whose calls all have a deadline, [`server`] refuses callers that a method
//! does not accept, [`trace`] hands trace contexts on, and [`time`] turns protobuf times into ours.
//! [`upload`] reads and makes the messages of uploads.

pub mod client;
pub mod server;
pub mod status;
pub mod time;
pub mod trace;
pub mod upload;

mod metadata;

pub use client::{CallContext, MAX_UPLOAD, Peer, PeerChannel};
pub use server::{Access, Caller};
pub use status::{IntoStatus, error_from_status};

macro_rules! generated {
    ($lints:meta: $($(#[$doc:meta])* $module:ident => $package:literal;)*) => {
        $(
            $(#[$doc])*
            pub mod $module {
                /// The first version of the package.
                #[$lints]
                pub mod v1 {
                    tonic::include_proto!($package);
                }
            }
        )*
    };
}

generated! {
    expect(missing_docs, reason = "generated; the comments are those of the proto files"):
    /// Messages that several packages use.
    common => "airwave.common.v1";
    /// Durable events and realtime messages.
    events => "airwave.events.v1";
}

generated! {
    expect(missing_docs, clippy::allow_attributes, reason = "generated; the comments are those of the proto files"):
    /// The auth service.
    auth => "airwave.auth.v1";
    /// The stream service.
    stream => "airwave.stream.v1";
    /// The VOD service.
    vod => "airwave.vod.v1";
    /// The chat service.
    chat => "airwave.chat.v1";
    /// The notification service.
    notification => "airwave.notification.v1";
}
