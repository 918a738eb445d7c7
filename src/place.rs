//! Where things happen, for errors and events to tell.

use std::sync::Arc;

use tracing::{
    field::{DisplayValue, display},
    span::EnteredSpan,
};

use crate::{Endpoint, Error};

/// The endpoint that a stream or sink belongs to, where it has one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place(Option<Arc<Endpoint>>);

impl Place {
    pub(crate) fn set(&mut self, endpoint: impl Into<Arc<Endpoint>>) {
        self.0 = Some(endpoint.into());
    }

    pub(crate) fn endpoint(&self) -> Option<&Endpoint> {
        self.0.as_deref()
    }

    /// Tells an error of our own side's making what was being done, and where.
    #[cold]
    pub(crate) fn refused(&self, doing: &'static str, error: Error) -> Error {
        match &self.0 {
            Some(endpoint) => error.doing(doing).on(Arc::clone(endpoint)),
            None => error.doing(doing),
        }
    }

    /// The same for an error that comes from outside; whoever watches hears of it.
    #[cold]
    pub(crate) fn failed(&self, doing: &'static str, error: Error) -> Error {
        let error = self.refused(doing, error);
        tracing::debug!(kind = ?error.kind(), %error, "a peer caused an error");
        error
    }

    /// The peer closed in order; whoever watches hears of it.
    #[cold]
    pub(crate) fn closed(&self) {
        tracing::trace!(endpoint = self.name(), "the peer closed");
    }

    /// The span of closing our direction, for one poll of it.
    pub(crate) fn closing(&self) -> EnteredSpan {
        tracing::debug_span!("close", endpoint = self.name()).entered()
    }

    fn name(&self) -> Option<DisplayValue<&Endpoint>> {
        self.endpoint().map(display)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn errors_tell_where_and_when() {
        let mut place = Place::default();
        let gone = || Error::new(ErrorKind::Closed, "the peer is gone");
        assert_eq!(place.failed("send", gone()).to_string(), "send: the peer is gone");

        place.set("tcp://localhost:7".parse::<Endpoint>().unwrap());
        let error = place.failed("receive", gone());
        assert_eq!(error.to_string(), "receive tcp://localhost:7: the peer is gone");
        assert_eq!(error.endpoint(), place.endpoint());
    }
}
