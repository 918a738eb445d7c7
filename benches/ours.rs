//! This crate's side.

use std::process::Command;

use crate::process::Reaped;
use crate::trial::{Fault, Outcome, Trial};

pub(crate) async fn serve(_: &Trial) -> Result<Outcome, Fault> {
    Err("not built".into())
}

pub(crate) async fn drive(_: &Trial) -> Result<Outcome, Fault> {
    Err("not built".into())
}

pub(crate) struct Spawned;

pub(crate) fn spawn(_: &Trial, _: Command) -> Result<Spawned, Fault> {
    Err("not built".into())
}

impl Spawned {
    pub(crate) async fn drive(self, _: &Trial) -> Result<(Outcome, Reaped), Fault> {
        Err("not built".into())
    }
}
