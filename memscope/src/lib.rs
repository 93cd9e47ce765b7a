//! memscope says where a program's memory goes: by variable, type, scope, thread and task, from inside.
//!
//! ```
//! use memscope::{track, track_var};
//!
//! #[global_allocator]
//! static ALLOC: memscope::Allocator = memscope::Allocator::system();
//!
//! #[track]
//! fn squares(count: u64) -> Vec<u64> {
//!     track_var!(let squares: Vec<u64> = (0..count).map(|n| n * n).collect());
//!     squares
//! }
//!
//! let kept = squares(1_000);
//! let snapshot = memscope::snapshot();
//! let scope = snapshot.scopes.iter().find(|scope| scope.path == ["squares"]).unwrap();
//! assert_eq!(scope.exclusive.live_bytes, 8 * kept.capacity() as u64);
//! ```
//!
//! Recording runs from the first allocation. At the end, [`export`](fn@export) writes what was seen: as a
//! `.memscope` recording, as one `.html` page, or as `.json`.
//!
//! [`session`](fn@session) does so whichever way the program ends: `let _session = memscope::session("out.memscope");`.
//!
//! # Threads and tasks
//!
//! A tracked async function is a scope too: it is entered at each poll and for the drop, and left on pending, ready and
//! panic. Its place in the tree is fixed at the first poll, below the scope that is current there, and stays when the
//! task moves to another thread.
//!
//! Work that is spawned, on a thread or in a task, begins at the root of the tree: nothing says who spawned it.
//! [`spawn_scope`] carries the spawner's scope along:
//!
//! ```
//! # use memscope::track;
//! # async fn fetch() {}
//! #[track]
//! fn serves(runtime: &tokio::runtime::Runtime) {
//!     let scope = memscope::spawn_scope();
//!     runtime.spawn(scope.future(async { fetch().await }));
//!     std::thread::spawn(scope.closure(|| vec![0u8; 100]));
//! }
//! # serves(&tokio::runtime::Builder::new_current_thread().build().unwrap());
//! ```
//!
//! Each task is a row of `snapshot().tasks`: its state, polls and threads. With the feature `tokio` the row has the id
//! that tokio's `JoinHandle::id` gives. Tokio's names of tasks (`task::Builder::name`, unstable) are told to `tracing`
//! only and cannot be read, so a task goes by the name of its function.
//!
//! # What a value owns
//!
//! `track_var!` asks a value for its blocks. Types of one's own are walked when they derive
//! [`Trackable`](derive@Trackable); in a build without recording the derive is still valid.
//!
//! ```
//! use memscope::{track, track_var, Trackable};
//! # #[global_allocator]
//! # static ALLOC: memscope::Allocator = memscope::Allocator::system();
//!
//! #[derive(Trackable)]
//! struct Page {
//!     title: String,
//!     words: Vec<String>,
//!     #[track(skip)]
//!     render: Box<dyn Fn(&str)>,
//! }
//!
//! #[track]
//! fn reads() {
//!     let page = Page { title: "Home".into(), words: vec!["two".into()], render: Box::new(|_| ()) };
//!     track_var!(page);
//!     let snapshot = memscope::snapshot();
//!     // 4 bytes of title, a place of 24 for a word, and its 3 bytes; what the closure owns was not looked at.
//!     assert_eq!(snapshot.variables[0].heap_bytes, Some(4 + 24 + 3));
//!     assert_eq!(snapshot.variables[0].walk, memscope::model::Walk::ContainerOnly);
//! }
//! # reads();
//! ```
//!
//! # Alerts
//!
//! [`alerts`] tell while the program runs: of live bytes or their growth past a threshold, and of findings.
//!
//! ```no_run
//! use memscope::alerts;
//! use memscope::model::Severity;
//! use std::time::Duration;
//!
//! let alerts = alerts::when()
//!     .live_bytes_above(512 << 20)
//!     .growth_above(10 << 20) // in a second
//!     .finding(Severity::Warning)
//!     .to_stderr()
//!     .every(Duration::from_secs(60))
//!     .start();
//! // … until the guard is dropped.
//! # drop(alerts);
//! ```
//!
//! # Limits
//!
//! - Without memscope's [`Allocator`] as the global allocator only what the program declares (see
//!   [`core::tracker`]) is known; every report says so in its first line.
//! - A value's blocks are found for std's types and for types that implement [`Trackable`](trait@Trackable), which
//!   `#[derive(Trackable)]` does; for any other that has something to drop the report reads "not walked". What is found of
//!   which type, and in which mode, is in `docs/what-is-walked.md`.
//! - A look at a `Mutex` or `RwLock` takes it, if it can be had at once, for the time of the look: what tries the lock
//!   meanwhile is told that it is held.
//! - Times are as exact as `profiler.clock_resolution_ms` says, the peak as `profiler.peak_error_bound_bytes`.
//! - Slack inside blocks and the heap's own figures ([`Fragmentation`](model::Fragmentation)) are read where
//!   [`Allocator::system`] stands in front of glibc's `malloc`; over any other allocator they read "not measured".
//! - Only Linux was tested.
//!
//! # Features
//!
//! | feature | what it compiles in |
//! | --- | --- |
//! | `live` (default) | recording of every block |
//! | `sampling` | recording by a sample of the bytes, which is then the mode that a program starts in |
//! | `html` (default) | `export("x.html")` |
//! | `json` (default) | `export("x.json")` |
//! | `serve` | `memscope::serve("127.0.0.1:0")` and `MEMSCOPE_SERVE=127.0.0.1:8080`: the page of the program that runs |
//! | `tokio` | tasks are listed with their ids in tokio; links tokio's `rt` |
//! | `bytes`, `hashbrown`, `indexmap`, `smallvec` | the containers of these crates are walked as std's are |
//! | neither `live` nor `sampling` | the allocator forwards, the macros emit the user's code and still check their arguments |

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
pub mod core;
pub mod export;
pub mod ffi;
mod guide;
#[cfg(any(feature = "live", feature = "sampling", feature = "serve"))]
mod quiet_thread;
#[cfg(feature = "serve")]
mod serve;
#[cfg(any(feature = "live", feature = "sampling"))]
mod session;
#[cfg(not(any(feature = "live", feature = "sampling")))]
#[path = "session/unrecorded.rs"]
mod session;
pub mod testing;

pub use crate::export::{ExportError, export, export_snapshot, export_with_all_blocks};
#[cfg(feature = "serve")]
pub use crate::serve::{ServeError, Server, serve, serve_with_token};
pub use crate::session::{Session, session};
pub use memscope_macros::{Trackable, track, track_var};
pub use memscope_runtime::snapshot as model;
pub use memscope_runtime::{Allocator, InScope, Mode, SpawnScope, Tracked, spawn_scope};
pub use memscope_runtime::{Container, Sharing, Trackable, Visitor};
pub use memscope_runtime::{alerts, findings};
/// The sampler's parameters, while the program runs, and what it makes of the program beside what really happens.
#[cfg(feature = "sampling")]
pub mod sampling {
    pub use memscope_runtime::sampler::{mean_bytes, seed, set_mean_bytes};
    pub use memscope_runtime::self_check::{CheckedScope, Compared, SelfCheck, SelfCheckError, self_check};
}

/// The program's memory at this moment.
///
/// The document is the same as `export("x.json")` writes and `memscope show FILE --json` prints.
pub fn snapshot() -> model::Snapshot {
    memscope_runtime::snapshot(&[])
}
