//! The source is that of the test of the same name in edition 2024, by whose style it is formatted.

#[rustfmt::skip]
#[path = "../../tests/drop_order.rs"]
mod drop_order;
