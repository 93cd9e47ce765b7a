//! What the hook knows of the thread it runs on.
//!
//! [`LOCAL`] is const-initialised and has no destructor, so it can be read at any moment of a thread's life, from
//! the first allocation to the last free. What it points to is mapped by us and stays after the thread's end.
//! The observer may look at where the thread is ([`Whereabouts`]) until then.
//! The end is learned through a pthread key, whose destructor runs after those of Rust's thread-locals. Past some
//! number of threads a new one goes on in the row of one that has ended, accounts and all, so that programs that
//! start threads for ever take no more memory for it.
//!
//! The current account says where an allocation is charged. memscope's own work runs under the thread's *own*
//! account ([`own_work()`]), so that it is recorded like any other and kept out of the program's figures.

mod child;
mod end_of_thread;
mod own_work;
mod table;

pub(crate) use self::child::only_this_thread;
pub use self::own_work::{OwnWork, is_own_work, own_work};
use self::table::{Table, key_of};
use crate::account::Account;
use crate::ended::Ended;
use crate::live_map::{Spacing, Window};
use crate::patrol::Seen;
use crate::peak::Balance;
use crate::publish::push;
#[cfg(feature = "sampling")]
use crate::sampler::Lottery;
use crate::sight::{Eye, Shown};
use crate::task_list::Outermost;
use crate::tenure::Tenure;
use crate::whereabouts::{Position, Whereabouts};
use crate::{clock, mode, pages};
use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU8, AtomicU32, AtomicU64, Ordering};

/// The node of everything outside of tracked functions.
pub(crate) const ROOT_NODE: u32 = 0;
/// The node of memscope's own work.
pub(crate) const OWN_NODE: u32 = 1;
/// No account's thread, not even that of account 0, which was never opened.
const NO_THREAD: u32 = u32::MAX;
/// Places for [`Local::foreign`]: as many producers as most programs have for one consumer.
const FOREIGN: usize = 8;
/// Threads that have a row of their own. Past this many, a new thread goes on in the row of one that has ended.
const ROWS: u32 = 1024;

/// Events that could not be recorded because memory for the record could not be mapped.
pub(crate) static UNRECORDED: AtomicU64 = AtomicU64::new(0);
/// Frees and resizes of blocks that are in no slot.
pub(crate) static UNKNOWN_BLOCKS: AtomicU64 = AtomicU64::new(0);

static THREADS: AtomicPtr<ThreadState> = AtomicPtr::new(ptr::null_mut());
static NEXT_THREAD: AtomicU32 = AtomicU32::new(1);
/// Threads that run, and the most that ever ran at once.
static RUNNING: AtomicU32 = AtomicU32::new(0);
static MOST_RUNNING: AtomicU32 = AtomicU32::new(0);

/// The observer's eye.
static EYE: Eye = Eye { on: AtomicPtr::new(ptr::null_mut()) };

thread_local! {
    static LOCAL: Local = const {
        Local {
            to_allocate: [const { Window::closed() }; 2],
            to_free: [const { Window::closed() }; 2],
            quick: Cell::new(false),
            here: Whereabouts::nowhere(),
            accounts: Cell::new(ptr::null()),
            thread: Cell::new(NO_THREAD),
            balance: Balance::new(),
            until_refresh: Cell::new(0),
            state: Cell::new(None),
            foreign: [const { Cell::new(None) }; FOREIGN],
            ended: Cell::new(false),
            task: Cell::new(None),
            #[cfg(feature = "sampling")]
            lottery: Lottery::new(),
        }
    };
}

/// The hook's thread-local state.
pub(crate) struct Local {
    /// Where this thread allocated last, by the allocator's spacing; closed while events may not take the quick way.
    to_allocate: [Window; 2],
    /// Where it freed last: often blocks of other threads, which lie elsewhere.
    to_free: [Window; 2],
    /// Whether events may take the quick way: the thread is known, it is in the program's own work, and the observer
    /// writes the clock.
    quick: Cell<bool>,
    /// The account that allocations are charged to.
    here: Whereabouts,
    /// [`Account::first`], known while events may take the quick way.
    accounts: Cell<*const Account>,
    /// [`NO_THREAD`]: there is no account.
    thread: Cell<u32>,
    pub(crate) balance: Balance,
    until_refresh: Cell<u32>,
    state: Cell<Option<&'static ThreadState>>,
    /// Accounts of other threads whose blocks were freed lately, and the accounts here that stand for them; each
    /// has one place, by its number.
    foreign: [Cell<Option<(&'static Account, &'static Account)>>; FOREIGN],
    /// The thread's end was announced. What it does after that is recorded event by event, in a row that is taken
    /// and given back each time.
    ended: Cell<bool>,
    /// The outermost task of those that are being polled.
    task: Cell<Option<Outermost>>,
    #[cfg(feature = "sampling")]
    pub(crate) lottery: Lottery,
}

/// What stays of a thread. All-zero is valid.
pub(crate) struct ThreadState {
    next: AtomicPtr<ThreadState>,
    id: AtomicU32,
    os_id: AtomicU32,
    /// Whether a thread is writing here.
    tenure: Tenure,
    /// Threads that this row stands for, one after another.
    threads: AtomicU32,
    name: [AtomicU8; 16],
    own: AtomicPtr<Account>,
    /// When the thread that is here began.
    begun_ms: AtomicU64,
    /// Where that thread is, from its begin to its end.
    whereabouts: Shown<Whereabouts>,
    /// What the observer keeps in mind of it.
    pub(crate) seen: Seen,
    /// Large blocks that were freed here.
    pub(crate) ended: Ended,
    table: Table,
}

/// Runs `f` with the thread's state.
#[inline(always)]
pub(crate) fn with<R>(f: impl FnOnce(&Local) -> R) -> R {
    // The closure that std sees is small enough that all of this is one load from the thread's segment.
    let local = LOCAL.with(ptr::from_ref);
    // SAFETY: it is this thread's, has no destructor, and lives as long as the thread runs.
    f(unsafe { &*local })
}

/// Runs `f` with the thread's state and current account, unless nothing is recorded. A thread whose end was
/// announced is given a row for the time being.
pub(crate) fn with_account<R>(f: impl FnOnce(&Local, &'static Account) -> R) -> Option<R> {
    with(|local| {
        let account = local.account_or_join()?;
        let result = f(local, account);
        local.leave_if_ended();
        Some(result)
    })
}

impl Local {
    /// The account that allocations are charged to.
    #[inline(always)]
    pub(crate) fn account(&self) -> Option<&'static Account> {
        self.here.account()
    }

    /// Changes the account that allocations are charged to, from one of the program's to another.
    #[inline(always)]
    pub(crate) fn set_account(&self, account: &'static Account) {
        self.here.set(Some(account));
    }

    /// The same, for a scope that is entered.
    #[inline(always)]
    pub(crate) fn enter(&self, account: &'static Account) {
        self.here.enter(account);
    }

    /// The window for allocations. While it is open, events may take the quick way.
    #[inline(always)]
    pub(crate) fn to_allocate(&self, spacing: Spacing) -> &Window {
        &self.to_allocate[spacing.quick_index()]
    }

    /// The window for frees. While it is open, events may take the quick way.
    #[inline(always)]
    pub(crate) fn to_free(&self, spacing: Spacing) -> &Window {
        &self.to_free[spacing.quick_index()]
    }

    /// The account with a number that stands in a block's record, or number 0, which is nobody's.
    ///
    /// # Safety
    /// Events may take the quick way.
    #[inline(always)]
    pub(crate) unsafe fn account_of(&self, owner: u32) -> &'static Account {
        // SAFETY: with the quick way, the place of the accounts became known, and there is room for every account
        // that was opened.
        unsafe { &*self.accounts.get().add(owner as usize) }
    }

    /// The account that allocations are charged to.
    ///
    /// # Safety
    /// Events may take the quick way.
    #[inline(always)]
    pub(crate) unsafe fn quick_account(&self) -> &'static Account {
        // SAFETY: `start_quick` found an account, and only `stop_quick` comes before there is none.
        unsafe { self.here.known_account() }
    }

    /// Whether events may take the quick way, if a window is open over the block.
    pub(crate) fn is_quick(&self) -> bool {
        self.quick.get()
    }

    /// Lets events take the quick way from here on, if nothing speaks against it.
    pub(crate) fn start_quick(&self) {
        if self.here.account().is_some_and(|account| !account.is_own()) && !self.ended.get() {
            self.accounts.set(Account::first());
            self.quick.set(true);
        }
    }

    /// Sends events the long way. True if they took the quick one.
    pub(crate) fn stop_quick(&self) -> bool {
        self.to_allocate.iter().chain(&self.to_free).for_each(Window::close);
        self.quick.replace(false)
    }

    #[inline(always)]
    pub(crate) fn account_or_join(&self) -> Option<&'static Account> {
        match self.account() {
            Some(account) => Some(account),
            None => self.join(),
        }
    }

    /// The account under which a scope may be entered: not on a thread whose end was announced.
    #[inline(always)]
    pub(crate) fn account_to_enter(&self) -> Option<&'static Account> {
        match self.account() {
            Some(account) => Some(account),
            None if self.ended.get() => None,
            None => self.join(),
        }
    }

    /// The outermost task of those that are being polled on this thread.
    #[inline(always)]
    pub(crate) fn task(&self) -> Option<Outermost> {
        self.task.get()
    }

    /// Another task is polled from here on.
    #[inline(always)]
    pub(crate) fn set_task(&self, task: Option<Outermost>) {
        self.task.set(task);
    }

    /// The thread's number, which is that of its accounts; else [`NO_THREAD`].
    #[inline(always)]
    pub(crate) fn thread(&self) -> u32 {
        self.thread.get()
    }

    /// The thread's number, if it is known.
    pub(crate) fn known_thread(&self) -> Option<u32> {
        Some(self.thread()).filter(|&thread| thread != NO_THREAD)
    }

    /// The account to write to for a block of `owner`: that one if it is this thread's, else the one here that
    /// stands for it.
    #[inline(always)]
    pub(crate) fn writable(&self, owner: &'static Account) -> Option<&'static Account> {
        if owner.thread() == self.thread.get() {
            return Some(owner);
        }
        self.cached_foreign(owner).or_else(|| self.open_foreign(owner))
    }

    /// The account here that stands for one of another thread, if it was asked for lately.
    #[inline(always)]
    pub(crate) fn cached_foreign(&self, owner: &'static Account) -> Option<&'static Account> {
        let (cached, here) = self.foreign[owner.id() as usize % FOREIGN].get()?;
        ptr::eq(cached, owner).then_some(here)
    }

    #[cold]
    fn open_foreign(&self, owner: &'static Account) -> Option<&'static Account> {
        let here = self.state.get()?.account(table::foreign_key_of(owner.id()), owner.node(), owner.id())?;
        self.foreign[owner.id() as usize % FOREIGN].set(Some((owner, here)));
        Some(here)
    }

    /// Where large blocks that are freed here are counted.
    #[inline(always)]
    pub(crate) fn ended(&self) -> Option<&'static Ended> {
        self.state.get().map(|state| &state.ended)
    }

    /// Allocations that this thread made so far, memscope's own work aside.
    pub(crate) fn allocations(&self) -> u64 {
        self.state.get().map_or(0, ThreadState::allocations)
    }

    /// This thread's account in `node`.
    pub(crate) fn account_in(&self, node: u32) -> Option<&'static Account> {
        self.state.get()?.account(key_of(node), node, 0)
    }

    /// Reads the system's clock at the first of so many events, unless the observer does.
    pub(crate) fn refresh_clock(&self) {
        match self.until_refresh.get().checked_sub(1) {
            Some(left) => self.until_refresh.set(left),
            None => {
                self.until_refresh.set(clock::EVENTS_PER_REFRESH);
                clock::refresh();
            }
        }
    }

    /// Makes the thread known, unless nothing is recorded.
    #[cold]
    fn join(&self) -> Option<&'static Account> {
        if !mode::is_recording() {
            return None;
        }
        clock::start();
        let joined = self.state.get().filter(|state| state.tenure.take()).or_else(ThreadState::take_ended);
        let joined = joined.or_else(ThreadState::open);
        let root = joined.and_then(|state| Some((state, state.account(ROOT_KEY, ROOT_NODE, 0)?)));
        let Some((state, root)) = root else {
            UNRECORDED.fetch_add(1, Ordering::Relaxed);
            return None;
        };
        if !self.ended.get() {
            state.begin();
            if end_of_thread::learn(state) {
                // SAFETY: the words are there until the thread's end, which takes them back.
                unsafe { state.whereabouts.show(&self.here) };
            }
        }
        self.thread.set(state.id());
        self.state.set(Some(state));
        self.here.set(Some(root));
        Some(root)
    }

    #[inline]
    fn leave_if_ended(&self) {
        if self.ended.get() && self.here.account().is_none_or(|account| !account.is_own()) {
            self.leave();
        }
    }

    /// Gives the row back: nothing of this thread writes to it any more.
    #[cold]
    fn leave(&self) {
        self.balance.flush(); // what it held back would be missing from the total for good
        self.stop_quick();
        self.here.set(None);
        self.thread.set(NO_THREAD);
        self.foreign.iter().for_each(|place| place.set(None));
        // The state is kept in mind: it is the first choice for events that come after the end.
        if let Some(state) = self.state.get() {
            state.tenure.end();
        }
    }
}

const ROOT_KEY: u64 = key_of(ROOT_NODE);

impl ThreadState {
    /// A new row; `None` where there is no memory for it.
    fn open() -> Option<&'static ThreadState> {
        // SAFETY: a thread's state is all atomics, for which zero is valid.
        let state = unsafe { pages::zeroed::<ThreadState>() }?;
        let id = NEXT_THREAD.fetch_add(1, Ordering::Relaxed);
        state.id.store(id, Ordering::Relaxed);
        state.tenure.begin();
        state.account(ROOT_KEY, ROOT_NODE, 0)?;
        let own = Account::open(OWN_NODE, id, 0)?;
        state.own.store(ptr::from_ref(own).cast_mut(), Ordering::Relaxed);
        push(&THREADS, state, |next| state.next.store(next, Ordering::Relaxed));
        Some(state)
    }

    /// The row of a thread that has ended, once there are many rows.
    fn take_ended() -> Option<&'static ThreadState> {
        let many = NEXT_THREAD.load(Ordering::Relaxed) > ROWS;
        let idle = NEXT_THREAD.load(Ordering::Relaxed) > RUNNING.load(Ordering::Relaxed) + 1;
        (many && idle).then(|| ThreadState::all().find(|state| state.tenure.take())).flatten()
    }

    /// A thread begins in this row.
    fn begin(&self) {
        self.os_id.store(os_thread_id(), Ordering::Relaxed);
        self.begun_ms.store(clock::now_ms(), Ordering::Relaxed);
        self.threads.fetch_add(1, Ordering::Relaxed);
        let running = RUNNING.fetch_add(1, Ordering::Relaxed) + 1;
        MOST_RUNNING.fetch_max(running, Ordering::Relaxed);
    }

    /// Threads that this row stands for.
    pub(crate) fn threads(&self) -> u32 {
        self.threads.load(Ordering::Relaxed)
    }

    /// Every row that was ever opened, newest first.
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

    /// The row that was opened last, for who goes through all of them in steps.
    pub(crate) fn newest() -> Option<&'static ThreadState> {
        // SAFETY: states are never unmapped, and were written before they were published.
        unsafe { THREADS.load(Ordering::Acquire).as_ref() }
    }

    /// The row that was opened before this one.
    pub(crate) fn older(&self) -> Option<&'static ThreadState> {
        // SAFETY: as above; `next` does not change.
        unsafe { self.next.load(Ordering::Relaxed).as_ref() }
    }

    /// The operating system's number of the thread that is, or was last, in this row.
    pub(crate) fn os_id(&self) -> u32 {
        self.os_id.load(Ordering::Relaxed)
    }

    /// When that thread began.
    pub(crate) fn begun_ms(&self) -> u64 {
        self.begun_ms.load(Ordering::Relaxed)
    }

    /// Whether there is a thread here to look at.
    pub(crate) fn is_shown(&self) -> bool {
        !self.whereabouts.place.load(Ordering::Relaxed).is_null()
    }

    /// Where the thread is; `None`: it has ended. For the observer alone.
    pub(crate) fn position(&self) -> Option<Position> {
        self.whereabouts.look(&EYE, Whereabouts::position).flatten()
    }

    /// Takes back what the observer may look at. If it looks just now, that is over after a few instructions, unless the
    /// observer was interrupted; then this thread sleeps for moments, so that a real-time thread does not keep it from
    /// going on.
    fn hide(&self) {
        let mut tries = 0;
        self.whereabouts.take_back(&EYE, || {
            tries += 1;
            if tries < 100 {
                std::hint::spin_loop();
            } else {
                let moment = libc::timespec { tv_sec: 0, tv_nsec: 50_000 };
                // SAFETY: it reads the time and writes nothing.
                unsafe { libc::nanosleep(&moment, ptr::null_mut()) };
            }
        });
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.tenure.has_ended()
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

    /// Allocations in all accounts, memscope's own aside.
    fn allocations(&self) -> u64 {
        let accounts = self.table.accounts().filter_map(Account::get);
        accounts
            .filter(|account| !account.is_own())
            .map(|account| account.allocations.load(Ordering::Relaxed))
            .sum()
    }

    /// The account under `key`, opened at first use; `None` where there is no memory for it.
    fn account(&self, key: u64, node: u32, foreign_of: u32) -> Option<&'static Account> {
        if let Some(id) = self.table.look_up(key) {
            return Account::get(id);
        }
        let account = Account::open(node, self.id(), foreign_of)?;
        self.table.remember(key, account.id()).then_some(account)
    }
}

/// Whether a row may stand for more than one thread.
#[cfg(feature = "sampling")]
pub(crate) fn rows_are_shared() -> bool {
    NEXT_THREAD.load(Ordering::Relaxed) > ROWS
}

/// The most threads that ever ran at once.
pub(crate) fn most_running() -> u32 {
    MOST_RUNNING.load(Ordering::Relaxed)
}

fn os_thread_id() -> u32 {
    // SAFETY: `gettid` takes nothing and cannot fail.
    u32::try_from(unsafe { libc::syscall(libc::SYS_gettid) }).unwrap_or(0)
}
