//! Cells that are set once, of one thread and of many.

use super::{Container, Sharing, Trackable};
use crate::Visitor;
use std::cell::{LazyCell, OnceCell};
use std::mem::needs_drop;
use std::sync::{LazyLock, OnceLock};

macro_rules! set_once {
    ($once:ident, $lazy:ident) => {
        impl<T: Trackable> Trackable for $once<T> {
            fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
                if let Some(value) = self.get() {
                    value.visit_blocks(visitor);
                }
            }
            fn sharing(&self) -> Sharing {
                self.get().map(T::sharing).unwrap_or_default()
            }
        }

        impl<C: Container> Container for $once<C> {
            const ELEMENTS_MAY_OWN: bool = C::ELEMENTS_MAY_OWN;
            fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
                if let Some(container) = self.get() {
                    container.visit_own_blocks(visitor);
                }
            }
            fn sharing(&self) -> Sharing {
                self.get().map(C::sharing).unwrap_or_default()
            }
        }

        // Whether it has its value yet cannot be asked without making it.
        impl<T, F> Trackable for $lazy<T, F> {
            fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
                if needs_drop::<Self>() {
                    visitor.could_not_look();
                }
            }
        }
    };
}

set_once!(OnceCell, LazyCell);
set_once!(OnceLock, LazyLock);
