//! The only names that generated code may use. They are no part of the public interface.

#[cfg(not(any(feature = "live", feature = "sampling")))]
pub use memscope_runtime::untracked;
#[cfg(any(feature = "live", feature = "sampling"))]
pub use memscope_runtime::{
    Binding, Budget, BudgetGuard, PassNothing, PassPointer, Passing, Probe, ScopeGuard, Site, SiteRef, Task,
    WalkContainer, WalkFull, WalkInside, WalkNothing, Walker, Within, bind, bind_argument, enter,
    enter_within, future, inventory, rebind, task, tracked, type_name_of, within,
};
pub use memscope_runtime::{Sharing, Trackable, Visitor, left_out};
