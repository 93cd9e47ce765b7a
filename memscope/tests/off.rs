//! Without the feature `live` the program is the user's own, and a report says that nothing was recorded.
#![cfg(not(any(feature = "live", feature = "sampling")))]

use memscope::model::Mode;
use memscope::{track, track_var};

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

#[track]
fn doubled(numbers: &[u32]) -> Vec<u32> {
    track_var!(let doubled: Vec<u32> = numbers.iter().map(|number| number * 2).collect());
    track_var!(doubled);
    doubled
}

#[test]
fn nothing_is_recorded_and_the_document_says_so() {
    assert_eq!(doubled(&[1, 2, 3]), [2, 4, 6]);
    let snapshot = memscope::snapshot();
    assert_eq!(snapshot.mode, Mode::Off);
    assert!(snapshot.scopes.is_empty() && snapshot.variables.is_empty() && snapshot.sites.is_empty());
    assert_eq!((snapshot.profiler.own_bytes, snapshot.profiler.peak_error_bound_bytes), (None, None));
}

#[derive(memscope::Trackable)]
struct Derived<T> {
    text: T,
    #[track(skip)]
    call: Box<dyn Fn() -> u8>,
}

struct ByHand(Vec<u8>);

impl memscope::Trackable for ByHand {
    fn visit_blocks(&self, visitor: &mut memscope::Visitor<'_>) {
        visitor.block_of(self.0.as_ptr(), self.0.capacity());
        visitor.unused(self.0.capacity() - self.0.len());
    }
}

fn same<T: memscope::Trackable>(value: T) -> T {
    track_var!(value);
    value
}

#[test]
fn types_that_can_be_walked_compile_and_are_nothing_more() {
    let derived = same(Derived { text: same(ByHand(vec![1, 2])), call: Box::new(|| 3) });
    assert_eq!((derived.text.0.len(), (derived.call)()), (2, 3));
}

#[test]
fn what_is_declared_is_still_known() {
    let tracker = memscope::core::tracker::MemoryTracker::new();
    tracker.track_allocation(0x1000, 20, Some("declared".to_owned())).expect("a fine range");
    let snapshot = tracker.snapshot();
    assert_eq!((snapshot.mode, snapshot.totals.live_bytes), (Mode::Declared, 20));
    assert_eq!(snapshot.variables[0].name, "declared");
    assert_eq!(snapshot.threads.len(), 1);
}

#[test]
fn a_scope_that_is_carried_is_nothing_and_leaves_the_work_as_it_is() {
    let scope = memscope::spawn_scope();
    assert_eq!((size_of_val(&scope), scope.run(|| 1), scope.closure(|| 2)()), (0, 1, 2));
    let future = async { 3 };
    let bytes = size_of_val(&future);
    let future = scope.future(future);
    assert_eq!(size_of_val(&future), bytes);
    let polled = std::pin::pin!(future).poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
    assert_eq!(polled, std::task::Poll::Ready(3));
}

#[test]
fn what_is_handed_out_by_ffi_is_stds_own() {
    use memscope::ffi;
    let raw = ffi::boxed::into_raw(Box::new(1));
    let (list, length, capacity) = ffi::vec::into_raw_parts(vec![1, 2]);
    ffi::foreign(raw, 4, "nothing is noted");
    ffi::release(raw);
    // SAFETY: both were handed out above.
    unsafe {
        assert_eq!(*ffi::boxed::from_raw(raw), 1);
        assert_eq!(ffi::vec::from_raw_parts(list, length, capacity), [1, 2]);
    }
    let snapshot = memscope::snapshot();
    assert_eq!((snapshot.mode, snapshot.handed_out.len(), snapshot.variables.len()), (Mode::Off, 0, 0));
}

#[test]
fn alerts_may_be_asked_for_and_none_comes() {
    use memscope::{alerts, model::Severity};
    let all = alerts::when().live_bytes_above(0).growth_above(0).finding(Severity::Note);
    let guard = all.to(|alert| panic!("nothing is recorded: {alert}")).start();
    let kept = vec![1u8; 1 << 20];
    std::thread::sleep(std::time::Duration::from_millis(300));
    drop((guard, kept));
}

#[cfg(not(feature = "html"))]
#[test]
fn a_format_without_its_feature_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = memscope::export(folder.path().join("page.html")).expect_err("no page without `html`");
    assert!(error.to_string().contains("feature `html`"), "{error}");
    memscope::export(folder.path().join("a.memscope")).expect("a recording can be written");
    let document = memscope::export(folder.path().join("a.json"));
    if cfg!(feature = "json") {
        document.expect("a document can be written");
    } else {
        let error = document.expect_err("no document without `json`");
        assert!(error.to_string().contains("feature `json`"), "{error}");
    }
}
