//! Budgets: the most bytes that one call of a function may hold at once, and the most allocations it may make.
//!
//! Both are of the thread that runs the call, with all that the call calls: bytes are the thread's net gain since the
//! call began, so what the call frees of earlier blocks counts for it, and what other threads do for it does not. An
//! async function's are summed over its polls.
//!
//! That a call went over its budget is known to the byte: the thread's window (`peak.rs`) ends where the budget does,
//! so the hook needs no test of its own for it. How high a call within its budget came is not known.
//! Allocations are counted by reading all accounts of the thread before and after, which takes some nanoseconds for
//! each scope that the thread was ever in.
//!
//! Only live mode knows both to the byte. In sampling mode no call is judged.

use crate::findings::BUDGET_EXCEEDED;
use crate::mode::{self, Decided};
use crate::peak::Heights;
use crate::scope::{ScopeGuard, enter};
use crate::site::Site;
use crate::thread_state;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

/// What a function may use, and what became of it.
#[derive(Debug)]
pub struct Budget {
    pub(crate) bytes: Option<u64>,
    pub(crate) allocations: Option<u64>,
    /// Whether a call that goes over it fails the test that it is in.
    fails: bool,
    /// Calls that were judged.
    pub(crate) judged: AtomicU64,
    /// Of these, those that went over.
    pub(crate) over: AtomicU64,
    /// The most bytes that a call over its budget of bytes held at once; 0: none was.
    pub(crate) most_bytes: AtomicU64,
    /// The most allocations that a call made, if there is a limit.
    pub(crate) most_allocations: AtomicU64,
}

impl Budget {
    /// At most `bytes` at once, and at most `allocations`, in one call. `fails`: a call that goes over panics when it
    /// ends, which is for code that is compiled for tests.
    pub const fn new(bytes: Option<u64>, allocations: Option<u64>, fails: bool) -> Budget {
        Budget {
            bytes,
            allocations,
            fails,
            judged: AtomicU64::new(0),
            over: AtomicU64::new(0),
            most_bytes: AtomicU64::new(0),
            most_allocations: AtomicU64::new(0),
        }
    }

    /// Takes what a call used into account. True: it went over.
    fn judge(&self, spent: Spent) -> bool {
        let highest = u64::try_from(spent.highest).unwrap_or(0);
        let over_bytes = self.bytes.is_some_and(|most| highest > most);
        let over_allocations = self.allocations.is_some_and(|most| spent.allocations > most);
        self.judged.fetch_add(1, Ordering::Relaxed);
        if over_bytes {
            self.most_bytes.fetch_max(highest, Ordering::Relaxed);
        }
        self.most_allocations.fetch_max(spent.allocations, Ordering::Relaxed);
        if over_bytes || over_allocations {
            self.over.fetch_add(1, Ordering::Relaxed);
        }
        over_bytes || over_allocations
    }
}

/// What a call used so far.
#[derive(Clone, Copy, Debug, Default)]
struct Spent {
    /// Net gain.
    gained: i64,
    /// The highest net gain.
    highest: i64,
    allocations: u64,
}

/// One stretch of a call on one thread: the whole of a function, one poll of a future.
#[derive(Debug)]
struct Stretch {
    start: i64,
    before: Heights,
    allocations: u64,
}

impl Stretch {
    fn begin(budget: &Budget, spent: Spent) -> Option<Stretch> {
        if mode::decided() != Decided::Live {
            return None;
        }
        thread_state::with(|local| {
            local.account_to_enter()?;
            let allocations = budget.allocations.map_or(0, |_| local.allocations());
            let most = budget.bytes.unwrap_or(u64::MAX);
            let (start, before) = local.balance.begin_watch(most, |now| now - spent.gained);
            Some(Stretch { start, before, allocations })
        })
    }

    fn end(self, budget: &Budget, spent: &mut Spent) {
        thread_state::with(|local| {
            let (highest, now) = local.balance.end_watch(self.before);
            spent.highest = spent.highest.max(highest - self.start);
            spent.gained = now - self.start;
            let allocations = budget.allocations.map_or(0, |_| local.allocations());
            spent.allocations += allocations.saturating_sub(self.allocations);
        });
    }
}

/// Leaves the scope when dropped, and judges the call.
#[derive(Debug)]
#[must_use = "the scope is left when this guard is dropped"]
pub struct BudgetGuard {
    site: &'static Site,
    stretch: Option<Stretch>,
    scope: ManuallyDrop<ScopeGuard>,
}

/// Enters the scope of `site`, which has a budget, on this thread.
pub fn enter_within(site: &'static Site) -> BudgetGuard {
    let scope = ManuallyDrop::new(enter(site));
    let stretch = site.budget.and_then(|budget| Stretch::begin(budget, Spent::default()));
    BudgetGuard { site, stretch, scope }
}

impl Drop for BudgetGuard {
    fn drop(&mut self) {
        let mut spent = Spent::default();
        let judged = self.site.budget.zip(self.stretch.take()).map(|(budget, stretch)| {
            stretch.end(budget, &mut spent);
            (budget, budget.judge(spent))
        });
        // SAFETY: dropped once, here.
        unsafe { ManuallyDrop::drop(&mut self.scope) };
        if let Some((budget, true)) = judged {
            fail_if_in_test(self.site, budget);
        }
    }
}

/// A future with a budget, which is judged when it is finished or dropped.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Within<F> {
    future: ManuallyDrop<F>,
    site: &'static Site,
    spent: Spent,
    polled: bool,
    is_judged: bool,
}

/// Gives a future the budget of `site`. The scope is entered around it, by a task.
pub fn within<F: Future>(site: &'static Site, future: F) -> Within<F> {
    Within {
        future: ManuallyDrop::new(future),
        site,
        spent: Spent::default(),
        polled: false,
        is_judged: false,
    }
}

/// Ends a stretch whichever way the poll or drop in it ends.
struct Stretching<'a> {
    budget: &'a Budget,
    spent: &'a mut Spent,
    stretch: Option<Stretch>,
    /// A stretch belongs to the thread that it began on.
    not_send: PhantomData<*const ()>,
}

impl<'a> Stretching<'a> {
    fn begin(budget: &'a Budget, spent: &'a mut Spent) -> Stretching<'a> {
        let stretch = Stretch::begin(budget, *spent);
        Stretching { budget, spent, stretch, not_send: PhantomData }
    }
}

impl Drop for Stretching<'_> {
    fn drop(&mut self) {
        if let Some(stretch) = self.stretch.take() {
            stretch.end(self.budget, self.spent);
        }
    }
}

impl<F: Future> Future for Within<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: the future is not moved: it is only reached through the pin below and dropped in place.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: `this` was pinned, and `future` is pinned with it.
        let future = unsafe { Pin::new_unchecked(&mut *this.future) };
        let Some(budget) = this.site.budget else { return future.poll(context) };
        let stretching = Stretching::begin(budget, &mut this.spent);
        this.polled |= stretching.stretch.is_some();
        let polled = future.poll(context);
        drop(stretching);
        if polled.is_ready() && this.polled && !this.is_judged {
            this.is_judged = true;
            if budget.judge(this.spent) {
                fail_if_in_test(this.site, budget);
            }
        }
        polled
    }
}

impl<F> Drop for Within<F> {
    fn drop(&mut self) {
        let Some(budget) = self.site.budget else {
            // SAFETY: dropped once, here, in place.
            return unsafe { ManuallyDrop::drop(&mut self.future) };
        };
        {
            let _stretching = Stretching::begin(budget, &mut self.spent);
            // SAFETY: dropped once, here, in place.
            unsafe { ManuallyDrop::drop(&mut self.future) };
        }
        if self.polled && !self.is_judged {
            budget.judge(self.spent);
        }
    }
}

/// Panics, where the code is compiled for tests, with what the report says of it.
#[cold]
fn fail_if_in_test(site: &'static Site, budget: &Budget) {
    if !budget.fails || std::thread::panicking() {
        return;
    }
    let snapshot = crate::snapshot(&[]);
    let key = site.key();
    let of_site = |pointer: &str| {
        let row =
            pointer.strip_prefix("/sites/").and_then(|rest| rest.split('/').next()?.parse::<usize>().ok());
        row.and_then(|row| snapshot.sites.get(row)).is_some_and(|row| row.key == key && row.line == site.line)
    };
    let finding = snapshot.findings.iter().find(|finding| {
        finding.kind == BUDGET_EXCEEDED && finding.evidence.iter().any(|evidence| of_site(&evidence.pointer))
    });
    match finding {
        Some(finding) => panic!("{}", finding.message),
        None => panic!("`{}` went over its budget", site.name),
    }
}
