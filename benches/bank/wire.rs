//! What went over the lines of the bank, as its virtual modems saw it, while it is being written and afterwards.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

/// A turn of one side.
#[derive(Debug, Deserialize)]
pub(crate) struct Said {
    pub(crate) us: u64,
    pub(crate) modem: usize,
    pub(crate) by: By,
    pub(crate) said: String,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum By {
    Driver,
    Modem,
}

impl Said {
    /// The gateway begins this command.
    pub(crate) fn begins(&self, command: &str) -> bool {
        self.by == By::Driver && self.said.starts_with(command)
    }

    pub(crate) fn tells(&self, words: &str) -> bool {
        self.by == By::Modem && self.said.contains(words)
    }
}

/// Reads the file as it grows.
pub(crate) struct Wire {
    file: BufReader<std::fs::File>,
    rest: String,
}

impl Wire {
    pub(crate) fn open(path: &Path) -> Self {
        Self {
            file: BufReader::new(std::fs::File::open(path).expect("the bank writes it")),
            rest: String::new(),
        }
    }

    /// The next turn that is there by now.
    pub(crate) fn next(&mut self) -> Option<Said> {
        self.file.read_line(&mut self.rest).expect("a file");
        if !self.rest.ends_with('\n') {
            return None;
        }
        let said = serde_json::from_str(&self.rest).expect("a line of the wire");
        self.rest.clear();
        Some(said)
    }

    /// Waits for a turn like this.
    pub(crate) async fn until(&mut self, is: impl Fn(&Said) -> bool) -> Said {
        let limit = tokio::time::Instant::now() + Duration::from_secs(30);
        loop {
            match self.next() {
                Some(said) if is(&said) => return said,
                Some(_) => {}
                None => {
                    assert!(tokio::time::Instant::now() < limit, "it is not said in time");
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            }
        }
    }
}
