//! The table, or JSON lines, and how the figures stand to those asked.

use std::io::{self, Write};

use serde::Serialize;

use crate::goals::{Asked, Verdict};
use crate::row::{Metric, Row};
use crate::run::Figures;
use crate::stats::{Reached, short};
use crate::trial::Trial;

/// One finished row.
#[derive(Clone, Debug, Serialize)]
struct Finished<'a> {
    row: &'a str,
    unit: &'a str,
    ours: Option<Reached>,
    beside: Option<Reached>,
    /// Round trip of the bouncing cache line in microseconds, beside what shares memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    cacheline_us: Option<f64>,
    /// What the row is beside.
    baseline: Option<&'a str>,
    /// Ratio of the medians.
    ratio: Option<f64>,
    asked: Option<String>,
    verdict: Option<Verdict>,
}

/// Collects the rows of a run and prints each as it comes.
#[derive(Debug, Default)]
pub(crate) struct Report {
    json: bool,
    met: usize,
    near: usize,
    missed: usize,
    failed: usize,
}

impl Report {
    pub(crate) fn new(json: bool) -> Self {
        Self { json, ..Self::default() }
    }

    /// Prints the head of the table.
    pub(crate) fn begin(&self) {
        if !self.json {
            line(&["row", "ours", "beside", "ratio", "asked", "", "line us"].map(str::to_owned));
        }
    }

    /// Prints a row that was measured.
    pub(crate) fn row(&mut self, row: &Row, figures: &Figures) {
        let (ours, beside) = (Reached::of(&figures.ours), Reached::of(&figures.beside));
        let cacheline_us = Reached::of(&figures.line).map(|line| line.median);
        // An absolute figure is asked of allocations and wake-ups, a ratio of all else.
        let absolute = matches!(row.metric, Metric::Allocations | Metric::Switches);
        let both = ours.as_ref().zip(beside.as_ref()).filter(|_| !absolute);
        let ratio = both.map(|(ours, beside)| ours.median / beside.median);
        let figure = ours.as_ref().filter(|_| absolute).map(|ours| ours.median).or(ratio);
        let verdict = row.asked.zip(figure).map(|(asked, figure)| asked.judge(figure));
        match verdict {
            Some(Verdict::Met) => self.met += 1,
            Some(Verdict::Near) => self.near += 1,
            Some(Verdict::Missed) => self.missed += 1,
            None => {}
        }
        let asked = row.asked.map(Asked::text);
        let unit = unit(row.metric);
        let baseline = row.beside.as_ref().map(Trial::label);
        let row = row.name.as_str();
        let finished =
            Finished { row, unit, ours, beside, cacheline_us, baseline, ratio, asked, verdict };
        if self.json {
            json(&finished);
        } else {
            finished.print();
        }
    }

    /// Prints a row that could not be measured.
    pub(crate) fn failure(&mut self, row: &Row, why: &str) {
        self.failed += 1;
        if self.json {
            json(&serde_json::json!({ "row": row.name, "error": why }));
        } else {
            line(&[row.name.clone(), format!("FAILED: {why}")]);
        }
    }

    /// Prints the sum, and says whether every row could be measured.
    pub(crate) fn end(&self) -> bool {
        let Self { met, near, missed, failed, .. } = self;
        if !self.json {
            print(&format!(
                "\n{met} met, {near} near (missed by less than half), {missed} missed, \
                 {failed} failed"
            ));
        }
        self.failed == 0
    }
}

impl Finished<'_> {
    fn print(&self) {
        let verdict = match self.verdict {
            Some(Verdict::Met) => "met",
            Some(Verdict::Near) => "near",
            Some(Verdict::Missed) => "missed",
            None => "",
        };
        let baseline = match self.baseline {
            Some("by hand") | None => String::new(),
            Some(other) => format!(" {other}"),
        };
        line(&[
            self.row.to_owned(),
            self.figure(self.ours.as_ref()),
            self.figure(self.beside.as_ref()) + &baseline,
            self.ratio.filter(|ratio| ratio.is_finite()).map(short).unwrap_or_default(),
            self.asked.clone().unwrap_or_default(),
            verdict.to_owned(),
            self.cacheline_us.map(short).unwrap_or_default(),
        ]);
    }

    fn figure(&self, reached: Option<&Reached>) -> String {
        let Some(Reached { median, p99, spread, repetitions }) = reached else {
            return String::new();
        };
        let tail = p99.map(|p99| format!(" / {}", short(p99))).unwrap_or_default();
        let spread = match self.unit {
            "us" | "messages/s" if repetitions.len() > 1 => format!(" ±{:.0}%", spread * 100.0),
            _ => String::new(),
        };
        format!("{}{tail} {}{spread}", short(*median), self.unit)
    }
}

fn unit(metric: Metric) -> &'static str {
    match metric {
        Metric::RoundTrip => "us",
        Metric::Rate => "messages/s",
        Metric::Allocations => "allocations/message",
        Metric::Switches => "switches",
    }
}

fn json(value: &impl Serialize) {
    match serde_json::to_string(value) {
        Ok(text) => print(&text),
        Err(why) => eprintln!("a row that is no JSON: {why}"),
    }
}

fn line(cells: &[String]) {
    const WIDTHS: [usize; 7] = [32, 28, 40, 8, 9, 6, 7];
    let cells = cells.iter().zip(WIDTHS).map(|(cell, width)| format!("{cell:<width$}"));
    print(cells.collect::<Vec<_>>().join(" ").trim_end());
}

/// Prints a line; a reader that has gone away is no error.
fn print(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}
