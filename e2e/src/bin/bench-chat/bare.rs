//! A lower bound of the cost: a separate process that writes the same frames to the sockets in a loop.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use e2e::process::printed_address;
use futures::{SinkExt, StreamExt};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::sleep_until;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;

use crate::crowd::Host;
use crate::socket::message;

/// The argument that runs this program as the server.
pub(crate) const NAME: &str = "bare";

/// Starts the server; dropping the child ends it.
pub(crate) async fn start(clients: usize, per_second: u32) -> Result<(Host, Child)> {
    let mut process = Command::new(std::env::current_exe()?)
        .args([NAME, &clients.to_string(), &per_second.to_string()])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let host = Host {
        address: printed_address(&mut process).await?,
        rooms: vec![1],
        watched: true,
        pids: process.id().into_iter().collect(),
    };
    Ok((host, process))
}

/// Runs the server: accepts the clients, then sends messages at the rate until it is killed.
pub(crate) async fn serve(clients: usize, per_second: u32) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    let mut joining = tokio::task::JoinSet::new();
    for _ in 0..clients {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        joining.spawn(handshake(socket));
    }
    let mut sockets = Vec::new();
    while let Some(socket) = joining.join_next().await {
        sockets.push(socket??);
    }
    let started = Instant::now();
    for sent in 0_u32.. {
        let due = started + Duration::from_secs_f64(f64::from(sent) / f64::from(per_second));
        sleep_until(due.into()).await;
        let frame = frame(&message());
        for socket in &mut sockets {
            socket.write_all(&frame).await?;
        }
    }
    Ok(())
}

async fn handshake(socket: TcpStream) -> Result<TcpStream> {
    let mut socket = accept_async(socket).await?;
    socket.send(Message::text("0{}")).await?;
    socket.next().await.context("the client disconnected")??;
    socket.send(Message::text("40{}")).await?;
    socket.next().await.context("the client disconnected")??;
    socket.send(Message::text("430[{\"ok\":true}]")).await?;
    Ok(socket.into_inner())
}

/// Returns a server's text frame (RFC 6455, section 5.2) with the packet that the platform would send.
fn frame(message: &str) -> Vec<u8> {
    let packet = format!(
        "42[\"new_message\",{{\"id\":\"01a207ee-3da9-70ab-89f0-f916b6184142\",\"seq\":1,\"streamId\":1,\
         \"userId\":1,\"username\":\"bench_speaker_1\",\"message\":\"{message}\",\
         \"timestamp\":\"2026-11-23T10:22:52.518210Z\"}}]"
    );
    let length = u16::try_from(packet.len()).unwrap_or(u16::MAX).to_be_bytes();
    let mut frame = vec![0x81, 126];
    frame.extend(length);
    frame.extend(packet.into_bytes());
    frame
}
