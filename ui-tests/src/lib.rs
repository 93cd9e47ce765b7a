//! What the cases of `pass/` share: looking things up in a snapshot, and polling a future without a runtime.
//!
//! `pass/` holds programs that must compile and run, `fail/<rule>/` those that must be refused with the message
//! beside them. `cargo test -p ui-tests` runs both; `TRYBUILD=overwrite cargo test -p ui-tests` writes new messages,
//! to be read before they are committed. `cargo test -p ui-tests --no-default-features` runs `fail/` with recording
//! compiled out: what is refused is refused in the same words.

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

/// Pending once, then ready.
pub async fn yield_now() {
    let mut polled = false;
    std::future::poll_fn(
        |_| {
            if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending }
        },
    )
    .await;
}
