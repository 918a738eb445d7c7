//! The name of a queue, and what it stands for.

use std::{borrow::Cow, ffi::CString, sync::Arc};

use crate::{
    Endpoint, Error, ErrorKind, Result,
    sys::{self, QueueAccess},
};

/// A name as mq_open(3) takes it: a slash, and a file's name.
#[derive(Clone, Debug)]
pub(super) struct Name {
    endpoint: Arc<Endpoint>,
    name: CString,
}

impl Name {
    pub(super) fn new(name: &str) -> Result<Self> {
        let endpoint: Endpoint = format!("mq://{name}").parse()?;
        let name = CString::new(name).map_err(|_| {
            Error::new(ErrorKind::Address, "the name has a zero in it")
                .remedy("C ends it there: leave it out")
        })?;
        Ok(Self { endpoint: Arc::new(endpoint), name })
    }

    pub(super) fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }

    pub(super) fn as_c_str(&self) -> &std::ffi::CStr {
        &self.name
    }

    pub(super) fn text(&self) -> Cow<'_, str> {
        self.name.to_string_lossy()
    }

    /// As it is written in a program.
    pub(super) fn shown(&self) -> String {
        format!("{:?}", self.name.to_string_lossy())
    }

    /// Removes the name, and says whether there was one.
    pub(super) fn remove(&self) -> Result<bool> {
        Ok(sys::remove_queue(&self.name)?)
    }

    /// Removes the name if it still stands for this queue, which the caller has open: so no other
    /// queue has its identity. Who takes the name between our look and the removal loses it; there
    /// is no call that does both.
    pub(super) fn remove_if(&self, ours: sys::Identity, access: QueueAccess) -> Result<()> {
        let Some(queue) = sys::open_queue(&self.name, access)? else { return Ok(()) };
        if sys::Entry::of(&queue)?.identity == ours {
            sys::remove_queue(&self.name)?;
        }
        Ok(())
    }
}
