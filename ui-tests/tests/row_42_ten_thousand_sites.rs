//! Ten thousand tracked functions in one program. To clippy they are ten thousand times the same lines.

#![cfg(not(clippy))]

use std::collections::HashSet;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

/// Ten modules of what is given, and a function that calls all that is in them.
macro_rules! ten {
    ([] $($site:tt)*) => {
        $($site)*
    };
    ([$_:tt $($more:tt)*] $($site:tt)*) => {
        ten!(@ [a b c d e f g h i j] [$($more)*] $($site)*);
        pub(crate) fn all() {
            a::all();
            b::all();
            c::all();
            d::all();
            e::all();
            f::all();
            g::all();
            h::all();
            i::all();
            j::all();
        }
    };
    (@ [$first:ident $($rest:ident)*] $more:tt $($site:tt)*) => {
        pub(crate) mod $first {
            ten!($more $($site)*);
        }
        ten!(@ [$($rest)*] $more $($site)*);
    };
    (@ [] $($_:tt)*) => {};
}

mod sites {
    ten!([10 100 1000 10000]
        #[memscope::track]
        pub(crate) fn all() {}
    );
}

#[test]
fn row_42_ten_thousand_sites() {
    sites::all();
    sites::all();
    let snapshot = memscope::snapshot();
    let keys: HashSet<&str> = snapshot
        .sites
        .iter()
        .filter(|site| site.key.contains("::sites::"))
        .map(|site| site.key.as_str())
        .collect();
    assert_eq!(keys.len(), 10_000);
    let scopes: Vec<_> = snapshot.scopes.iter().filter(|scope| scope.path == ["all"]).collect();
    assert_eq!(scopes.len(), 10_000);
    assert!(scopes.iter().all(|scope| scope.calls == 2));
}
