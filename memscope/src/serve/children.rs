//! A fork's child serves nothing and holds no connection of its parent's.
//!
//! The child has no such thread, but copies of its sockets: with them the port would stay taken and browsers would wait
//! after the parent's end. So all are listed, and the child closes them.

use std::os::fd::RawFd;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

/// Sockets of all servers of a process.
const PLACES: usize = 256;
const FREE: RawFd = -1;

static SOCKETS: [AtomicI32; PLACES] = [const { AtomicI32::new(FREE) }; PLACES];
/// Taken while a socket is opened and listed, or taken off and closed, and around a fork. Acquire and release order the
/// list and the sockets by it.
static TURN: AtomicBool = AtomicBool::new(false);

/// The turn, until it is dropped.
pub(super) struct Turn(());

/// Waits for the turn, which nobody keeps for longer than two system calls.
pub(super) fn turn() -> Turn {
    take();
    Turn(())
}

impl Drop for Turn {
    fn drop(&mut self) {
        TURN.store(false, Ordering::Release);
    }
}

impl Turn {
    /// Lists a socket; false: there is no place for it.
    pub(super) fn enter(&self, socket: RawFd) -> bool {
        SOCKETS
            .iter()
            .any(|place| place.compare_exchange(FREE, socket, Ordering::Relaxed, Ordering::Relaxed).is_ok())
    }

    /// Takes it off the list; then it is to be closed.
    pub(super) fn leave(&self, socket: RawFd) {
        for place in &SOCKETS {
            let _ = place.compare_exchange(socket, FREE, Ordering::Relaxed, Ordering::Relaxed);
        }
    }
}

fn take() {
    while TURN.swap(true, Ordering::Acquire) {
        std::thread::yield_now();
    }
}

/// Makes forks known.
pub(super) fn learn() {
    static ONCE: Once = Once::new();
    // SAFETY: the handlers stay valid; they wait for a moment, and close sockets.
    ONCE.call_once(|| _ = unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) });
}

extern "C" fn before() {
    take();
}

extern "C" fn in_parent() {
    TURN.store(false, Ordering::Release);
}

extern "C" fn in_child() {
    for place in &SOCKETS {
        let socket = place.swap(FREE, Ordering::Relaxed);
        if socket != FREE {
            // SAFETY: it is the child's copy of a socket that only the parent's thread uses.
            unsafe { libc::close(socket) };
        }
    }
    TURN.store(false, Ordering::Release);
}
