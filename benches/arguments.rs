//! The command line.

use std::path::PathBuf;

use crate::process::Cpus;
use crate::trial::{Fault, Flavour, Kind, Mechanism, Pin, Subject, Trial, Waiting, Way};

pub(crate) const USAGE: &str = "\
  --only PREFIX,...      rows whose names begin with these parts, e.g. unix,shm:park,multi/tcp
  --list                 print the names of the rows
  --reps N               interleaved repetitions (5)
  --millis N             length of a repetition after 150 ms of warm-up (300)
  --pin split|same|none  where the two processes run (split: a CPU each)
  --runtime current|multi  tokio's scheduler; multi has two workers (current)
  --root                 measure on the root of block_on, not in a spawned task
  --subject both|ours|beside  leave one of the two out
  --smoke                tiny and once: shows that every row works, not how fast
  --json                 one JSON line a row instead of the table";

/// Which of the two measurements of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum One {
    Ours,
    Beside,
}

/// What a run was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Arguments {
    pub(crate) only: Vec<String>,
    pub(crate) list: bool,
    pub(crate) reps: usize,
    pub(crate) millis: u64,
    pub(crate) warm_ms: u64,
    /// Length of the quiet before idle connections are watched; they are watched five times that.
    pub(crate) quiet_ms: u64,
    /// How many connections are many.
    pub(crate) crowd: usize,
    pub(crate) pin: Pin,
    pub(crate) flavour: Flavour,
    pub(crate) root: bool,
    /// The only one of the two to be measured.
    pub(crate) only_one: Option<One>,
    pub(crate) smoke: bool,
    pub(crate) json: bool,
    /// A directory of this run's own, for socket files.
    pub(crate) directory: PathBuf,
}

impl Arguments {
    /// Reads the command line; `None` when only help was wanted.
    pub(crate) fn read(
        words: impl IntoIterator<Item = String>,
        directory: PathBuf,
    ) -> Result<Option<Self>, Fault> {
        let mut arguments = Self {
            only: Vec::new(),
            list: false,
            reps: 5,
            millis: 300,
            warm_ms: 150,
            quiet_ms: 1_000,
            crowd: 1_000,
            pin: Pin::Split,
            flavour: Flavour::Current,
            root: false,
            only_one: None,
            smoke: false,
            json: false,
            directory,
        };
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} needs a value"));
            match word.as_str() {
                // Cargo says so to every bench.
                "--bench" => {}
                "--only" => arguments.only.extend(value()?.split(',').map(str::to_owned)),
                "--list" => arguments.list = true,
                "--reps" => arguments.reps = value()?.parse::<usize>()?.max(1),
                "--millis" => arguments.millis = value()?.parse::<u64>()?.max(1),
                "--pin" => arguments.pin = pin(&value()?)?,
                "--runtime" => arguments.flavour = flavour(&value()?)?,
                "--root" => arguments.root = true,
                "--subject" => arguments.only_one = only_one(&value()?)?,
                "--smoke" => arguments.smoke = true,
                "--json" => arguments.json = true,
                "--help" | "-h" => return Ok(None),
                _ => return Err(format!("unknown argument {word}\n\n{USAGE}").into()),
            }
        }
        if arguments.smoke {
            arguments.shrink();
        }
        Ok(Some(arguments))
    }

    /// Makes everything as small as still shows that it works.
    pub(crate) fn shrink(&mut self) {
        self.smoke = true;
        (self.reps, self.millis, self.warm_ms) = (1, 20, 10);
        (self.quiet_ms, self.crowd) = (100, 50);
    }

    /// Falls back to the scheduler's own placement where there are not two CPUs to split between.
    pub(crate) fn fit(&mut self, cpus: &Cpus) {
        if cpus.len() < 2 && self.pin == Pin::Split {
            eprintln!("WARNING: one CPU only, so both processes run on it; no figure asked holds");
            self.pin = Pin::None;
        }
    }

    /// Whether a row of this name was asked for. A prefix ends where a part of the name does, so
    /// that `unix/rtt/64` is not `unix/rtt/64K` too.
    pub(crate) fn wants(&self, name: &str) -> bool {
        let begins = |prefix: &String| {
            let rest = name.strip_prefix(prefix.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':', '-']))
        };
        self.only.is_empty() || self.only.iter().any(begins)
    }

    /// The measurement of ours with default options and this run's settings.
    pub(crate) fn trial(&self, mechanism: Mechanism, kind: Kind, bytes: usize) -> Trial {
        let address = match mechanism {
            // The name is taken anew for every repetition, see `fresh`.
            path if path.has_path() => self.directory.display().to_string(),
            Mechanism::Pipe => String::new(),
            _ => "127.0.0.1:0".to_owned(),
        };
        Trial {
            subject: Subject::Ours,
            mechanism,
            kind,
            bytes,
            connections: 1,
            waiting: Waiting::Default,
            way: Way::Owned,
            flavour: self.flavour,
            pin: self.pin,
            root: self.root,
            count: false,
            warm_ms: self.warm_ms,
            window_ms: self.millis,
            address,
        }
    }
}

/// The trial at a path that no other one of this run uses.
pub(crate) fn fresh(trial: &Trial, number: usize) -> Trial {
    let mut trial = trial.clone();
    if trial.mechanism.has_path() {
        trial.address = format!("{}/{number}", trial.address);
    }
    trial
}

fn pin(word: &str) -> Result<Pin, Fault> {
    match word {
        "split" => Ok(Pin::Split),
        "same" => Ok(Pin::Same),
        "none" => Ok(Pin::None),
        _ => Err(format!("--pin split|same|none, not {word}").into()),
    }
}

fn flavour(word: &str) -> Result<Flavour, Fault> {
    match word {
        "current" => Ok(Flavour::Current),
        "multi" => Ok(Flavour::Multi),
        _ => Err(format!("--runtime current|multi, not {word}").into()),
    }
}

fn only_one(word: &str) -> Result<Option<One>, Fault> {
    match word {
        "both" => Ok(None),
        "ours" => Ok(Some(One::Ours)),
        "beside" => Ok(Some(One::Beside)),
        _ => Err(format!("--subject both|ours|beside, not {word}").into()),
    }
}
