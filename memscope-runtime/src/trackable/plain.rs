//! Types that own no block: numbers, what borrows, and handles of the system.

use super::{Container, Trackable, left_out, whole_in_itself};
use crate::Visitor;
use std::marker::PhantomData;
use std::num::{self, Saturating, Wrapping};
use std::ptr::NonNull;
use std::sync::atomic;

macro_rules! owns_nothing {
    ($($type:ty),+ $(,)?) => {$(
        impl Trackable for $type {
            fn visit_blocks(&self, _visitor: &mut Visitor<'_>) {}
        }
        whole_in_itself!($type);
    )+};
}

owns_nothing!((), bool, char, u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, f32, f64);

owns_nothing!(
    num::NonZeroU8,
    num::NonZeroU16,
    num::NonZeroU32,
    num::NonZeroU64,
    num::NonZeroU128,
    num::NonZeroUsize,
    num::NonZeroI8,
    num::NonZeroI16,
    num::NonZeroI32,
    num::NonZeroI64,
    num::NonZeroI128,
    num::NonZeroIsize,
    std::cmp::Ordering,
    atomic::Ordering,
    std::ops::RangeFull,
    std::marker::PhantomPinned,
    std::any::TypeId,
    std::alloc::Layout,
    std::convert::Infallible,
    num::ParseIntError,
    num::ParseFloatError,
    num::TryFromIntError,
    std::str::Utf8Error,
    std::fmt::Error,
    std::time::Duration,
    std::time::Instant,
    std::time::SystemTime,
    std::thread::ThreadId,
    std::hash::RandomState,
    std::hash::DefaultHasher,
    std::net::IpAddr,
    std::net::Ipv4Addr,
    std::net::Ipv6Addr,
    std::net::SocketAddr,
    std::net::SocketAddrV4,
    std::net::SocketAddrV6,
    std::panic::Location<'_>,
);

#[cfg(target_has_atomic = "8")]
owns_nothing!(atomic::AtomicBool, atomic::AtomicU8, atomic::AtomicI8);
#[cfg(target_has_atomic = "16")]
owns_nothing!(atomic::AtomicU16, atomic::AtomicI16);
#[cfg(target_has_atomic = "32")]
owns_nothing!(atomic::AtomicU32, atomic::AtomicI32);
#[cfg(target_has_atomic = "64")]
owns_nothing!(atomic::AtomicU64, atomic::AtomicI64);
#[cfg(target_has_atomic = "ptr")]
owns_nothing!(atomic::AtomicUsize, atomic::AtomicIsize);

// What is unsized is owned by the pointer to it.
owns_nothing!(str, std::path::Path, std::ffi::OsStr, std::ffi::CStr);

macro_rules! borrows {
    ($($type:ty),+ $(,)?) => {$(
        impl<T: ?Sized> Trackable for $type {
            fn visit_blocks(&self, _visitor: &mut Visitor<'_>) {}
        }
        impl<T: ?Sized> Container for $type {
            const ELEMENTS_MAY_OWN: bool = false;
            fn visit_own_blocks(&self, _visitor: &mut Visitor<'_>) {}
        }
    )+};
}

// What these point to belongs to somebody else, or nobody.
borrows!(&T, &mut T, *const T, *mut T, NonNull<T>, PhantomData<T>);

impl<T> Trackable for atomic::AtomicPtr<T> {
    fn visit_blocks(&self, _visitor: &mut Visitor<'_>) {}
}

impl<T> Container for atomic::AtomicPtr<T> {
    const ELEMENTS_MAY_OWN: bool = false;
    fn visit_own_blocks(&self, _visitor: &mut Visitor<'_>) {}
}

macro_rules! function_pointers {
    ($(($($argument:ident)*))+) => {$(
        function_pointers!(@ fn($($argument),*) -> R; $($argument)*);
        function_pointers!(@ unsafe fn($($argument),*) -> R; $($argument)*);
        function_pointers!(@ extern "C" fn($($argument),*) -> R; $($argument)*);
        function_pointers!(@ unsafe extern "C" fn($($argument),*) -> R; $($argument)*);
    )+};
    (@ $type:ty; $($argument:ident)*) => {
        impl<R, $($argument),*> Trackable for $type {
            fn visit_blocks(&self, _visitor: &mut Visitor<'_>) {}
        }
        impl<R, $($argument),*> Container for $type {
            const ELEMENTS_MAY_OWN: bool = false;
            fn visit_own_blocks(&self, _visitor: &mut Visitor<'_>) {}
        }
    };
}

function_pointers! {
    () (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H)
}

impl<T: Trackable> Trackable for Wrapping<T> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        self.0.visit_blocks(visitor);
    }
}

impl<T: Trackable> Trackable for Saturating<T> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        self.0.visit_blocks(visitor);
    }
}

/// Types of std that may own memory and show none of it.
macro_rules! shows_nothing {
    ($([$($parameter:ident)?] $type:ty),+ $(,)?) => {$(
        impl $(<$parameter>)? Trackable for $type {
            fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
                left_out(self, visitor);
            }
        }
    )+};
}

shows_nothing!(
    [] std::task::Waker,
    [] std::thread::Thread,
    [T] std::thread::JoinHandle<T>,
    [T] std::sync::mpsc::Sender<T>,
    [T] std::sync::mpsc::SyncSender<T>,
    [T] std::sync::mpsc::Receiver<T>,
    [] std::sync::Barrier,
    [] std::sync::Condvar,
    [] std::process::Command,
);
