//! A TCP proxy whose connections a test can cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;

pub(crate) struct Proxy {
    port: u16,
    disconnect: broadcast::Sender<()>,
    refusing: Arc<AtomicBool>,
}

impl Proxy {
    /// Listens on a free port for connections to the server of the URL.
    pub(crate) async fn start(url: &str) -> Self {
        let server = server(url).to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (disconnect, _) = broadcast::channel(1);
        let refusing = Arc::new(AtomicBool::new(false));
        let (ends, refuses) = (disconnect.clone(), Arc::clone(&refusing));
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                if refuses.load(Ordering::SeqCst) {
                    continue;
                }
                let (server, mut end) = (server.clone(), ends.subscribe());
                tokio::spawn(async move {
                    let mut far = TcpStream::connect(&server).await.unwrap();
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        _ = end.recv() => {}
                    }
                });
            }
        });
        Self {
            port,
            disconnect,
            refusing,
        }
    }

    /// Replaces the server of the URL with this proxy.
    pub(crate) fn url(&self, url: &str) -> String {
        url.replace(server(url), &format!("127.0.0.1:{}", self.port))
    }

    /// Cuts all connections but accepts new ones.
    pub(crate) fn disconnect(&self) {
        let _ = self.disconnect.send(());
    }

    /// Cuts all connections, and refuses new ones while `refuse` is set.
    pub(crate) fn refuse(&self, refuse: bool) {
        self.refusing.store(refuse, Ordering::SeqCst);
        self.disconnect();
    }
}

/// Returns `host:port` of a URL.
fn server(url: &str) -> &str {
    let rest = url.split_once("://").unwrap().1;
    let rest = rest.split_once('@').map_or(rest, |(_, rest)| rest);
    rest.split('/').next().unwrap()
}
