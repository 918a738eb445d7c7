//! How an address is refused: what is wrong with which piece of it, and what to write instead.

use std::borrow::Cow;

use crate::{Error, ErrorKind};

/// Text that came from outside is cut at this many characters in an error.
const SHOWN: usize = 80;

/// An address error: what is wrong, and what to write instead.
pub(super) fn refused(cause: impl Into<String>, remedy: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Address, cause.into()).remedy(remedy)
}

/// Text from outside, quoted and escaped so that it stays on its line, and bounded in length.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}…", &text[..end]),
    }
}

/// Whether a remedy may repeat this text: short enough to read, and safe on a terminal.
pub(super) fn can_be_repeated(text: &str) -> bool {
    text.chars().count() <= SHOWN && !text.chars().any(char::is_control)
}

/// The one name that differs from `text` by at most two letters, and at most half of its own, and
/// by less than any other does.
pub(super) fn nearest<'a>(text: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // The table of distances is as large as the product of both lengths, so a long text, which is
    // near to nothing anyway, is not measured.
    if text.len() > SHOWN {
        return None;
    }
    let mut found = (3, None);
    for name in names {
        let distance = distance(text, name);
        if distance > name.len() / 2 {
            continue;
        }
        if distance < found.0 {
            found = (distance, Some(name));
        } else if distance == found.0 {
            found.1 = None;
        }
    }
    found.1
}

/// The number of letters to insert, delete or replace to make one text of the other.
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, b) in to.chars().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("unix", "unix"), 0);
        assert_eq!(distance("", "tcp"), 3);
        assert_eq!(distance("uinx", "unix"), 2);
        assert_eq!(distance("tpc", "udp"), 3);
    }

    #[test]
    fn nearest_wants_a_single_answer() {
        let names = ["unix", "tcp", "udp", "mq"];
        assert_eq!(nearest("unx", names.into_iter()), Some("unix"));
        assert_eq!(nearest("ucp", names.into_iter()), None, "tcp and udp are equally near");
        assert_eq!(nearest("xy", names.into_iter()), None, "nothing is left of mq");
        assert_eq!(nearest("carrier-pigeon", names.into_iter()), None);
    }

    #[test]
    fn quotes_are_bounded_and_stay_on_their_line() {
        assert_eq!(quoted("a\nb"), r#""a\nb""#);
        assert!(quoted(&"é".repeat(10_000)).chars().count() <= SHOWN + 3);
    }
}
