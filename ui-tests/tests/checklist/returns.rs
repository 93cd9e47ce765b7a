//! Rows 13 to 20: what a function returns, and that the body's types and borrows are those of the plain function.

use memscope::{track, track_var};
use std::error::Error;
use std::fmt::Display;
use std::panic::{Location, catch_unwind};
use std::rc::Rc;
use ui_tests::{assert_at_root, block_on, calls, scope, unwind, yield_now};

#[test]
fn row_13_impl_trait() {
    #[track]
    fn evens<'a>(numbers: &'a [u32]) -> impl Iterator<Item = &'a u32> + 'a {
        let limit: Vec<u32> = Vec::from([2]);
        numbers.iter().filter(move |number| **number % limit[0] == 0)
    }
    #[expect(clippy::needless_lifetimes, reason = "that one is not captured shows by its name")]
    #[track]
    fn captures_only<'a, T: Display>(_not_captured: &'a str, value: T) -> impl Display + use<T> {
        value.to_string() + "!"
    }
    #[track]
    async fn impl_trait_async(a: u32) -> impl Display + use<> {
        yield_now().await;
        a
    }
    #[track]
    fn nested_impl(n: u8) -> Option<(impl Display, Box<impl Fn() -> u8>)> {
        if n == 0 {
            return None;
        }
        Some((n, Box::new(move || n)))
    }
    assert_eq!(evens(&[1, 2, 3, 4]).count(), 2);
    assert_eq!(captures_only(&String::from("ends first"), 1).to_string(), "1!");
    assert_eq!(block_on(impl_trait_async(1)).to_string(), "1");
    assert_eq!(nested_impl(3).map(|(n, f)| (n.to_string(), f())), Some(("3".into(), 3)));
    assert!(nested_impl(0).is_none());
    assert_eq!((calls(&["evens"]), calls(&["captures_only"]), calls(&["nested_impl"])), (1, 1, 2));
    assert_at_root();
}

#[test]
fn row_14_result_of_impl_trait_async() {
    #[track]
    async fn result_of_impl(fail: bool) -> Result<impl Display + use<>, Box<dyn Error>> {
        if fail {
            return Err("failed".into());
        }
        let number: u32 = "7".parse()?;
        Ok(number)
    }
    #[track]
    async fn infers_error_from_impl() -> Result<impl Display, std::num::ParseIntError> {
        yield_now().await;
        let number = "x".parse::<u32>()?;
        Ok(number)
    }
    assert_eq!(block_on(result_of_impl(false)).map_or(String::new(), |d| d.to_string()), "7");
    assert_eq!(block_on(result_of_impl(true)).map_or_else(|e| e.to_string(), |d| d.to_string()), "failed");
    assert!(block_on(infers_error_from_impl()).is_err());
    assert_eq!(calls(&["result_of_impl"]), 2);
    assert_at_root();
}

trait Lends {
    type Lent<'a>
    where
        Self: 'a;
    async fn lends_async<'a>(&'a mut self) -> Self::Lent<'a>;
    fn promises(&self) -> impl Future<Output = u8> + Send;
}

struct Lender<T>(T);

impl Lends for Lender<String> {
    type Lent<'a> = &'a mut str;

    #[track]
    async fn lends_async<'a>(&'a mut self) -> Self::Lent<'a> {
        yield_now().await;
        self.0.as_mut_str()
    }

    #[track]
    async fn promises(&self) -> u8 {
        yield_now().await;
        self.0.len() as u8
    }
}

impl<T: Clone> Lender<T> {
    #[track]
    async fn of_own_type(&self) -> Option<Self>
    where
        T: Send,
    {
        yield_now().await;
        Some(Self(self.0.clone()))
    }
}

/// The type that an async function returns is written once more in the expansion.
#[test]
fn row_14_other_types_async() {
    #[track]
    async fn of_projection<I: Iterator>(mut items: I) -> Option<<I as Iterator>::Item> {
        yield_now().await;
        items.next()
    }
    #[track]
    async fn of_elided_object(text: &str) -> Box<dyn Display + '_> {
        yield_now().await;
        Box::new(text)
    }
    #[track]
    async fn of_elided_generic(text: &str) -> std::borrow::Cow<'_, str> {
        text.into()
    }
    #[track]
    async fn of_higher_rank() -> Option<for<'a> fn(&'a u8) -> &'a u8> {
        Some(|byte| byte)
    }
    #[track]
    async fn of_several_impls() -> (impl Display, [impl Display; 2]) {
        (1, [2, 3])
    }
    #[track]
    async fn of_const_generic<const N: usize>() -> [u8; N] {
        [7; N]
    }
    #[track]
    async fn of_closure(byte: &u8) -> impl Fn() -> u8 {
        move || *byte
    }
    #[track]
    async fn of_no_value() -> Result<std::convert::Infallible, Refused> {
        yield_now().await;
        Err(Refused("always".into()))
    }
    #[track]
    async fn of_not_send() -> Rc<u8> {
        yield_now().await;
        Rc::new(1)
    }
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    assert_eq!(block_on(of_projection([1, 2].iter())), Some(&1));
    let (object, cow) = (block_on(of_elided_object("a")), block_on(of_elided_generic("b")));
    assert_eq!((object.to_string().as_str(), &*cow), ("a", "b"));
    assert_eq!(block_on(of_higher_rank()).map(|f| *f(&3)), Some(3));
    let (first, [second, _]) = block_on(of_several_impls());
    assert_eq!(
        (first.to_string() + &second.to_string(), block_on(of_const_generic::<2>())),
        ("12".into(), [7, 7])
    );
    assert_eq!(block_on(of_closure(&4))(), 4);
    assert!(block_on(of_no_value()).is_err());
    // What is returned is in nobody's keeping across an `.await`.
    assert_eq!(*block_on(is_send(of_not_send())), 1);
    let mut lender = Lender(String::from("lent"));
    block_on(lender.lends_async()).make_ascii_uppercase();
    assert_eq!(block_on(is_send(lender.promises())), 4);
    assert_eq!(block_on(lender.of_own_type()).map(|own| own.0).as_deref(), Some("LENT"));
    assert_eq!((calls(&["lends_async"]), calls(&["promises"]), calls(&["of_own_type"])), (1, 1, 1));
    assert_at_root();
}

#[test]
fn row_15_coercion_to_a_trait_object() {
    #[track]
    fn coerced(wide: bool) -> Box<dyn Display> {
        if wide { Box::new(1u64) } else { Box::new("narrow") }
    }
    #[track]
    async fn coerced_async(wide: bool) -> Box<dyn Display> {
        if wide {
            return Box::new(1u64);
        }
        Box::new("narrow")
    }
    #[track]
    async fn coerced_in_result() -> Result<Box<dyn Fn(u32) -> u32 + Send>, Box<dyn Error + Send + Sync>> {
        Ok(Box::new(|a| a + 1))
    }
    #[track]
    async fn coerced_slice<'a>() -> &'a [u8] {
        &[1, 2, 3]
    }
    #[track]
    async fn coerced_pointer() -> fn(u8) -> u8 {
        |a| a + 1
    }
    #[track]
    fn coerced_rc(text: &str) -> Rc<dyn Display> {
        Rc::new(text.to_owned())
    }
    assert_eq!(coerced(true).to_string() + &coerced(false).to_string(), "1narrow");
    assert_eq!(block_on(coerced_async(true)).to_string(), "1");
    assert_eq!(block_on(coerced_async(false)).to_string(), "narrow");
    assert_eq!(block_on(coerced_in_result()).map_or(0, |f| f(1)), 2);
    assert_eq!(block_on(coerced_slice()), [1, 2, 3]);
    assert_eq!(block_on(coerced_pointer())(1), 2);
    assert_eq!(coerced_rc("rc").to_string(), "rc");
    assert_eq!((calls(&["coerced"]), calls(&["coerced_async"])), (2, 2));
    assert_at_root();
}

/// An error with conversions.
#[derive(Debug, PartialEq)]
struct Refused(String);

impl From<std::num::ParseIntError> for Refused {
    fn from(error: std::num::ParseIntError) -> Self {
        Self(error.to_string())
    }
}

#[test]
fn row_17_early_return_and_question_mark() {
    #[track]
    fn early(stop: bool) -> u32 {
        if stop {
            return 1;
        }
        2
    }
    #[track]
    fn question(text: &str) -> Result<u32, Refused> {
        Ok(text.parse::<u32>()?)
    }
    #[track]
    async fn question_async(text: &str) -> Result<u32, Refused> {
        yield_now().await;
        let number = text.parse::<u32>()?;
        if number == 0 {
            return Err(Refused("zero".into()));
        }
        yield_now().await;
        Ok(number)
    }
    #[track]
    async fn only_ok() -> Result<(), Box<dyn Error>> {
        Ok(())
    }
    #[track]
    async fn option_async(text: Option<&str>) -> Option<usize> {
        Some(text?.len())
    }
    #[track]
    fn from_within(list: &[u32]) -> Option<u32> {
        let mut rounds = 0;
        'outer: loop {
            for &number in list {
                match number {
                    0 => continue,
                    1 => break 'outer,
                    other => return Some(other),
                }
            }
            if rounds == 2 {
                return None;
            }
            rounds += 1;
        }
        Some(100)
    }
    assert_eq!(early(true) + early(false), 3);
    assert_eq!((question("x").is_err(), question("7")), (true, Ok(7)));
    assert_eq!(block_on(question_async("0")), Err(Refused("zero".into())));
    assert_eq!((block_on(question_async("x")).is_err(), block_on(question_async("7"))), (true, Ok(7)));
    assert!(block_on(only_ok()).is_ok());
    assert_eq!((block_on(option_async(None)), block_on(option_async(Some("ab")))), (None, Some(2)));
    assert_eq!([from_within(&[0, 5]), from_within(&[1]), from_within(&[])], [Some(5), Some(100), None]);
    assert_eq!((calls(&["early"]), calls(&["question"]), calls(&["question_async"])), (2, 2, 3));
    assert_at_root();
}

#[test]
fn row_18_never() {
    #[track]
    fn diverges(message: &str) -> ! {
        panic!("{message}")
    }
    #[track]
    async fn forever() -> ! {
        loop {
            yield_now().await;
        }
    }
    #[track]
    async fn returns_diverging() -> fn() -> ! {
        || panic!("called")
    }
    #[track]
    fn diverges_in_a_branch(really: bool) -> Vec<u8> {
        if really { diverges("as it should") } else { vec![0; 18] }
    }
    #[track]
    async fn always_panics() -> Result<u8, Refused> {
        yield_now().await;
        unwind()
    }
    #[track]
    fn falls_back_to_unit() {
        // Inference falls back to `!` or `()` here, whichever the edition says.
        if false {
            return Default::default();
        }
        track_var!(let _reached = true);
    }
    let pointer: fn(&str) -> ! = diverges;
    assert!(catch_unwind(|| pointer("as it should")).is_err());
    assert!(catch_unwind(|| diverges_in_a_branch(true)).is_err());
    assert_eq!(diverges_in_a_branch(false).len(), 18);
    assert!(catch_unwind(|| block_on(always_panics())).is_err());
    falls_back_to_unit();
    let mut forever = Box::pin(forever());
    for _ in 0..3 {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(Future::poll(forever.as_mut(), &mut context).is_pending());
        assert_at_root();
    }
    let _: fn() -> ! = block_on(returns_diverging());
    assert_eq!((calls(&["diverges"]), calls(&["diverges_in_a_branch", "diverges"])), (1, 1));
    assert_at_root();
}

#[test]
fn row_19_mutable_arguments() {
    #[track]
    fn pushes(into: &mut Vec<u32>, mut value: u32, count: &mut usize) {
        value += 1;
        into.push(value);
        *count += 1;
        into.push(value);
    }
    #[track]
    async fn pushes_async(into: &mut Vec<u32>, mut value: u32) {
        value += 1;
        into.push(value);
        yield_now().await;
        into.push(value);
    }
    #[track]
    fn lends(from: &mut [u32]) -> &mut u32 {
        &mut from[0]
    }
    let (mut numbers, mut count) = (Vec::new(), 0);
    pushes(&mut numbers, 1, &mut count);
    numbers.push(9);
    block_on(pushes_async(&mut numbers, 2));
    *lends(&mut numbers) += 5;
    assert_eq!((numbers, count), (vec![7, 2, 9, 3, 3], 1));
    // The list grew in both scopes, and belongs to the one that allocated it.
    let snapshot = memscope::snapshot();
    assert_eq!(scope(&snapshot, &["pushes"]).exclusive.allocations, 1);
    assert_eq!(scope(&snapshot, &["pushes_async"]).exclusive.allocations, 0);
    assert_at_root();
}

#[test]
fn row_20_no_closure_around_the_body() {
    #[track]
    #[track_caller]
    fn called_from() -> (u32, u32) {
        let caller = Location::caller();
        (caller.line(), caller.column())
    }
    #[track_caller]
    #[track(name = "called from, attribute below")]
    fn called_from_below() -> (u32, u32) {
        called_from()
    }
    struct Caller;
    impl Caller {
        #[track]
        #[track_caller]
        fn method_called_from(&self) -> &'static Location<'static> {
            Location::caller()
        }
    }
    let (line, (called_at, column)) = (line!(), called_from());
    assert_eq!((called_at, column), (line, 49));
    assert_eq!(called_from_below(), (line!(), 16));
    let (line, location) = (line!(), Caller.method_called_from());
    assert_eq!((location.line(), location.file().ends_with("returns.rs")), (line, true));

    /// Moves out of an argument on one path, and borrows it on the other.
    #[expect(clippy::needless_late_init, reason = "it is what is looked at")]
    #[track]
    fn moves_or_borrows(text: String, give: bool) -> Result<String, usize> {
        let held;
        if give {
            return Ok(text);
        }
        held = &text;
        Err(held.len())
    }
    /// Lends from an argument, for its own lifetime.
    #[track]
    fn first_word(text: &mut String) -> &str {
        text.push('.');
        let label = 'found: {
            if let Some((word, _)) = text.split_once(' ') {
                break 'found word.len();
            }
            text.len()
        };
        &text[..label]
    }
    #[track]
    fn runs_once<R>(with: impl FnOnce(String) -> R) -> R {
        with(String::from("owned"))
    }
    assert_eq!(moves_or_borrows("ab".into(), true), Ok("ab".into()));
    assert_eq!(moves_or_borrows("ab".into(), false), Err(2));
    let mut text = String::from("two words");
    assert_eq!(first_word(&mut text), "two");
    let mut seen = None;
    runs_once(|owned| seen = Some(owned));
    assert_eq!(seen.as_deref(), Some("owned"));
    assert_at_root();
}

/// Types that only the end of a body settles are open until there.
#[test]
fn row_20_inference_is_that_of_the_plain_body() {
    #[track]
    fn settles_late() -> Vec<u64> {
        let mut list = Vec::new();
        track_var!(let number = Default::default());
        list.push(number);
        let mut collected: Vec<_> =
            "1 2".split(' ').map(str::parse).collect::<Result<_, _>>().unwrap_or_default();
        list.append(&mut collected);
        list
    }
    #[track]
    async fn settles_late_async() -> Result<Vec<u64>, std::num::ParseIntError> {
        let mut list = Vec::new();
        list.push("1".parse()?);
        yield_now().await;
        "2 3"
            .split(' ')
            .map(str::parse)
            .collect::<Result<Vec<_>, _>>()
            .map(|mut more| list.append(&mut more))?;
        Ok(list)
    }
    assert_eq!(settles_late(), [0, 1, 2]);
    assert_eq!(block_on(settles_late_async()), Ok(vec![1, 2, 3]));
}
