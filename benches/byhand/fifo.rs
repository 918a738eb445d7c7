//! Tokio's ends of two FIFOs, each in its half of `LengthDelimitedCodec`.

use std::io;
use std::time::Duration;

use futures::stream;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::io::Errno;
use tokio::net::unix::pipe::OpenOptions;
use tokio::time::sleep;

use super::pipes::framed;
use crate::load;
use crate::side::announce;
use crate::trial::{Fault, Outcome, Trial};

/// Between two looks whether the driver reads our FIFO yet.
const LOOK: Duration = Duration::from_millis(1);

pub(super) async fn serve(trial: &Trial) -> Result<Outcome, Fault> {
    let (there, back) = (trial.beside("there"), trial.beside("back"));
    for path in [&there, &back] {
        mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
    }
    let open = OpenOptions::new();
    let receiver = open.open_receiver(there)?;
    announce(&trial.address)?;
    let sender = loop {
        match open.open_sender(&back) {
            Err(error) if is_unread(&error) => sleep(LOOK).await,
            opened => break opened?,
        }
    };
    load::serve(trial, stream::iter([Ok::<_, Fault>(framed(receiver, sender))])).await
}

pub(super) async fn drive(trial: &Trial) -> Result<Outcome, Fault> {
    let open = OpenOptions::new();
    let receiver = open.open_receiver(trial.beside("back"))?;
    let sender = open.open_sender(trial.beside("there"))?;
    load::drive(trial, vec![framed(receiver, sender)]).await
}

/// Whether nobody has opened a FIFO for reading yet.
fn is_unread(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::NXIO)
}
