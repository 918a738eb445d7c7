//! A process in a role, taking orders on its standard input and answering line by line.

use std::{
    io::{BufRead, BufReader, Lines, Write},
    process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
};

/// Killed when this is dropped.
pub(crate) struct Process {
    child: Child,
    orders: Option<ChildStdin>,
    answers: Lines<BufReader<ChildStdout>>,
}

/// In front of each answer: the test program prints lines of its own.
const MARK: &str = "answer: ";

impl Process {
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let orders = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        Self { child, orders, answers }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn order(&mut self, order: &str) {
        writeln!(self.orders.as_mut().expect("not let go yet"), "{order}").expect("it listens");
    }

    /// Waits for the next answer.
    pub(crate) fn answer(&mut self) -> String {
        loop {
            let line = self.answers.next().expect("it has ended").expect("a line");
            if let Some((_, answer)) = line.split_once(MARK) {
                return answer.to_owned();
            }
        }
    }

    /// SIGKILL, and waits until it is no more.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    /// Gives no more orders and waits for the end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.orders = None;
        self.child.wait().expect("it ends")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The next order, in a role; `None` when there are no more.
pub(crate) fn next_order() -> Option<String> {
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line).expect("standard input");
    (read > 0).then(|| line.trim_end().to_owned())
}

/// Answers, in a role.
pub(crate) fn answer(answer: &str) {
    println!("{MARK}{answer}");
}
