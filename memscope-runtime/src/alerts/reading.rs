//! Figures for thresholds, read without a snapshot.

use std::collections::HashMap;

/// What is live at one moment.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) live_bytes: u64,
    /// Standard error of `live_bytes`; `None`: they are exact.
    pub(super) live_bytes_error: Option<u64>,
    /// Bytes that are live by the scope node that allocated them; empty where only the total was asked for.
    by_node: HashMap<u32, i64>,
}

impl Reading {
    /// The scope that has most beyond what it had in `earlier`, and how much that is.
    pub(super) fn most_beyond(&self, earlier: &Reading) -> Option<(String, i64)> {
        let before = |node: u32| earlier.by_node.get(&node).copied().unwrap_or(0);
        let gains = self.by_node.iter().map(|(&node, &bytes)| (bytes - before(node), node));
        let (bytes, node) = gains.filter(|&(bytes, _)| bytes > 0).max()?;
        Some((recorder::name(node), bytes))
    }

    /// What is to be said with the figures.
    pub(super) fn note(&self) -> &'static str {
        if self.live_bytes_error.is_some() { " (These figures are estimates from a sample.)" } else { "" }
    }
}

pub(super) use recorder::{knows_live_bytes, now_ms, prepare};

#[cfg(feature = "recorder")]
mod recorder {
    use super::Reading;
    use crate::estimate::standard_error;
    use crate::mode::{self, Decided};
    use crate::site::Site;
    use crate::thread_state::{OWN_NODE, ROOT_NODE};
    use crate::{books, clock, fork, scope};

    /// Whether there will be anything to read. The snapshots of the alerts take locks, so forks are to know.
    pub(in super::super) fn prepare() -> bool {
        let is_recording = mode::is_recording();
        if is_recording {
            fork::learn();
        }
        is_recording
    }

    pub(in super::super) fn knows_live_bytes() -> bool {
        mode::allocator_is_installed()
    }

    pub(in super::super) fn now_ms() -> u64 {
        clock::refresh()
    }

    fn error() -> Option<u64> {
        (mode::decided() == Decided::Sampling).then(|| standard_error(books::live_bytes_variance()))
    }

    impl Reading {
        pub(in super::super) fn of_total() -> Reading {
            Reading { live_bytes: books::live_bytes(), live_bytes_error: error(), ..Reading::default() }
        }

        pub(in super::super) fn by_scope() -> Reading {
            let mut reading = Reading { live_bytes_error: error(), ..Reading::default() };
            let mut live = 0;
            for row in books::read().as_slice().iter().filter(|row| row.node != OWN_NODE) {
                let bytes = row.allocated_bytes as i64 - row.deallocated_bytes as i64;
                *reading.by_node.entry(row.node).or_default() += bytes;
                live += bytes;
            }
            reading.live_bytes = u64::try_from(live).unwrap_or(0);
            reading
        }
    }

    /// Names of the scope's path.
    pub(super) fn name(node: u32) -> String {
        let nodes = scope::nodes();
        let mut path = Vec::new();
        let mut up = node;
        while up != ROOT_NODE {
            let Some(node) = nodes.get(up as usize) else { break };
            path.extend(Site::with_number(node.site).map(|site| site.name));
            up = node.parent;
        }
        if path.is_empty() {
            return "what is outside of tracked functions".to_owned();
        }
        path.reverse();
        format!("`{}`", path.join(" → "))
    }
}

#[cfg(not(feature = "recorder"))]
mod recorder {
    //! Without a recorder there is nothing to read.

    use super::Reading;

    pub(in super::super) fn prepare() -> bool {
        false
    }

    pub(in super::super) fn knows_live_bytes() -> bool {
        false
    }

    pub(in super::super) fn now_ms() -> u64 {
        0
    }

    impl Reading {
        pub(in super::super) fn of_total() -> Reading {
            Reading::default()
        }

        pub(in super::super) fn by_scope() -> Reading {
            Reading::default()
        }
    }

    pub(super) fn name(_: u32) -> String {
        String::new()
    }
}
