//! One sender and three receivers over shared memory, one of which is slow, and one of which is
//! killed and started again.
//!
//! ```text
//! cargo run --example broadcast
//! ```
//!
//! It starts itself for each receiver, prints what each of them got, and ends by itself; the exit
//! code says whether all of it was as it has to be. Linux and Android.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod common;

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn main() {
    eprintln!("broadcasts over shared memory are for Linux and Android");
}

#[cfg(any(target_os = "linux", target_os = "android"))]
#[tokio::main(flavor = "current_thread")]
async fn main() -> std::process::ExitCode {
    let words: Vec<_> = std::env::args().skip(1).collect();
    common::exit_code(match &words[..] {
        [] => all::run().await,
        [verb, path, pause] if verb == "receive" => all::receive(path, pause).await,
        _ => {
            eprintln!("usage: broadcast");
            std::process::exit(2);
        }
    })
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod all {
    use std::{path::Path, process::Stdio, time::Duration};

    use framewire::{ErrorKind, shm::broadcast};
    use futures::{SinkExt, StreamExt};
    use tokio::{
        io::{AsyncBufReadExt, BufReader, Lines},
        process::{Child, ChildStdout, Command},
        time::{sleep, timeout},
    };

    use super::common::Outcome;

    const MESSAGES: u64 = 2000;
    /// The ring holds 64 of them.
    const LEN: usize = 1000;
    const RING: usize = 64 << 10;
    /// Nothing takes this long unless it hangs.
    const HANG: Duration = Duration::from_secs(30);

    /// Receives until the end, and says what there was: how many, how many not, and the last.
    pub(super) async fn receive(path: &str, pause: &str) -> Outcome {
        let pause = Duration::from_micros(pause.parse()?);
        let early = broadcast::Options::new().wait_for_sender(true);
        let mut receiver = early.receiver(path).await?;
        println!("receiving");
        let (mut received, mut last) = (0_u64, None);
        while let Some(message) = receiver.next().await {
            match message {
                Ok(message) => {
                    last = message.first_chunk().copied().map(u64::from_be_bytes);
                    received += 1;
                }
                // How many is counted: it goes on.
                Err(error) if error.kind() == ErrorKind::Lagged => {}
                Err(error) => return Err(error.into()),
            }
            if !pause.is_zero() {
                sleep(pause).await;
            }
        }
        println!("{received} {} {}", receiver.lost(), last.ok_or("nothing came")?);
        Ok(())
    }

    /// A receiver, and what it says.
    struct Receiver {
        child: Child,
        lines: Lines<BufReader<ChildStdout>>,
    }

    /// What a receiver got.
    #[derive(Debug)]
    struct Got {
        received: u64,
        lost: u64,
        last: u64,
    }

    impl Receiver {
        /// Starts one, and waits until it is there.
        async fn start(path: &Path, pause: &str) -> Outcome<Self> {
            let mut command = Command::new(std::env::current_exe()?);
            command.arg("receive").arg(path).arg(pause);
            let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
            let lines = BufReader::new(child.stdout.take().ok_or("no pipe")?).lines();
            let mut receiver = Self { child, lines };
            receiver.line().await?;
            Ok(receiver)
        }

        async fn line(&mut self) -> Outcome<String> {
            let line = timeout(HANG, self.lines.next_line()).await;
            let line = line.map_err(|_| "a receiver hangs")??;
            Ok(line.ok_or("a receiver ended without a word")?)
        }

        async fn got(mut self) -> Outcome<Got> {
            let line = self.line().await?;
            let numbers: Result<Vec<u64>, _> = line.split(' ').map(str::parse).collect();
            let [received, lost, last] = numbers?[..] else { return Err(line.into()) };
            let status =
                timeout(HANG, self.child.wait()).await.map_err(|_| "it does not end")??;
            if !status.success() {
                return Err(format!("a receiver: {status}").into());
            }
            Ok(Got { received, lost, last })
        }
    }

    fn message(number: u64) -> Vec<u8> {
        let mut message = number.to_be_bytes().to_vec();
        message.resize(LEN, 0);
        message
    }

    pub(super) async fn run() -> Outcome {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("b.sock");
        let mut sender = broadcast::Options::new().capacity(RING).sender(&*path).await?;
        let fast = Receiver::start(&path, "0").await?;
        let slow = Receiver::start(&path, "5000").await?;
        let mut killed = Receiver::start(&path, "0").await?;
        let mut again = None;
        println!("{} receivers", sender.receivers());

        let half = MESSAGES / 2;
        for number in 0..MESSAGES {
            if number == half / 2 {
                killed.child.kill().await?;
                println!("killed one after {number} messages");
            } else if number == half {
                again = Some(Receiver::start(&path, "0").await?);
                println!("started it again after {number} messages");
            }
            sender.send(message(number).into()).await?;
            // So much at a time that who does nothing else is never overtaken.
            if number % 16 == 15 {
                sleep(Duration::from_millis(2)).await;
            }
        }
        sender.close().await?;

        let again = again.ok_or("it was started")?;
        let (fast, slow, again) = tokio::join!(fast.got(), slow.got(), again.got());
        let (fast, slow, again) = (fast?, slow?, again?);
        println!("sent {MESSAGES}");
        println!("fast:   {fast:?}");
        println!("slow:   {slow:?}");
        println!("killed and started again: {again:?}");

        let last = MESSAGES - 1;
        // Who starts again begins with the newest that was there.
        let first = half - 1;
        let counts = [(&fast, 0), (&slow, 0), (&again, first)];
        let all_are_right = counts
            .iter()
            .all(|(got, first)| got.received + got.lost == MESSAGES - first && got.last == last);
        if !all_are_right || slow.lost == 0 {
            return Err("the counts do not add up".into());
        }
        Ok(())
    }
}
