//! tokio-rustls over tokio's TCP socket in `Framed<_, LengthDelimitedCodec>`, with no delay.

use futures::stream;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::streams::framed;
use crate::certificate::{HOST, Served, announced};
use crate::load;
use crate::side::announce;
use crate::trial::{Fault, Outcome, Trial};

pub(super) async fn serve(trial: &Trial) -> Result<Outcome, Fault> {
    let served = Served::new()?;
    let listener = TcpListener::bind(&trial.address).await?;
    announce(&served.announcement(listener.local_addr()?))?;
    let acceptor = TlsAcceptor::from(served.config);
    let mut links = Vec::new();
    while links.len() < trial.connections {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        links.push(Ok::<_, Fault>(framed(acceptor.accept(stream).await?)));
    }
    load::serve(trial, stream::iter(links)).await
}

pub(super) async fn drive(trial: &Trial) -> Result<Outcome, Fault> {
    let (address, config) = announced(&trial.address)?;
    let connector = TlsConnector::from(config);
    let mut links = Vec::new();
    while links.len() < trial.connections {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        links.push(framed(connector.connect(ServerName::try_from(HOST)?, stream).await?));
    }
    load::drive(trial, links).await
}
