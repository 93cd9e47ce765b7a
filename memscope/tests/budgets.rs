//! `#[track(budget = "…", max_allocs = …)]`: calls are judged to the byte, and one that goes over fails its test.

use memscope::model::{Budget, Finding, Snapshot};
use memscope::{track, track_var};
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

fn budget(name: &str) -> Budget {
    let snapshot = memscope::snapshot();
    let site = snapshot.sites.iter().find(|site| site.name == name).expect("the site is compiled in");
    site.budget.clone().expect("it has a budget")
}

fn finding<'a>(snapshot: &'a Snapshot, name: &str) -> Option<&'a Finding> {
    let opens = format!("`{name}` went over");
    snapshot.findings.iter().find(|finding| {
        finding.kind == memscope::findings::BUDGET_EXCEEDED && finding.message.starts_with(&opens)
    })
}

fn message(call: impl FnOnce()) -> Option<String> {
    let payload = catch_unwind(AssertUnwindSafe(call)).err()?;
    Some(payload.downcast_ref::<String>().cloned().unwrap_or_default())
}

#[track(budget = "10_000 B")]
fn holds(bytes: usize) {
    drop(black_box(Vec::<u8>::with_capacity(bytes)));
}

#[test]
fn a_call_may_hold_all_of_its_budget_and_no_byte_more() {
    for _ in 0..3 {
        holds(10_000);
    }
    assert_eq!(
        budget("holds"),
        Budget { bytes: Some(10_000), judged_calls: 3, ..Budget::default() },
        "what a call within its budget held is not known"
    );
    assert!(finding(&memscope::snapshot(), "holds").is_none());
    let said = message(|| holds(10_001)).expect("a call that goes over fails the test that it is in");
    assert!(
        said.starts_with(
            "`holds` went over its budget in 1 of 4 calls: a call held 10001 bytes at once, where 10000 are allowed"
        ),
        "{said}"
    );
    assert_eq!((budget("holds").calls_over, budget("holds").most_bytes), (1, Some(10_001)));
}

#[track(budget = "1 KiB")]
fn frees_as_it_goes(times: usize) {
    for _ in 0..times {
        drop(black_box(vec![0u8; 1_000]));
    }
}

#[test]
fn what_was_freed_is_not_held() {
    frees_as_it_goes(10_000);
    assert_eq!(budget("frees_as_it_goes").calls_over, 0);
}

#[track(budget = "1 KiB")]
fn takes_over(block: Vec<u8>) -> Vec<u8> {
    drop(block);
    black_box(vec![0; 5_000])
}

#[test]
fn what_a_call_frees_makes_room_for_what_it_allocates() {
    // 5,000 bytes less and as many more: the net gain never exceeds 0.
    assert_eq!(takes_over(vec![0; 5_000]).len(), 5_000);
    assert_eq!(budget("takes_over").calls_over, 0);
    assert!(message(|| drop(takes_over(Vec::new()))).is_some());
    assert_eq!(budget("takes_over").most_bytes, Some(5_000));
}

#[track(budget = "4 KiB")]
fn builds_by_growth(words: usize) {
    track_var!(let mut kept_words: Vec<String> = Vec::new());
    for word in 0..words {
        kept_words.push(format!("word {word}"));
    }
    track_var!(kept_words);
    black_box(&kept_words);
}

#[test]
fn the_failure_names_scope_and_variable() {
    builds_by_growth(10);
    let said = message(|| builds_by_growth(1_000)).expect("1,000 strings are more than 4 KiB");
    assert!(said.contains("`builds_by_growth` went over its budget in 1 of 2 calls"), "{said}");
    assert!(said.contains("`kept_words` (alloc::vec::Vec<alloc::string::String>) held the most:"), "{said}");
    let snapshot = memscope::snapshot();
    let finding = finding(&snapshot, "builds_by_growth").expect("it is a finding too");
    assert_eq!(finding.variable.as_deref(), Some("kept_words"));
    assert_eq!(finding.scope, ["builds_by_growth"]);
    assert_eq!(finding.message, said);
}

#[track(max_allocs = 2)]
fn allocates(times: usize) {
    for _ in 0..times {
        helper();
    }
}

#[track]
fn helper() {
    drop(black_box(Box::new(1u64)));
}

#[test]
fn allocations_are_counted_with_those_of_callees() {
    allocates(0);
    allocates(2);
    assert_eq!(
        budget("allocates"),
        Budget { allocations: Some(2), judged_calls: 2, most_allocations: Some(2), ..Budget::default() }
    );
    let said = message(|| allocates(5)).expect("five are more than two");
    assert!(said.contains("in 1 of 3 calls: a call made 5 allocations, where 2 are allowed"), "{said}");
}

#[track(max_allocs = 0)]
fn hot_path(list: &mut Vec<u8>) {
    list.push(1);
}

#[test]
fn a_hot_path_that_allocates_is_found() {
    let mut list = Vec::with_capacity(1);
    hot_path(&mut list);
    // The second push resizes the block: a reallocation, which is no allocation.
    hot_path(&mut list);
    assert_eq!(budget("hot_path").calls_over, 0);
    assert!(message(|| hot_path(&mut Vec::new())).is_some());
}

#[track(budget = "100 KiB")]
fn outer(inner_bytes: usize) {
    let _held = black_box(vec![0u8; 60 << 10]);
    inner(inner_bytes);
}

#[track(budget = "10 KiB")]
fn inner(bytes: usize) {
    drop(black_box(vec![0u8; bytes]));
}

#[test]
fn nested_budgets_are_judged_apart() {
    outer(10 << 10);
    assert_eq!((budget("outer").calls_over, budget("inner").calls_over), (0, 0));
    // 60 + 30 KiB are within the outer one's, 30 not within the inner one's; the panic passes through the outer one.
    assert!(message(|| outer(30 << 10)).expect("over").starts_with("`inner`"));
    assert_eq!((budget("outer").calls_over, budget("inner").calls_over), (0, 1));
    assert!(message(|| outer(50 << 10)).is_some());
    assert_eq!((budget("outer").calls_over, budget("inner").calls_over), (1, 2));
    assert_eq!(budget("outer").most_bytes, Some(110 << 10));
}

#[track(budget = "1 KiB", max_allocs = 3)]
async fn over_polls(bytes: usize) -> usize {
    let first = vec![0u8; bytes];
    yield_now().await;
    let second = vec![0u8; bytes];
    yield_now().await;
    first.len() + second.len()
}

#[test]
fn an_async_functions_budget_is_of_all_its_polls() {
    // What happens between the polls is not its own.
    let run = |bytes| {
        let mut future = pin!(over_polls(bytes));
        let mut context = Context::from_waker(Waker::noop());
        let mut between = Vec::new();
        loop {
            match future.as_mut().poll(&mut context) {
                Poll::Ready(len) => break len,
                Poll::Pending => between.push(vec![0u8; 10_000]),
            }
        }
    };
    assert_eq!(run(512), 1_024);
    assert_eq!(
        budget("over_polls"),
        Budget {
            bytes: Some(1_024),
            allocations: Some(3),
            judged_calls: 1,
            most_allocations: Some(2),
            ..Budget::default()
        }
    );
    let said = message(|| _ = run(513)).expect("1,026 bytes at once");
    assert!(said.contains("held 1026 bytes at once, where 1024 are allowed"), "{said}");
    // One that is dropped unfinished is judged, and fails nothing.
    let mut unfinished = Box::pin(over_polls(2_000));
    assert!(unfinished.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(unfinished);
    assert_eq!((budget("over_polls").judged_calls, budget("over_polls").calls_over), (3, 2));
}

#[test]
fn budgets_can_be_asserted_at_the_end_of_a_test() {
    memscope::testing::assert_within_budget("frees_as_it_goes");
    let said =
        message(|| memscope::testing::assert_within_budget("no such function")).expect("there is none");
    assert!(said.contains("no function `no such function` with a budget"), "{said}");
}

async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(
        |_| {
            if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending }
        },
    )
    .await;
}
