//! The types that memory which others write can be looked at as.

use std::sync::atomic::{AtomicI8, AtomicI16, AtomicI32, AtomicU8, AtomicU16, AtomicU32};
#[cfg(target_has_atomic = "64")]
use std::sync::atomic::{AtomicI64, AtomicU64};

/// An atomic integer of `std` that has the same width in every process: [`AtomicU8`] to
/// `AtomicU64`, [`AtomicI8`] to `AtomicI64`.
///
/// C's `_Atomic uint64_t` is the same eight bytes, and its operations are the same instructions.
/// There is no `AtomicBool`: of the 256 values that another process can write, two are a `bool`.
///
/// # Examples
///
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use framewire::shm::region::{self, Atomic, Region};
///
/// fn place_of<A: Atomic>(region: &Region, offset: usize) -> framewire::Result<&A> {
///     region.atomic(offset)
/// }
///
/// # fn main() -> framewire::Result<()> {
/// let region = region::anonymous(64)?;
/// let counter: &AtomicU32 = place_of(&region, 8)?;
/// assert_eq!(counter.fetch_add(1, Ordering::Relaxed), 0);
/// # Ok(())
/// # }
/// ```
pub trait Atomic: Shareable {}

impl<A: Shareable> Atomic for A {}

/// What every pattern of bits is a value of, that may change at any moment, and that has no
/// padding: a reference to one in memory that others write is sound.
pub trait Shareable: Sync + Sized {}

impl Shareable for AtomicU8 {}
impl Shareable for AtomicU16 {}
impl Shareable for AtomicU32 {}
#[cfg(target_has_atomic = "64")]
impl Shareable for AtomicU64 {}
impl Shareable for AtomicI8 {}
impl Shareable for AtomicI16 {}
impl Shareable for AtomicI32 {}
#[cfg(target_has_atomic = "64")]
impl Shareable for AtomicI64 {}
