//! Both macros on tokens, with recording on and off.

use proc_macro2::TokenStream;
use quote::quote;

use crate::{function, variable};

/// Accepted by both settings: on, something is added; off, nothing is.
#[track_caller]
fn accepts(args: TokenStream, item: TokenStream) -> String {
    let off = function(args.clone(), item.clone(), false).to_string();
    assert_eq!(off, item.to_string(), "with recording off the tokens are the user's");
    let on = function(args, item, true).to_string();
    assert!(!on.contains("compile_error"), "{on}");
    on
}

/// Refused by both settings in the same words, and the item comes out again.
#[track_caller]
fn refuses(args: TokenStream, item: TokenStream, message: &str) {
    let on = function(args.clone(), item.clone(), true).to_string();
    let off = function(args, item.clone(), false).to_string();
    assert_eq!(on, off);
    assert_eq!(on.matches("compile_error").count(), 1, "{on}");
    assert!(on.contains(message), "{on}");
    assert!(on.ends_with(&item.to_string()), "{on}");
}

#[track_caller]
fn refuses_variable(input: TokenStream, message: &str) -> String {
    let on = variable(input.clone(), true).to_string();
    assert_eq!(on, variable(input, false).to_string());
    assert_eq!(on.matches("compile_error").count(), 1, "{on}");
    assert!(on.contains(message), "{on}");
    on
}

#[test]
fn a_function_is_entered_once_and_keeps_its_tokens() {
    let on = accepts(
        quote!(),
        quote!(
            #[inline]
            pub(crate) unsafe extern "C" fn f(a: u8) -> u8 {
                a + 1
            }
        ),
    );
    assert!(on.starts_with("# [inline] pub (crate) unsafe extern \"C\" fn f (a : u8) -> u8 {"), "{on}");
    assert_eq!(on.matches(":: memscope :: __private :: enter (").count(), 1, "{on}");
    assert!(on.ends_with("({ a + 1 }) }"), "{on}");
    assert!(on.contains(r#"unsafe extern \"C\" fn f(a: u8) -> u8"#), "{on}");
}

#[test]
fn an_async_function_becomes_a_task() {
    let on = accepts(
        quote!(),
        quote!(
            async fn f() -> Result<impl Display, E> {
                Ok(1)
            }
        ),
    );
    assert!(on.contains("async move { if let :: core :: option :: Option :: Some"), "{on}");
    assert!(on.contains("None :: < Result < _ , E > >"), "{on}");
    assert!(on.contains("({ Ok (1) }) } ;"), "{on}");
    assert!(on.ends_with(", future) . await }"), "{on}");
    let on = accepts(
        quote!(),
        quote!(
            async fn f() -> ! {
                loop {}
            }
        ),
    );
    assert!(!on.contains("if let"), "{on}");
}

#[test]
fn the_body_comes_out_once_even_if_it_does_not_parse() {
    let on = accepts(quote!(), quote!(fn f() { let x = self.; vec.pu }));
    assert_eq!(on.matches("{ let x = self . ; vec . pu }").count(), 1, "{on}");
}

#[test]
fn inner_attributes_stay_first() {
    let on = accepts(
        quote!(),
        quote!(
            fn f() {
                #![allow(unused)]
                #![doc = "x"]
                g()
            }
        ),
    );
    assert!(on.starts_with("fn f () { # ! [allow (unused)] # ! [doc = \"x\"] let"), "{on}");
    assert!(on.ends_with("({ g () }) }"), "{on}");
}

#[test]
fn arguments_reach_the_expansion() {
    let on = accepts(
        quote!(name = "a: b", crate = my::path),
        quote!(
            fn f() {}
        ),
    );
    assert!(on.contains("my :: path :: __private :: enter"), "{on}");
    assert!(on.contains("\"a: b\""), "{on}");
    assert!(!on.contains(":: memscope"), "{on}");
    let on = accepts(
        quote!(name = names::F),
        quote!(
            fn f() {}
        ),
    );
    assert!(on.contains("= names :: F ;"), "{on}");
}

#[test]
fn items_that_are_no_functions_are_refused() {
    refuses(
        quote!(),
        quote!(
            struct S;
        ),
        "this is `struct`",
    );
    refuses(
        quote!(),
        quote!(
            pub enum E {
                A,
            }
        ),
        "this is `enum`",
    );
    refuses(quote!(), quote!(union U { a: u8 }), "this is `union`");
    refuses(
        quote!(),
        quote!(
            unsafe impl Send for S {}
        ),
        "there is no function to track in this `impl`",
    );
    refuses(
        quote!(),
        quote!(
            mod m;
        ),
        "this is `mod`; write the module inline",
    );
    refuses(
        quote!(),
        quote!(
            mod m {
                struct S;
            }
        ),
        "there is no function to track in this `mod`",
    );
    refuses(
        quote!(),
        quote!(
            pub unsafe trait T {
                fn f();
            }
        ),
        "there is no function to track in this `trait`",
    );
    refuses(
        quote!(),
        quote!(
            extern "C" {
                static X: u8;
                fn printf(f: *const u8, ...);
            }
        ),
        "no function to track in this `extern`",
    );
    refuses(
        quote!(),
        quote!(
            extern crate alloc;
        ),
        "this is `extern crate`",
    );
    refuses(
        quote!(),
        quote!(
            const X: u8 = 1;
        ),
        "this is `const`",
    );
    refuses(
        quote!(),
        quote!(
            static mut X: u8 = 1;
        ),
        "this is `static`",
    );
    refuses(
        quote!(),
        quote!(
            use a::b;
        ),
        "this is `use`",
    );
    refuses(
        quote!(),
        quote!(
            type A = u8;
        ),
        "this is `type`",
    );
    refuses(quote!(), quote!(m! {}), "this is `macro`");
}

#[test]
fn functions_that_cannot_be_tracked_are_refused() {
    refuses(
        quote!(),
        quote!(
            const fn f() {}
        ),
        "a `const fn` cannot be tracked",
    );
    refuses(
        quote!(),
        quote!(
            pub const unsafe extern "C" fn f() {}
        ),
        "a `const fn` cannot be tracked",
    );
    refuses(
        quote!(),
        quote!(
            fn f(&self);
        ),
        "`f` has no body to track here",
    );
    refuses(
        quote!(),
        quote!(
            fn printf(format: *const u8, ...);
        ),
        "`printf` is variadic",
    );
    refuses(
        quote!(),
        quote!(
            #[unsafe(naked)]
            extern "C" fn f() {
                naked_asm!("ret")
            }
        ),
        "a naked function",
    );
    refuses(
        quote!(),
        quote!(
            #[track]
            fn f() {}
        ),
        "already tracked",
    );
    refuses(
        quote!(),
        quote!(
            #[memscope::track(name = "x")]
            fn f() {}
        ),
        "already tracked",
    );
}

#[test]
fn every_order_of_modifiers_is_accepted() {
    for item in [
        quote!(
            extern "C" fn f() {}
        ),
        quote!(
            extern "C" fn f() {}
        ),
        quote!(
            unsafe extern "C" fn f() {}
        ),
        quote!(
            async unsafe fn f() {}
        ),
        quote!(default fn f() {}),
        quote!(
            pub(in crate::a) async fn f<T>()
            where
                T: Send,
            {
            }
        ),
    ] {
        assert!(accepts(quote!(), item).contains("__private"));
    }
}

#[test]
fn bad_arguments_and_a_bad_item_are_reported_together() {
    let on = function(
        quote!(nme = "x", 3),
        quote!(
            const fn f() {}
        ),
        true,
    )
    .to_string();
    assert_eq!(on.matches("compile_error").count(), 3, "{on}");
}

#[test]
fn what_cannot_be_read_comes_out_as_it_is() {
    for item in [quote!(fn f), quote!(fn (a) {}), quote!(fn f<T() {})] {
        assert_eq!(function(quote!(), item.clone(), true).to_string(), item.to_string());
    }
}

#[test]
fn a_let_is_kept_as_it_was() {
    let input =
        quote!(#[allow(unused_mut)] let (mut a, Some(b) | Other { b, .. }): (A, B) = f()? else { return });
    let off = variable(input.clone(), false).to_string();
    assert_eq!(off, format!("{input} ;"));
    let on = variable(input.clone(), true).to_string();
    assert_eq!(on.matches(&format!("{input} ;")).count(), 1, "{on}");
    assert_eq!(on.matches(":: bind (").count(), 2, "{on}");
    assert_eq!(on.matches(". observe (").count(), 2, "{on}");
    assert!(on.contains("(mut a, Some(b) | Other { b, .. }): (A, B)"), "{on}");
    assert_eq!(variable(quote!(let x = 1;), false).to_string(), "let x = 1 ;");
}

#[test]
fn constants_in_patterns_are_no_names() {
    let on = variable(quote!(let (None, MAX, x @ 0..=MAX) = f() else { return }), true).to_string();
    assert_eq!(on.matches(":: bind (").count(), 1, "{on}");
}

#[test]
fn a_value_is_walked_at_its_binding_only_if_its_type_is_evident() {
    let walked = |input| variable(input, true).to_string().contains("WalkFull");
    assert!(walked(quote!(let x: Vec<u8> = f())));
    assert!(walked(quote!(let x: HashMap<String, [u8; 4]> = HashMap::new())));
    assert!(walked(quote!(let x = String::from("a"))));
    assert!(walked(quote!(let x = Vec::<u8>::new())));
    assert!(walked(quote!(let x = i.collect::<Vec<String>>())));
    assert!(walked(quote!(let x = vec![0u8; n])));
    assert!(walked(quote!(let x = format!("{a}"))));
    assert!(!walked(quote!(let x = Vec::new())));
    assert!(!walked(quote!(let x: Vec<_> = f())));
    assert!(!walked(quote!(let x = i.collect::<Vec<_>>())));
    assert!(!walked(quote!(let x = vec![])));
    assert!(!walked(quote!(let x = vec![None; 3])));
    assert!(!walked(quote!(let x = Default::default())));
    assert!(walked(quote!(x)));
}

#[test]
fn places_are_looked_at_in_order() {
    let on = variable(quote!(x, self.cache, *boxed, a.0.b,), true).to_string();
    assert_eq!(on.matches(":: rebind (").count(), 4, "{on}");
    assert!(on.contains("\"self.cache\""), "{on}");
    assert_eq!(variable(quote!(x, self.c), false).to_string(), "let _ = & x ; let _ = & self . c ;");
    let on = variable(quote!(crate = a::b; x), true).to_string();
    assert!(on.contains("a :: b :: __private :: rebind"), "{on}");
    assert!(!on.contains(":: memscope"), "{on}");
}

#[test]
fn variables_that_cannot_be_tracked_are_refused() {
    refuses_variable(quote!(), "nothing to track");
    refuses_variable(quote!(f(x)), "only a place can be tracked");
    refuses_variable(quote!(x = 1), "only a place can be tracked");
    refuses_variable(quote!(crate = "a"; x), "without quotes");
    let on = refuses_variable(quote!(let x: u8), "track it after it is assigned: `track_var!(x)`");
    assert!(on.ends_with("let x : u8 ;"), "{on}");
    let on = refuses_variable(quote!(let _ = f()), "binds no name");
    assert!(on.ends_with("let _ = f () ;"), "{on}");
    let on = refuses_variable(quote!(let a = 1; let b = 2;), "one `let` for each");
    assert!(on.ends_with("let a = 1 ; let b = 2 ;"), "{on}");
    let on = variable(quote!(f(x), 3), true).to_string();
    assert_eq!(on.matches("compile_error").count(), 2, "{on}");
}

#[test]
fn a_block_has_each_of_its_functions_tracked_and_keeps_the_rest() {
    let on = accepts(
        quote!(skip(skipped)),
        quote!(
            impl<const N: usize> Trait for Grid<{ N + 1 }> {
                #![allow(unused)]
                const SIZE: usize = { 1 };
                type Output = Grid<{ 2 }>;
                pub const fn constant() {}
                fn declared();
                fn a(&self) -> Grid<{ N }> {
                    1
                }
                fn skipped() {}
                #[track(name = "own")]
                fn own() {}
                m! {}
                pub(crate) async unsafe fn b<T>(x: T)
                where
                    T: Fn(u8) -> Grid<{ N }>,
                {
                    does.not.parse.
                }
            }
        ),
    );
    assert!(
        on.starts_with("impl < const N : usize > Trait for Grid < { N + 1 } > { # ! [allow (unused)]"),
        "{on}"
    );
    assert_eq!(on.matches("__private :: enter (").count(), 1, "{on}");
    assert_eq!(on.matches("__private :: task (").count(), 1, "{on}");
    for kept in
        ["const SIZE : usize = { 1 } ;", "type Output = Grid < { 2 } > ;", "fn declared () ;", "m ! { }"]
    {
        assert!(on.contains(kept), "{kept} in {on}");
    }
    assert!(on.contains("fn skipped () { } # [track (name = \"own\")] fn own () { }"), "{on}");
    assert!(on.contains("({ does . not . parse . })"), "{on}");
}

#[test]
fn a_module_is_tracked_with_all_that_is_in_it() {
    let on = accepts(
        quote!(crate = a::b),
        quote!(
            pub mod m {
                use x::{y, z};
                pub struct S<const N: usize = { 1 }> {
                    a: u8,
                }
                impl S {
                    fn f() {}
                }
                mod inner {
                    fn g() {}
                    static X: u8 = { 1 };
                }
                trait T {
                    fn with_default() {}
                }
                #[track]
                impl Other {
                    fn own() {}
                }
                macro_rules! m {
                    () => {
                        fn not_ours() {}
                    };
                }
                enum E {
                    A { b: u8 },
                }
                extern "C" {
                    fn foreign();
                }
                extern "C" fn exported() {}
            }
        ),
    );
    assert_eq!(on.matches("a :: b :: __private :: enter (").count(), 4, "{on}");
    assert!(on.contains("# [track] impl Other { fn own () { } }"), "{on}");
}

#[test]
fn an_extern_block_has_a_function_in_front_of_each_of_its_own() {
    let on = accepts(
        quote!(skip(left)),
        quote!(
            #[link(name = "z")]
            unsafe extern "C" {
                static VERSION: u32;
                /// Documented.
                #[link_name = "z_compress"]
                pub unsafe fn compress(a: *mut u8, _: usize) -> i32;
                pub(crate) safe fn version() -> u32;
                fn printf(format: *const u8, ...) -> i32;
                fn left();
            }
        ),
    );
    assert!(
        on.starts_with(
            "# [link (name = \"z\")] unsafe extern \"C\" { static VERSION : u32 ; \
             fn printf (format : * const u8 , ...) -> i32 ; fn left () ; }"
        ),
        "{on}"
    );
    assert!(
        on.contains("pub unsafe extern \"C\" fn compress (a : * mut u8 , argument_1 : usize) -> i32 {"),
        "{on}"
    );
    assert!(on.contains("unsafe { compress (a , argument_1) }"), "{on}");
    assert!(
        on.contains("# [link_name = \"z_compress\"] unsafe fn compress (a : * mut u8 , _ : usize) -> i32 ;"),
        "{on}"
    );
    assert!(on.contains("pub (crate) extern \"C\" fn version () -> u32 {"), "{on}");
    assert!(
        on.contains(
            "let result = version () ; (&& :: memscope :: __private :: Passing (& result)) . memscope_received (site) ; \
             result }"
        ),
        "{on}"
    );
    // Each argument once, and both results.
    assert_eq!(on.matches(") . memscope_sent (site) ;").count(), 2, "{on}");
    assert_eq!(on.matches(") . memscope_received (site) ;").count(), 2, "{on}");
    assert_eq!(on.matches(":: foreign_function (").count(), 2, "{on}");
}

#[test]
fn a_foreign_function_without_a_value_has_no_result_to_stamp() {
    let on = accepts(
        quote!(),
        quote!(
            unsafe extern "C" {
                fn nothing();
                fn unit(a: u8) -> ();
                fn never() -> !;
            }
        ),
    );
    assert!(!on.contains("result"), "{on}");
    assert_eq!(on.matches(") . memscope_sent (site) ;").count(), 1, "{on}");
    assert!(on.contains("unsafe { nothing () } }") && on.contains("unsafe { never () } }"), "{on}");
}

#[test]
fn arguments_go_where_they_make_sense() {
    let item = quote!(impl S { fn f() {} });
    refuses(quote!(name = "x"), item.clone(), "`name` is of one function, and this is `impl`");
    refuses(quote!(budget = "1 B"), item.clone(), "`budget` is of one function");
    refuses(quote!(max_allocs = 0), item.clone(), "`max_allocs` is of one function");
    refuses(quote!(skip(g)), item, "no function `g` is tracked with this `impl`");
    refuses(
        quote!(skip(a)),
        quote!(
            fn f(a: u8) {
                g(a)
            }
        ),
        "add `vars`, or take `skip` away",
    );
    refuses(
        quote!(vars, skip(b)),
        quote!(
            fn f(a: u8) {
                g(a)
            }
        ),
        "`vars` tracks no `b` here",
    );
    refuses(
        quote!(vars),
        quote!(
            extern "C" {
                fn f();
            }
        ),
        "foreign functions have no variables",
    );
    accepts(
        quote!(vars, skip(a)),
        quote!(
            fn f(a: u8) {
                g(a)
            }
        ),
    );
    accepts(quote!(vars), quote!(impl S { fn f() {} }));
}

#[test]
fn variables_are_tracked_where_they_are_used() {
    let on = accepts(
        quote!(vars, skip(skipped)),
        quote!(
            fn f(used: Vec<u8>, unused: u8, (a, skipped): (u8, u8)) -> usize {
                let b: Vec<u8> = g(used, a, skipped);
                let mut unread = 1;
                unread = 2;
                if b.is_empty() {
                    let inner = h();
                    return inner;
                }
                b.len()
            }
        ),
    );
    assert_eq!(on.matches(":: bind_argument (").count(), 2, "used, a: {on}");
    assert_eq!(on.matches(":: bind (").count(), 2, "b, inner: {on}");
    for name in ["\"used\"", "\"a\"", "\"b\"", "\"inner\""] {
        assert!(on.contains(name), "{name} in {on}");
    }
    assert!(!on.contains("\"unused\"") && !on.contains("\"unread\"") && !on.contains("\"skipped\""), "{on}");
    assert!(on.contains("\"used: Vec<u8>\""), "{on}");
}

#[test]
fn a_budget_is_a_static_of_the_site() {
    let on = accepts(
        quote!(budget = "4 KiB", max_allocs = 7),
        quote!(
            fn f() {}
        ),
    );
    assert!(on.contains("Budget :: new (:: core :: option :: Option :: Some (4096u64) , :: core :: option :: Option :: Some (7u64) , :: core :: cfg ! (test))"), "{on}");
    assert!(on.contains(". within (& __MEMSCOPE_BUDGET)"), "{on}");
    assert!(on.contains("__private :: enter_within ("), "{on}");
    let on = accepts(
        quote!(max_allocs = 7),
        quote!(
            async fn f() {}
        ),
    );
    assert!(on.contains("__private :: within (site , future)"), "{on}");
}

#[test]
fn a_returned_future_runs_in_the_scope() {
    let on = accepts(
        quote!(),
        quote!(
            fn f(a: u8) -> BoxFuture<u8> {
                let b = a;
                Box::pin(async move { b })
            }
        ),
    );
    assert!(on.contains("let (site , _scope) ="), "{on}");
    assert!(
        on.ends_with(
            "({ let b = a ; Box :: pin (:: memscope :: __private :: future (site , async move { b })) }) }"
        ),
        "{on}"
    );
}

#[test]
fn a_moved_variable_is_wrapped() {
    let on = variable(quote!(move x), true).to_string();
    assert!(on.contains("let value = x ;") && on.contains(":: tracked (mark , value , walker)"), "{on}");
    assert_eq!(variable(quote!(move x), false).to_string(), ":: memscope :: __private :: untracked (x)");
    refuses_variable(quote!(move f(x)), "only a place can be tracked");
    refuses_variable(quote!(move x, y), "`move` takes one variable");
    refuses_variable(quote!(move), "`move` needs a variable");
}

#[test]
fn bodies_that_clippy_wants_in_one_shape_are_left_as_they_are() {
    for item in [
        quote!(
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        ),
        quote!(
            fn partial_cmp(&self, that: &Self) -> Option<Ordering> {
                self.cmp(that).into()
            }
        ),
        quote!(
            fn clone(&self) -> Self {
                *self
            }
        ),
    ] {
        assert_eq!(accepts(quote!(), item.clone()), item.to_string());
    }
    for item in [
        quote!(
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                other.partial_cmp(self)
            }
        ),
        quote!(
            fn clone(&self) -> Self {
                Self(self.0.clone())
            }
        ),
        quote!(
            fn copy(&self) -> Self {
                *self
            }
        ),
    ] {
        assert!(accepts(quote!(), item).contains(":: enter ("));
    }
}
