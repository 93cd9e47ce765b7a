//! Tuples: each field in its turn.

use super::{Container, Trackable};
use crate::Visitor;

macro_rules! tuples {
    ($(($($name:ident)+))+) => {$(
        impl<$($name: Trackable),+> Trackable for ($($name,)+) {
            fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
                #[expect(non_snake_case, reason = "the type's name doubles as the field's")]
                let ($($name,)+) = self;
                $($name.visit_blocks(visitor);)+
            }
        }

        impl<$($name: Container),+> Container for ($($name,)+) {
            const ELEMENTS_MAY_OWN: bool = $($name::ELEMENTS_MAY_OWN)||+;
            fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
                #[expect(non_snake_case, reason = "the type's name doubles as the field's")]
                let ($($name,)+) = self;
                $($name.visit_own_blocks(visitor);)+
            }
        }
    )+};
}

tuples! {
    (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H)
    (A B C D E F G H I) (A B C D E F G H I J) (A B C D E F G H I J K) (A B C D E F G H I J K L)
}
