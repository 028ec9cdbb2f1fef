//! Server traits whose methods respond "unimplemented" by default, and a listener for fakes.

use std::net::SocketAddr;

use tokio::net::TcpListener;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

macro_rules! generated {
    ($($module:ident => $package:literal;)*) => {
        $(
            // tonic allows lints in the servers that it generates.
            #[cfg_attr(clippy, allow(clippy::allow_attributes))]
            #[expect(unreachable_pub, reason = "generated")]
            mod $module {
                tonic::include_proto!($package);
            }
        )*
    };
}

generated! {
    auth => "airwave.auth.v1";
    stream => "airwave.stream.v1";
    vod => "airwave.vod.v1";
    chat => "airwave.chat.v1";
    notification => "airwave.notification.v1";
}

pub use auth::auth_service_server::{AuthService, AuthServiceServer};
pub use chat::chat_service_server::{ChatService, ChatServiceServer};
pub use notification::notification_service_server::{NotificationService, NotificationServiceServer};
pub use stream::stream_service_server::{StreamService, StreamServiceServer};
pub use vod::vod_service_server::{VodService, VodServiceServer};

/// The result of a method of a fake.
pub type Reply<T> = Result<tonic::Response<T>, tonic::Status>;

/// Serves fakes on a free port until the runtime stops.
pub async fn serve(routes: Routes) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let server = Server::builder().add_routes(routes);
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    addr
}
