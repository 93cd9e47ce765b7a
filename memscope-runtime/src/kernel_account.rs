//! What the kernel says of a thread: its processor time, what it reads and writes, and what it waits for.
//!
//! ```text
//! clock of the thread              0.2 µs   processor time
//! /proc/self/task/TID/syscall      1.3 µs   running, or the system call that it is blocked in
//! /proc/self/task/TID/io           1.0 µs   calls and bytes of the read and write families
//! /proc/self/task/TID/schedstat    0.6 µs   time that it waited for a processor, and how often it got one
//! ```
//!
//! So much a look costs with the files kept open, on the machine of docs/performance.md; opening and closing each adds
//! 4 µs. A thread that used no processor time since the last look did nothing, so only its clock is read. What cannot
//! be read is `None`.

use crate::system_call;
use std::ffi::CStr;

/// What the kernel counted of a thread so far, and what the thread was doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KernelAccount {
    pub(crate) cpu_ns: u64,
    pub(crate) queue: Option<Queue>,
    pub(crate) io: Option<Io>,
    pub(crate) doing: Option<Doing>,
}

/// What a thread read and wrote by the `read` and `write` families of system calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Io {
    pub(crate) read_bytes: u64,
    pub(crate) written_bytes: u64,
    pub(crate) calls: u64,
}

/// How a thread came by its processor time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Queue {
    /// Time that it waited for a processor.
    pub(crate) runqueue_ns: u64,
    /// Times that it got one: after being blocked, or after another thread was let run.
    pub(crate) turns: u64,
}

/// What a thread was found doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    /// It runs, or waits for a processor.
    Running,
    /// It is blocked in a call that reads, writes, or waits for that.
    Io,
    /// It is blocked for another reason.
    Waiting,
}

/// A thread's files, open. Each may be missing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Files {
    syscall: Option<i32>,
    io: Option<i32>,
    schedstat: Option<i32>,
}

/// The folder of this process's threads, open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tasks(i32);

impl Tasks {
    pub(crate) fn open() -> Option<Tasks> {
        system_call::open(None, c"/proc/self/task").map(Tasks)
    }

    /// Opens the files of a thread.
    pub(crate) fn files_of(self, thread: u32) -> Files {
        let mut path = [0; PATH_BYTES];
        let mut open = |name| system_call::open(Some(self.0), path_of(thread, name, &mut path)?);
        Files { syscall: open(b"syscall"), io: open(b"io"), schedstat: open(b"schedstat") }
    }
}

impl KernelAccount {
    /// What the clock says, where there are no files.
    pub(crate) fn of_clock(cpu_ns: u64) -> KernelAccount {
        KernelAccount { cpu_ns, queue: None, io: None, doing: None }
    }
}

impl Files {
    pub(crate) fn close(self) {
        let Files { syscall, io, schedstat } = self;
        [syscall, io, schedstat].into_iter().flatten().for_each(system_call::close);
    }

    /// What they say, beside the thread's clock.
    pub(crate) fn read(self, cpu_ns: u64) -> KernelAccount {
        let mut place = [0; 512];
        let doing = self.syscall.and_then(|file| doing(system_call::read_from_start(file, &mut place)?));
        let io = self.io.and_then(|file| io(system_call::read_from_start(file, &mut place)?));
        let queue = self.schedstat.and_then(|file| queue(system_call::read_from_start(file, &mut place)?));
        KernelAccount { cpu_ns, queue, io, doing }
    }
}

/// The longest number, `/schedstat` and the end.
const PATH_BYTES: usize = 10 + 10 + 1;

fn path_of<'a>(thread: u32, name: &[u8], place: &'a mut [u8; PATH_BYTES]) -> Option<&'a CStr> {
    let mut digits = [0; 10];
    let mut first = digits.len();
    let mut left = thread;
    while first > 0 && (left > 0 || first == digits.len()) {
        first -= 1;
        *digits.get_mut(first)? = b'0' + (left % 10) as u8;
        left /= 10;
    }
    let parts = [digits.get(first..)?, b"/", name, b"\0"];
    let bytes = parts.into_iter().flatten();
    let mut len = 0;
    for &byte in bytes {
        *place.get_mut(len)? = byte;
        len += 1;
    }
    CStr::from_bytes_with_nul(place.get(..len)?).ok()
}

/// The first word says all: `running`, or the number of the call that the thread is blocked in; -1: in none, but for a
/// page, a lock of the kernel's, a debugger.
fn doing(text: &[u8]) -> Option<Doing> {
    if text.starts_with(b"running") {
        return Some(Doing::Running);
    }
    if text.starts_with(b"-1 ") {
        return Some(Doing::Waiting);
    }
    let (call, rest) = number(text)?;
    let is_io = IO_CALLS.contains(&libc::c_long::try_from(call).ok()?);
    rest.starts_with(b" ").then_some(if is_io { Doing::Io } else { Doing::Waiting })
}

/// Lines of a name, a colon and a number; these four come first, in this order.
fn io(text: &[u8]) -> Option<Io> {
    let (read_bytes, rest) = number(text.strip_prefix(b"rchar: ")?)?;
    let (written_bytes, rest) = number(rest.strip_prefix(b"\nwchar: ")?)?;
    let (reads, rest) = number(rest.strip_prefix(b"\nsyscr: ")?)?;
    let (writes, _) = number(rest.strip_prefix(b"\nsyscw: ")?)?;
    Some(Io { read_bytes, written_bytes, calls: reads.checked_add(writes)? })
}

/// Three numbers: nanoseconds on a processor, nanoseconds that it waited for one, turns.
fn queue(text: &[u8]) -> Option<Queue> {
    let (_, rest) = number(text)?;
    let (runqueue_ns, rest) = number(rest.strip_prefix(b" ")?)?;
    let (turns, _) = number(rest.strip_prefix(b" ")?)?;
    Some(Queue { runqueue_ns, turns })
}

/// The number that a text begins with, and the rest. A plain loop, for a debug build reads a hundred digits a look.
pub(crate) fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let (mut number, mut len) = (0u64, 0);
    while let Some(byte) = text.get(len).filter(|byte| byte.is_ascii_digit()) {
        number = number.checked_mul(10)?.checked_add(u64::from(byte - b'0'))?;
        len += 1;
    }
    Some((number, text.get(len..)?)).filter(|_| len > 0)
}

/// Calls that read, write, or wait for a single file, pipe or socket. Waiting for an event queue (`epoll_wait`) is not
/// among them: that is how executors have nothing to do.
const IO_CALLS: &[libc::c_long] = &[
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_pread64,
    libc::SYS_pwrite64,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_preadv,
    libc::SYS_pwritev,
    libc::SYS_preadv2,
    libc::SYS_pwritev2,
    libc::SYS_recvfrom,
    libc::SYS_sendto,
    libc::SYS_recvmsg,
    libc::SYS_sendmsg,
    libc::SYS_recvmmsg,
    libc::SYS_sendmmsg,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_connect,
    libc::SYS_ppoll,
    libc::SYS_pselect6,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_sync,
    libc::SYS_syncfs,
    libc::SYS_sync_file_range,
    libc::SYS_msync,
    libc::SYS_readahead,
    libc::SYS_openat,
    libc::SYS_close,
    libc::SYS_statx,
    libc::SYS_newfstatat,
    libc::SYS_getdents64,
    libc::SYS_truncate,
    libc::SYS_ftruncate,
    libc::SYS_fallocate,
    libc::SYS_unlinkat,
    libc::SYS_renameat2,
    libc::SYS_mkdirat,
    libc::SYS_splice,
    libc::SYS_tee,
    libc::SYS_vmsplice,
    libc::SYS_sendfile,
    libc::SYS_copy_file_range,
    libc::SYS_io_getevents,
    libc::SYS_io_uring_enter,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_open,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_creat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_stat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lstat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_select,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_getdents,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_unlink,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_rename,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_mkdir,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_rmdir,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_words_are_read_as_they_are_written() {
        assert_eq!(doing(b"running\n"), Some(Doing::Running));
        let blocked =
            |call: libc::c_long| format!("{call} 0x3 0x7fda66afcec7 0x1 0x0 0x0 0x0 0x7ffd 0x7fda\n");
        assert_eq!(doing(blocked(libc::SYS_read).as_bytes()), Some(Doing::Io));
        assert_eq!(doing(blocked(libc::SYS_futex).as_bytes()), Some(Doing::Waiting));
        assert_eq!(doing(blocked(libc::SYS_clock_nanosleep).as_bytes()), Some(Doing::Waiting));
        assert_eq!(doing(b"-1 0x7ffd 0x7fda\n"), Some(Doing::Waiting));
        for unknown in [&b""[..], b"\n", b"runn", b"0x3 0x4", b"99999999999999999999999 0x0", b"0"] {
            assert_eq!(doing(unknown), None, "{unknown:?}");
        }
        let text = b"rchar: 6976\nwchar: 12\nsyscr: 10\nsyscw: 3\nread_bytes: 4096\nwrite_bytes: 0\n";
        assert_eq!(io(text), Some(Io { read_bytes: 6_976, written_bytes: 12, calls: 13 }));
        // A line is missing; a number is no number; what only ends in the name is another line.
        assert_eq!(io(b"rchar: 1\nwchar: 1\nsyscr: 1\n"), None);
        assert_eq!(io(b"rchar: 1\nwchar: x\nsyscr: 1\nsyscw: 1\n"), None);
        assert_eq!(io(b"xrchar: 1\nwchar: 1\nsyscr: 1\nsyscw: 1\n"), None);
        let some = Queue { runqueue_ns: 44_538_458, turns: 3 };
        assert_eq!(queue(b"7991827 44538458 3\n"), Some(some));
        assert_eq!(queue(b"0 0 0\n"), Some(Queue::default()));
        assert_eq!(queue(b"7991827 44538458\n"), None);
        assert_eq!(queue(b""), None);
    }

    #[test]
    fn the_path_of_any_thread_fits() {
        let mut place = [0; PATH_BYTES];
        assert_eq!(path_of(u32::MAX, b"schedstat", &mut place), Some(c"4294967295/schedstat"));
        assert_eq!(path_of(0, b"io", &mut place), Some(c"0/io"));
        assert_eq!(path_of(u32::MAX, b"schedstatus", &mut place), None);
    }

    /// The kernel that this runs on is one that says all of it, or the categories' tests fail anyway.
    #[test]
    fn this_threads_own_account_is_read() {
        let thread = std::thread::spawn(|| {
            // SAFETY: it takes nothing and cannot fail.
            let this = unsafe { libc::syscall(libc::SYS_gettid) } as u32;
            let files = Tasks::open().expect("it is there").files_of(this);
            let before = files.read(system_call::cpu_ns(this).expect("this thread runs"));
            std::fs::read("/proc/self/cmdline").expect("it is there");
            let after = files.read(system_call::cpu_ns(this).expect("this thread runs"));
            files.close();
            (before, after)
        });
        let (before, after) = thread.join().expect("it does not panic");
        assert!(after.cpu_ns > before.cpu_ns);
        assert!(after.io.expect("Linux counts it").read_bytes > before.io.expect("as before").read_bytes);
        assert!(after.queue.expect("Linux counts it").turns > 0);
        assert_eq!(after.doing, Some(Doing::Io)); // it is just reading this
        assert_eq!(system_call::cpu_ns(1), None); // no thread of this process
    }
}
