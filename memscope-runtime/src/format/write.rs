//! Snapshot → bytes, and files that are whole at all times.

use super::{KIND_SNAPSHOT, MAGIC, MAJOR, MINOR};
use crate::snapshot::Snapshot;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The bytes of a `.memscope` file that holds `snapshot`.
pub fn write(snapshot: &Snapshot) -> Vec<u8> {
    let payload = postcard::to_stdvec(snapshot).expect("a snapshot is plain data of known length");
    let mut bytes = Vec::with_capacity(super::FILE_HEADER_BYTES + super::CHUNK_HEADER_BYTES + payload.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&MAJOR.to_le_bytes());
    bytes.extend_from_slice(&MINOR.to_le_bytes());
    bytes.extend_from_slice(&KIND_SNAPSHOT.to_le_bytes());
    bytes.extend_from_slice(&(payload.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&crc32fast::hash(&payload).to_le_bytes());
    bytes.extend_from_slice(&payload);
    bytes
}

/// Writes `snapshot` to `path`; a file that was there is replaced as a whole or left as it is.
///
/// # Errors
/// What the file system says: see [`replace_file`].
pub fn write_file(path: &Path, snapshot: &Snapshot) -> io::Result<()> {
    replace_file(path, &write(snapshot))
}

/// Writes `bytes` beside `path` and renames them over it, so that `path` holds the old bytes or the new ones at
/// every moment, and never a part. A link is followed, a file's permissions are kept; what is no regular file (a
/// pipe, a device) is written to as it is.
///
/// # Errors
/// Whatever creating, writing, syncing or renaming gives; the file beside is then removed and `path` is as it was.
pub fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = match fs::symlink_metadata(path) {
        Ok(link) if link.is_symlink() => fs::canonicalize(path)?,
        _ => path.to_owned(),
    };
    let old = fs::metadata(&path).ok();
    if old.as_ref().is_some_and(fs::Metadata::is_dir) {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder; name a file"));
    }
    if old.as_ref().is_some_and(|old| !old.is_file()) {
        return fs::OpenOptions::new().write(true).open(&path)?.write_all(bytes);
    }
    let beside = beside(&path)?;
    let written = fs::File::create_new(&beside).and_then(|mut file| {
        if let Some(old) = old {
            file.set_permissions(old.permissions())?;
        }
        file.write_all(bytes)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&beside, &path)
    });
    if written.is_err() {
        // The first error is the one to report; a file that was never made cannot be removed either.
        let _ = fs::remove_file(&beside);
    }
    written
}

/// A short name in the same folder that no other writer of this or another process uses.
fn beside(path: &Path) -> io::Result<PathBuf> {
    use std::sync::atomic::{AtomicU32, Ordering};
    static WRITES: AtomicU32 = AtomicU32::new(0);
    if path.file_name().is_none() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it ends in no file name"));
    }
    let write = WRITES.fetch_add(1, Ordering::Relaxed);
    Ok(path.with_file_name(format!(".memscope-{}-{write}.tmp", std::process::id())))
}
