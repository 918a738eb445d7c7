//! The server's side: a process of its own for each row.

use bytes::Bytes;
use framewire::{
    Accepted, BoxDuplex, Endpoint, Error, ErrorKind, Result,
    pipe::{self, Child},
    serve::Server,
};
use futures::{SinkExt, StreamExt};

/// Serves until the parent ends.
pub(crate) async fn run(reach: &str, argument: Option<String>) -> Result<()> {
    let argument = argument.unwrap_or_default();
    match reach {
        #[cfg(unix)]
        "fifos" => echo(crate::halves::fifos(argument.as_ref(), true).await?).await,
        #[cfg(target_os = "linux")]
        "objects" => objects(&argument).await,
        "inherited" => echo(Box::pin(pipe::inherited()?)).await,
        "stdio" => echo(Box::pin(pipe::stdio()?)).await,
        endpoint => serve(endpoint.parse()?).await,
    }
}

/// What nobody connects to, so that its end is that of the parent.
#[cfg(target_os = "linux")]
async fn objects(scheme: &str) -> Result<()> {
    let mut control = pipe::inherited()?;
    let (endpoint, connection) = crate::objects::serving(scheme).await?;
    control.send(Bytes::from(endpoint.to_string())).await?;
    let (sink, stream) = connection.split();
    stream.take_until(parent_ended(control)).forward(sink).await
}

/// The parent says nothing more: the end of its pipe is the end of our work.
async fn parent_ended(mut control: pipe::Connection) {
    while let Some(Ok(_)) = control.next().await {}
}

async fn serve(endpoint: Endpoint) -> Result<()> {
    let mut control = pipe::inherited()?;
    let listener = match &endpoint {
        #[cfg(feature = "tls")]
        Endpoint::Tls(_) => crate::tls::listen(&endpoint).await?,
        _ => endpoint.listen().await?,
    };
    control.send(Bytes::from(listener.endpoint().to_string())).await?;
    let serving = |client: Accepted, closing| async move {
        let (sink, stream) = client.io.split();
        // Not every mechanism tells that a client has ended.
        stream.take_until(closing).forward(sink).await
    };
    Server::new(listener).run(serving, parent_ended(control)).await?;
    Ok(())
}

async fn echo(connection: BoxDuplex) -> Result<()> {
    let (sink, stream) = connection.split();
    stream.forward(sink).await
}

/// What a server says first over the pipes it inherited: where it listens.
pub(crate) async fn address_of(server: &mut Child) -> Result<String> {
    match server.connection.next().await {
        Some(address) => Ok(String::from_utf8_lossy(&address?).into_owned()),
        None => Err(Error::new(ErrorKind::Closed, "the server ended before it listened")),
    }
}
