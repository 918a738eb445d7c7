//! Data in shared memory, notice by signal: two processes, nothing lost. Beside it the same records
//! through framewire's shared memory, which brings its own notice.
//!
//! ```text
//! cargo run --release --example data_and_signal
//! ```
//!
//! It starts itself for the second process, which checks every record; prints how fast both ways
//! are; and ends by itself. Linux.

#[cfg(target_os = "linux")]
mod common;

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("signals with values are for Linux");
}

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    common::exit_code(both::run())
}

#[cfg(target_os = "linux")]
mod both {
    use std::{
        process::{Command, Stdio},
        sync::atomic::{AtomicU64, Ordering},
        time::{Duration, Instant},
    };

    use framewire::{
        shm::{self, region},
        signal::{self, Exclusive, Policy, Sender, Value},
    };
    use futures::{SinkExt, StreamExt};
    use tokio::time::timeout;

    use super::common::Outcome;

    /// "So many batches are written", and "so many are read".
    const WRITTEN: &str = "RTMIN+2";
    const READ: &str = "RTMIN+3";
    /// In bytes: a number, and what follows from it.
    const RECORD: usize = 64;
    /// Records that one signal tells of, and how many such batches the memory has room for.
    const BATCH: u64 = 256;
    const ROOM: u64 = 8;
    const BATCHES: u64 = 2000;
    /// Where the batches begin: behind the count of those that are written.
    const FIRST: usize = 64;
    const LEN: usize = FIRST + (ROOM * BATCH) as usize * RECORD;
    /// Nothing takes this long unless it hangs.
    const HANG: Duration = Duration::from_secs(30);

    pub(super) fn run() -> Outcome {
        // First thing of all: every thread that the runtime starts inherits it.
        signal::block([WRITTEN, READ])?;
        run_blocked()
    }

    #[tokio::main(flavor = "current_thread")]
    async fn run_blocked() -> Outcome {
        let words: Vec<_> = std::env::args().skip(1).collect();
        match &words[..] {
            [] => compare().await,
            [way] if way == "signals" => read_by_signals().await,
            [way, path] if way == "doorbell" => read_by_doorbell(path).await,
            _ => Err("usage: data_and_signal".into()),
        }
    }

    async fn compare() -> Outcome {
        let by_signals = timeout(HANG, write_by_signals()).await??;
        let by_doorbell = timeout(HANG, write_by_doorbell()).await??;
        let records = BATCH * BATCHES;
        println!("{records} records of {RECORD} bytes to another process, which checked them all");
        for (way, took) in [("a signal a batch", by_signals), ("shm's doorbell", by_doorbell)] {
            let rate = records as f64 / took.as_secs_f64() / 1e6;
            println!("{way:<18} {rate:>8.2} million/s");
        }
        Ok(())
    }

    /// Starts this program as the reader.
    fn reader(arguments: &[&str]) -> Outcome<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(arguments).stdin(Stdio::null());
        Ok(command)
    }

    /// What a record holds.
    fn record(number: u64) -> [u8; RECORD] {
        let mut record = [number as u8; RECORD];
        record[..8].copy_from_slice(&number.to_le_bytes());
        record
    }

    /// Where the batch of this number is.
    fn place(batch: u64) -> usize {
        FIRST + ((batch % ROOM) * BATCH) as usize * RECORD
    }

    /// Who is told, and who tells: of and to one process, and nobody else.
    async fn signals(told: &str, tell: &str, pid: u32) -> Outcome<(Exclusive, Sender)> {
        let options = signal::Options::new().policy(Policy::anyone().pid(pid)).wide();
        Ok((options.exclusive(told).await?, options.sender(format!("{tell}@{pid}")).await?))
    }

    /// The count that comes next: it is the one after the last, unless a signal was lost.
    async fn expect(counts: &mut Exclusive, count: u64) -> Outcome {
        let signal = counts.next().await.ok_or("signals have no end")??;
        match signal.word() {
            Some(word) if word == count => Ok(()),
            other => Err(format!("{other:?} batches were told of, expected {count}").into()),
        }
    }

    async fn write_by_signals() -> Outcome<Duration> {
        let region = region::anonymous(LEN)?;
        let written = region.atomic::<AtomicU64>(0)?;
        let mut command = reader(&["signals"])?;
        region.pass_to(&mut command, "RECORDS")?;
        let mut child = tokio::process::Command::from(command).kill_on_drop(true).spawn()?;
        let pid = child.id().ok_or("it was waited for already")?;
        let (mut read, mut tell) = signals(READ, WRITTEN, pid).await?;
        // It says so when it is there.
        expect(&mut read, 0).await?;

        let begun = Instant::now();
        for batch in 0..BATCHES {
            if batch >= ROOM {
                expect(&mut read, batch - ROOM + 1).await?;
            }
            for n in 0..BATCH {
                let offset = place(batch) + n as usize * RECORD;
                region.write(offset, &record(batch * BATCH + n))?;
            }
            // Release: who loads this count has the records before it.
            written.store(batch + 1, Ordering::Release);
            tell.send(Value::Word(batch + 1)).await?;
        }
        for batch in BATCHES - ROOM..BATCHES {
            expect(&mut read, batch + 1).await?;
        }
        let took = begun.elapsed();
        finished(&mut child).await?;
        Ok(took)
    }

    async fn read_by_signals() -> Outcome {
        let region = region::inherited("RECORDS")?.expect_len(LEN)?;
        let written = region.atomic::<AtomicU64>(0)?;
        let parent = std::os::unix::process::parent_id();
        let (mut counts, mut tell) = signals(WRITTEN, READ, parent).await?;
        tell.send(Value::Word(0)).await?;
        let mut copy = vec![0; BATCH as usize * RECORD];
        for batch in 0..BATCHES {
            timeout(HANG, expect(&mut counts, batch + 1)).await??;
            // Acquire: partner of the writer's Release.
            if written.load(Ordering::Acquire) <= batch {
                return Err("a batch was told of before it was written".into());
            }
            region.read(place(batch), &mut copy)?;
            for (record, number) in copy.chunks_exact(RECORD).zip(batch * BATCH..) {
                check(record, number)?;
            }
            tell.send(Value::Word(batch + 1)).await?;
        }
        Ok(())
    }

    async fn write_by_doorbell() -> Outcome<Duration> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("records.sock");
        let mut listener = shm::listen(&*path).await?;
        let command = reader(&["doorbell", &path.to_string_lossy()])?;
        let mut child = tokio::process::Command::from(command).kill_on_drop(true).spawn()?;
        let mut records = listener.next().await.ok_or("a listener never ends")??;

        let begun = Instant::now();
        for batch in 0..BATCHES {
            for n in 0..BATCH {
                let record = record(batch * BATCH + n);
                records.feed(bytes::Bytes::copy_from_slice(&record)).await?;
            }
            records.flush().await?;
        }
        // All of them were read.
        records.next().await.ok_or("the reader went away")??;
        let took = begun.elapsed();
        finished(&mut child).await?;
        Ok(took)
    }

    async fn read_by_doorbell(path: &str) -> Outcome {
        let mut records = shm::connect(path).await?;
        let (mut batch, mut number) = (Vec::new(), 0);
        while number < BATCH * BATCHES {
            if timeout(HANG, records.recv_many(&mut batch)).await?? == 0 {
                return Err(format!("only {number} records came").into());
            }
            for record in batch.drain(..) {
                check(&record, number)?;
                number += 1;
            }
        }
        records.send("read".into()).await?;
        Ok(())
    }

    fn check(got: &[u8], number: u64) -> Outcome {
        match got == record(number) {
            true => Ok(()),
            false => Err(format!("record {number} is not what was written").into()),
        }
    }

    async fn finished(child: &mut tokio::process::Child) -> Outcome {
        match timeout(HANG, child.wait()).await?? {
            status if status.success() => Ok(()),
            status => Err(format!("the reader found something wrong: {status}").into()),
        }
    }
}
