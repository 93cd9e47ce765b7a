//! Assertions for tests.
//!
//! A call that goes over its function's budget (`#[track(budget = "…", max_allocs = …)]`) fails the test that it is in
//! when the function is compiled for that test (`cfg(test)`: unit tests). In an integration test the function's crate
//! is compiled as it is for everybody, and these assertions say the same.

use memscope_runtime::findings::BUDGET_EXCEEDED;

/// Asserts that no call went over its function's budget so far, in the whole process.
///
/// # Panics
///
/// If one did, with the scope, and the tracked variable that held most; or if nothing is recorded.
#[track_caller]
pub fn assert_within_budgets() {
    let snapshot = crate::snapshot();
    assert!(is_live(&snapshot), "no call can be judged: nothing is recorded block by block in this process");
    let over: Vec<&str> = snapshot
        .findings
        .iter()
        .filter(|finding| finding.kind == BUDGET_EXCEEDED)
        .map(|finding| finding.message.as_str())
        .collect();
    assert!(over.is_empty(), "{}", over.join("\n"));
}

/// Asserts that no call of the functions of this name went over their budgets so far.
///
/// # Panics
///
/// If one did, or if there is no function of this name with a budget, or if nothing is recorded.
#[track_caller]
pub fn assert_within_budget(name: &str) {
    let snapshot = crate::snapshot();
    assert!(is_live(&snapshot), "no call can be judged: nothing is recorded block by block in this process");
    let is_known = snapshot.sites.iter().any(|site| site.name == name && site.budget.is_some());
    assert!(is_known, "there is no function `{name}` with a budget in this program");
    let opens = format!("`{name}` ");
    let over = snapshot
        .findings
        .iter()
        .find(|finding| finding.kind == BUDGET_EXCEEDED && finding.message.starts_with(&opens));
    if let Some(finding) = over {
        panic!("{}", finding.message);
    }
}

fn is_live(snapshot: &crate::model::Snapshot) -> bool {
    snapshot.mode == crate::model::Mode::Live
}
