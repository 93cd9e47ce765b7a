//! Rows 21 to 29: signatures, receivers, and other attributes.

use memscope::{model::Scope, track};
use std::fmt::Debug;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use ui_tests::{assert_at_root, block_on, calls, scope, site, yield_now};

#[test]
fn row_21_generics() {
    #[track]
    fn generic<T, const N: usize>(items: [T; N]) -> Vec<T>
    where
        T: Clone,
    {
        items.to_vec()
    }
    #[track]
    async fn generic_async<'a, T, const N: usize>(items: &'a [T; N]) -> &'a T
    where
        T: Clone + 'a,
        [T; N]: Sized,
    {
        yield_now().await;
        &items[N - 1]
    }
    #[track]
    fn impl_arguments(words: impl IntoIterator<Item = impl AsRef<str>>, mut each: impl FnMut(&str)) {
        for word in words {
            each(word.as_ref());
        }
    }
    struct Ring<T = u8, const N: usize = 4>([T; N]);
    impl<T: Copy + Debug, const N: usize> Ring<T, N> {
        const LENGTH: usize = N;
        #[track]
        fn ring_first<U>(&self, other: U) -> (T, U, [usize; N])
        where
            U: PartialEq<T>,
            Self: Sized,
        {
            (self.0[0], other, [Self::LENGTH; N])
        }
    }
    assert_eq!(generic([1u8, 2]).len() + generic::<&str, 1>(["a"]).len(), 3);
    // Instantiations are one scope.
    assert_eq!(calls(&["generic"]), 2);
    assert_eq!(block_on(generic_async(&[1, 2, 3])), &3);
    let mut length = 0;
    impl_arguments(["a", "bc"], |word| length += word.len());
    assert_eq!(length, 3);
    let ring: Ring = Ring([1, 2, 3, 4]);
    assert_eq!(ring.ring_first(5u8), (1, 5, [4; 4]));
    assert_eq!(
        site(&memscope::snapshot(), "row_21_generics::generic").signature,
        "fn generic<T, const N: usize>(items: [T; N]) -> Vec<T> where T: Clone"
    );
    assert_at_root();
}

struct Owner(u32);

impl Owner {
    #[track]
    fn by_ref(&self) -> &u32 {
        &self.0
    }
    #[track]
    fn by_mut(&mut self) -> &mut Self {
        self.0 += 1;
        self
    }
    #[track]
    fn by_value(mut self) -> u32 {
        self.0 += 1;
        self.0
    }
    #[track]
    fn by_named<'a>(&'a self, _other: &u32) -> &'a u32 {
        &self.0
    }
    #[track]
    #[expect(clippy::boxed_local, reason = "it is what is looked at")]
    fn by_box(self: Box<Self>) -> u32 {
        self.0
    }
    #[track]
    fn by_rc(self: Rc<Self>) -> usize {
        Rc::strong_count(&self)
    }
    #[track]
    fn by_arc_ref(self: &Arc<Self>) -> Arc<Self> {
        Arc::clone(self)
    }
    #[track]
    fn by_pin(self: Pin<&mut Self>) -> u32 {
        self.0
    }
    #[track]
    async fn by_ref_async(&self) -> &u32 {
        yield_now().await;
        &self.0
    }
    #[track]
    async fn by_mut_async(&mut self) -> &mut Self {
        self.0 += 1;
        yield_now().await;
        self
    }
    #[track]
    async fn by_value_async(self) -> u32 {
        self.0
    }
    #[track]
    async fn by_rc_async(self: Rc<Self>) -> u32 {
        self.0
    }
    #[track]
    async fn by_pin_async(mut self: Pin<&mut Self>) -> u32 {
        yield_now().await;
        self.as_mut().0 += 1;
        self.0
    }
}

#[test]
fn row_22_receivers() {
    let mut owner = Owner(1);
    assert_eq!(*owner.by_mut().by_ref(), 2);
    assert_eq!((Pin::new(&mut owner).by_pin(), *owner.by_named(&0)), (2, 2));
    assert_eq!(*block_on(block_on(owner.by_mut_async()).by_ref_async()), 3);
    assert_eq!(block_on(Pin::new(&mut owner).by_pin_async()), 4);
    assert_eq!(owner.by_value() + Box::new(Owner(1)).by_box(), 6);
    assert_eq!(Rc::new(Owner(1)).by_rc(), 1);
    assert_eq!(Arc::strong_count(&Arc::new(Owner(1)).by_arc_ref()), 2);
    assert_eq!(block_on(Owner(1).by_value_async()) + block_on(Rc::new(Owner(2)).by_rc_async()), 3);
    for name in [
        "by_ref",
        "by_mut",
        "by_value",
        "by_named",
        "by_box",
        "by_rc",
        "by_arc_ref",
        "by_pin",
        "by_ref_async",
        "by_mut_async",
        "by_value_async",
        "by_rc_async",
        "by_pin_async",
    ] {
        assert_eq!(calls(&[name]), 1, "{name}");
    }
    let snapshot = memscope::snapshot();
    assert_eq!(site(&snapshot, "Owner::by_rc").signature, "fn by_rc(self: Rc<Self>) -> usize");
    assert_at_root();
}

#[test]
fn row_23_lifetimes() {
    #[track]
    fn longest<'a, F>(a: &'a str, b: &'a str, pick: F) -> &'a str
    where
        F: for<'b> Fn(&'b str, &'b str) -> bool,
    {
        if pick(a, b) { a } else { b }
    }
    #[track]
    fn elided(text: &str) -> std::str::Split<'_, char> {
        text.split(',')
    }
    #[track]
    async fn elided_async(text: &str) -> &str {
        yield_now().await;
        &text[1..]
    }
    #[track]
    async fn two_lifetimes_async<'a, 'b: 'a>(a: &'a str, b: &'b str, keep: bool) -> &'a str {
        yield_now().await;
        if keep { a } else { b }
    }
    #[track]
    fn object(each: &dyn for<'a> Fn(&'a [u8]) -> &'a u8, bytes: &[u8]) -> u8 {
        *each(bytes)
    }
    #[track]
    async fn until_awaited<'a>(
        mut list: std::slice::IterMut<'a, u8>,
        add: &mut (dyn FnMut(u8) -> u8 + Send),
    ) -> Option<&'a mut u8> {
        let first = list.next()?;
        yield_now().await;
        *first = add(*first);
        Some(first)
    }
    assert_eq!(longest("a", "bb", |a, b| a.len() > b.len()), "bb");
    assert_eq!(elided("a,b").count(), 2);
    assert_eq!(block_on(elided_async("abc")), "bc");
    let outlives = String::from("outlives");
    assert_eq!(block_on(two_lifetimes_async(&String::from("a"), &outlives, false)), "outlives");
    assert_eq!(object(&|bytes| &bytes[1], &[1, 2]), 2);
    assert_eq!(block_on(until_awaited([1, 2].iter_mut(), &mut |byte| byte + 1)), Some(&mut 2));
    // Late-bound lifetimes stay so: a tracked function is a function of every lifetime.
    let pointer: for<'a> fn(&'a str) -> std::str::Split<'a, char> = elided;
    assert_eq!(pointer("a,b,c").count(), 3);
    assert_at_root();
}

struct Point {
    x: u32,
    y: (u32, u8),
}

#[test]
fn row_24_patterns_in_parameters() {
    #[track]
    fn takes_apart(
        into: &mut Vec<u32>,
        (a, [b, ..]): (u32, [u32; 2]),
        &c: &u32,
        Point { x, y: (ref y, _) }: Point,
        whole @ Point { y: (_, _), .. }: &Point,
        _: String,
    ) {
        into.push(a);
        into.extend([b, c, x, *y, whole.x]);
    }
    #[track]
    async fn takes_apart_async(
        into: &mut Vec<u32>,
        (mut a, b): (u32, u32),
        [first, .., last]: [u32; 3],
        _: u8,
    ) {
        a += 1;
        into.push(a);
        yield_now().await;
        into.extend([b, first, last]);
    }
    #[track]
    fn attributes_on_parameters(
        #[allow(unused_variables, reason = "the attribute is the parameter's")] a: u8,
        #[cfg(any())] b: Missing,
        #[cfg_attr(test, allow(unused_mut, reason = "it is not"))] mut c: u8,
    ) -> u8 {
        c += 1;
        c
    }
    let mut numbers = Vec::new();
    let point = Point { x: 9, y: (0, 0) };
    takes_apart(&mut numbers, (1, [2, 3]), &4, Point { x: 5, y: (6, 7) }, &point, String::new());
    block_on(takes_apart_async(&mut numbers, (1, 2), [3, 4, 5], 0));
    assert_eq!(numbers, [1, 2, 4, 5, 6, 9, 2, 2, 3, 5]);
    assert_eq!(attributes_on_parameters(1, 2), 3);
    let snapshot = memscope::snapshot();
    assert_eq!(
        site(&snapshot, "::takes_apart_async").signature,
        "async fn takes_apart_async(into: &mut Vec<u32>, (mut a, b): (u32, u32), [first, .., last]: [u32; 3], _: u8)"
    );
    assert_at_root();
}

#[track]
unsafe fn plain_unsafe(pointer: *const u8) -> u8 {
    // SAFETY: the caller's promise is handed on.
    unsafe { *pointer }
}

#[track]
extern "C" fn foreign(a: u8) -> u8 {
    a + 1
}

#[track]
unsafe extern "C" fn foreign_unsafe(pointer: *const u8) -> u8 {
    // SAFETY: the caller's promise is handed on.
    unsafe { *pointer }
}

#[track]
#[unsafe(no_mangle)]
pub(crate) extern "C-unwind" fn memscope_row_25_exported(a: u8) -> u8 {
    a + 1
}

#[test]
fn row_25_unsafe_and_extern() {
    let pointers: (unsafe fn(*const u8) -> u8, extern "C" fn(u8) -> u8) = (plain_unsafe, foreign);
    let foreign_pointer: unsafe extern "C" fn(*const u8) -> u8 = foreign_unsafe;
    unsafe extern "C-unwind" {
        safe fn memscope_row_25_exported(a: u8) -> u8;
    }
    // SAFETY: the pointers are those of values which live on.
    let read = unsafe { (pointers.0)(&3) + foreign_pointer(&4) };
    assert_eq!((read, (pointers.1)(5), memscope_row_25_exported(6)), (7, 6, 7));
    for name in ["plain_unsafe", "foreign", "foreign_unsafe", "memscope_row_25_exported"] {
        assert_eq!(calls(&[name]), 1, "{name}");
    }
    assert_at_root();
}

trait Named {
    #[track]
    fn with_default(&self) -> String {
        String::from("default")
    }
    #[track]
    async fn with_default_async(&self) -> usize {
        yield_now().await;
        self.required().len()
    }
    #[track]
    fn sized_only(self) -> String
    where
        Self: Sized,
    {
        self.required()
    }
    fn required(&self) -> String;
    async fn required_async(&self) -> String;
}

impl Named for Owner {
    #[track]
    fn required(&self) -> String {
        String::from("owner")
    }
    #[track]
    async fn required_async(&self) -> String {
        yield_now().await;
        self.with_default()
    }
}

impl<T: Named> Named for Vec<T> {
    #[track]
    fn required(&self) -> String {
        String::from("list")
    }
    #[track]
    async fn required_async(&self) -> String {
        self[0].required_async().await
    }
}

#[test]
fn row_27_default_bodies() {
    let owner = Owner(1);
    assert_eq!(owner.with_default(), "default");
    assert_eq!(block_on(owner.with_default_async()), 5);
    assert_eq!(owner.sized_only(), "owner");
    let snapshot = memscope::snapshot();
    for path in [&["with_default_async"][..], &["sized_only"], &["sized_only", "required"]] {
        assert_eq!(scope(&snapshot, path).calls, 1, "{path:?}");
    }
    assert_at_root();
}

#[test]
fn row_28_methods_of_impl_and_trait_impl_blocks() {
    assert_eq!(vec![Owner(1)].required(), "list");
    assert_eq!(Owner(1).required(), "owner");
    assert_eq!(block_on(vec![Owner(1)].required_async()), "default");
    let snapshot = memscope::snapshot();
    // Two implementations are two scopes, told apart by their keys.
    let roots = snapshot.scopes.iter().filter(|scope| scope.path == ["required"]);
    let mut keys: Vec<_> = roots.map(|scope| scope.key[0].as_str()).collect();
    keys.sort_unstable();
    assert_eq!(keys.len(), 2, "{keys:?}");
    assert!(
        keys.iter().any(|key| key.contains("Owner")) && keys.iter().any(|key| key.contains("Vec<")),
        "{keys:?}"
    );
    assert_eq!(scope(&snapshot, &["required_async", "required_async", "with_default"]).calls, 1);
    assert_at_root();
}

struct Whole(Vec<u8>);

#[track]
impl Whole {
    const SIZE: usize = 28;

    pub(crate) fn whole_new() -> Self {
        Self(vec![0; Self::SIZE])
    }

    const fn whole_const(&self) -> usize {
        Self::SIZE
    }

    async fn whole_async(&mut self) -> &mut Vec<u8> {
        yield_now().await;
        self.0.reserve_exact(100);
        &mut self.0
    }

    #[track(name = "whole, named")]
    fn whole_named(&self) {}
}

#[track]
impl<T> AsRef<T> for Whole
where
    Vec<u8>: AsRef<T>,
    T: ?Sized,
{
    fn as_ref(&self) -> &T {
        self.0.as_ref()
    }
}

#[test]
fn row_28_a_whole_impl() {
    let mut whole = Whole::whole_new();
    assert_eq!(block_on(whole.whole_async()).len(), whole.whole_const());
    whole.whole_named();
    let bytes: &[u8] = whole.as_ref();
    assert_eq!(bytes.len(), 28);
    let snapshot = memscope::snapshot();
    // The list belongs to who allocated it, grown or not.
    let new = scope(&snapshot, &["whole_new"]);
    assert_eq!((new.calls, new.exclusive.live_bytes), (1, 128));
    assert!(new.key[0].ends_with("Whole::whole_new"), "{:?}", new.key);
    for name in ["whole_async", "whole, named", "as_ref"] {
        assert_eq!(scope(&snapshot, &[name]).calls, 1, "{name}");
    }
    assert!(snapshot.sites.iter().all(|site| !site.key.ends_with("whole_const")));
    assert_at_root();
}

#[track]
mod whole_mod {
    use super::yield_now;

    pub(super) const LENGTH: usize = 5;

    pub(super) fn within_mod() -> Vec<u8> {
        deeper::within_inner_mod()
    }

    pub(super) async fn within_mod_async() {
        yield_now().await;
    }

    mod deeper {
        pub(super) fn within_inner_mod() -> Vec<u8> {
            vec![0; super::LENGTH]
        }
    }

    pub(super) struct Inner;

    impl Inner {
        pub(super) fn method_within_mod(&self) -> usize {
            LENGTH
        }
    }

    macro_rules! not_a_function {
        () => {
            5
        };
    }

    pub(super) static FROM_MACRO: usize = not_a_function!();
}

#[test]
fn row_28_a_whole_mod() {
    let kept = whole_mod::within_mod();
    block_on(whole_mod::within_mod_async());
    assert_eq!(whole_mod::Inner.method_within_mod() + whole_mod::FROM_MACRO, 2 * kept.len());
    let snapshot = memscope::snapshot();
    assert_eq!(
        (scope(&snapshot, &["within_mod"]).calls, scope(&snapshot, &["within_mod_async"]).calls),
        (1, 1)
    );
    assert_eq!(scope(&snapshot, &["within_mod"]).inclusive.live_bytes, 5);
    assert_at_root();
    drop(kept);
}

mod attributes {
    use memscope::track;

    /// Documented.
    #[must_use]
    #[inline]
    #[track]
    #[doc(hidden)]
    pub(super) fn track_below() -> u32 {
        1
    }

    #[track]
    #[must_use]
    #[inline(always)]
    #[cold]
    /// Documented.
    pub(super) fn track_above() -> u32 {
        2
    }

    #[cfg_attr(all(), track(name = "by cfg_attr"))]
    #[cfg_attr(all(), inline(never))]
    #[expect(clippy::unused_unit, unused_variables, reason = "they have to fire on a tracked function too")]
    pub(super) fn by_cfg_attr() -> () {
        let unused = 1;
        ()
    }

    #[track]
    #[deprecated = "it has to warn"]
    pub(super) fn deprecated_and_tracked() -> u32 {
        3
    }
}

#[test]
fn row_29_order_with_inline_and_must_use() {
    assert_eq!(attributes::track_below() + attributes::track_above(), 3);
    attributes::by_cfg_attr();
    #[expect(deprecated, reason = "it has to warn")]
    let three = attributes::deprecated_and_tracked();
    assert_eq!(three, 3);
    for name in ["track_below", "track_above", "by cfg_attr", "deprecated_and_tracked"] {
        assert_eq!(calls(&[name]), 1, "{name}");
    }
    // The line is that of the name, wherever the attribute stands.
    let lines: Vec<&str> = include_str!("signatures.rs").lines().collect();
    let snapshot = memscope::snapshot();
    for name in ["track_below", "track_above"] {
        let site = site(&snapshot, &format!("attributes::{name}"));
        let line = lines[site.line as usize - 1].trim_start();
        assert!(line.starts_with(&format!("pub(super) fn {name}")), "{line}");
    }
    assert_at_root();
}

#[track]
#[test]
fn row_29_track_above_test() {
    assert_entered("row_29_track_above_test");
}

#[test]
#[track]
fn row_29_track_below_test() {
    assert_entered("row_29_track_below_test");
}

#[track]
#[tokio::test]
async fn row_29_track_above_tokio_test() {
    tokio::task::yield_now().await;
    assert_entered("row_29_track_above_tokio_test");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[track]
async fn row_29_track_below_tokio_test() -> Result<(), String> {
    tokio::task::yield_now().await;
    assert_entered("row_29_track_below_tokio_test");
    Ok(())
}

/// That a block allocated now belongs to the scope.
fn assert_entered(name: &str) {
    let live = |snapshot: &memscope::model::Snapshot| scope(snapshot, &[name]).exclusive.live_bytes;
    let before = live(&memscope::snapshot());
    let kept = std::hint::black_box(vec![0u8; 1 << 20]);
    let after = live(&memscope::snapshot());
    // The rest is what the test itself, and its snapshots, hold.
    assert!(after + 100_000 >= before + kept.len() as u64, "{name}: {before} and then {after}");
}

#[track]
#[tokio::main(flavor = "current_thread")]
async fn track_above_tokio_main() -> Vec<u8> {
    tokio::task::yield_now().await;
    vec![0; 29]
}

#[tokio::main]
#[track]
async fn track_below_tokio_main() -> Vec<u8> {
    tokio::spawn(async { tokio::task::yield_now().await }).await.expect("it does not panic");
    vec![0; 29]
}

#[test]
fn row_29_tokio_main() {
    let kept = (track_above_tokio_main(), track_below_tokio_main());
    let snapshot = memscope::snapshot();
    let entered = |scope: &Scope| (scope.calls, scope.exclusive.live_bytes >= 29);
    assert_eq!(entered(scope(&snapshot, &["track_above_tokio_main"])), (1, true));
    assert_eq!(entered(scope(&snapshot, &["track_below_tokio_main"])), (1, true));
    drop(kept);
    assert_at_root();
}
