//! A way to Redis that the test can cut.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What becomes of bytes on their way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// They arrive.
    Open,
    /// Nothing arrives, and nobody says so.
    Silent,
    /// Connections are closed, also new ones.
    Cut,
}

/// Stands between a node and Redis.
pub struct FlakyLink {
    pub address: SocketAddr,
    way: watch::Sender<Way>,
}

impl FlakyLink {
    /// An open way to `redis`.
    pub async fn to(redis: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (way, seen) = watch::channel(Way::Open);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, redis, seen.clone()));
            }
        });
        Self { address, way }
    }

    pub fn set(&self, way: Way) {
        self.way.send_replace(way);
    }
}

async fn carry(mut client: TcpStream, redis: SocketAddr, mut seen: watch::Receiver<Way>) {
    let Ok(mut server) = TcpStream::connect(redis).await else { return };
    loop {
        let way = *seen.borrow_and_update();
        match way {
            Way::Cut => return,
            Way::Silent => {
                if seen.changed().await.is_err() {
                    return;
                }
            }
            Way::Open => {
                tokio::select! {
                    _ = copy_bidirectional(&mut client, &mut server) => return,
                    changed = seen.changed() => if changed.is_err() { return },
                }
            }
        }
    }
}

/// Waits until `is_so`, but not for ever.
pub async fn until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..1_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what} did not come to be");
}
