//! What the tests of the transports share: one suite for all of them, and what it is made of.

// Each test program uses its part of this.
#![allow(dead_code, unused_imports)]

mod bodies;
mod census;
pub(crate) mod conformance;
mod end;
mod flavour;
#[cfg(unix)]
pub(crate) mod nobody;
mod outside;
mod polls;
pub(crate) mod process;
pub(crate) mod role;
mod socket_names;
pub(crate) mod spent;
mod subject;

pub(crate) use bodies::{body, id_of, numbered, random, same};
pub(crate) use census::Census;
pub(crate) use end::End;
pub(crate) use flavour::{Flavour, HANG, within};
pub(crate) use outside::{is_installed, python_has};
pub(crate) use polls::Polls;
pub(crate) use process::Process;
pub(crate) use socket_names::SocketNames;
pub(crate) use subject::{Bare, LEN, Subject};
