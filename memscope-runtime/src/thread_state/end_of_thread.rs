//! The pthread key whose destructor notes a thread's end.

use super::ThreadState;
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

/// The key plus one; 0: not made yet.
static KEY: AtomicU64 = AtomicU64::new(0);

/// False where the thread's end will not be known.
pub(super) fn learn(state: &'static ThreadState) -> bool {
    let Some(key) = key() else { return false };
    // SAFETY: the key is valid, and its destructor takes just such a pointer.
    unsafe { libc::pthread_setspecific(key, ptr::from_ref(state).cast()) == 0 }
}

fn key() -> Option<libc::pthread_key_t> {
    let known = KEY.load(Ordering::Acquire);
    if known != 0 {
        return Some((known - 1) as libc::pthread_key_t);
    }
    let mut key: libc::pthread_key_t = 0;
    // SAFETY: `key` is a valid place for the answer.
    if unsafe { libc::pthread_key_create(&mut key, Some(ended)) } != 0 {
        return None;
    }
    match KEY.compare_exchange(0, u64::from(key) + 1, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => Some(key),
        Err(first) => {
            // SAFETY: nobody else knows this key.
            unsafe { libc::pthread_key_delete(key) };
            Some((first - 1) as libc::pthread_key_t)
        }
    }
}

unsafe extern "C" fn ended(state: *mut c_void) {
    // SAFETY: the key only ever holds states, which stay mapped.
    let Some(state) = (unsafe { state.cast::<ThreadState>().as_ref() }) else { return };
    let mut name = [0u8; 16];
    // SAFETY: `PR_GET_NAME` writes at most 16 bytes.
    unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) };
    for (place, byte) in state.name.iter().zip(name) {
        place.store(byte, Ordering::Relaxed);
    }
    state.hide();
    super::RUNNING.fetch_sub(1, Ordering::Relaxed);
    super::with(|local| {
        local.ended.set(true);
        local.leave();
    });
}
