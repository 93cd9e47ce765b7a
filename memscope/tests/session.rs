//! Whichever way a program ends, its session is written: the test runs itself again, as a program that ends so.

#[path = "session/programs.rs"]
mod programs;

use memscope_runtime::format;
use programs::{
    KEPT_BYTES, folder_and_path, kept_bytes, make_pipe, output, recording_that, run, say, send, start,
    start_telling,
};
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

const ENDS: [(&str, i32); 9] = [
    ("drop", 0),
    ("finish", 0),
    ("return", 0),
    ("exit", 7),
    ("exit of a thread", 8),
    ("exit of two threads", 10),
    ("exit of a destructor", 5),
    ("exit of an alert", 6),
    ("exit of a panic's hook", 11),
];

#[test]
fn each_end_is_written_and_the_status_is_what_it_would_have_been() {
    for (case, code) in ENDS {
        let ended = run(case);
        assert_eq!(ended.status.code(), Some(code), "{case}: {}{}", ended.stdout, ended.stderr);
        let kept = kept_bytes(&ended.recording());
        // At `return` the vector is gone: it was dropped before `main` returned.
        let expected = if case == "return" { 0 } else { KEPT_BYTES as u64 };
        assert_eq!(kept, Some(expected), "{case}");
        assert!(ended.lines().is_empty(), "{case}: {}", ended.stderr);
    }
}

/// A pipe gets each writing, one after another: a second one would begin with the file's magic again.
#[test]
fn each_end_is_written_once() {
    for (case, code) in ENDS {
        let (_folder, path) = folder_and_path();
        make_pipe(&path);
        // Opened for both, so that no writer waits, and none is the last; its end does not come, so it must not be waited for.
        let mut pipe = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(&path)
            .expect("it was made");
        let ended = output(case, &path);
        assert_eq!(ended.status.code(), Some(code), "{case}: {ended:?}");
        let mut written = vec![0; 1 << 20];
        let length = pipe.read(&mut written).expect("it was written");
        written.truncate(length);
        assert_eq!(written.windows(8).filter(|bytes| *bytes == format::MAGIC).count(), 1, "{case}");
        let recording = format::read(&written).expect("it is whole");
        assert!(kept_bytes(&recording).is_some(), "{case}");
        assert!(pipe.read(&mut [0]).is_err(), "{case}: more than a pipe's {length} bytes");
    }
}

#[test]
fn an_exit_that_is_turned_off_writes_nothing() {
    let ended = run("exit turned off");
    assert_eq!(ended.status.code(), Some(9));
    assert!(!ended.path.exists());
}

#[test]
fn a_signal_writes_the_end_and_then_ends_the_program_as_by_default() {
    for signal in [libc::SIGINT, libc::SIGTERM] {
        let (_folder, path) = folder_and_path();
        let (mut child, _lines) = start("wait", &path);
        send(&child, signal);
        let status = child.wait().expect("it ends");
        assert_eq!((status.code(), status.signal()), (None, Some(signal)));
        let recording = format::read_file(&path).expect("the end was written");
        assert_eq!(kept_bytes(&recording), Some(KEPT_BYTES as u64));
    }
    let (_folder, path) = folder_and_path();
    let (mut child, _lines) = start("wait without signals", &path);
    send(&child, libc::SIGTERM);
    assert_eq!(child.wait().expect("it ends").signal(), Some(libc::SIGTERM));
    assert!(!path.exists());
}

#[test]
fn the_same_signal_again_ends_a_program_whose_end_cannot_be_written() {
    let (_folder, path) = folder_and_path();
    make_pipe(&path); // opening it for writing waits for a reader, and there is none
    let (mut child, _lines) = start("wait", &path);
    send(&child, libc::SIGTERM);
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().expect("its state").is_none(), "it waits for the pipe's reader");
    send(&child, libc::SIGTERM);
    assert_eq!(child.wait().expect("it ends").signal(), Some(libc::SIGTERM));
}

#[test]
fn signals_that_the_program_has_its_own_ways_with_are_left_to_it() {
    let ignored = run("ignored");
    assert!(ignored.status.success(), "{}{}", ignored.stdout, ignored.stderr);
    assert!(ignored.stdout.contains("not written\n"), "{}", ignored.stdout);

    // Called once while the session runs, beside its writing, and once after it: 2.
    let before = run("handled before");
    assert!(before.status.success(), "{}{}", before.stdout, before.stderr);
    assert_eq!(before.stdout.matches("handled\n").count(), 2, "{}", before.stdout);
    assert!(before.stdout.contains("goes on"), "{}", before.stdout);

    let later = run("handled later");
    assert!(later.status.success(), "{}{}", later.stdout, later.stderr);
    assert_eq!(later.stdout.matches("handled\n").count(), 2, "{}", later.stdout);
    assert!(later.stdout.contains("not written\n"), "{}", later.stdout);
}

#[test]
fn a_panic_writes_and_the_recording_goes_on() {
    let ended = run("panic");
    assert!(ended.status.success(), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("written\n"), "{}", ended.stdout);
    assert!(ended.stderr.contains("on purpose"), "the program's own hook is called: {}", ended.stderr);
    assert_eq!(kept_bytes(&ended.recording()), Some(KEPT_BYTES as u64));
}

#[test]
fn after_an_abort_or_an_exec_the_last_writing_stands() {
    let ended = run("abort");
    assert_eq!(ended.status.signal(), Some(libc::SIGABRT));
    assert_eq!(kept_bytes(&ended.recording()), Some(KEPT_BYTES as u64));
    let ended = run("exec");
    assert!(ended.status.success(), "{}{}", ended.stdout, ended.stderr);
    assert_eq!(kept_bytes(&ended.recording()), Some(KEPT_BYTES as u64));
}

/// How often a program is killed: 200 takes 20 s on two cores.
fn kills() -> u64 {
    std::env::var("SESSION_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(200)
}

/// A moment from 0 to `most_us`. By a multiplicative hash of the number, so that kills are spread over it evenly.
fn moment(kill: u64, most_us: u64) -> Duration {
    Duration::from_micros(kill.wrapping_mul(0x9e37_79b9_7f4a_7c15) % most_us)
}

/// Two threads allocate, and the program tells the totals of each state before it is written, and that it was.
#[test]
fn a_program_killed_at_any_moment_leaves_the_totals_of_its_last_flush() {
    let (mut of_the_last, mut of_one_under_way, mut cut_off, mut flushes) = (0, 0, 0, 0);
    for kill in 0..kills() {
        let (_folder, path) = folder_and_path();
        let (mut child, mut lines, mut told) = start_telling("load that is told", &path);
        let took = told.lines().find_map(|line| line.strip_prefix("each took "));
        let took_us: u64 = took.and_then(|took| took.parse().ok()).expect("it says so");
        std::thread::sleep(moment(kill, 2 * took_us.max(1)));
        child.kill().expect("it runs");
        child.wait().expect("it was killed");
        lines.read_to_string(&mut told).expect("its output");
        let mut recording = format::Recording::open(&path).expect("the file is whole");
        let totals = recording.snapshot().expect("it is whole").totals;
        let begun: Vec<memscope::model::Totals> = told
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
            .filter_map(|line| line.strip_prefix("begins "))
            .map(|totals| serde_json::from_str(totals).expect("totals"))
            .collect();
        let ended = told.matches("ended\n").count();
        assert!(begun.len() - ended <= 1, "{told}");
        flushes += ended - 3; // since it was ready
        let is_under_way = begun.len() > ended;
        if recording.bytes_after() > 0 {
            assert!(is_under_way, "a part of a flush that was not begun");
            cut_off += 1;
        }
        if totals == begun[ended - 1] {
            of_the_last += 1;
        } else {
            assert!(
                is_under_way && totals == begun[ended],
                "{totals:?} are of none of the last flushes: {told}"
            );
            of_one_under_way += 1;
        }
        // Each flush has other totals, so that they tell it from any other.
        assert!(begun.windows(2).all(|pair| pair[0].allocations < pair[1].allocations), "{told}");
    }
    assert!(flushes > 0, "no flush ended between the program's being ready and a kill");
    say(&format!(
        "{} kills, {flushes} flushes meanwhile: {of_the_last} files hold the last flush, {of_one_under_way} the one under way, \
         {cut_off} end in a part of one",
        kills()
    ));
}

#[test]
fn a_program_killed_at_any_moment_leaves_a_file_that_reads() {
    let mut times = 0;
    for kill in 0..kills() {
        let (folder, path) = folder_and_path();
        let (mut child, _lines) = start("load", &path);
        let first = recording_that(&path, |_| true);
        // On a crowded machine a writing takes longer: as long as none was seen to end, longer is waited.
        let most_us = if times == 0 { 20_000 * (1 + kill) } else { 20_000 };
        std::thread::sleep(moment(kill, most_us));
        child.kill().expect("it runs");
        child.wait().expect("it was killed");
        let last = format::read_file(&path).expect("the file is whole");
        assert_eq!(kept_bytes(&last), Some(KEPT_BYTES as u64));
        // Totals are of one writing: as many bytes live as were allocated and not freed, and never fewer than before.
        let totals = last.totals;
        assert_eq!(totals.live_bytes, totals.allocated_bytes - totals.deallocated_bytes);
        assert!(totals.allocations >= first.totals.allocations);
        times += u64::from(totals.allocations > first.totals.allocations);
        // A file beside that was being written may be left; no more than that one.
        let beside = std::fs::read_dir(folder.path()).expect("it is there").count() - 1;
        assert!(beside <= 1, "{beside} files were left beside");
    }
    assert!(times > 0, "no file was written anew before the kill");
}

#[test]
fn a_forks_child_writes_nothing_or_a_file_of_its_own() {
    for (case, has_file) in [("fork", false), ("fork with a file", true)] {
        let ended = run(case);
        assert!(ended.status.success(), "{}{}", ended.stdout, ended.stderr);
        let words = ended.stdout.split_once("child ").expect("it says so").1;
        let (child, rest) = words.split_once(' ').expect("a number");
        assert!(rest.starts_with("ended with 3\nnot written\n"), "{}", ended.stdout);
        assert_eq!(kept_bytes(&ended.recording()), Some(KEPT_BYTES as u64));
        let own = ended.path.with_file_name(format!("out.{child}.memscope"));
        assert_eq!(own.exists(), has_file, "{case}");
        if has_file {
            let recording = format::read_file(&own).expect("the child's file");
            assert_eq!(recording.program.pid.to_string(), child);
            assert_eq!(kept_bytes(&recording), Some(KEPT_BYTES as u64));
        }
    }
}

#[test]
fn what_cannot_be_written_is_said_in_a_line_and_the_program_goes_on() {
    for (case, said) in [
        ("no format", "out.txt: cannot tell the format"),
        ("folder is a file", "the folder cannot be made"),
        ("full disk", "cannot be written: No space left on device"),
        ("no descriptors", "close files, or raise the limit (`ulimit -n`)"),
        ("twice", "another session of this program writes to it"),
    ] {
        let ended = run(case);
        assert!(ended.status.success(), "{case}: {}{}", ended.stdout, ended.stderr);
        let lines = ended.lines();
        assert!(lines.len() == 1 && lines[0].contains(said), "{case}: {}", ended.stderr);
        if case == "twice" {
            assert_eq!(kept_bytes(&ended.recording()), Some(KEPT_BYTES as u64));
        }
    }
}
