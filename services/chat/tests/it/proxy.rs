//! A way to a server that can be blocked.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What becomes of connections.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Open,
    /// Cut, and new ones are closed at once.
    Cut,
    /// Kept, and nothing passes any more.
    Silent,
}

pub(crate) struct Proxy {
    addr: SocketAddr,
    way: watch::Sender<Way>,
}

impl Proxy {
    pub(crate) async fn before(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (way, turns) = watch::channel(Way::Open);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(near, server.clone(), turns.clone()));
            }
        });
        Self { addr, way }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn set(&self, way: Way) {
        self.way.send_replace(way);
    }
}

async fn carry(mut near: TcpStream, server: String, mut turns: watch::Receiver<Way>) {
    let mut far = TcpStream::connect(server).await.unwrap();
    loop {
        let way = *turns.borrow_and_update();
        match way {
            Way::Cut => return,
            Way::Open => tokio::select! {
                _ = tokio::io::copy_bidirectional(&mut near, &mut far) => return,
                _ = turns.changed() => {}
            },
            Way::Silent => {
                let _ = turns.changed().await;
            }
        }
    }
}
