//! What the hook knows of the thread it runs on.
//!
//! [`LOCAL`] is const-initialised and has no destructor, so it can be read at any moment of a thread's life, from
//! the first allocation to the last free. What it points to is mapped by us and stays after the thread's end.
//! The end is learned through a pthread key, whose destructor runs after those of Rust's thread-locals.
//!
//! The current account says where an allocation is charged. memscope's own work runs under the thread's *own*
//! account ([`own_work`]), so that it is recorded like any other and kept out of the program's figures.

use crate::account::Account;
use crate::{clock, mode, pages};
use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicI64, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, Ordering};

/// The node of everything outside of tracked functions.
pub(crate) const ROOT_NODE: u32 = 0;
/// The node of memscope's own work.
pub(crate) const OWN_NODE: u32 = 1;
/// A thread tells the others what it gained or lost once that exceeds this; see [`PEAK_ERROR_BYTES`].
const FLUSH_BYTES: i64 = 32 << 10;
/// How far one thread can put the peak off: it holds back up to `FLUSH_BYTES` of its own balance, and the highest
/// point since its last flush is added to a total that may have moved by as much again.
pub(crate) const PEAK_ERROR_BYTES: u64 = 2 * FLUSH_BYTES as u64;

/// Events that could not be recorded because memory for the record could not be mapped.
pub(crate) static UNRECORDED: AtomicU64 = AtomicU64::new(0);
/// Frees and resizes of blocks that are in no slot.
pub(crate) static UNKNOWN_BLOCKS: AtomicU64 = AtomicU64::new(0);

/// Live bytes of the process, less what threads hold back.
static LIVE_BYTES: AtomicI64 = AtomicI64::new(0);
static PEAK_BYTES: AtomicI64 = AtomicI64::new(0);

static THREADS: AtomicPtr<ThreadState> = AtomicPtr::new(ptr::null_mut());
static NEXT_THREAD: AtomicU32 = AtomicU32::new(1);

thread_local! {
    static LOCAL: Local = const {
        Local {
            account: Cell::new(None),
            state: Cell::new(None),
            thread: Cell::new(0),
            held_back: Cell::new(0),
            held_back_max: Cell::new(0),
            until_refresh: Cell::new(clock::EVENTS_PER_REFRESH),
            foreign: Cell::new(None),
        }
    };
}

/// The hook's thread-local state.
pub(crate) struct Local {
    /// Where allocations are charged; `None`: the thread is not known yet, or nothing is recorded.
    pub(crate) account: Cell<Option<&'static Account>>,
    state: Cell<Option<&'static ThreadState>>,
    thread: Cell<u32>,
    /// Bytes gained (or lost) since the last flush to `LIVE_BYTES`, and their maximum since then.
    held_back: Cell<i64>,
    held_back_max: Cell<i64>,
    until_refresh: Cell<u32>,
    /// The account of another thread whose block was freed last, and the account here that stands for it.
    foreign: Cell<Option<(&'static Account, &'static Account)>>,
}

/// What stays of a thread. All-zero is valid.
pub(crate) struct ThreadState {
    next: AtomicPtr<ThreadState>,
    id: AtomicU32,
    os_id: AtomicU32,
    ended: AtomicU32,
    name: [AtomicU8; 16],
    own: AtomicPtr<Account>,
    /// (key, account number) by open addressing; only the thread itself looks.
    table: AtomicPtr<Entry>,
    table_len: AtomicU32,
    table_used: AtomicU32,
}

struct Entry {
    /// 0: free. `node << 1 | 1`, or `account << 1 | 1 << 63` for an account of another thread.
    key: AtomicU64,
    account: AtomicU32,
}

/// Runs `f` with the thread's state; `None` only if the platform has no thread-locals left to give.
#[inline(always)]
pub(crate) fn with<R>(f: impl FnOnce(&Local) -> R) -> Option<R> {
    LOCAL.try_with(f).ok()
}

/// Restores the account that was current before memscope's own work.
#[derive(Debug)]
#[must_use = "memscope's own work ends when this guard is dropped"]
pub struct OwnWork {
    previous: Option<&'static Account>,
}

/// Charges what follows on this thread to memscope itself, until the guard is dropped.
pub fn own_work() -> OwnWork {
    let previous = with(|local| {
        let previous = local.account_or_join()?;
        local.account.set(local.state.get().and_then(ThreadState::own));
        Some(previous)
    });
    OwnWork { previous: previous.flatten() }
}

impl Drop for OwnWork {
    fn drop(&mut self) {
        if self.previous.is_some() {
            with(|local| local.account.set(self.previous));
        }
    }
}

impl Local {
    #[inline(always)]
    pub(crate) fn account_or_join(&self) -> Option<&'static Account> {
        match self.account.get() {
            Some(account) => Some(account),
            None => self.join(),
        }
    }

    #[inline(always)]
    pub(crate) fn thread(&self) -> u32 {
        self.thread.get()
    }

    /// The account to write to for a block of `owner`: that one if it is this thread's, else the one here that
    /// stands for it.
    #[inline(always)]
    pub(crate) fn writable(&self, owner: &'static Account) -> Option<&'static Account> {
        if owner.thread() == self.thread.get() {
            return Some(owner);
        }
        if let Some((cached, here)) = self.foreign.get() {
            if ptr::eq(cached, owner) {
                return Some(here);
            }
        }
        self.open_foreign(owner)
    }

    #[cold]
    fn open_foreign(&self, owner: &'static Account) -> Option<&'static Account> {
        self.account_or_join()?;
        if owner.thread() == self.thread.get() {
            return Some(owner);
        }
        let here =
            self.state.get()?.account(u64::from(owner.id()) << 1 | 1 << 63, owner.node(), owner.id())?;
        self.foreign.set(Some((owner, here)));
        Some(here)
    }

    /// This thread's account in `node`.
    pub(crate) fn account_in(&self, node: u32) -> Option<&'static Account> {
        self.account_or_join()?;
        self.state.get()?.account(u64::from(node) << 1 | 1, node, 0)
    }

    /// Notes that the program gained (or lost) bytes, for the peak and the clock.
    #[inline(always)]
    pub(crate) fn note_balance(&self, bytes: i64) {
        let held_back = self.held_back.get() + bytes;
        self.held_back.set(held_back);
        if held_back > self.held_back_max.get() {
            self.held_back_max.set(held_back);
        }
        if held_back.unsigned_abs() > FLUSH_BYTES as u64 {
            self.flush();
        }
        let left = self.until_refresh.get();
        if left == 0 {
            self.refresh();
        } else {
            self.until_refresh.set(left - 1);
        }
    }

    #[cold]
    fn flush(&self) {
        let before = LIVE_BYTES.fetch_add(self.held_back.get(), Ordering::Relaxed);
        PEAK_BYTES.fetch_max(before + self.held_back_max.get(), Ordering::Relaxed);
        self.held_back.set(0);
        self.held_back_max.set(0);
    }

    #[cold]
    fn refresh(&self) {
        self.until_refresh.set(clock::EVENTS_PER_REFRESH);
        if !crate::observer::is_running() {
            clock::refresh();
        }
    }

    /// Makes the thread known, unless nothing is recorded.
    #[cold]
    fn join(&self) -> Option<&'static Account> {
        if self.state.get().is_some() || !mode::is_recording() {
            return None;
        }
        clock::start();
        // SAFETY: a thread's state is all atomics, for which zero is valid.
        let state = unsafe { pages::zeroed::<ThreadState>() };
        let opened = state.and_then(|state| {
            let id = NEXT_THREAD.fetch_add(1, Ordering::Relaxed);
            state.id.store(id, Ordering::Relaxed);
            let root = Account::open(ROOT_NODE, id, 0)?;
            let own = Account::open(OWN_NODE, id, 0)?;
            state.own.store(ptr::from_ref(own).cast_mut(), Ordering::Relaxed);
            Some((state, id, root))
        });
        let Some((state, id, root)) = opened else {
            UNRECORDED.fetch_add(1, Ordering::Relaxed);
            return None;
        };
        state.os_id.store(os_thread_id(), Ordering::Relaxed);
        state.remember(u64::from(ROOT_NODE) << 1 | 1, root);
        let mut next = THREADS.load(Ordering::Relaxed);
        loop {
            state.next.store(next, Ordering::Relaxed);
            let this = ptr::from_ref(state).cast_mut();
            match THREADS.compare_exchange_weak(next, this, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => break,
                Err(newer) => next = newer,
            }
        }
        self.thread.set(id);
        self.state.set(Some(state));
        self.account.set(Some(root));
        end_of_thread::learn(state);
        Some(root)
    }
}

impl ThreadState {
    /// Every thread that was ever known, newest first.
    pub(crate) fn all() -> impl Iterator<Item = &'static ThreadState> {
        let mut next = THREADS.load(Ordering::Acquire);
        std::iter::from_fn(move || {
            // SAFETY: states are never unmapped, and were written before they were published.
            let state = unsafe { next.as_ref() }?;
            next = state.next.load(Ordering::Relaxed);
            Some(state)
        })
    }

    pub(crate) fn id(&self) -> u32 {
        self.id.load(Ordering::Relaxed)
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire) != 0
    }

    /// The operating system's name for the thread: as it is now, or as it was at the thread's end.
    pub(crate) fn name(&self) -> Option<String> {
        let os_id = self.os_id.load(Ordering::Relaxed);
        if os_id == std::process::id() {
            return Some("main".to_owned());
        }
        if !self.has_ended() {
            let name = std::fs::read_to_string(format!("/proc/self/task/{os_id}/comm")).ok()?;
            return Some(name.trim_end_matches('\n').to_owned());
        }
        let bytes: Vec<u8> = self.name.iter().map(|byte| byte.load(Ordering::Relaxed)).collect();
        let len = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
        (len > 0).then(|| String::from_utf8_lossy(&bytes[..len]).into_owned())
    }

    fn own(&self) -> Option<&'static Account> {
        // SAFETY: null or an account, which stays mapped.
        unsafe { self.own.load(Ordering::Relaxed).as_ref() }
    }

    /// The account under `key`, opened at first use; `None` where there is no memory for it.
    fn account(&self, key: u64, node: u32, foreign_of: u32) -> Option<&'static Account> {
        if let Some(id) = self.look_up(key) {
            return Account::get(id);
        }
        let account = Account::open(node, self.id(), foreign_of)?;
        self.remember(key, account).then_some(account)
    }

    fn entries(&self) -> &[Entry] {
        let table = self.table.load(Ordering::Relaxed);
        if table.is_null() {
            return &[];
        }
        // SAFETY: the table has this many entries and stays mapped.
        unsafe { std::slice::from_raw_parts(table, self.table_len.load(Ordering::Relaxed) as usize) }
    }

    fn look_up(&self, key: u64) -> Option<u32> {
        let entries = self.entries();
        for entry in probe(entries, key) {
            match entry.key.load(Ordering::Relaxed) {
                0 => return None,
                found if found == key => return Some(entry.account.load(Ordering::Relaxed)),
                _ => {}
            }
        }
        None
    }

    /// False where there is no memory for it.
    fn remember(&self, key: u64, account: &Account) -> bool {
        let used = self.table_used.load(Ordering::Relaxed);
        let len = self.table_len.load(Ordering::Relaxed);
        if used * 2 >= len {
            let new_len = (len * 2).max(32);
            // SAFETY: entries are all atomics, for which zero is valid.
            let Some(larger) = (unsafe { pages::zeroed_slice::<Entry>(new_len as usize) }) else {
                return false;
            };
            for old in self.entries() {
                let key = old.key.load(Ordering::Relaxed);
                if key != 0 {
                    insert(larger, key, old.account.load(Ordering::Relaxed));
                }
            }
            // The smaller table stays mapped; all of them together are smaller than this one.
            self.table.store(larger.as_ptr().cast_mut(), Ordering::Relaxed);
            self.table_len.store(new_len, Ordering::Relaxed);
        }
        insert(self.entries(), key, account.id());
        self.table_used.store(used + 1, Ordering::Relaxed);
        true
    }
}

fn insert(entries: &[Entry], key: u64, account: u32) {
    if let Some(free) = probe(entries, key).find(|entry| entry.key.load(Ordering::Relaxed) == 0) {
        free.account.store(account, Ordering::Relaxed);
        free.key.store(key, Ordering::Relaxed);
    }
}

/// The entries that may hold `key`, in order. The table's length is a power of two.
fn probe(entries: &[Entry], key: u64) -> impl Iterator<Item = &Entry> {
    // Fibonacci hashing: the multiplier is 2^64 divided by the golden ratio (Knuth, TAOCP 3, 6.4).
    let start = (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize;
    (0..entries.len()).map(move |step| &entries[(start + step) & (entries.len() - 1)])
}

/// The most bytes that were ever live at once, within [`PEAK_ERROR_BYTES`] for each thread.
pub(crate) fn peak_bytes() -> u64 {
    u64::try_from(PEAK_BYTES.load(Ordering::Relaxed)).unwrap_or(0)
}

fn os_thread_id() -> u32 {
    // SAFETY: `gettid` takes nothing and cannot fail.
    u32::try_from(unsafe { libc::syscall(libc::SYS_gettid) }).unwrap_or(0)
}

mod end_of_thread {
    //! The pthread key whose destructor notes a thread's end.

    use super::ThreadState;
    use std::ffi::c_void;
    use std::ptr;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// The key plus one; 0: not made yet.
    static KEY: AtomicU64 = AtomicU64::new(0);

    pub(super) fn learn(state: &'static ThreadState) {
        let Some(key) = key() else { return };
        // SAFETY: the key is valid, and its destructor takes just such a pointer.
        unsafe { libc::pthread_setspecific(key, ptr::from_ref(state).cast()) };
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
        // What the thread held back would be missing from the total for good.
        super::with(super::Local::flush);
        state.ended.store(1, Ordering::Release);
    }
}
