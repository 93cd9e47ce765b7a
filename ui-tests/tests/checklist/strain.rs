//! Rows 41, 43 and 45: depth and unwinding. Rows 42, 44 and 46 have processes of their own in `tests/`.

use memscope::track;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use ui_tests::{assert_at_root, block_on, calls, scope, unwind, yield_now};

#[test]
fn row_41_recursion_a_hundred_thousand_deep() {
    #[track]
    fn descends(depth: u32) -> u32 {
        if depth == 0 { 0 } else { 1 + descends(depth - 1) }
    }
    #[track]
    fn there(depth: u32) -> u32 {
        if depth == 0 { 0 } else { 1 + and_back(depth - 1) }
    }
    #[track]
    fn and_back(depth: u32) -> u32 {
        if depth == 0 { 0 } else { 1 + there(depth - 1) }
    }
    // A frame of an unoptimised build is some hundred bytes.
    thread::Builder::new()
        .stack_size(1 << 30)
        .spawn(|| {
            assert_eq!(descends(100_000), 100_000);
            assert_at_root();
            assert_eq!(there(100_000), 100_000);
            assert_at_root();
        })
        .expect("a thread")
        .join()
        .expect("it does not panic");
    let snapshot = memscope::snapshot();
    let folded = |path: &[&str]| {
        let scope = scope(&snapshot, path);
        (scope.calls, scope.recursive_calls)
    };
    assert_eq!(folded(&["descends"]), (100_001, 100_000));
    // Of two that call each other the first is the ancestor, whose node each call leads back to.
    assert_eq!(folded(&["there"]), (50_001, 50_000));
    assert_eq!(folded(&["there", "and_back"]).0, 50_000);
    let nodes = snapshot.scopes.iter().filter(|scope| scope.path.iter().any(|name| name == "and_back"));
    assert_eq!(nodes.count(), 1);
}

/// A hundred functions, each of which calls the next, to the last, which panics if it is told so.
macro_rules! chain {
    ($first:ident $second:ident $($rest:ident)*) => {
        #[track]
        fn $first(panics: bool) -> Vec<u8> {
            let _held = [1u8; 8].to_vec();
            let mut kept = $second(panics);
            kept.push(1);
            kept
        }
        chain!($second $($rest)*);
    };
    ($last:ident) => {
        #[track]
        fn $last(panics: bool) -> Vec<u8> {
            if panics {
                unwind();
            }
            Vec::with_capacity(1000)
        }
    };
}
chain! {
    f00 f01 f02 f03 f04 f05 f06 f07 f08 f09 f10 f11 f12 f13 f14 f15 f16 f17 f18 f19
    f20 f21 f22 f23 f24 f25 f26 f27 f28 f29 f30 f31 f32 f33 f34 f35 f36 f37 f38 f39
    f40 f41 f42 f43 f44 f45 f46 f47 f48 f49 f50 f51 f52 f53 f54 f55 f56 f57 f58 f59
    f60 f61 f62 f63 f64 f65 f66 f67 f68 f69 f70 f71 f72 f73 f74 f75 f76 f77 f78 f79
    f80 f81 f82 f83 f84 f85 f86 f87 f88 f89 f90 f91 f92 f93 f94 f95 f96 f97 f98 f99
}

#[test]
fn row_41_a_hundred_nested_tracked_calls() {
    let kept = f00(false);
    assert_eq!((kept.len(), kept.capacity()), (99, 1000));
    assert_at_root();
    let names: Vec<String> = (0..100).map(|index| format!("f{index:02}")).collect();
    let snapshot = memscope::snapshot();
    for depth in 1..=100 {
        let path: Vec<&str> = names[..depth].iter().map(String::as_str).collect();
        let scope = scope(&snapshot, &path);
        let allocated = if depth < 100 { 8 } else { 1000 };
        assert_eq!((scope.calls, scope.exclusive.allocated_bytes), (1, allocated), "{path:?}");
    }
    assert_eq!(scope(&snapshot, &["f00"]).inclusive.live_bytes, 1000);
    drop(kept);
    let mut deepest = snapshot.scopes.iter().filter(|scope| scope.path.len() == 100);
    assert_eq!(deepest.next().and_then(|scope| scope.path.last()).map(String::as_str), Some("f99"));
}

#[test]
fn row_43_unwinding_through_fifty_frames() {
    #[track]
    fn unwinds_from(depth: u32) -> u32 {
        let _held = [1u8; 16].to_vec();
        if depth == 1 { unwind() } else { 1 + unwinds_through(depth - 1) }
    }
    #[track]
    fn unwinds_through(depth: u32) -> u32 {
        let _held = [1u8; 16].to_vec();
        unwinds_from(depth)
    }
    #[track]
    async fn unwinds_async(depth: u32) -> u32 {
        yield_now().await;
        if depth == 1 { unwind() } else { 1 + Box::pin(unwinds_async(depth - 1)).await }
    }
    for _ in 0..10 {
        assert!(catch_unwind(|| unwinds_from(25)).is_err());
        assert!(catch_unwind(AssertUnwindSafe(|| block_on(unwinds_async(50)))).is_err());
    }
    assert_at_root();
    // 25 frames of the one and 24 of the other; what they held was freed on the way.
    let snapshot = memscope::snapshot();
    let (outer, inner) =
        (scope(&snapshot, &["unwinds_from"]), scope(&snapshot, &["unwinds_from", "unwinds_through"]));
    assert_eq!((outer.calls, inner.calls), (250, 240));
    assert_eq!((inner.exclusive.allocated_bytes, inner.exclusive.live_bytes), (240 * 16, 0));
    assert_eq!(calls(&["unwinds_async"]), 500);
}

#[test]
fn row_43_a_panic_caught_within_a_scope() {
    #[track]
    fn catches() -> Vec<u8> {
        assert!(catch_unwind(panics_below).is_err());
        vec![0; 43]
    }
    #[track]
    fn panics_below() {
        let _held = [1u8; 10].to_vec();
        unwind();
    }
    let kept = catches();
    let snapshot = memscope::snapshot();
    let (catches, below) = (scope(&snapshot, &["catches"]), scope(&snapshot, &["catches", "panics_below"]));
    assert_eq!((catches.exclusive.live_bytes, below.calls, below.exclusive.live_bytes), (43, 1, 0));
    assert_at_root();
    drop(kept);
}

#[test]
fn row_45_a_tracked_drop() {
    struct Tracked(&'static str);
    impl Drop for Tracked {
        #[track(name = "drop of Tracked")]
        fn drop(&mut self) {
            std::mem::forget(self.0.repeat(5));
        }
    }
    #[track]
    fn drops_a_local() -> usize {
        let _first = Tracked("ab");
        Tracked("abc").0.len()
    }
    #[track]
    fn drops_while_unwinding() {
        let _first = Tracked("abcd");
        unwind();
    }
    drop(Tracked("a"));
    assert_at_root();
    assert_eq!(drops_a_local(), 3);
    assert!(catch_unwind(drops_while_unwinding).is_err());
    let of_two = vec![Tracked("a"), Tracked("b")];
    drop(of_two);
    assert_at_root();
    let snapshot = memscope::snapshot();
    let drops = |path: &[&str]| {
        let scope = scope(&snapshot, path);
        (scope.calls, scope.exclusive.live_bytes)
    };
    assert_eq!(drops(&["drop of Tracked"]), (3, 15));
    assert_eq!(drops(&["drops_a_local", "drop of Tracked"]), (2, 25));
    assert_eq!(drops(&["drops_while_unwinding", "drop of Tracked"]), (1, 20));
}
