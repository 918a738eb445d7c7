//! Tokio's own socket in `Framed<_, LengthDelimitedCodec>` at defaults, TCP with no delay.

use futures::stream;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_util::codec::{Framed, LengthDelimitedCodec};

use crate::load;
use crate::side::announce;
use crate::trial::{Fault, Outcome, Trial};

pub(super) fn framed<T: AsyncRead + AsyncWrite>(io: T) -> Framed<T, LengthDelimitedCodec> {
    Framed::new(io, LengthDelimitedCodec::new())
}

pub(super) async fn serve_unix(trial: &Trial) -> Result<Outcome, Fault> {
    let listener = UnixListener::bind(&trial.address)?;
    announce(&trial.address)?;
    let mut links = Vec::new();
    while links.len() < trial.connections {
        links.push(Ok::<_, Fault>(framed(listener.accept().await?.0)));
    }
    load::serve(trial, stream::iter(links)).await
}

pub(super) async fn drive_unix(trial: &Trial) -> Result<Outcome, Fault> {
    let mut links = Vec::new();
    while links.len() < trial.connections {
        links.push(framed(UnixStream::connect(&trial.address).await?));
    }
    load::drive(trial, links).await
}

pub(super) async fn serve_tcp(trial: &Trial) -> Result<Outcome, Fault> {
    let listener = TcpListener::bind(&trial.address).await?;
    announce(&listener.local_addr()?.to_string())?;
    let mut links = Vec::new();
    while links.len() < trial.connections {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        links.push(Ok::<_, Fault>(framed(stream)));
    }
    load::serve(trial, stream::iter(links)).await
}

pub(super) async fn drive_tcp(trial: &Trial) -> Result<Outcome, Fault> {
    let mut links = Vec::new();
    while links.len() < trial.connections {
        let stream = TcpStream::connect(&trial.address).await?;
        stream.set_nodelay(true)?;
        links.push(framed(stream));
    }
    load::drive(trial, links).await
}
