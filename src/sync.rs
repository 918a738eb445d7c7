//! The order of what processes share: std's, or loom's where loom explores it.
//!
//! Only `shared` uses these. The rest of the crate keeps std's, since a runtime does not run under
//! loom.

#[cfg(not(framewire_loom))]
pub(crate) use std::sync::atomic::Ordering;

#[cfg(framewire_loom)]
pub(crate) use loom::sync::atomic::Ordering;

/// `fence(SeqCst)`, by the name of the function that needs it.
#[inline]
pub(crate) fn full_fence(name: &'static str) {
    fence(name, Ordering::SeqCst);
}

/// `fence(Release)`, in the same way.
#[inline]
pub(crate) fn release_fence(name: &'static str) {
    fence(name, Ordering::Release);
}

/// `fence(Acquire)`, in the same way.
#[inline]
pub(crate) fn acquire_fence(name: &'static str) {
    fence(name, Ordering::Acquire);
}

#[cfg(not(framewire_loom))]
#[inline]
fn fence(_: &'static str, ordering: Ordering) {
    std::sync::atomic::fence(ordering);
}

/// A fence, unless the environment asks for a program without this one: a model that passes then
/// as well shows nothing.
#[cfg(framewire_loom)]
fn fence(name: &'static str, ordering: Ordering) {
    if std::env::var_os("FRAMEWIRE_LOOM_WITHOUT").is_none_or(|without| without != name) {
        loom::sync::atomic::fence(ordering);
    }
}
