//! Static facts of a function or variable, registered by the macros.
//!
//! A site is a static in the user's program; `inventory` collects all of them before `main`, those that never run
//! included. A site gets its number when it first runs.

use crate::budget::Budget;
use crate::crossing::Border;
use crate::fork::{self, Side};
use crate::snapshot::SiteKind;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// A tracked place in the source.
#[derive(Debug)]
pub struct Site {
    pub(crate) kind: SiteKind,
    pub(crate) name: &'static str,
    path: fn() -> &'static str,
    pub(crate) file: &'static str,
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) signature: &'static str,
    pub(crate) budget: Option<&'static Budget>,
    /// Of a foreign function: the pointers that it was given and returned.
    pub(crate) border: Border,
    /// Its number, from 1; 0: it has not run.
    id: AtomicU32,
    /// How often a variable's binding ran.
    bindings: AtomicU64,
}

/// What `inventory` collects.
#[derive(Debug)]
pub struct SiteRef(pub &'static Site);

inventory::collect!(SiteRef);

/// Sites that ran, in the order of their numbers. The hook never asks for them.
static RAN: Mutex<Vec<&'static Site>> = Mutex::new(Vec::new());

/// Takes the lock on the sites that ran and keeps it, for a fork.
pub(crate) fn lock() {
    std::mem::forget(RAN.lock());
}

/// Gives it back, in the process that took it or in its fork's child.
///
/// # Safety
/// [`lock`] was called before, by this thread or by the one whose fork it is in.
pub(crate) unsafe fn unlock(side: Side) {
    // SAFETY: the caller's promise is handed on.
    unsafe { fork::unlock(&RAN, side) };
}

/// The name of a value's type. Called by generated code in place of std's, which is younger than some crates' minimum.
#[must_use]
pub fn type_name_of<T>(_: &T) -> &'static str {
    std::any::type_name::<T>()
}

macro_rules! constructor {
    ($(#[$doc:meta])* $name:ident, $kind:ident) => {
        $(#[$doc])*
        ///
        /// `path` gives the type name of a function nested in the place, such as `krate::Type::method::here`;
        /// its last segment is not part of the key.
        pub const fn $name(
            name: &'static str,
            path: fn() -> &'static str,
            file: &'static str,
            line: u32,
            column: u32,
            signature: &'static str,
        ) -> Site {
            Site {
                kind: SiteKind::$kind,
                name,
                path,
                file,
                line,
                column,
                signature,
                budget: None,
                border: Border::new(),
                id: AtomicU32::new(0),
                bindings: AtomicU64::new(0),
            }
        }
    };
}

impl Site {
    constructor!(
        /// A function or method.
        function,
        Function
    );
    constructor!(
        /// An async function.
        async_function,
        AsyncFunction
    );
    constructor!(
        /// A function of another language, as it is called.
        foreign_function,
        ForeignFunction
    );
    constructor!(
        /// A tracked binding.
        variable,
        Variable
    );

    /// With a budget for each call.
    #[must_use]
    pub const fn within(mut self, budget: &'static Budget) -> Site {
        self.budget = Some(budget);
        self
    }

    /// Its number; 0: it has not run.
    #[inline(always)]
    pub(crate) fn id(&self) -> u32 {
        self.id.load(Ordering::Relaxed)
    }

    /// Its number, given now if it had none.
    #[cold]
    pub(crate) fn number(&'static self) -> u32 {
        let mut ran = RAN.lock();
        if self.id() == 0 {
            ran.push(self);
            self.id.store(ran.len() as u32, Ordering::Relaxed);
        }
        self.id()
    }

    pub(crate) fn with_number(id: u32) -> Option<&'static Site> {
        RAN.lock().get((id as usize).checked_sub(1)?).copied()
    }

    pub(crate) fn note_binding(&self) {
        self.bindings.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn bindings(&self) -> u64 {
        self.bindings.load(Ordering::Relaxed)
    }

    /// Module path, type and name of the function; for a variable, those of the function that holds it, and its
    /// name.
    pub(crate) fn key(&self) -> String {
        let mut path = (self.path)();
        if let Some((outer, _marker)) = path.rsplit_once("::") {
            path = outer;
        }
        // The body of an async function and of a closure is one more level of the path.
        while let Some(outer) = path.strip_suffix("::{{closure}}") {
            path = outer;
        }
        match self.kind {
            SiteKind::Variable => format!("{path}::{}", self.name),
            SiteKind::Function | SiteKind::AsyncFunction | SiteKind::ForeignFunction => path.to_owned(),
        }
    }

    /// Every site that was compiled in.
    pub(crate) fn all() -> impl Iterator<Item = &'static Site> {
        inventory::iter::<SiteRef>.into_iter().map(|site| site.0)
    }
}
