//! What heap blocks a value owns, asked of the value itself.
//!
//! [`Trackable`] walks all of a value's blocks, [`Container`] those of a container alone, whatever its elements
//! are. `track_var!` takes the first of the two that the type has, and says "not walked" where it has neither.
//!
//! A block that a std container does not show (a map's table, a tree's node) is found by asking the live map for
//! the block around an element, or, in an empty container that kept its memory, around the addresses that the
//! container itself holds. In sampling mode the live map knows no block, and such a container says so.

use crate::snapshot::{Held, Walk};
use crate::visitor::Visitor;
use std::alloc::Layout;
use std::any::type_name;
use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::ffi::{CString, OsString};
use std::fmt;
use std::mem::needs_drop;
use std::path::PathBuf;
use std::pin::Pin;
use std::rc::{Rc, Weak as RcWeak};
use std::sync::{Arc, Mutex, OnceLock, RwLock, TryLockError, Weak as ArcWeak};

/// A value that can show all heap blocks that it owns.
///
/// ```
/// use memscope_runtime::{Trackable, Visitor};
///
/// struct Document { title: String, pages: Vec<String> }
///
/// impl Trackable for Document {
///     fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
///         self.title.visit_blocks(visitor);
///         self.pages.visit_blocks(visitor);
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    note = "implement `Trackable` by visiting each field that owns memory",
    note = "if the variable's type is not settled at `track_var!(x)`, annotate it, or move the macro below its first use"
)]
pub trait Trackable {
    /// Shows every owned block to the visitor; borrowed memory is not owned. A block that the type allocates itself is
    /// shown by [`Visitor::block_of`] where its size is known, so that it is found in sampling mode too.
    fn visit_blocks(&self, visitor: &mut Visitor<'_>);

    /// What the value can tell of who shares or holds it at this moment.
    fn sharing(&self) -> Sharing {
        Sharing::default()
    }
}

/// What a value can tell of who shares or holds it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sharing {
    /// Strong owners; `None`: it has one owner by its type.
    pub strong: Option<usize>,
    /// Weak pointers; `None`: it has none by its type.
    pub weak: Option<usize>,
    /// Who holds its `RefCell` or lock; `None`: it has none.
    pub held: Option<Held>,
}

/// A container that can show its own blocks, whatever its elements are.
pub trait Container {
    /// Whether elements may own blocks, which then are not looked at.
    const ELEMENTS_MAY_OWN: bool;

    /// Shows the container's own blocks.
    fn visit_own_blocks(&self, visitor: &mut Visitor<'_>);

    /// See [`Trackable::sharing`].
    fn sharing(&self) -> Sharing {
        Sharing::default()
    }
}

/// How to look into a value of type `T`.
pub struct Walker<T: ?Sized> {
    pub(crate) walk: Walk,
    pub(crate) visit: fn(&T, &mut Visitor<'_>),
    pub(crate) sharing: fn(&T) -> Sharing,
}

impl<T: ?Sized> Clone for Walker<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Walker<T> {}

impl<T: ?Sized> fmt::Debug for Walker<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Walker").field("walk", &self.walk).finish_non_exhaustive()
    }
}

/// Chooses a [`Walker`] by method look-up: `(&&&Probe(&value)).memscope_walker()` finds the trait that applies first.
/// The method has a name that nobody writes: one that a user's trait gives to every type would be as good a candidate.
#[derive(Debug)]
pub struct Probe<'a, T: ?Sized>(pub &'a T);

/// First choice: the type is [`Trackable`].
pub trait WalkFull<T: ?Sized> {
    /// Walks everything.
    fn memscope_walker(&self) -> Walker<T>;
}

/// Second choice: the type is a [`Container`].
pub trait WalkContainer<T: ?Sized> {
    /// Walks the container's own blocks.
    fn memscope_walker(&self) -> Walker<T>;
}

/// Last choice: any type.
pub trait WalkNothing<T: ?Sized> {
    /// Walks nothing.
    fn memscope_walker(&self) -> Walker<T>;
}

impl<T: Trackable + ?Sized> WalkFull<T> for &&Probe<'_, T> {
    fn memscope_walker(&self) -> Walker<T> {
        Walker { walk: Walk::Full, visit: T::visit_blocks, sharing: T::sharing }
    }
}

impl<T: Container + ?Sized> WalkContainer<T> for &Probe<'_, T> {
    fn memscope_walker(&self) -> Walker<T> {
        let walk = if T::ELEMENTS_MAY_OWN { Walk::ContainerOnly } else { Walk::Full };
        Walker { walk, visit: T::visit_own_blocks, sharing: T::sharing }
    }
}

impl<T: ?Sized> WalkNothing<T> for Probe<'_, T> {
    fn memscope_walker(&self) -> Walker<T> {
        Walker { walk: Walk::NotWalked, visit: |_, _| {}, sharing: |_| Sharing::default() }
    }
}

/// The whole walk of a container: its own blocks, then what its elements own.
macro_rules! walk_elements {
    ($value:ident, $visitor:ident, $element:ident) => {{
        $value.visit_own_blocks($visitor);
        if Self::ELEMENTS_MAY_OWN {
            $value.into_iter().for_each(|$element| $element.visit_blocks($visitor));
        }
    }};
    ($value:ident, $visitor:ident, $key:ident, $mapped:ident) => {{
        $value.visit_own_blocks($visitor);
        if Self::ELEMENTS_MAY_OWN {
            for ($key, $mapped) in $value {
                $key.visit_blocks($visitor);
                $mapped.visit_blocks($visitor);
            }
        }
    }};
}

macro_rules! owns_nothing {
    ($($type:ty),+ $(,)?) => {$(
        impl Trackable for $type {
            fn visit_blocks(&self, _visitor: &mut Visitor<'_>) {}
        }
    )+};
}

owns_nothing!(
    (),
    bool,
    char,
    u8,
    u16,
    u32,
    u64,
    u128,
    usize,
    i8,
    i16,
    i32,
    i64,
    i128,
    isize,
    f32,
    f64,
    str,
    std::path::Path,
    std::ffi::OsStr,
    std::ffi::CStr,
    std::time::Duration,
    std::time::Instant,
    std::time::SystemTime,
    std::thread::ThreadId,
);

// A reference borrows: what it points to belongs to somebody else.
impl<T: ?Sized> Trackable for &T {
    fn visit_blocks(&self, _visitor: &mut Visitor<'_>) {}
}

impl<T: ?Sized> Trackable for &mut T {
    fn visit_blocks(&self, _visitor: &mut Visitor<'_>) {}
}

impl Trackable for String {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        if self.capacity() > 0 {
            visitor.block_of(self.as_ptr(), self.capacity());
        }
    }
}

impl Trackable for PathBuf {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        if self.capacity() > 0 {
            visitor.block_of(self.as_os_str().as_encoded_bytes().as_ptr(), self.capacity());
        }
    }
}

impl Trackable for OsString {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        if self.capacity() > 0 {
            visitor.block_of(self.as_encoded_bytes().as_ptr(), self.capacity());
        }
    }
}

impl Trackable for CString {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        visitor.block_of(self.as_ptr().cast(), self.as_bytes_with_nul().len());
    }
}

impl<T> Container for Vec<T> {
    const ELEMENTS_MAY_OWN: bool = needs_drop::<T>();
    fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
        if self.capacity() > 0 && size_of::<T>() > 0 {
            visitor.block_of(self.as_ptr().cast(), self.capacity() * size_of::<T>());
        }
    }
}

impl<T: Trackable> Trackable for Vec<T> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        walk_elements!(self, visitor, element);
    }
}

impl<T> Container for VecDeque<T> {
    const ELEMENTS_MAY_OWN: bool = needs_drop::<T>();
    fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
        if self.capacity() == 0 || size_of::<T>() == 0 {
            return;
        }
        let bytes = self.capacity() * size_of::<T>();
        match self.front() {
            Some(element) => visitor.block_of(std::ptr::from_ref(element).cast(), bytes),
            None => visitor.hidden_block_of(self, bytes),
        }
    }
}

impl<T: Trackable> Trackable for VecDeque<T> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        walk_elements!(self, visitor, element);
    }
}

impl<T> Container for BinaryHeap<T> {
    const ELEMENTS_MAY_OWN: bool = needs_drop::<T>();
    fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
        if self.capacity() > 0 && size_of::<T>() > 0 {
            visitor.block_of(self.as_slice().as_ptr().cast(), self.capacity() * size_of::<T>());
        }
    }
}

impl<T: Trackable> Trackable for BinaryHeap<T> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        walk_elements!(self, visitor, element);
    }
}

impl<K, V, S> Container for HashMap<K, V, S> {
    const ELEMENTS_MAY_OWN: bool = needs_drop::<K>() || needs_drop::<V>();
    fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
        match self.keys().next() {
            Some(key) if size_of::<K>() > 0 => visitor.block(std::ptr::from_ref(key).cast()),
            _ if self.capacity() > 0 => empty_table::<Self, S>(self, visitor),
            _ => {}
        }
    }
}

/// The table of an empty map that kept it. A hasher of the user's own may hold addresses too, so only std's is
/// looked behind.
fn empty_table<T, S>(table: &T, visitor: &mut Visitor<'_>) {
    if type_name::<S>() == type_name::<RandomState>() {
        visitor.blocks_behind_words_of(table);
    } else {
        visitor.could_not_look();
    }
}

impl<K: Trackable, V: Trackable, S> Trackable for HashMap<K, V, S> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        walk_elements!(self, visitor, key, value);
    }
}

impl<T, S> Container for HashSet<T, S> {
    const ELEMENTS_MAY_OWN: bool = needs_drop::<T>();
    fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
        match self.iter().next() {
            Some(element) if size_of::<T>() > 0 => visitor.block(std::ptr::from_ref(element).cast()),
            _ if self.capacity() > 0 => empty_table::<Self, S>(self, visitor),
            _ => {}
        }
    }
}

impl<T: Trackable, S> Trackable for HashSet<T, S> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        walk_elements!(self, visitor, element);
    }
}

impl<K, V> Container for BTreeMap<K, V> {
    const ELEMENTS_MAY_OWN: bool = needs_drop::<K>() || needs_drop::<V>();
    // Every node of a tree holds at least one key, so every node is the block around some key; but one that was
    // emptied may have kept its root.
    fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
        if self.is_empty() || size_of::<(K, V)>() == 0 {
            visitor.could_not_look();
        }
        for (key, value) in self {
            if size_of::<K>() > 0 {
                visitor.block(std::ptr::from_ref(key).cast());
            } else if size_of::<V>() > 0 {
                visitor.block(std::ptr::from_ref(value).cast());
            }
        }
    }
}

impl<K: Trackable, V: Trackable> Trackable for BTreeMap<K, V> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        walk_elements!(self, visitor, key, value);
    }
}

impl<T> Container for BTreeSet<T> {
    const ELEMENTS_MAY_OWN: bool = needs_drop::<T>();
    fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
        if self.is_empty() || size_of::<T>() == 0 {
            visitor.could_not_look();
        }
        for element in self {
            if size_of::<T>() > 0 {
                visitor.block(std::ptr::from_ref(element).cast());
            }
        }
    }
}

impl<T: Trackable> Trackable for BTreeSet<T> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        walk_elements!(self, visitor, element);
    }
}

impl<T> Container for LinkedList<T> {
    const ELEMENTS_MAY_OWN: bool = needs_drop::<T>();
    fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
        if size_of::<T>() == 0 && !self.is_empty() {
            visitor.could_not_look();
        }
        for element in self {
            if size_of::<T>() > 0 {
                visitor.block(std::ptr::from_ref(element).cast());
            }
        }
    }
}

impl<T: Trackable> Trackable for LinkedList<T> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        walk_elements!(self, visitor, element);
    }
}

impl<T: ?Sized> Container for Box<T> {
    // Whether an unsized value drops anything is not known here.
    const ELEMENTS_MAY_OWN: bool = needs_drop::<T>();
    fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
        let bytes = size_of_val::<T>(self);
        if bytes > 0 {
            visitor.block_of(std::ptr::from_ref::<T>(self).cast(), bytes);
        }
    }
}

impl<T: Trackable + ?Sized> Trackable for Box<T> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        self.visit_own_blocks(visitor);
        (**self).visit_blocks(visitor);
    }
}

impl<T: Trackable> Trackable for [T] {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        if needs_drop::<T>() {
            for element in self {
                element.visit_blocks(visitor);
            }
        }
    }
}

impl<T: Trackable, const N: usize> Trackable for [T; N] {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        self.as_slice().visit_blocks(visitor);
    }
}

/// Size of the block that `Rc` and `Arc` allocate for `value`: two counts, then the value, as `repr(C)` lays them out.
fn bytes_with_counts<T: ?Sized>(value: &T) -> usize {
    let with_value = Layout::new::<[usize; 2]>().extend(Layout::for_value(value));
    with_value.map_or(0, |(layout, _)| layout.pad_to_align().size()) // it was allocated, so it is a layout
}

macro_rules! shared_pointer {
    ($pointer:ident, $weak:ident) => {
        impl<T: ?Sized> Container for $pointer<T> {
            const ELEMENTS_MAY_OWN: bool = needs_drop::<T>();
            fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
                // The value stands behind the two counts, in their block. One without a size may stand at the
                // block's end, so the byte before it, which is a count's, is asked for.
                let counts = std::ptr::from_ref::<T>(self).cast::<u8>().wrapping_sub(1);
                let bytes = bytes_with_counts::<T>(self);
                if $pointer::strong_count(self) == 1 {
                    visitor.block_of(counts, bytes);
                } else {
                    visitor.shared_block_of(counts, bytes);
                }
            }
            fn sharing(&self) -> Sharing {
                let (strong, weak) = ($pointer::strong_count(self), $pointer::weak_count(self));
                Sharing { strong: Some(strong), weak: Some(weak), held: None }
            }
        }

        impl<T: Trackable + ?Sized> Trackable for $pointer<T> {
            fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
                // Through each shared value once: it may hold a way back to itself.
                let counts = std::ptr::from_ref::<T>(self).cast::<u8>().wrapping_sub(1);
                let bytes = bytes_with_counts::<T>(self);
                if $pointer::strong_count(self) == 1 {
                    visitor.block_of(counts, bytes);
                    (**self).visit_blocks(visitor);
                } else if visitor.shared_block_of(counts, bytes) {
                    (**self).visit_blocks(visitor);
                }
            }
            fn sharing(&self) -> Sharing {
                let (strong, weak) = ($pointer::strong_count(self), $pointer::weak_count(self));
                Sharing { strong: Some(strong), weak: Some(weak), held: (**self).sharing().held }
            }
        }

        // A weak pointer keeps the block but does not own the value; it is left to the strong owners.
        impl<T: ?Sized> Trackable for $weak<T> {
            fn visit_blocks(&self, _visitor: &mut Visitor<'_>) {}
        }
    };
}

shared_pointer!(Rc, RcWeak);
shared_pointer!(Arc, ArcWeak);

impl<T: Trackable> Trackable for Option<T> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        if let Some(value) = self {
            value.visit_blocks(visitor);
        }
    }
    fn sharing(&self) -> Sharing {
        self.as_ref().map(T::sharing).unwrap_or_default()
    }
}

impl<T: Trackable, E: Trackable> Trackable for Result<T, E> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        match self {
            Ok(value) => value.visit_blocks(visitor),
            Err(error) => error.visit_blocks(visitor),
        }
    }
}

impl<B: ToOwned + ?Sized> Trackable for Cow<'_, B>
where
    B::Owned: Trackable,
{
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        if let Cow::Owned(value) = self {
            value.visit_blocks(visitor);
        }
    }
}

impl<P: Trackable> Trackable for Pin<P>
where
    P: std::ops::Deref,
{
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        // SAFETY: `Pin` is `repr(transparent)` over its pointer, which is only read.
        unsafe { &*std::ptr::from_ref(self).cast::<P>() }.visit_blocks(visitor);
    }
}

impl<T: Copy> Trackable for Cell<T> {
    fn visit_blocks(&self, _visitor: &mut Visitor<'_>) {} // what is `Copy` owns nothing
}

// A value behind a lock is walked only when the lock is free: waiting could stop the program.
impl<T: Trackable + ?Sized> Trackable for RefCell<T> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        match self.try_borrow() {
            Ok(value) => value.visit_blocks(visitor),
            Err(_) => visitor.could_not_look(),
        }
    }
}

macro_rules! behind_a_lock {
    ($lock:ident, $look:ident) => {
        impl<T: Trackable + ?Sized> Trackable for $lock<T> {
            fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
                match self.$look() {
                    Ok(value) => value.visit_blocks(visitor),
                    Err(TryLockError::Poisoned(value)) => value.get_ref().visit_blocks(visitor),
                    Err(TryLockError::WouldBlock) => visitor.could_not_look(),
                }
            }
        }
    };
}

behind_a_lock!(Mutex, try_lock);
behind_a_lock!(RwLock, try_read);

impl<T: Trackable> Trackable for OnceCell<T> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        if let Some(value) = self.get() {
            value.visit_blocks(visitor);
        }
    }
}

impl<T: Trackable> Trackable for OnceLock<T> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        if let Some(value) = self.get() {
            value.visit_blocks(visitor);
        }
    }
}

macro_rules! tuples {
    ($(($($name:ident)+))+) => {$(
        impl<$($name: Trackable),+> Trackable for ($($name,)+) {
            fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
                #[expect(non_snake_case, reason = "the type's name doubles as the field's")]
                let ($($name,)+) = self;
                $($name.visit_blocks(visitor);)+
            }
        }
    )+};
}

tuples! {
    (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H)
    (A B C D E F G H I) (A B C D E F G H I J) (A B C D E F G H I J K) (A B C D E F G H I J K L)
}
