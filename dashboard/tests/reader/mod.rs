//! A reader of the page of its own: parses the HTML, evaluates where each number says that it comes from, and compares.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

pub mod blocks_of_range;
pub mod callers_drawn;
pub mod cells_drawn;
pub mod drawing;
pub mod markup;
pub mod origin;
pub mod page;
pub mod reading;
pub mod recordings;
pub mod scopes_drawn;
