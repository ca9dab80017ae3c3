//! A door in front of a server, for tests of what happens when the server cannot be reached.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Forwards connections to a server while it is open.
pub struct Gate {
    address: SocketAddr,
    state: watch::Sender<State>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Connections stay, and nothing passes: as behind a cable that was pulled.
    Stalled,
    /// Connections end, and new ones end at once: as on a machine whose server stopped.
    Shut,
}

impl Gate {
    /// An open gate before the server at `target`.
    ///
    /// # Panics
    ///
    /// If this machine has no port to listen on.
    pub async fn before(target: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("this machine has a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let (state, seen) = watch::channel(State::Open);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(forward(client, target.clone(), seen.clone()));
            }
        });
        Self { address, state }
    }

    /// Where clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets everything through, also what waited.
    pub fn open(&self) {
        self.state.send_replace(State::Open);
    }

    /// Lets nothing through any more and says nothing about it.
    pub fn stall(&self) {
        self.state.send_replace(State::Stalled);
    }

    /// Ends every connection, those that come now as well.
    pub fn shut(&self) {
        self.state.send_replace(State::Shut);
    }
}

async fn forward(client: TcpStream, target: String, mut state: watch::Receiver<State>) {
    if *state.borrow() == State::Shut {
        return;
    }
    let Ok(server) = TcpStream::connect(target).await else { return };
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let (there, back) = (state.clone(), state.clone());
    tokio::select! {
        () = pass(from_client, to_server, there) => {}
        () = pass(from_server, to_client, back) => {}
        // Also if the gate itself is gone.
        _ = state.wait_for(|state| *state == State::Shut) => {}
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut state: watch::Receiver<State>) {
    let mut piece = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        if state.wait_for(|state| *state == State::Open).await.is_err() {
            return;
        }
        if to.write_all(&piece[..length]).await.is_err() {
            return;
        }
    }
}
