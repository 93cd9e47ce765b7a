//! Sites, and what became of their budgets.

use crate::books::Reading;
use crate::budget::Budget as Limits;
use crate::crossing;
use crate::scope::Node;
use crate::site::Site;
use crate::snapshot::{Budget, SiteKind, SiteRow};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

pub(super) fn sites(nodes: &[Node], readings: &[Reading]) -> Vec<SiteRow> {
    let mut calls: HashMap<u32, u64> = HashMap::new();
    for reading in readings {
        if let Some(node) = nodes.get(reading.node as usize) {
            *calls.entry(node.site).or_default() += reading.calls;
        }
    }
    let mut rows: Vec<SiteRow> = Site::all()
        .map(|site| SiteRow {
            kind: site.kind,
            name: site.name.to_owned(),
            key: site.key(),
            file: site.file.to_owned(),
            line: site.line,
            column: site.column,
            signature: site.signature.to_owned(),
            executions: match site.kind {
                SiteKind::Variable => site.bindings(),
                SiteKind::Function | SiteKind::AsyncFunction | SiteKind::ForeignFunction => {
                    if site.id() == 0 { 0 } else { calls.get(&site.id()).copied().unwrap_or(0) }
                }
            },
            budget: site.budget.map(budget),
            crossings: crossing::of_site(site),
        })
        .collect();
    rows.sort_by(|a, b| (&a.file, a.line, a.column, &a.key).cmp(&(&b.file, b.line, b.column, &b.key)));
    rows
}

fn budget(budget: &Limits) -> Budget {
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let judged_calls = read(&budget.judged);
    Budget {
        bytes: budget.bytes,
        allocations: budget.allocations,
        judged_calls,
        calls_over: read(&budget.over),
        most_bytes: Some(read(&budget.most_bytes)).filter(|&bytes| bytes > 0),
        most_allocations: budget
            .allocations
            .filter(|_| judged_calls > 0)
            .map(|_| read(&budget.most_allocations)),
    }
}
