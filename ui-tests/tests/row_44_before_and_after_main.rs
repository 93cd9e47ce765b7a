//! A tracked function before `main`, in a thread-local's destructor, and in an `atexit` handler, in a process of its
//! own, whose last words are what the handler says.

use memscope::{track, track_var};
use std::io::Write as _;
use std::process::{Command, Stdio};

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

/// Set for the process that is looked at.
const CHILD: &str = "MEMSCOPE_ROW_44";

#[used]
#[unsafe(link_section = ".init_array")]
static CONSTRUCTOR: extern "C" fn() = before_main;

#[track]
extern "C" fn before_main() {
    std::mem::forget(vec![0u8; 44]);
    nested_before_main();
}

#[track]
fn nested_before_main() {
    track_var!(let early: Vec<u8> = vec![0; 45]);
    std::mem::forget(early);
}

struct LastWill;

impl Drop for LastWill {
    fn drop(&mut self) {
        in_destructor();
    }
}

#[track]
fn in_destructor() {
    track_var!(let late: Vec<u8> = vec![0; 46]);
    std::mem::forget(late);
}

thread_local! {
    static LAST_WILL: LastWill = const { LastWill };
}

#[track]
extern "C" fn at_exit() {
    std::mem::forget(vec![0u8; 47]);
    let snapshot = memscope::snapshot();
    for scope in snapshot.scopes.iter().filter(|scope| !scope.path.is_empty()) {
        let (path, calls, live) = (scope.path.join(" → "), scope.calls, scope.exclusive.live_bytes);
        if !path.starts_with("at_exit") {
            _ = writeln!(std::io::stdout(), "row 44: {path}: {calls} calls, {live} bytes");
        }
    }
    let at_exit = snapshot.scopes.iter().any(|scope| scope.path == ["at_exit"] && scope.calls == 1);
    _ = writeln!(std::io::stdout(), "row 44: at_exit {at_exit}");
}

#[test]
fn row_44_before_and_after_main() {
    if std::env::var_os(CHILD).is_some() {
        // SAFETY: the function is one that `atexit` may call.
        assert_eq!(unsafe { libc::atexit(at_exit) }, 0);
        for _ in 0..3 {
            let thread = std::thread::spawn(|| LAST_WILL.with(|_| {}));
            thread.join().expect("it does not panic");
        }
        ui_tests::assert_at_root();
        return;
    }
    let output = Command::new(std::env::current_exe().expect("a path"))
        .args(["--exact", "row_44_before_and_after_main", "--nocapture"])
        .env(CHILD, "1")
        .stderr(Stdio::inherit())
        .output()
        .expect("this program runs");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout);
    let mut said: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("row 44: ")).collect();
    said.sort_unstable();
    assert_eq!(
        said,
        [
            "afterwards: 1 calls, 0 bytes",
            "at_exit true",
            "before_main → nested_before_main: 1 calls, 45 bytes",
            "before_main: 1 calls, 44 bytes",
            "in_destructor: 3 calls, 138 bytes",
        ]
    );
}
