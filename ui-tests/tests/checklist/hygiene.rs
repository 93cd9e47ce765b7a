//! Rows 30 to 36: names, paths, and functions that macros write.

use memscope::track;
use ui_tests::{assert_at_root, block_on, calls, scope, site};

/// What the user's crate re-exports memscope as.
mod facade {
    pub(crate) mod inner {
        pub(crate) use memscope::*;
    }
}

#[test]
fn row_30_variables_and_items_with_the_names_of_the_expansion() {
    #[track]
    fn own_names(_guard: u8, _scope: u8, value: u8) -> u8 {
        static SITE: u8 = 1;
        static __MEMSCOPE_SITE: u8 = 10;
        fn here() -> u8 {
            1
        }
        fn __memscope_here() -> u8 {
            1
        }
        let guard = _guard + _scope + value + SITE + here() + __memscope_here() + __MEMSCOPE_SITE;
        let _mark_0 = guard;
        memscope::track_var!(let value: u8 = _mark_0);
        memscope::track_var!(let mark = value);
        memscope::track_var!(value, mark);
        _mark_0 + mark
    }
    #[track]
    async fn own_names_async(future: u8, task: u8, _scope: u8) -> u8 {
        let value = future + task;
        value + _scope
    }
    assert_eq!(own_names(1, 2, 3), 2 * (1 + 2 + 3 + 13));
    assert_eq!(block_on(own_names_async(1, 2, 3)), 6);
    assert_eq!((calls(&["own_names"]), calls(&["own_names_async"])), (1, 1));
    assert_at_root();
}

#[test]
fn row_30_raw_names() {
    #[track]
    fn r#try() -> u8 {
        1
    }
    #[track]
    async fn r#await(r#type: u8) -> u8 {
        memscope::track_var!(let r#match: u8 = r#type);
        r#match
    }
    #[track]
    fn ünïcode() {}
    assert_eq!(r#try() + block_on(r#await(2)), 3);
    ünïcode();
    assert_eq!((calls(&["try"]), calls(&["await"]), calls(&["ünïcode"])), (1, 1, 1));
    let snapshot = memscope::snapshot();
    assert_eq!(ui_tests::variable(&snapshot, "match").instances, 1);
    assert_eq!(site(&snapshot, "row_30_raw_names::try").signature, "fn r#try() -> u8");
    assert_at_root();
}

#[test]
fn row_31_where_memscope_is() {
    use memscope as renamed;

    #[track(crate = renamed)]
    fn by_alias() -> u8 {
        renamed::track_var!(crate = renamed; let x: u8 = 1);
        renamed::track_var!(crate = renamed; x);
        x
    }
    #[facade::inner::track(name = "by_facade", crate = crate::hygiene::facade::inner,)]
    async fn by_facade() -> u8 {
        facade::inner::track_var!(crate = crate::hygiene::facade::inner; let (x, _y) = (2, 3));
        x
    }
    /// A macro of a crate that re-exports memscope.
    macro_rules! through_crate {
        ($name:ident) => {
            #[$crate::hygiene::facade::inner::track(crate = $crate::hygiene::facade::inner)]
            fn $name() -> u8 {
                $crate::hygiene::facade::inner::track_var!(crate = $crate::hygiene::facade::inner; let y: u8 = 3);
                y
            }
        };
    }
    through_crate!(through_macro);
    assert_eq!(by_alias() + block_on(by_facade()) + through_macro(), 6);
    for name in ["by_alias", "by_facade", "through_macro"] {
        assert_eq!(calls(&[name]), 1, "{name}");
    }
    assert_at_root();
}

#[test]
fn row_34_names() {
    const SPOKEN: &str = "a spoken name";
    #[track(name = "literal: name")]
    fn renamed() {}
    #[track(name = SPOKEN)]
    fn renamed_by_constant() {}
    #[track(name = r#"raw "name" {}"#)]
    async fn renamed_raw() {}
    struct Spoken;
    impl Spoken {
        const NAME: &str = "an associated constant";
        #[track(name = Spoken::NAME)]
        fn renamed_by_associated() {}
    }
    renamed();
    renamed_by_constant();
    block_on(renamed_raw());
    Spoken::renamed_by_associated();
    for name in ["literal: name", "a spoken name", "raw \"name\" {}", "an associated constant"] {
        assert_eq!(calls(&[name]), 1, "{name}");
    }
    assert_at_root();
}

macro_rules! tracked {
    ($($(#[$attribute:meta])* fn $name:ident($argument:ident: $ty:ty) -> $output:ty $body:block)*) => {
        $(#[track] $(#[$attribute])* fn $name($argument: $ty) -> $output $body)*
    };
    (item $item:item) => {
        #[track]
        $item
    };
    (fixed) => {
        #[track]
        fn fixed_name() -> u8 {
            7
        }
    };
    (vis $vis:vis $name:ident<$lifetime:lifetime>) => {
        #[track]
        $vis fn $name<$lifetime>(text: &$lifetime str) -> &$lifetime str {
            text
        }
    };
    (tokens $($signature:tt)*) => {
        #[track]
        $($signature)*
    };
    (pattern $pattern:pat_param, $value:expr, $statement:stmt) => {
        #[track]
        fn with_fragments() -> u8 {
            memscope::track_var!(let $pattern = $value);
            $statement
            7
        }
    };
    (async $name:ident $body:block -> $output:ty) => {
        #[track]
        async fn $name() -> $output $body
    };
    (var $name:ident = $value:expr) => {
        memscope::track_var!(let $name = $value);
        memscope::track_var!($name);
    };
    (method $owner:ty { $($method:tt)* }) => {
        impl $owner { #[track] $($method)* }
    };
}

struct Own(u8);

mod written {
    use memscope::track;

    tracked! {
        #[inline]
        fn from_macro(a: Vec<u8>) -> Option<u8> { a.first().copied() }
        fn second_from_macro(a: u8) -> u8 { a }
    }
    tracked!(item fn from_item(a: &str) -> usize { a.len() });
    tracked!(item async fn from_item_async(a: &str) -> usize { a.len() });
    tracked!(fixed);
    tracked!(vis pub(super) from_vis<'a>);
    tracked!(tokens pub(super) unsafe extern "C" fn from_tokens(a: u8) -> u8 { a + 1 });
    tracked!(pattern (first, _), (1u8, 2), let _ = first);
    tracked!(async from_async { Ok(u8::try_from(3u32)? + 1) } -> Result<u8, std::num::TryFromIntError>);

    pub(super) fn run() {
        assert_eq!(from_macro(vec![4]), Some(4));
        assert_eq!(second_from_macro(5) + fixed_name(), 12);
        assert_eq!(from_item("four") + ui_tests::block_on(from_item_async("five")), 8);
        assert_eq!(from_vis("a"), "a");
        // SAFETY: it asks for nothing.
        assert_eq!(unsafe { from_tokens(1) }, 2);
        assert_eq!(with_fragments(), 7);
        assert_eq!(ui_tests::block_on(from_async()), Ok(4));
    }
}

tracked!(method Own { fn method_from_macro(&self) -> u8 { self.0 } });

#[test]
fn row_35_functions_that_macros_write() {
    written::run();
    assert_eq!(Own(3).method_from_macro(), 3);
    tracked!(var from_variable = String::from("variable"));
    assert_eq!(from_variable.len(), 8);
    for name in [
        "from_macro",
        "second_from_macro",
        "fixed_name",
        "from_item",
        "from_item_async",
        "from_vis",
        "from_tokens",
        "with_fragments",
        "from_async",
        "method_from_macro",
    ] {
        assert_eq!(calls(&[name]), 1, "{name}");
    }
    let snapshot = memscope::snapshot();
    assert_eq!(site(&snapshot, "written::from_macro").signature, "fn from_macro(a: Vec<u8>) -> Option<u8>");
    assert_eq!(ui_tests::variable(&snapshot, "from_variable").instances, 1);
    // A function's place is where the outermost macro was called.
    let lines: Vec<&str> = include_str!("hygiene.rs").lines().collect();
    let line_of = |key| lines[site(&snapshot, key).line as usize - 1].trim_start();
    for key in ["written::fixed_name", "written::from_item", "Own::method_from_macro", "written::from_vis"] {
        assert!(line_of(key).starts_with("tracked!("), "{key}: {}", line_of(key));
    }
    assert_at_root();
}

mod left {
    #[memscope::track]
    pub(super) fn twin() {}
}

mod right {
    #[memscope::track]
    pub(super) fn twin() {}
}

#[test]
fn row_36_functions_of_one_name() {
    #[track]
    fn instantiated<T: Default>() -> T {
        T::default()
    }
    left::twin();
    right::twin();
    right::twin();
    {
        #[track]
        fn twin() {}
        twin();
    }
    let snapshot = memscope::snapshot();
    let twins = snapshot.scopes.iter().filter(|scope| scope.path == ["twin"]);
    let mut calls: Vec<_> = twins.map(|scope| (scope.key[0].as_str(), scope.calls)).collect();
    calls.sort_unstable();
    assert_eq!(
        calls,
        [
            ("checklist::hygiene::left::twin", 1),
            ("checklist::hygiene::right::twin", 2),
            ("checklist::hygiene::row_36_functions_of_one_name::twin", 1)
        ]
    );
    // Instantiations share a scope.
    assert_eq!((instantiated::<u8>(), instantiated::<String>()), (0, String::new()));
    assert_eq!(scope(&memscope::snapshot(), &["instantiated"]).calls, 2);
    assert_at_root();
}
