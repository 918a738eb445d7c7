//! One run: reads the command line, measures row after row, reports.

use std::process::ExitCode;

use crate::arguments::{Arguments, One, USAGE, fresh};
use crate::process::{self, Cpus};
use crate::report::Report;
use crate::row::{Row, limit};
use crate::side;
use crate::stats::Figure;
use crate::trial::{Fault, Mechanism, Trial};

/// All rows that a program has, in the order of its table.
pub(crate) type Rows = fn(&Arguments) -> Vec<Row>;

/// The program, in either of its two parts; `command` is how it is called.
pub(crate) fn main(command: &str, rows: Rows) -> ExitCode {
    let mut words = std::env::args().skip(1).peekable();
    if words.peek().is_some_and(|word| word == "--child") {
        return side::child(&words.nth(1).unwrap_or_default()).into();
    }
    match run(words, command, rows) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::from(2)
        }
    }
}

/// Measures what was asked for; whether all of it could be measured. A figure missed is no failure.
fn run(words: impl Iterator<Item = String>, command: &str, rows: Rows) -> Result<bool, Fault> {
    let directory = tempfile::Builder::new().prefix("mechanisms-").tempdir()?;
    let Some(mut arguments) = Arguments::read(words, directory.path().to_owned())? else {
        println!("{command} [OPTIONS]\n\n{USAGE}");
        return Ok(true);
    };
    if cfg!(debug_assertions) && !arguments.smoke {
        eprintln!("not optimised, so no figure means anything: running as with --smoke");
        arguments.shrink();
    }
    let cpus = Cpus::granted()?;
    arguments.fit(&cpus);
    process::raise_descriptor_limit()?;
    let mut rows = rows(&arguments);
    rows.retain(|row| arguments.wants(&row.name));
    if arguments.list {
        rows.iter().for_each(|row| println!("{}", row.name));
        return Ok(true);
    }
    let mut report = Report::new(arguments.json);
    report.begin();
    let mut run = Run { arguments, cpus, trials: 0 };
    for row in &rows {
        match run.row(row) {
            Ok(figures) => report.row(row, &figures),
            Err(why) => report.failure(row, &why.to_string()),
        }
    }
    Ok(report.end())
}

/// The repetitions of a row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    pub(crate) ours: Vec<Figure>,
    pub(crate) beside: Vec<Figure>,
    /// The bouncing cache line at the same time.
    pub(crate) line: Vec<Figure>,
}

struct Run {
    arguments: Arguments,
    cpus: Cpus,
    trials: usize,
}

impl Run {
    /// All repetitions of a row: ours, the baseline, ours, the baseline, …
    fn row(&mut self, row: &Row) -> Result<Figures, Fault> {
        let mut figures = Figures::default();
        let only = self.arguments.only_one;
        for _ in 0..row.repetitions(self.arguments.reps) {
            if row.is_beside_the_line() {
                let line = limit(&self.arguments, Mechanism::CacheLine);
                let window_ms = line.window_ms.min(20);
                figures.line.push(self.once(row, &Trial { window_ms, ..line })?);
            }
            if only != Some(One::Beside) || row.beside.is_none() {
                figures.ours.push(self.once(row, &row.ours)?);
            }
            if let Some(beside) = row.beside.as_ref().filter(|_| only != Some(One::Ours)) {
                figures.beside.push(self.once(row, beside)?);
            }
        }
        Ok(figures)
    }

    fn once(&mut self, row: &Row, trial: &Trial) -> Result<Figure, Fault> {
        self.trials += 1;
        row.measure(&fresh(trial, self.trials), &self.cpus)
    }
}
