//! What the tests share: looking things up in a snapshot, and polling a future without a runtime.
//!
//! Every row of the list that `#[track]` and `track_var!` must survive is a test that bears its number, and
//! `tests/checklist/rows.rs` holds the list and the tests together.
//!
//! - `tests/checklist/` has what compiles and runs in one program, by the headings of the list.
//! - The other files of `tests/` are programs of their own: what they show belongs to a whole crate or process.
//! - `pass/` holds crates whose own items have the names that a macro could use.
//! - `fail/<rule>/` holds what must be refused, with the message beside it. `TRYBUILD=overwrite cargo test -p ui-tests`
//!   writes new messages, to be read before they are committed. `cargo test -p ui-tests --no-default-features` runs
//!   it with recording compiled out: what is refused is refused in the same words.

use memscope::model::{Scope, SiteRow, Snapshot, Variable};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// The scope at `path`.
///
/// # Panics
///
/// If there is none, or more than one.
#[track_caller]
pub fn scope<'a>(snapshot: &'a Snapshot, path: &[&str]) -> &'a Scope {
    let mut found = snapshot.scopes.iter().filter(|scope| scope.path == path);
    match (found.next(), found.next()) {
        (Some(scope), None) => scope,
        (Some(_), Some(_)) => panic!("more than one scope at {path:?}"),
        (None, _) => panic!(
            "no scope at {path:?}, only {:#?}",
            snapshot.scopes.iter().map(|scope| scope.path.join(" → ")).collect::<Vec<_>>()
        ),
    }
}

/// Calls of the scope at `path`.
#[track_caller]
pub fn calls(path: &[&str]) -> u64 {
    scope(&memscope::snapshot(), path).calls
}

/// The site whose key ends in `key`.
///
/// # Panics
///
/// If there is none, or more than one.
#[track_caller]
pub fn site<'a>(snapshot: &'a Snapshot, key: &str) -> &'a SiteRow {
    let mut found = snapshot.sites.iter().filter(|site| site.key.ends_with(key));
    match (found.next(), found.next()) {
        (Some(site), None) => site,
        (Some(_), Some(_)) => panic!("more than one site whose key ends in {key}"),
        (None, _) => panic!(
            "no site whose key ends in {key}, only {:#?}",
            snapshot.sites.iter().map(|site| &site.key).collect::<Vec<_>>()
        ),
    }
}

/// All rows of the variable `name`, in the order of their lines.
pub fn variables<'a>(snapshot: &'a Snapshot, name: &str) -> Vec<&'a Variable> {
    let mut rows: Vec<_> = snapshot.variables.iter().filter(|variable| variable.name == name).collect();
    rows.sort_by_key(|row| row.line);
    rows
}

/// The only row of the variable `name`.
///
/// # Panics
///
/// If there is none, or more than one.
#[track_caller]
pub fn variable<'a>(snapshot: &'a Snapshot, name: &str) -> &'a Variable {
    match variables(snapshot, name)[..] {
        [row] => row,
        ref rows => panic!("{} rows of `{name}` among {:#?}", rows.len(), snapshot.variables),
    }
}

/// Asserts that this thread is in no scope: a tracked call is entered from the root.
///
/// # Panics
///
/// If a call of this function was entered from elsewhere, by any thread.
#[track_caller]
pub fn assert_at_root() {
    #[memscope::track]
    fn afterwards() {}
    afterwards();
    let snapshot = memscope::snapshot();
    let is_afterwards =
        |scope: &&Scope| scope.key.last().is_some_and(|key| key == "ui_tests::assert_at_root::afterwards");
    let paths: Vec<_> = snapshot.scopes.iter().filter(is_afterwards).map(|scope| &scope.path).collect();
    assert_eq!(paths, [&["afterwards"]], "a scope was not left");
}

/// Polls a future on this thread until it is ready.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

/// Pending once, then ready; asks to be polled again, and allocates nothing.
pub async fn yield_now() {
    let mut polled = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut polled, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Unwinds without a message, and so without the allocations of printing one.
///
/// # Panics
///
/// Always.
pub fn unwind() -> ! {
    std::panic::resume_unwind(Box::new(()))
}
