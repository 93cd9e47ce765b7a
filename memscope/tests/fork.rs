//! A fork's child, taken while other threads track, hand memory out and declare it: it goes on recording, and both sides export.
//!
//! One test, for its subject is the process.

use memscope::{ffi, track, track_var};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{fs, thread};

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

static STOP: AtomicBool = AtomicBool::new(false);

#[track]
fn tracks() -> usize {
    track_var!(let vector: Vec<u8> = vec![1; 100]);
    let (raw, length, capacity) = ffi::vec::into_raw_parts(vector);
    ffi::foreign(&STOP, 1, "declared by each thread");
    ffi::release(&STOP);
    // SAFETY: handed out above.
    unsafe { ffi::vec::from_raw_parts(raw, length, capacity) }.len()
}

#[track]
fn only_in_the_child() -> Vec<u8> {
    track_var!(let born_here: Vec<u8> = vec![1; 77]);
    let (raw, length, capacity) = ffi::vec::into_raw_parts(born_here);
    // SAFETY: handed out above.
    unsafe { ffi::vec::from_raw_parts(raw, length, capacity) }
}

/// Waits for the child; `None` if it hangs.
fn exit_code(child: libc::pid_t) -> Option<i32> {
    let started = Instant::now();
    loop {
        let mut status = 0;
        // SAFETY: `status` is a valid place for the answer.
        if unsafe { libc::waitpid(child, &mut status, libc::WNOHANG) } == child {
            return libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status));
        }
        if started.elapsed() > Duration::from_secs(20) {
            // SAFETY: it is our own child.
            unsafe { libc::kill(child, libc::SIGKILL) };
            return None;
        }
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_child_of_a_tracking_program_records_and_exports() {
    let folder = tempfile::tempdir().expect("a folder");
    let threads: Vec<_> = (0..3)
        .map(|_| {
            thread::spawn(|| {
                while !STOP.load(Ordering::Relaxed) {
                    tracks();
                }
            })
        })
        .collect();
    for number in 0..30 {
        let path = folder.path().join(format!("{number}.memscope"));
        // SAFETY: the child only does what a child may that has the forking thread alone, and ends by `_exit`.
        let child = unsafe { libc::fork() };
        assert!(child >= 0, "the system gives a child");
        if child == 0 {
            let kept = only_in_the_child();
            let exported = memscope::export(&path).is_ok();
            drop(kept);
            // SAFETY: ends this process at once.
            unsafe { libc::_exit(if exported { 7 } else { 1 }) };
        }
        assert_eq!(exit_code(child), Some(7), "child {number}");
        let recording = memscope_runtime::format::read_file(&path).expect("the child wrote it");
        let row =
            recording.variables.iter().find(|row| row.name == "born_here").expect("the child tracked it");
        // Handed out, and taken back.
        assert_eq!((row.heap_bytes, row.ffi_crossings), (Some(77), Some(2)));
        assert_ne!(recording.program.pid, std::process::id());
    }
    STOP.store(true, Ordering::Relaxed);
    threads.into_iter().for_each(|thread| thread.join().expect("it does not panic"));
    let path = folder.path().join("parent.memscope");
    memscope::export(&path).expect("it can be written");
    let recording = memscope_runtime::format::read_file(&path).expect("just written");
    assert!(
        recording.variables.iter().all(|row| row.name != "born_here"),
        "what the child did is the child's"
    );
    assert!(fs::metadata(&path).is_ok());
}
