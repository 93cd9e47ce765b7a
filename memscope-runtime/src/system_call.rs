//! System calls without libc, for the observer: libc does not know its thread (`bare_thread.rs`), and its wrappers know
//! of cancellation and `errno`.

use std::ffi::CStr;
use std::ptr;

/// Names this thread, as `ps` and debuggers show it.
pub(crate) fn set_name(name: &'static CStr) {
    // SAFETY: the kernel reads a C string.
    unsafe { call(libc::SYS_prctl, [libc::PR_SET_NAME as usize, name.as_ptr().addr(), 0, 0]) };
}

/// Sleeps.
pub(crate) fn sleep_ms(ms: u32) {
    let time = libc::timespec {
        tv_sec: (ms / 1_000) as libc::time_t,
        tv_nsec: libc::c_long::from(ms as i32 % 1_000) * 1_000_000,
    };
    let place = ptr::from_ref(&time).expose_provenance();
    // SAFETY: the kernel reads the time.
    unsafe { call(libc::SYS_clock_nanosleep, [libc::CLOCK_MONOTONIC as usize, 0, place, 0]) };
}

/// Processor time that this thread has used, in nanoseconds; `None`: the kernel does not say.
pub(crate) fn own_cpu_ns() -> Option<u64> {
    clock_ns(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// Processor time that a thread of this process has used, in nanoseconds; `None`: there is no such thread.
pub(crate) fn cpu_ns(thread: u32) -> Option<u64> {
    /// The kernel's `CPUCLOCK_PERTHREAD_MASK | CPUCLOCK_SCHED` (include/linux/posix-timers.h), which glibc's
    /// `pthread_getcpuclockid` puts beside the complement of the thread's number in the same way.
    const OF_THREAD: i32 = 6;
    clock_ns((!(thread as i32) << 3) | OF_THREAD)
}

fn clock_ns(clock: libc::clockid_t) -> Option<u64> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let place = ptr::from_mut(&mut time).expose_provenance();
    // SAFETY: the kernel writes the answer to its place.
    let answer = unsafe { call(libc::SYS_clock_gettime, [clock as usize, place, 0, 0]) };
    let seconds = u64::try_from(time.tv_sec).ok().filter(|_| answer == 0)?;
    Some(seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(time.tv_nsec).ok()?))
}

/// Gives this thread a table of open files of its own, an empty one, so that what it opens is in nobody's way: a program
/// that closes a file and counts on getting its number back gets it. False where the kernel cannot (before Linux 5.9):
/// then the thread opens nothing.
pub(crate) fn take_empty_file_table() -> bool {
    /// From include/uapi/linux/close_range.h. With all files in the range, none is copied to be closed again.
    const UNSHARE: usize = 2;
    // SAFETY: only this thread's table changes, in which nothing is open that it uses.
    unsafe { call(libc::SYS_close_range, [0, u32::MAX as usize, UNSHARE, 0]) == 0 }
}

/// Files that a thread may have open, if none is: the limit of a table.
pub(crate) fn most_files() -> u32 {
    let mut limit = libc::rlimit64 { rlim_cur: 0, rlim_max: 0 };
    let place = ptr::from_mut(&mut limit).expose_provenance();
    // SAFETY: the kernel writes the limits to their place, and changes none.
    unsafe { call(libc::SYS_prlimit64, [0, libc::RLIMIT_NOFILE as usize, 0, place]) };
    u32::try_from(limit.rlim_cur).unwrap_or(u32::MAX)
}

/// Opens a file to read, by its path from a folder that is open or from the root; `None` where that fails.
pub(crate) fn open(folder: Option<i32>, path: &CStr) -> Option<i32> {
    let flags = (libc::O_RDONLY | libc::O_CLOEXEC) as usize;
    let folder = folder.unwrap_or(libc::AT_FDCWD);
    let place = path.as_ptr().expose_provenance();
    // SAFETY: the kernel reads a C string.
    let file = unsafe { call(libc::SYS_openat, [folder as usize, place, flags, 0]) };
    i32::try_from(file).ok().filter(|&file| file >= 0)
}

/// Reads a file from its start, as much as fits.
pub(crate) fn read_from_start(file: i32, place: &mut [u8]) -> Option<&[u8]> {
    let start = place.as_mut_ptr().expose_provenance();
    // SAFETY: the kernel writes at most so many bytes to their place.
    let read = unsafe { call(libc::SYS_pread64, [file as usize, start, place.len(), 0]) };
    place.get(..usize::try_from(read).ok()?)
}

/// Closes a file of this thread's.
pub(crate) fn close(file: i32) {
    // SAFETY: the caller opened it.
    unsafe { call(libc::SYS_close, [file as usize, 0, 0, 0]) };
}

/// Without libc, so without `errno`: a failure is its negative number.
///
/// # Safety
/// The call is sound with these arguments.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
unsafe fn call(number: libc::c_long, arguments: [usize; 4]) -> isize {
    let [first, second, third, fourth] = arguments;
    let answer;
    // SAFETY: the caller answers for the call. The instruction changes the registers that are named.
    unsafe {
        std::arch::asm!(
            "syscall",
            inlateout("rax") number as isize => answer,
            in("rdi") first,
            in("rsi") second,
            in("rdx") third,
            in("r10") fourth,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack)
        );
    }
    answer
}

/// On an ordinary thread libc may be asked.
///
/// # Safety
/// The call is sound with these arguments.
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
unsafe fn call(number: libc::c_long, arguments: [usize; 4]) -> isize {
    let [first, second, third, fourth] = arguments;
    // SAFETY: the caller answers for the call.
    unsafe { libc::syscall(number, first, second, third, fourth) as isize }
}
