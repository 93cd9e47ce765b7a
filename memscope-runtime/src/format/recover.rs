//! What is left of a damaged file.

use super::chunk::{ALL_BLOCKS, Chunk, HEAD};
use super::decode::Budget;
use super::finding::{INCOMPLETE_RECORDING, insert, of_the_file};
use super::lists::{Row as _, name_of, without_lists};
use super::lives;
use super::read::{FREE_BUDGET_BYTES, Recording, regular_file};
use super::replace::{replace_file, replace_with};
use super::scan::Run;
use super::{MOST_RAW_BYTES, ReadError, ReadErrorKind, file_header, write};
use crate::snapshot::{Severity, Snapshot, Variable};
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, Write as _};
use std::path::Path;

/// What was saved of a file, and what was lost. Its text is one paragraph.
pub struct Recovery<R> {
    /// What was saved.
    pub snapshot: Snapshot,
    /// What was lost.
    pub report: Report,
    recording: Recording<R>,
    run: Run,
}

/// What was saved of a file, and what was lost, in figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Length of the file.
    pub file_bytes: u64,
    /// Snapshots in the file that begin and end, those with damage between included.
    pub complete_snapshots: u64,
    /// Snapshots that begin and do not end, or lack chunks.
    pub incomplete_snapshots: u64,
    /// Offset of the snapshot that was saved.
    pub offset: u64,
    /// Its length.
    pub bytes: u64,
    /// Bytes of the file behind it, of which nothing was saved.
    pub lost_bytes: u64,
    /// The first place of the file where a chunk should begin and none does, or where an end does not close what is
    /// there; `None`: there is no such place.
    pub damage_offset: Option<u64>,
    /// Whether the snapshot that was saved is complete and undamaged.
    pub is_whole: bool,
    /// Parts of it that are damaged. Where its end is missing as well, nobody knows which other parts it had.
    pub damaged_parts: Vec<&'static str>,
    /// Whether it has its end, so that nothing but `damaged_parts` is missing.
    pub has_end: bool,
}

/// Saves what is whole of the file at `path`: the last snapshot that is complete and undamaged, or, if there is none, the
/// whole parts of the last whose totals are, with a finding that says so. The last 64 snapshots are looked at.
///
/// # Errors
/// See [`ReadErrorKind`]: of a file that is no recording or of another version, or in which no snapshot's totals are whole.
pub fn recover_file(path: &Path) -> Result<Recovery<File>, ReadError> {
    let file = regular_file(path).map_err(|kind| ReadError { path: Some(path.to_owned()), kind })?;
    recover_from(Recording::new(file, Some(path.to_owned()))?)
}

/// [`recover_file`], of whatever can be read.
///
/// # Errors
/// As there.
pub fn recover<R: Read + Seek>(source: R) -> Result<Recovery<R>, ReadError> {
    recover_from(Recording::new(source, None)?)
}

fn recover_from<R: Read + Seek>(mut recording: Recording<R>) -> Result<Recovery<R>, ReadError> {
    let mut first_error = None;
    let mut saved = None;
    let runs: Vec<Run> = recording.scan.runs.iter().rev().copied().collect();
    for run in runs.iter().filter(|run| run.is_complete) {
        match whole(&mut recording, run) {
            Ok(snapshot) => {
                saved = Some((snapshot, *run, Vec::new(), true));
                break;
            }
            Err(error) => _ = first_error.get_or_insert(error),
        }
    }
    for run in if saved.is_none() { &runs[..] } else { &[] } {
        match parts(&mut recording, run) {
            Ok((mut snapshot, damaged)) => {
                say_so(&mut snapshot, run, &damaged);
                saved = Some((snapshot, *run, damaged, false));
                break;
            }
            Err(error) => _ = first_error.get_or_insert(error),
        }
    }
    let Some((snapshot, run, damaged_parts, is_whole)) = saved else {
        let kind = first_error.unwrap_or_else(|| recording.no_snapshot());
        return Err(recording.error(kind));
    };
    let scan = &recording.scan;
    let report = Report {
        file_bytes: scan.file_bytes,
        complete_snapshots: scan.complete,
        incomplete_snapshots: scan.incomplete,
        offset: run.start,
        bytes: run.end - run.start,
        lost_bytes: scan.file_bytes - run.end,
        damage_offset: scan.damage,
        is_whole,
        damaged_parts,
        has_end: run.is_complete,
    };
    Ok(Recovery { snapshot, report, recording, run })
}

/// A snapshot of which every chunk can be read.
fn whole<R: Read + Seek>(recording: &mut Recording<R>, run: &Run) -> Result<Snapshot, ReadErrorKind> {
    let chunks = recording.window.chunks_of(run)?;
    let snapshot = recording.decode(&chunks)?;
    for chunk in chunks.iter().filter(|chunk| chunk.kind == ALL_BLOCKS && chunk.is_understood()) {
        recording.unpack(chunk, &mut Budget(0))?;
    }
    Ok(snapshot)
}

/// A snapshot of the chunks that can be read, and what the others hold.
fn parts<R: Read + Seek>(
    recording: &mut Recording<R>,
    run: &Run,
) -> Result<(Snapshot, Vec<&'static str>), ReadErrorKind> {
    let mut chunks = recording.window.chunks_of(run)?.into_iter();
    let head = chunks.next().filter(|head| head.kind == HEAD).ok_or(ReadErrorKind::Empty)?;
    let mut budget = Budget(FREE_BUDGET_BYTES);
    let mut snapshot = without_lists(recording.decode_head(&head, &mut budget)?);
    let mut damaged = Vec::new();
    let mut raw_bytes = u64::from(head.raw_bytes);
    for chunk in chunks {
        raw_bytes += u64::from(chunk.raw_bytes);
        // Rows that name variables by their places would be taken for others'.
        let is_misplaced =
            chunk.kind == lives::KIND && damaged.iter().any(|&part| name_of(Variable::KIND) == Some(part));
        let is_saved = chunk.kind != ALL_BLOCKS
            && !is_misplaced
            && raw_bytes <= MOST_RAW_BYTES
            && recording.decode_list(&chunk, &mut snapshot, &mut budget).is_ok();
        let part = Chunk::name(&chunk).unwrap_or("a part that is not known");
        if !is_saved && !damaged.contains(&part) {
            damaged.push(part);
        }
    }
    Ok((snapshot, damaged))
}

/// Adds the finding that parts are missing, first of all.
fn say_so(snapshot: &mut Snapshot, run: &Run, damaged: &[&str]) {
    let damaged = match damaged {
        [] => String::new(),
        parts => format!(" Damaged: {}.", parts.join(", ")),
    };
    let cut =
        if run.is_complete { "" } else { " Its writing was cut off; what would have followed is not known." };
    let message = format!(
        "This recording was saved from a damaged file and is not complete: a list that is empty or short may \
         have had more rows.{damaged}{cut}"
    );
    insert(snapshot, 0, of_the_file(INCOMPLETE_RECORDING, Severity::Error, message));
}

impl<R: Read + Seek> Recovery<R> {
    /// Writes a clean file to `path`: of a whole snapshot the very bytes, parts that this memscope does not know included;
    /// else what could be read. A file that was there is replaced as a whole or left as it is.
    ///
    /// # Errors
    /// What the file system says: see [`replace_file`].
    pub fn save(&mut self, path: &Path) -> io::Result<()> {
        if !self.report.is_whole {
            return replace_file(path, &write(&self.snapshot));
        }
        let Run { start, end, .. } = self.run;
        let window = &mut self.recording.window;
        replace_with(path, |file| {
            file.write_all(&file_header())?;
            window.copy(start, end - start, file)
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let snapshots = |count: u64| if count == 1 { "snapshot" } else { "snapshots" };
        let (complete, cut) = (self.complete_snapshots, self.incomplete_snapshots);
        write!(f, "The file of {} bytes has {complete} complete {}", self.file_bytes, snapshots(complete))?;
        if cut > 0 {
            write!(f, " and {cut} that {} cut off or damaged", if cut == 1 { "is" } else { "are" })?;
        }
        let kind = if self.is_whole { "the last whole one" } else { "what is whole of the last one" };
        write!(f, ". Saved: {kind}, {} bytes from byte {}", self.bytes, self.offset)?;
        match (&self.damaged_parts[..], self.has_end) {
            _ if self.is_whole => f.write_str(".")?,
            ([], _) => f.write_str(", up to where its writing was cut off.")?,
            (parts, true) => write!(f, "; damaged and not saved: {}.", parts.join(", "))?,
            (parts, false) => {
                write!(
                    f,
                    ", up to where its writing was cut off; damaged and not saved: {}.",
                    parts.join(", ")
                )?;
            }
        }
        match self.lost_bytes {
            0 => f.write_str(" Nothing follows it.")?,
            bytes => write!(f, " Lost: the {bytes} bytes behind it.")?,
        }
        if let Some(offset) = self.damage_offset {
            write!(f, " The first damage is at byte {offset}.")?;
        }
        Ok(())
    }
}
