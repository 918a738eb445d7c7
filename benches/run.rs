//! One run: reads the command line, measures row after row, reports.

use std::process::ExitCode;

use crate::arguments::{Arguments, USAGE, fresh};
use crate::process::{self, Cpus};
use crate::report::Report;
use crate::row::{self, Row};
use crate::side;
use crate::stats::Figure;
use crate::trial::{Fault, Subject, Trial};

/// The program, in either of its two parts.
pub(crate) fn main() -> ExitCode {
    let mut words = std::env::args().skip(1).peekable();
    if words.peek().is_some_and(|word| word == "--child") {
        return side::child(&words.nth(1).unwrap_or_default()).into();
    }
    match run(words) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::from(2)
        }
    }
}

/// Measures what was asked for; whether all of it could be measured. A figure missed is no failure.
fn run(words: impl Iterator<Item = String>) -> Result<bool, Fault> {
    let directory = tempfile::Builder::new().prefix("mechanisms-").tempdir()?;
    let Some(mut arguments) = Arguments::read(words, directory.path().to_owned())? else {
        println!("{USAGE}");
        return Ok(true);
    };
    if cfg!(debug_assertions) && !arguments.smoke {
        eprintln!("not optimised, so no figure means anything: running as with --smoke");
        arguments.shrink();
    }
    let cpus = Cpus::granted()?;
    arguments.fit(&cpus);
    process::raise_descriptor_limit()?;
    let rows = row::all(&arguments);
    if arguments.list {
        rows.iter().for_each(|row| println!("{}", row.name));
        return Ok(true);
    }
    let mut report = Report::new(arguments.json);
    report.begin();
    let mut run = Run { arguments, cpus, trials: 0 };
    for row in &rows {
        match run.row(row) {
            Ok((ours, beside)) => report.row(row, &ours, &beside),
            Err(why) => report.failure(row, &why.to_string()),
        }
    }
    Ok(report.end())
}

struct Run {
    arguments: Arguments,
    cpus: Cpus,
    trials: usize,
}

impl Run {
    /// All repetitions of a row: ours, the baseline, ours, the baseline, …
    fn row(&mut self, row: &Row) -> Result<(Vec<Figure>, Vec<Figure>), Fault> {
        let (mut ours, mut beside) = (Vec::new(), Vec::new());
        let beside_trial = row.beside.as_ref();
        for _ in 0..row.repetitions(self.arguments.reps) {
            if self.arguments.subject != Some(Subject::ByHand) || beside_trial.is_none() {
                ours.push(self.once(row, &row.ours)?);
            }
            if let (Some(trial), None | Some(Subject::ByHand)) =
                (beside_trial, self.arguments.subject)
            {
                beside.push(self.once(row, trial)?);
            }
        }
        Ok((ours, beside))
    }

    fn once(&mut self, row: &Row, trial: &Trial) -> Result<Figure, Fault> {
        self.trials += 1;
        row.measure(&fresh(trial, self.trials), &self.cpus)
    }
}
