//! Files that are whole at all times.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Writes `bytes` beside `path` and renames them over it, so that `path` holds the old bytes or the new ones at
/// every moment, and never a part. A link is followed, a file's permissions are kept; what is no regular file (a
/// pipe, a device) is written to as it is.
///
/// # Errors
/// Whatever creating, writing, syncing or renaming gives; the file beside is then removed and `path` is as it was.
/// [`advice`] says what to do.
pub fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_with(path, |file| file.write_all(bytes))
}

/// [`replace_file`] with what `write` writes.
pub(super) fn replace_with(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let path = match fs::symlink_metadata(path) {
        Ok(link) if link.is_symlink() => target(path)?,
        _ => path.to_owned(),
    };
    let old = fs::metadata(&path).ok();
    if old.as_ref().is_some_and(fs::Metadata::is_dir) {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder; name a file"));
    }
    if old.as_ref().is_some_and(|old| !old.is_file()) {
        return write(&mut fs::OpenOptions::new().write(true).open(&path)?);
    }
    let (beside, mut file) = create_beside(&path)?;
    let written = (|| {
        if let Some(old) = old {
            file.set_permissions(old.permissions())?;
        }
        write(&mut file)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&beside, &path)
    })();
    if written.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_file(&beside);
    }
    written
}

/// Where a link leads, which need not be there yet.
fn target(link: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(link) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let target = fs::read_link(link)?;
            Ok(link.parent().map_or_else(|| target.clone(), |folder| folder.join(&target)))
        }
        found => found,
    }
}

/// A new file of a short name in the same folder that no other writer of this or another process uses. A process that
/// was killed while it wrote may have left one, and its number may be ours now (in a container it is always 1), so a
/// name that is taken is passed over.
fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    use std::sync::atomic::{AtomicU32, Ordering};
    static WRITES: AtomicU32 = AtomicU32::new(0);
    const MOST_TAKEN: u32 = 1_000;
    if path.file_name().is_none() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it ends in no file name"));
    }
    let mut taken = 0;
    loop {
        let write = WRITES.fetch_add(1, Ordering::Relaxed);
        let beside = path.with_file_name(format!(".memscope-{}-{write}.tmp", std::process::id()));
        match File::create_new(&beside) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && taken < MOST_TAKEN => taken += 1,
            created => return created.map(|file| (beside, file)),
        }
    }
}

/// What to do about an error of writing a file, to be put after it: `; make its folder first`, or nothing
/// where nobody knows.
pub fn advice(error: &io::Error) -> &'static str {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::NotFound | Kind::NotADirectory => "; make its folder first, or name another file",
        Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge => {
            "; make room, or name a file elsewhere"
        }
        Kind::PermissionDenied | Kind::ReadOnlyFilesystem => "; name a file where this user may write",
        _ if is_descriptor_limit(error) => "; close files, or raise the limit (`ulimit -n`)",
        _ => "",
    }
}

/// EMFILE and ENFILE, which have the same numbers on Linux, macOS and the BSDs.
fn is_descriptor_limit(error: &io::Error) -> bool {
    cfg!(unix) && matches!(error.raw_os_error(), Some(23 | 24))
}
