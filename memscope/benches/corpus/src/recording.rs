//! What the hook wrote: one file for each process.

use crate::archive;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// All processes of a run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Recording {
    /// Processes that wrote what they recorded.
    pub(crate) processes: u64,
    /// Processes that began and did not come to their end: killed, or aborted.
    pub(crate) cut_off: u64,
    /// Distinct sites that ran, over all processes.
    pub(crate) sites_ran: u64,
    /// The most that a process held, by name.
    highest: BTreeMap<String, u64>,
    /// Over all processes, by name.
    sums: BTreeMap<String, u64>,
    /// Processes whose scopes did not sum up to their totals, or whose allocator was not installed.
    pub(crate) unsound: u64,
}

impl Recording {
    /// The most that a process held.
    pub(crate) fn highest(&self, name: &str) -> u64 {
        self.highest.get(name).copied().unwrap_or(0)
    }

    /// Over all processes.
    pub(crate) fn sum(&self, name: &str) -> u64 {
        self.sums.get(name).copied().unwrap_or(0)
    }
}

/// Reads a folder of records.
///
/// # Errors
///
/// A file that cannot be read.
pub(crate) fn read(folder: &Path) -> Result<Recording, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut records = Vec::new();
    for entry in entries {
        records.push(archive::read(&entry.map_err(|error| error.to_string())?.path())?);
    }
    Ok(recording(&records))
}

fn recording(records: &[String]) -> Recording {
    let mut recording = Recording::default();
    let mut ran = BTreeSet::new();
    for record in records {
        if record.lines().next_back() != Some("ended") {
            recording.cut_off += 1;
            continue;
        }
        recording.processes += 1;
        ran.extend(record.lines().filter_map(|line| line.strip_prefix("ran ")));
        let mut sound = true;
        for (name, value) in record.lines().filter_map(figure) {
            sound &= value == 1 || !["allocator_installed", "books_hold"].contains(&name);
            let highest = recording.highest.entry(name.to_owned()).or_default();
            *highest = value.max(*highest);
            *recording.sums.entry(name.to_owned()).or_default() += value;
        }
        recording.unsound += u64::from(!sound);
    }
    recording.sites_ran = ran.len() as u64;
    recording
}

fn figure(line: &str) -> Option<(&str, u64)> {
    let (name, value) = line.strip_prefix("figure ")?.split_once(' ')?;
    Some((name, value.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sites_are_counted_once_and_processes_that_did_not_end_apart() {
        let record = |scopes: u64, holds: u64, ran: &str| {
            format!("figure scopes {scopes}\nfigure books_hold {holds}\nran {ran}\nran b.rs:1:1\nended\n")
        };
        let records = [record(3, 1, "a.rs:1:1"), record(2, 0, "a.rs:2:1"), "begun\n".to_owned()];
        let recording = recording(&records);
        // a.rs:1, a.rs:2 and b.rs:1.
        assert_eq!(recording.sites_ran, 3);
        assert_eq!((recording.highest("scopes"), recording.sum("scopes")), (3, 5));
        assert_eq!((recording.processes, recording.cut_off, recording.unsound), (2, 1, 1));
    }
}
