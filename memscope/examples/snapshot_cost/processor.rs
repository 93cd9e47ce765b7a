//! Who gets a processor: the first claim on one, and what a hypervisor keeps from both.

use std::io;
use std::time::Duration;

/// The calling thread runs as soon as it can, before every thread of the usual class.
///
/// # Errors
/// The process has no right to that.
pub(crate) fn comes_first() -> io::Result<()> {
    let lowest = libc::sched_param { sched_priority: 1 };
    // SAFETY: 0 is the calling thread; the kernel reads the parameter.
    match unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const lowest) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The time since the start of the machine in which its processors had work and were not run: the eighth number of
/// /proc/stat's first line (Documentation/filesystems/proc.rst), in ticks of 10 ms.
///
/// # Errors
/// The kernel does not tell.
pub(crate) fn stolen() -> io::Result<Duration> {
    let text = std::fs::read_to_string("/proc/stat")?;
    let ticks = text.split_ascii_whitespace().nth(8).and_then(|ticks| ticks.parse::<u64>().ok());
    match ticks {
        Some(ticks) => Ok(Duration::from_millis(ticks * 10)),
        None => Err(io::Error::other("/proc/stat does not tell the time stolen")),
    }
}
