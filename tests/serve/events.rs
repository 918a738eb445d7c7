//! A subscriber that keeps what it is told, each event with the fields of its spans.

use std::{
    collections::HashMap,
    fmt::{self, Write},
    sync::{Arc, Mutex, MutexGuard},
};

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

/// All that was told so far; clones share it.
#[derive(Clone, Default)]
pub(crate) struct Events(Arc<Mutex<Told>>);

#[derive(Default)]
struct Told {
    spans: HashMap<u64, String>,
    entered: Vec<u64>,
    events: Vec<String>,
}

impl Events {
    /// Those with this text in them.
    pub(crate) fn with(&self, text: &str) -> Vec<String> {
        self.told().events.iter().filter(|event| event.contains(text)).cloned().collect()
    }

    /// The spans, with their fields.
    pub(crate) fn spans(&self) -> Vec<String> {
        self.told().spans.values().cloned().collect()
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().expect("not poisoned")
    }
}

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {field}={value:?}").expect("a string");
    }
}

impl Subscriber for Events {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("framewire")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut told = self.told();
        let id = told.spans.len() as u64 + 1;
        let mut line = span.metadata().name().to_owned();
        span.record(&mut Line(&mut line));
        told.spans.insert(id, line);
        Id::from_u64(id)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = event.metadata().level().to_string();
        event.record(&mut Line(&mut line));
        let mut told = self.told();
        for span in &told.entered {
            line += " in ";
            line += &told.spans[span];
        }
        told.events.push(line);
    }

    fn enter(&self, span: &Id) {
        self.told().entered.push(span.into_u64());
    }

    fn exit(&self, span: &Id) {
        let mut told = self.told();
        if let Some(at) = told.entered.iter().rposition(|entered| *entered == span.into_u64()) {
            told.entered.remove(at);
        }
    }
}
