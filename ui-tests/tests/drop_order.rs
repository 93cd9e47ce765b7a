//! Values are dropped in the order of the plain function and the plain `let`: each body is compiled twice, and the
//! traces of both are compared. The package in `edition-2021/` compiles this file too: in that edition the
//! temporaries of a tail expression are dropped after the locals.

use memscope::track;
use std::cell::RefCell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Waker};
use ui_tests::{assert_at_root, block_on, yield_now};

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

thread_local! {
    static TRACE: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

/// Says its name when it is dropped.
struct Says(&'static str);

impl Drop for Says {
    fn drop(&mut self) {
        TRACE.with_borrow_mut(|trace| trace.push(self.0));
    }
}

impl Says {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn word(&self) -> Option<&'static str> {
        Some(self.0)
    }
}

/// What was dropped since the last call.
fn trace() -> Vec<&'static str> {
    TRACE.take()
}

/// `track_var!` without tracking.
macro_rules! plain {
    ($($statement:tt)*) => {
        $($statement)*;
    };
}

/// The traces of a call of a function, which is compiled plain and tracked: equal to each other and to what is
/// expected.
macro_rules! drops {
    ($expected:expr, $call:expr, $($function:tt)*) => {{
        let plain = {
            #[allow(unused_imports, reason = "not every function binds by it")]
            use plain as var;
            $($function)*
            let _ = $call;
            trace()
        };
        let tracked = {
            #[allow(unused_imports, reason = "not every function binds by it")]
            use memscope::track_var as var;
            #[track]
            $($function)*
            let _ = $call;
            trace()
        };
        assert_eq!(plain, $expected, "the plain function");
        assert_eq!(tracked, plain, "the tracked one");
        assert_at_root();
    }};
}

/// Which of two belongs to this edition.
fn of_edition<T>(since_2024: T, before: T) -> T {
    if env!("CARGO_PKG_NAME").ends_with("2021") { before } else { since_2024 }
}

#[test]
fn locals_then_arguments() {
    drops!(
        ["b", "a", "y", "x"],
        run(Says("x"), Says("y")),
        fn run(_x: Says, _y: Says) {
            let _a = Says("a");
            let _b = Says("b");
        }
    );
    drops!(
        ["a", "whole", "y", "x"],
        run((Says("x"), Says("y")), Says("whole")),
        fn run((_x, _y): (Says, Says), _: Says) {
            let _a = Says("a");
        }
    );
}

#[test]
fn temporaries_of_the_tail() {
    drops!(
        of_edition(["temporary", "b", "a", "x"], ["b", "a", "temporary", "x"]),
        run(Says("x")),
        fn run(_x: Says) -> usize {
            let _a = Says("a");
            let _b = Says("b");
            Says("temporary").len()
        }
    );
    drops!(
        of_edition(["then", "scrutinee", "a"], ["then", "a", "scrutinee"]),
        run(),
        fn run() -> usize {
            let _a = Says("a");
            match Says("scrutinee").word() {
                Some(word) => {
                    let _then = Says("then");
                    word.len()
                }
                None => 0,
            }
        }
    );
    drops!(
        of_edition(["scrutinee", "else", "a"], ["else", "a", "scrutinee"]),
        run(),
        fn run() -> usize {
            let _a = Says("a");
            if let Some("another") = Says("scrutinee").word() {
                0
            } else {
                let _else = Says("else");
                1
            }
        }
    );
}

#[test]
fn early_returns_and_moves() {
    drops!(
        ["temporary", "a", "x"],
        run(Says("x")),
        fn run(_x: Says) -> Option<usize> {
            let _a = Says("a");
            let word = Says("temporary").word()?;
            if word.len() > 3 {
                return None;
            }
            let _b = Says("b");
            Some(1)
        }
    );
    drops!(
        ["moved", "b", "returned"],
        run(Says("returned")),
        fn run(x: Says) -> Says {
            let _b = Says("b");
            drop(Says("moved"));
            x
        }
    );
}

#[test]
fn unwinding() {
    drops!(
        of_edition(["temporary", "b", "a", "x"], ["b", "a", "temporary", "x"]),
        catch_unwind(|| run(Says("x"))),
        fn run(_x: Says) -> usize {
            let _a = Says("a");
            let _b = Says("b");
            match Says("temporary").len() {
                9 => panic!("as it should"),
                other => other,
            }
        }
    );
}

#[test]
fn bindings() {
    drops!(
        ["temporary", "extended", "second", "first", "b", "a"],
        run(),
        fn run() {
            var!(let _a = Says("a"));
            var!(let _b: Says = Says("b"));
            var!(let (_first, _second) = (Says("first"), Says("second")));
            var!(let _length = Says("temporary").len());
            var!(let _extended = &Says("extended"));
        }
    );
    drops!(
        ["temporary", "left", "shadowing", "shadowed"],
        run(),
        fn run() -> usize {
            var!(let _x = Says("shadowed"));
            var!(let _x = Says("shadowing"));
            var!(let Some(_word) = Says("temporary").word() else { return 0 });
            var!(let (_, _left) = (1, Says("left")));
            1
        }
    );
    drops!(
        ["b", "scrutinee", "else", "a"],
        run(),
        fn run() -> usize {
            var!(let _a = Says("a"));
            var!(let (None, _b) = (Says("scrutinee").word(), Says("b")) else {
                let _else = Says("else");
                return 0;
            });
            1
        }
    );
}

#[test]
fn moved_bindings() {
    drops!(
        ["moved", "again", "kept"],
        run(),
        fn run() {
            var!(let _kept = Says("kept"));
            var!(let moved = Says("moved"));
            drop(moved);
            var!(let mut assigned = Says("again"));
            assigned = {
                drop(assigned);
                Says("unread")
            };
            std::mem::forget(assigned);
        }
    );
}

#[test]
fn async_locals_and_temporaries() {
    drops!(
        of_edition(["temporary", "b", "a"], ["b", "a", "temporary"]),
        block_on(run()),
        async fn run() -> usize {
            let _a = Says("a");
            yield_now().await;
            let _b = Says("b");
            Says("temporary").len()
        }
    );
    drops!(
        ["temporary", "b", "a"],
        block_on(run()),
        async fn run() -> Option<usize> {
            var!(let _a = Says("a"));
            yield_now().await;
            var!(let _b = Says("b"));
            let word = Says("temporary").word()?;
            if !word.is_empty() {
                return None;
            }
            Some(1)
        }
    );
}

/// Drops a future after its first poll.
fn poll_once_and_drop(future: impl Future) {
    assert!(pin!(future).as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
}

#[test]
fn async_unwinding_and_unfinished() {
    drops!(
        ["b", "a"],
        catch_unwind(AssertUnwindSafe(|| block_on(run()))),
        async fn run() -> usize {
            let _a = Says("a");
            yield_now().await;
            var!(let _b = Says("b"));
            panic!("as it should")
        }
    );
    drops!(
        ["b", "a"],
        poll_once_and_drop(run()),
        async fn run() {
            let _a = Says("a");
            var!(let _b = Says("b"));
            yield_now().await;
            let _c = Says("c");
        }
    );
    // Never polled: the arguments are what the future captured, in their order.
    drops!(
        ["x", "y"],
        drop(run(Says("x"), Says("y"))),
        async fn run(x: Says, y: Says) {
            let _ = x.len() + y.len();
        }
    );
}

#[test]
fn async_argument() {
    drops!(
        ["a", "x"],
        block_on(run(Says("x"))),
        async fn run(_x: Says) {
            let _a = Says("a");
            yield_now().await;
        }
    );
    drops!(
        ["a", "x"],
        poll_once_and_drop(run(Says("x"))),
        async fn run(x: Says) {
            let _a = Says("a");
            yield_now().await;
            drop(x);
        }
    );
}

#[test]
fn async_arguments() {
    drops!(
        ["a", "y", "x"],
        block_on(run(Says("x"), Says("y"))),
        async fn run(_x: Says, _y: Says) {
            let _a = Says("a");
            yield_now().await;
        }
    );
    drops!(
        ["a", "y", "x"],
        block_on(run(Says("x"), Says("y"))),
        async fn run(x: Says, y: Says) {
            let _a = Says("a");
            yield_now().await;
            let _ = x.len() + y.len();
        }
    );
    drops!(
        ["a", "y", "x"],
        block_on(run(Says("x"), Says("y"))),
        async fn run(x: Says, _y: Says) {
            let _a = Says("a");
            yield_now().await;
            let _ = x.len();
        }
    );
    drops!(
        ["c", "b", "a"],
        block_on(run(Says("a"), Says("b"), Says("c"))),
        #[allow(unused_variables, reason = "what is not mentioned is dropped in its turn too")]
        async fn run(a: Says, b: Says, c: Says) {
            yield_now().await;
            let _ = &b;
        }
    );
    drops!(
        // One argument, whose fields are dropped in their order.
        ["a", "x", "y"],
        block_on(run((Says("x"), Says("y")))),
        async fn run(both: (Says, Says)) {
            let _a = Says("a");
            yield_now().await;
            let _ = both.1.len();
        }
    );
    drops!(
        ["a", "y", "x"],
        poll_once_and_drop(run(Says("x"), Says("y"))),
        async fn run(x: Says, y: Says) {
            let _a = Says("a");
            yield_now().await;
            let _ = x.len() + y.len();
        }
    );
}
