//! A fork's child: whole sessions, no thread, the signals given back, and a file of its own or none.

use super::{recording, signals, watcher};
use memscope_runtime::Side;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Once;

/// Makes forks known.
pub(super) fn learn() {
    static ONCE: Once = Once::new();
    // SAFETY: the handlers stay valid; they take and give back locks, and in the child put signals' actions back.
    ONCE.call_once(|| _ = unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) });
}

extern "C" fn before() {
    let _own = memscope_runtime::own_work();
    watcher::lock_for_fork();
    recording::lock_for_fork();
    signals::lock_for_fork();
}

extern "C" fn in_parent() {
    // SAFETY: `before` took the locks on this thread.
    unsafe {
        signals::unlock(Side::Parent);
        recording::unlock(Side::Parent);
        watcher::unlock(Side::Parent);
    }
}

extern "C" fn in_child() {
    // SAFETY: `before` took the locks on the thread of which this is the fork.
    unsafe {
        signals::unlock(Side::Child);
        recording::unlock(Side::Child);
        watcher::unlock(Side::Child);
    }
    watcher::is_gone();
    signals::give_back();
}

/// The file of a child: for `name.memscope`, `name.PID.memscope`.
pub(super) fn path_of(path: &Path) -> PathBuf {
    let mut name = OsString::from(path.file_stem().unwrap_or_default());
    name.push(format!(".{}", std::process::id()));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}
