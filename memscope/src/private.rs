//! The only names that generated code may use. They are no part of the public interface.

#[cfg(any(feature = "live", feature = "sampling"))]
pub use memscope_runtime::{
    Binding, Probe, ScopeGuard, Site, SiteRef, Task, WalkContainer, WalkFull, WalkNothing, Walker, bind,
    enter, future, inventory, rebind, task,
};
