//! What was asked for, and what came out of it.

use std::{
    io::{IsTerminal, Write, stderr},
    time::{Duration, Instant},
};

use framewire::Result;

use crate::{client::Measured, row::Row};

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
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Option<Self> {
        let mut request = Self { only: Vec::new(), messages: 10_000, size: 64, json: false };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--json" => request.json = true,
                "--only" => request.only = words.next()?.split(',').map(Into::into).collect(),
                "--messages" => request.messages = words.next()?.parse().ok()?,
                "--size" => request.size = words.next()?.parse().ok()?,
                _ => return None,
            }
        }
        let known = |name: &String| crate::row::ROWS.iter().any(|row| row.is_named(name));
        (request.only.iter().all(known) && request.size <= 1 << 20).then_some(request)
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
    pub(crate) fn row(&mut self, row: &Row, outcome: Result<Line>) {
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
        }
        !self.failed && !self.lines.is_empty()
    }
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
