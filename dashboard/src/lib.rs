//! memscope's dashboard: a [`Snapshot`](memscope_runtime::snapshot::Snapshot) as one HTML file that opens from
//! disk, and as text.
//!
//! ```text
//! snapshot → view (plain data, each number with its origin) → render (Handlebars) → one HTML file
//!          → show (feature `cli`)                                                 → text for a terminal
//! snapshots → compare, trend (matched rows, differences, slopes) → view → render
//! ```
//!
//! Absent: no panel computes a finding, reads a file or the clock; nothing is shown that the snapshot does not
//! hold, and what it does not hold reads "not measured".

#[cfg(feature = "cli")]
pub mod cli;
pub mod compare;
pub mod figure;
pub mod island;
pub mod live;
pub mod packed;
pub mod partials;
pub mod patch;
pub mod render;
#[cfg(feature = "cli")]
pub mod show;
pub mod signed;
pub mod text;
pub mod trend;
pub mod view;
mod words;

pub use memscope_runtime::units;
pub use render::{RenderError, render, render_compare, render_trend};
