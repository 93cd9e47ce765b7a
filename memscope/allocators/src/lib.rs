//! Nothing: its tests run memscope over allocators of other crates.
