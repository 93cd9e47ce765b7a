//! `#[track]` on whole blocks: `impl`, `trait`, `mod`, `extern`; on arguments and bindings with `vars`; and values that
//! take their instance along.

use memscope::{Tracked, track, track_var};
use std::ffi::{CStr, c_char, c_double, c_int, c_void};

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

fn calls(path: &[&str]) -> u64 {
    memscope::snapshot().scopes.iter().filter(|scope| scope.path == path).map(|scope| scope.calls).sum()
}

struct Grid<const N: usize>([u8; N]);

#[track(skip(left_out))]
impl<const N: usize> Grid<{ N }> {
    const SIDE: usize = { N };

    const fn in_constants() -> usize {
        Self::SIDE * 2
    }

    fn grid_cells(&self) -> Vec<u8> {
        self.0.to_vec()
    }

    async fn grid_async(&self) -> usize {
        self.grid_cells().len()
    }

    fn left_out(&self) -> usize {
        self.0.len()
    }

    #[track(name = "grid: by its own")]
    fn by_its_own(&self) -> u8 {
        self.0[0]
    }
}

#[track]
trait Shape {
    fn corners(&self) -> usize;

    fn shape_twice(&self) -> usize {
        2 * self.corners()
    }
}

#[track]
impl<const N: usize> Shape for Grid<N> {
    fn corners(&self) -> usize {
        const _: () = assert!(Grid::<2>::in_constants() == 4);
        4
    }
}

#[track]
mod shop {
    pub(crate) struct Till {
        pub(crate) coins: Vec<u32>,
    }

    impl Till {
        pub(crate) fn shop_put(&mut self, coin: u32) {
            self.coins.push(coin);
        }
    }

    pub(crate) mod back {
        pub(crate) fn shop_count(till: &super::Till) -> usize {
            till.coins.len()
        }
    }

    pub(crate) fn shop_open() -> Till {
        Till { coins: Vec::with_capacity(10) }
    }
}

#[track]
unsafe extern "C" {
    fn strlen(text: *const c_char) -> usize;
    #[link_name = "fabs"]
    safe fn magnitude(_: c_double) -> c_double;
    fn qsort(
        base: *mut c_void,
        count: usize,
        size: usize,
        compare: unsafe extern "C" fn(*const c_void, *const c_void) -> c_int,
    );
    fn snprintf(into: *mut c_char, len: usize, format: *const c_char, ...) -> c_int;
    static environ: *const *const c_char;
}

#[track]
unsafe extern "C" fn compare_bytes(a: *const c_void, b: *const c_void) -> c_int {
    // SAFETY: `qsort` hands out elements of the slice that it was given.
    let (a, b) = unsafe { (*a.cast::<u8>(), *b.cast::<u8>()) };
    c_int::from(a) - c_int::from(b)
}

#[test]
fn an_impl_has_its_functions_tracked() {
    let grid = Grid([1, 2, 3]);
    assert_eq!(grid.grid_cells().len() + grid.left_out() + usize::from(grid.by_its_own()), 7);
    assert_eq!(block_on(grid.grid_async()), 3);
    assert_eq!(grid.shape_twice(), 8);
    assert_eq!(calls(&["grid_cells"]), 1);
    assert_eq!(calls(&["grid_async", "grid_cells"]), 1);
    assert_eq!(calls(&["grid: by its own"]), 1);
    assert_eq!(calls(&["shape_twice", "corners"]), 1);
    assert!(
        !memscope::snapshot().sites.iter().any(|site| site.name == "left_out" || site.name == "in_constants")
    );
}

#[test]
fn a_module_has_its_functions_tracked() {
    let mut till = shop::shop_open();
    till.shop_put(1);
    assert_eq!(shop::back::shop_count(&till), 1);
    for name in ["shop_open", "shop_put", "shop_count"] {
        assert_eq!(calls(&[name]), 1, "{name}");
    }
    let snapshot = memscope::snapshot();
    let open = snapshot.scopes.iter().find(|scope| scope.path == ["shop_open"]).expect("it ran");
    // Ten coins of four bytes, still held by `till`.
    assert_eq!(open.exclusive.live_bytes, 40);
}

#[test]
fn foreign_functions_are_called_through_their_scopes() {
    // SAFETY: a string that ends in a zero; elements of one byte; a format without arguments.
    unsafe {
        assert_eq!(strlen(c"four".as_ptr()), 4);
        let mut bytes = *b"ccba";
        qsort(bytes.as_mut_ptr().cast(), bytes.len(), 1, compare_bytes);
        assert_eq!(&bytes, b"abcc");
        let mut text = [0 as c_char; 8];
        assert_eq!(snprintf(text.as_mut_ptr(), text.len(), c"%d".as_ptr(), 42 as c_int), 2);
        assert_eq!(CStr::from_ptr(text.as_ptr()), c"42");
        assert!(!environ.is_null());
        // As a pointer it has the ABI of the foreign one.
        let pointer: unsafe extern "C" fn(*const c_char) -> usize = strlen;
        assert_eq!(pointer(c"six chars".as_ptr()), 9);
    }
    assert_eq!(magnitude(-2.5), 2.5);
    assert_eq!((calls(&["strlen"]), calls(&["magnitude"]), calls(&["qsort"])), (2, 1, 1));
    assert!(calls(&["qsort", "compare_bytes"]) >= 3);
    let snapshot = memscope::snapshot();
    let site = snapshot.sites.iter().find(|site| site.name == "magnitude").expect("it is a site");
    assert_eq!(site.signature, "safe fn magnitude(_: c_double) -> c_double");
    assert_eq!(site.kind, memscope::model::SiteKind::ForeignFunction);
    assert!(!snapshot.sites.iter().any(|site| site.name == "snprintf"));
}

#[track(vars, skip(quiet))]
#[allow(
    unused_variables,
    reason = "`vars` hides none of them: ui-tests/fail/lints shows that they are still reported"
)]
fn with_vars(given: Vec<u8>, (first, quiet): (String, String), unused: u8) -> usize {
    let copied: Vec<u8> = given.clone();
    let total = {
        let inner = String::from("12345");
        inner.len()
    };
    let closure = |list: &Vec<u8>| {
        let within = list.clone();
        within.len()
    };
    let never_read = 1;
    copied.len() + total + closure(&copied) + first.len() + quiet.len()
}

#[track(vars)]
async fn with_vars_async(given: Vec<u8>) -> usize {
    let copied: Vec<u8> = std::future::ready(given.clone()).await;
    copied.len() + given.len()
}

#[test]
fn vars_tracks_arguments_and_bindings_that_are_used() {
    assert_eq!(with_vars(vec![0; 40], ("ab".into(), "abc".into()), 0), 40 + 5 + 40 + 2 + 3);
    assert_eq!(block_on(with_vars_async(vec![0; 60])), 120);
    let snapshot = memscope::snapshot();
    let of = |scope: &str| {
        let mut found: Vec<_> = snapshot
            .variables
            .iter()
            .filter(|variable| variable.scope == [scope])
            .map(|variable| (variable.name.as_str(), variable.peak_heap_bytes))
            .collect();
        found.sort();
        found
    };
    // `total` is a number and `closure` captures nothing: neither has anything to drop, so neither owns a block.
    assert_eq!(
        of("with_vars"),
        [
            ("closure", Some(0)),
            ("copied", Some(40)),
            ("first", Some(2)),
            ("given", Some(40)),
            ("inner", Some(5)),
            ("total", Some(0)),
            ("within", Some(40)),
        ]
    );
    assert_eq!(of("with_vars_async"), [("copied", Some(60)), ("given", Some(60))]);
}

#[track]
fn makes_a_value_that_outlives_it() -> Tracked<Vec<u64>> {
    let outliving: Vec<u64> = Vec::with_capacity(100);
    track_var!(move outliving)
}

#[test]
fn a_value_takes_its_instance_along() {
    let row = || {
        let snapshot = memscope::snapshot();
        let row = snapshot.variables.iter().find(|variable| variable.name == "outliving").cloned();
        row.expect("it was made")
    };
    let mut kept = makes_a_value_that_outlives_it();
    assert_eq!((row().active_instances, row().heap_bytes), (1, Some(800)));
    assert_eq!(row().scope, ["makes_a_value_that_outlives_it"]);
    kept.extend(0..300);
    kept.shrink_to_fit();
    assert_eq!(row().heap_bytes, Some(2_400), "blocks are followed as they grow");
    kept.observe();
    let elsewhere = std::thread::spawn(move || {
        assert_eq!(kept.len(), 300);
        kept
    });
    let kept = elsewhere.join().expect("it does not panic");
    assert_eq!((row().active_instances, row().instances), (1, 1));
    let value: Vec<u64> = Tracked::into_inner(kept);
    assert_eq!((row().active_instances, row().heap_bytes), (0, Some(2_400)));
    drop(value);
    assert_eq!(row().heap_bytes, Some(0));
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}
