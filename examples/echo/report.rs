//! What was asked for, and what came out of it.

use std::{
    io::{IsTerminal, Write, stderr},
    ops::RangeInclusive,
    time::{Duration, Instant},
};

use crate::{
    client::{LARGEST, Measured},
    row::{ROWS, Row},
};

/// The command line.
#[derive(Clone)]
pub(crate) struct Request {
    only: Vec<String>,
    pub(crate) messages: u64,
    pub(crate) size: usize,
    json: bool,
}

/// One row that went well.
pub(crate) struct Line {
    pub(crate) endpoint: String,
    pub(crate) server: u32,
    pub(crate) measured: Measured,
}

/// All rows so far.
pub(crate) struct Report {
    pub(crate) request: Request,
    lines: Vec<(&'static str, Line)>,
    failed: bool,
    drawn: Instant,
}

impl Request {
    /// Reads it, or says what is wrong with it.
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut request = Self { only: Vec::new(), messages: 10_000, size: 64, json: false };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} lacks its value"));
            match word.as_str() {
                "--json" => request.json = true,
                "--only" => request.only = value()?.split(',').map(Into::into).collect(),
                "--messages" => request.messages = number(&value()?, 1..=u64::MAX)?,
                "--size" => request.size = number(&value()?, 0..=LARGEST as u64)? as usize,
                _ => return Err(format!("{word} is not an option")),
            }
        }
        match request.only.iter().find(|name| !ROWS.iter().any(|row| row.is_named(name))) {
            None => Ok(request),
            Some(unknown) => {
                let names: Vec<_> = ROWS.iter().map(|row| row.name).collect();
                Err(format!("{unknown:?} is none of {}", names.join(", ")))
            }
        }
    }

    pub(crate) fn wants(&self, row: &Row) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| row.is_named(name))
    }
}

impl Report {
    pub(crate) fn new(request: Request) -> Self {
        Self { request, lines: Vec::new(), failed: false, drawn: Instant::now() }
    }

    /// Draws a bar, ten times a second, where a person looks on.
    pub(crate) fn progress(&mut self, row: &Row, done: u64) {
        if self.drawn.elapsed() < Duration::from_millis(100) || !stderr().is_terminal() {
            return;
        }
        self.drawn = Instant::now();
        let filled = (30 * done / self.request.messages.max(1)) as usize;
        let bar = format!("{}{}", "=".repeat(filled), " ".repeat(30 - filled));
        let _ = write!(stderr(), "\r{:<14} [{bar}] {done} of {}", row.name, self.request.messages);
        let _ = stderr().flush();
    }

    /// A row is done, well or not.
    pub(crate) fn row(&mut self, row: &Row, outcome: framewire::Result<Line>) {
        if stderr().is_terminal() {
            let _ = write!(stderr(), "\r{:78}\r", "");
        }
        match outcome {
            Ok(line) => {
                if self.request.json {
                    print_json(row.name, &line);
                }
                self.failed |= line.measured.verified != line.measured.sent;
                self.lines.push((row.name, line));
            }
            Err(error) => {
                self.failed = true;
                eprintln!("{}: {error}", row.name);
            }
        }
    }

    /// Prints the table; tells whether all went well.
    pub(crate) fn finish(self) -> bool {
        if !self.request.json {
            let width = self.lines.iter().map(|(_, line)| line.endpoint.len()).max().unwrap_or(0);
            println!(
                "{:<14} {:<width$} {:>9} {:>9} {:>8} {:>8} {:>11}",
                "mechanism", "endpoint", "messages", "verified", "p50 µs", "p99 µs", "messages/s"
            );
            for (name, Line { endpoint, measured: m, .. }) in &self.lines {
                println!(
                    "{name:<14} {endpoint:<width$} {:>9} {:>9} {:>8.1} {:>8.1} {:>11.0}",
                    m.sent, m.verified, m.p50, m.p99, m.rate
                );
            }
            println!(
                "\np50 and p99 are of one message at a time, messages/s with up to {} on their way, {} where\n\
                 they can be lost; nine in ten are of {} bytes, the others of {:?}, as far as the\n\
                 mechanism takes them: a signal has 4 bytes, and the token of a semaphore none.",
                crate::client::WINDOW,
                crate::client::CAREFUL,
                self.request.size,
                crate::client::SIZES
            );
        }
        !self.failed && !self.lines.is_empty()
    }
}

fn number(text: &str, range: RangeInclusive<u64>) -> Result<u64, String> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    let (least, most) = range.into_inner();
    number.ok_or(format!("{text} is not a number from {least} to {most}"))
}

fn print_json(name: &str, line: &Line) {
    let Line { endpoint, server, measured: m } = line;
    let client = std::process::id();
    println!(
        "{{\"mechanism\":\"{name}\",\"endpoint\":\"{}\",\"server_pid\":{server},\
         \"client_pid\":{client},\"sent\":{},\"verified\":{},\"p50_us\":{:.2},\"p99_us\":{:.2},\
         \"messages_per_s\":{:.0}}}",
        endpoint.escape_default(),
        m.sent,
        m.verified,
        m.p50,
        m.p99,
        m.rate
    );
}
