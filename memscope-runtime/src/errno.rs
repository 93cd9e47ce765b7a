//! What the recorder does around a foreign call leaves `errno` as it was: callers set it before the call (`strtol`) and
//! read it after.

/// Puts `errno` back when dropped.
#[must_use = "errno is put back when this is dropped"]
pub(crate) struct Errno {
    #[cfg(target_os = "linux")]
    value: libc::c_int,
}

impl Errno {
    #[inline]
    pub(crate) fn keep() -> Errno {
        Errno {
            #[cfg(target_os = "linux")]
            // SAFETY: it is this thread's, and lives as long as the thread.
            value: unsafe { *libc::__errno_location() },
        }
    }
}

impl Drop for Errno {
    #[inline]
    fn drop(&mut self) {
        #[cfg(target_os = "linux")]
        // SAFETY: as above.
        unsafe {
            *libc::__errno_location() = self.value;
        }
    }
}
