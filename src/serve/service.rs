//! What is done with a connection.

use async_trait::async_trait;

use super::Closing;
use crate::Result;

/// What a server does with each connection: a closure, or an object with state and a name.
///
/// # Examples
///
/// One that is chosen at run time:
///
/// ```
/// use async_trait::async_trait;
/// use framewire::{Accepted, Result, serve::{Closing, Serve, Server}};
/// use futures::{SinkExt, StreamExt};
/// use std::sync::Arc;
///
/// struct Greeter {
///     greeting: &'static str,
/// }
///
/// #[async_trait]
/// impl Serve<Accepted> for Greeter {
///     async fn serve(&self, mut accepted: Accepted, _: Closing) -> Result<()> {
///         accepted.io.send(self.greeting.into()).await
///     }
/// }
///
/// async fn sink(mut accepted: Accepted, closing: Closing) -> Result<()> {
///     let mut messages = accepted.io.take_until(closing);
///     while messages.next().await.transpose()?.is_some() {}
///     Ok(())
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let listener = futures::stream::empty::<Result<Accepted>>();
/// let polite = true;
/// let service: Arc<dyn Serve<Accepted>> =
///     if polite { Arc::new(Greeter { greeting: "hello" }) } else { Arc::new(sink) };
/// Server::new(listener).run_with(service, std::future::pending::<()>()).await?;
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait Serve<C: Send + 'static>: Send + Sync {
    /// Serves one connection, which is closed when this drops it.
    ///
    /// # Examples
    ///
    /// See [`Serve`].
    ///
    /// # Errors
    ///
    /// Whatever it likes: an event tells it with the endpoint and the peer, and it is counted.
    ///
    /// # Panics
    ///
    /// A panic ends this connection, and is told and counted like an error.
    ///
    /// # Cancel safety
    ///
    /// It is dropped at whatever it waits for when it has not ended in the time that the server
    /// gives it after `closing`, and when the server itself is dropped.
    async fn serve(&self, connection: C, closing: Closing) -> Result<()>;
}

#[async_trait]
impl<C, F, Done> Serve<C> for F
where
    C: Send + 'static,
    F: Fn(C, Closing) -> Done + Send + Sync,
    Done: Future<Output = Result<()>> + Send,
{
    async fn serve(&self, connection: C, closing: Closing) -> Result<()> {
        self(connection, closing).await
    }
}
