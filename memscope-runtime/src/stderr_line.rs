//! A line on stderr that neither holds up the program nor ends it.
//!
//! std's `stderr` has a lock, which a thread may hold that waits for this one. A pipe that nobody reads any more raises
//! `SIGPIPE`, which ends a program that did not ask to ignore it. So a line is one `write`, and raises nothing.
//!
//! A program that nothing of memscope runs in has no such thread, and no `libc`: there it is std's.

/// Says `text`; where stderr is closed, nothing.
pub fn say(text: &str) {
    let _own = crate::own_work();
    write(format!("memscope: {text}\n").as_bytes());
}

/// Writes whole lines at once, so that those of several threads do not mix. It allocates nothing.
#[cfg(not(feature = "quiet-stderr"))]
pub(crate) fn write(lines: &[u8]) {
    use std::io::Write as _;
    let _ = std::io::stderr().write_all(lines);
}

#[cfg(feature = "quiet-stderr")]
pub(crate) use quiet::write;

#[cfg(feature = "quiet-stderr")]
mod quiet {
    use std::io::{Error, ErrorKind};
    use std::mem::MaybeUninit;

    /// Writes whole lines at once, so that those of several threads do not mix. It allocates nothing.
    pub(crate) fn write(lines: &[u8]) {
        let (mut pipe, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
        // SAFETY: `sigemptyset` writes the set that is read after, and `before` is a place for the answer.
        let is_masked = unsafe {
            libc::sigemptyset(pipe.as_mut_ptr());
            libc::sigaddset(pipe.as_mut_ptr(), libc::SIGPIPE);
            libc::pthread_sigmask(libc::SIG_BLOCK, pipe.as_ptr(), before.as_mut_ptr()) == 0
        };
        if !is_masked {
            return;
        }
        let was_pending = is_pending(libc::SIGPIPE);
        let is_raised = write_once(lines).is_err_and(|error| error.kind() == ErrorKind::BrokenPipe);
        // SAFETY: both sets were written above. Nobody waits: what a thread's own write raises is that thread's, and is there.
        unsafe {
            if is_raised && !was_pending && is_pending(libc::SIGPIPE) {
                libc::sigwait(pipe.as_ptr(), &mut 0);
            }
            libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut());
        }
    }

    fn write_once(lines: &[u8]) -> Result<(), Error> {
        loop {
            // SAFETY: the range is the lines'.
            let written = unsafe { libc::write(libc::STDERR_FILENO, lines.as_ptr().cast(), lines.len()) };
            if written >= 0 {
                return Ok(());
            }
            let error = Error::last_os_error();
            if error.kind() != ErrorKind::Interrupted {
                return Err(error);
            }
        }
    }

    fn is_pending(signal: libc::c_int) -> bool {
        let mut pending = MaybeUninit::uninit();
        // SAFETY: the set is read only if it was written.
        unsafe {
            libc::sigpending(pending.as_mut_ptr()) == 0 && libc::sigismember(pending.as_ptr(), signal) == 1
        }
    }
}
