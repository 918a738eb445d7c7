//! Somebody on the way, who passes bytes on until told otherwise.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp},
    task::JoinHandle,
};

const PASS: u8 = 0;
const CUT: u8 = 1;
const ALTER: u8 = 2;

/// Between one client and a server.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    /// What is done with what the client sends from now on.
    todo: Arc<AtomicU8>,
    task: JoinHandle<()>,
}

/// One bit that is changed on its way: the bit of the byte, counted from the first of a direction.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spoilt {
    pub(crate) to_server: Option<usize>,
    pub(crate) to_client: Option<usize>,
    pub(crate) bit: u8,
}

impl Proxy {
    pub(crate) async fn to(server: SocketAddr, spoilt: Spoilt) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let todo = Arc::new(AtomicU8::new(PASS));
        let told = Arc::clone(&todo);
        let task = tokio::spawn(async move {
            let (client, _) = listener.accept().await.unwrap();
            let server = TcpStream::connect(server).await.unwrap();
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            let idle = AtomicU8::new(PASS);
            let bit = spoilt.bit;
            tokio::join!(
                pass_on(from_client, to_server, &told, spoilt.to_server, bit),
                pass_on(from_server, to_client, &idle, spoilt.to_client, bit),
            );
        });
        Self { port, todo, task }
    }

    /// Ends what goes to the server in the middle, as if the client had.
    pub(crate) fn cut(&self) {
        // The bytes that this is about come later, through the kernel: no memory to order.
        self.todo.store(CUT, Ordering::Relaxed);
    }

    /// Changes one bit of each piece.
    pub(crate) fn alter(&self) {
        // As in `cut`.
        self.todo.store(ALTER, Ordering::Relaxed);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass_on(
    mut from: tcp::OwnedReadHalf,
    mut to: tcp::OwnedWriteHalf,
    todo: &AtomicU8,
    spoilt: Option<usize>,
    bit: u8,
) {
    let mut piece = vec![0; 64 * 1024];
    let mut passed = 0;
    while let Ok(len @ 1..) = from.read(&mut piece).await {
        let piece = &mut piece[..len];
        // Its partner is the store in `cut` or `alter`; only the value matters.
        match todo.load(Ordering::Relaxed) {
            CUT => break,
            ALTER => piece[len - 1] ^= 1,
            _ => {}
        }
        let here = spoilt.and_then(|place| place.checked_sub(passed)).filter(|place| *place < len);
        if let Some(place) = here {
            piece[place] ^= 1 << (bit % 8);
        }
        passed += len;
        if to.write_all(piece).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}
