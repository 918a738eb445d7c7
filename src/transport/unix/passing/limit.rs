//! How many descriptors a message carries.

use std::os::fd::OwnedFd;

use crate::{
    Error, ErrorKind, Result,
    sys::{ControlBuffer, MAX_DESCRIPTORS},
};

/// The most descriptors of a message, sent or received.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit(usize);

impl Limit {
    /// As many as asked for, as far as the system passes them in one call.
    pub(crate) fn new(max: usize) -> Self {
        Self(max.min(MAX_DESCRIPTORS))
    }

    /// Room to learn that there was one too many: of what comes beyond, the kernel opens next to
    /// nothing here in the first place.
    pub(crate) fn control_buffer(self) -> ControlBuffer {
        ControlBuffer::new(self.0 + 1)
    }

    /// The descriptors that came with a message, all of them or none: they are closed where they
    /// are too many, or where not all of them arrived.
    pub(crate) fn accept(self, arrived: Vec<OwnedFd>, cut: bool) -> Result<Vec<OwnedFd>> {
        if arrived.len() > self.0 {
            let cause = format!("a message with more descriptors than {}, the limit", self.0);
            return Err(Error::new(ErrorKind::TooLarge, cause)
                .remedy("raise `unix::Options::max_descriptors` at this end"));
        }
        if cut {
            let cause = "not all descriptors of a message could be opened in this process";
            return Err(Error::new(ErrorKind::Exhausted, cause).remedy(
                "raise its limit of open files, or close what came with earlier messages",
            ));
        }
        Ok(arrived)
    }

    /// Whether a message with so many may be sent.
    pub(crate) fn check(self, descriptors: usize) -> Result<()> {
        if descriptors <= self.0 {
            return Ok(());
        }
        let cause = format!("message with {descriptors} descriptors, limit {}", self.0);
        Err(Error::new(ErrorKind::TooLarge, cause).remedy(
            "raise `unix::Options::max_descriptors` at both ends, or send several messages",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptors(count: usize) -> Vec<OwnedFd> {
        let pipe = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap().0;
        (0..count).map(|_| pipe.try_clone().unwrap()).collect()
    }

    #[test]
    fn all_or_none() {
        let two = Limit::new(2);
        assert_eq!(two.accept(descriptors(0), false).unwrap().len(), 0);
        assert_eq!(two.accept(descriptors(2), false).unwrap().len(), 2);
        let kind = |count, cut| two.accept(descriptors(count), cut).unwrap_err().kind();
        assert_eq!(kind(3, false), ErrorKind::TooLarge);
        assert_eq!(kind(3, true), ErrorKind::TooLarge, "the kernel had no room for the rest");
        assert_eq!(kind(1, true), ErrorKind::Exhausted);
        assert_eq!(kind(0, true), ErrorKind::Exhausted);
    }

    #[test]
    fn no_more_than_the_system_passes() {
        assert!(Limit::new(usize::MAX).check(MAX_DESCRIPTORS).is_ok());
        let error = Limit::new(usize::MAX).check(MAX_DESCRIPTORS + 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        assert!(error.to_string().contains("254 descriptors, limit 253"), "{error}");
    }
}
