//! Scopes: what each is charged with, and the sums over the process.

use super::{category, sampling};
use crate::activity;
use crate::books::Reading;
use crate::estimate::{Variances, standard_error};
use crate::scope::Node;
use crate::site::Site;
use crate::snapshot::{Activity, Scope, ScopeMemory, Snapshot, Totals};
use crate::thread_state::{OWN_NODE, ROOT_NODE};
use crate::{mode, observer, peak};
use std::collections::HashMap;

pub(super) fn totals(readings: &[Reading], sampled: bool) -> Totals {
    let mut totals = Totals::default();
    let mut variances = Variances::default();
    for reading in readings.iter().filter(|reading| reading.node != OWN_NODE) {
        totals.allocations += reading.allocations;
        totals.deallocations += reading.deallocations;
        totals.reallocations += reading.reallocations;
        totals.allocated_bytes += reading.allocated_bytes;
        totals.deallocated_bytes += reading.deallocated_bytes;
        variances += reading.variances;
    }
    totals.live_allocations = totals.allocations.saturating_sub(totals.deallocations);
    totals.live_bytes = totals.allocated_bytes.saturating_sub(totals.deallocated_bytes);
    if sampled {
        let error = |variance| Some(standard_error(variance));
        totals.allocations_error = error(variances.allocations);
        totals.deallocations_error = error(variances.deallocations);
        totals.reallocations_error = error(variances.reallocations);
        totals.allocated_bytes_error = error(variances.allocated_bytes);
        totals.deallocated_bytes_error = error(variances.deallocated_bytes);
        totals.live_allocations_error = error(variances.live_allocations);
        totals.live_bytes_error = error(variances.live_bytes);
    }
    totals
}

/// Bytes that were live at the peak and the variance of their number, by node and allocating thread.
pub(super) type AtPeak = HashMap<(u32, u32), (i64, f64)>;

/// What was live at the peak; now is the peak if more is live than at the best capture.
pub(super) fn live_at_peak(readings: &[Reading], live_bytes: u64) -> AtPeak {
    let captured = peak::at_peak();
    let captured = captured.as_slice().iter().copied();
    let mut parts = AtPeak::new();
    let mut add = |node, thread, bytes, variance| {
        let part = parts.entry((node, thread)).or_default();
        part.0 += bytes;
        part.1 += variance;
    };
    if captured.clone().map(|(_, _, bytes, _)| bytes).sum::<i64>() > live_bytes as i64 {
        captured.for_each(|(node, thread, bytes, variance)| add(node, thread, bytes, variance));
    } else {
        for reading in readings.iter().filter(|reading| reading.node != OWN_NODE) {
            let live = reading.allocated_bytes as i64 - reading.deallocated_bytes as i64;
            add(reading.node, reading.owner_thread, live, reading.variances.live_bytes);
        }
    }
    parts
}

/// The same by node alone.
pub(super) fn by_node(parts: &AtPeak) -> HashMap<u32, (u64, f64)> {
    let mut sums: HashMap<u32, (i64, f64)> = HashMap::new();
    for (&(node, _), &(bytes, variance)) in parts {
        let sum = sums.entry(node).or_default();
        sum.0 += bytes;
        sum.1 += variance;
    }
    let whole = |(node, (bytes, variance))| (node, (u64::try_from(bytes).unwrap_or(0), variance));
    sums.into_iter().map(whole).collect()
}

pub(super) fn scopes(
    nodes: &[Node],
    readings: &[Reading],
    live_at_peak: &HashMap<u32, (u64, f64)>,
    sampled: bool,
) -> (Vec<Scope>, HashMap<u32, u32>) {
    let count = nodes.len().max(OWN_NODE as usize + 1);
    let mut exclusive = vec![Charged::default(); count];
    let mut calls = vec![(0, 0); count];
    // A node may be younger than the copy of the tree; its figures wait for the next snapshot.
    for reading in readings.iter().filter(|reading| (reading.node as usize) < count) {
        let node = reading.node as usize;
        exclusive[node].add_reading(reading);
        calls[node].0 += reading.calls;
        calls[node].1 += reading.recursive_calls;
    }
    for (node, charged) in exclusive.iter_mut().enumerate() {
        let (bytes, variance) = live_at_peak.get(&(node as u32)).copied().unwrap_or_default();
        charged.memory.live_at_peak_bytes = Some(bytes);
        charged.variance_at_peak = variance;
    }
    let mut inclusive = exclusive.clone();
    // A parent's number is below its children's.
    for node in (OWN_NODE as usize + 1..count).rev() {
        let below = inclusive[node];
        inclusive[nodes[node].parent as usize].add(&below);
    }
    let mut rows: Vec<(u32, Scope)> = (0..count as u32)
        .filter(|&node| node != OWN_NODE)
        .map(|node| {
            let (mut path, mut key) = (Vec::new(), Vec::new());
            let own_site = nodes.get(node as usize).and_then(|node| Site::with_number(node.site));
            let mut up = node;
            while up != ROOT_NODE {
                let Node { parent, site } = nodes[up as usize];
                if let Some(site) = Site::with_number(site) {
                    path.push(site.name.to_owned());
                    key.push(site.key());
                }
                up = parent;
            }
            path.reverse();
            key.reverse();
            let row = Scope {
                path,
                key,
                file: own_site.map(|site| site.file.to_owned()),
                line: own_site.map(|site| site.line),
                calls: calls[node as usize].0,
                recursive_calls: calls[node as usize].1,
                exclusive: exclusive[node as usize].whole(sampled),
                inclusive: inclusive[node as usize].whole(sampled),
                trend: Vec::new(),
                activity: None,
                category: None,
            };
            (node, row)
        })
        .collect();
    rows.sort_by(|(_, a), (_, b)| {
        (&a.path, &a.key, &a.file, a.line).cmp(&(&b.path, &b.key, &b.file, b.line))
    });
    let scope_of_node = rows.iter().enumerate().map(|(index, &(node, _))| (node, index as u32)).collect();
    (rows.into_iter().map(|(_, row)| row).collect(), scope_of_node)
}

/// What threads were seen to do in each scope, what kind of work that is, and the trends, whose moments it returns with this
/// one as the last. Where no observer ran, there is nothing to add.
pub(super) fn add_what_was_observed(
    scopes: &mut [Scope],
    scope_of_node: &HashMap<u32, u32>,
    nodes: &[Node],
    now_ms: u64,
) -> Vec<u64> {
    let mut activities: Vec<Activity> = (0..nodes.len() as u32).map(activity::in_node).collect();
    for activity in &mut activities {
        activity.inclusive_wall_us = activity.wall_us;
    }
    for node in (OWN_NODE as usize + 1..nodes.len()).rev() {
        let below = activities[node].inclusive_wall_us;
        activities[nodes[node].parent as usize].inclusive_wall_us += below;
    }
    let has_allocator = mode::allocator_is_installed();
    let mut trend_ms = Vec::new();
    if observer::effort().is_some() {
        for (node, activity) in activities.into_iter().enumerate() {
            let index = scope_of_node.get(&(node as u32)).map(|&index| index as usize);
            let Some((index, scope)) = index.and_then(|index| Some((index, scopes.get_mut(index)?))) else {
                continue;
            };
            scope.activity = Some(activity);
            scope.category = category::category(index, scope, has_allocator);
        }
    }
    if has_allocator {
        trend_ms = observer::trends(nodes.len() as u32, |node, bytes| {
            let index = scope_of_node.get(&node);
            let Some(scope) = index.and_then(|&index| scopes.get_mut(index as usize)) else { return };
            scope.trend.extend_from_slice(bytes);
        });
    }
    if let Some(&last_ms) = trend_ms.last() {
        if last_ms >= now_ms {
            // Of two readings at one moment the later one stays.
            trend_ms.pop();
            scopes.iter_mut().for_each(|scope| _ = scope.trend.pop());
        }
        trend_ms.push(now_ms);
        scopes.iter_mut().for_each(|scope| scope.trend.push(scope.exclusive.live_bytes));
    }
    trend_ms
}

/// The category of each variable: that of its scope. Several nodes of one path (two functions of one name) must agree.
pub(super) fn categorise_variables(snapshot: &mut Snapshot) {
    let mut of_path = HashMap::new();
    for scope in &snapshot.scopes {
        let kind = scope.category.as_ref().map(|category| category.kind);
        of_path
            .entry(&scope.path)
            .and_modify(|known| *known = if *known == kind { kind } else { None })
            .or_insert(kind);
    }
    for variable in &mut snapshot.variables {
        variable.category = of_path.get(&variable.scope).copied().flatten();
    }
}

/// What a scope is charged with, while it is summed.
#[derive(Clone, Copy, Default)]
pub(super) struct Charged {
    memory: ScopeMemory,
    variances: Variances,
    variance_at_peak: f64,
    /// Of the number of blocks that another thread freed.
    variance_of_foreign: f64,
    /// Whether the scope, or one below it, ever ran.
    entered: bool,
}

impl Charged {
    pub(super) fn add_reading(&mut self, reading: &Reading) {
        let is_foreign = reading.thread != reading.owner_thread;
        self.add(&Charged {
            memory: ScopeMemory {
                allocations: reading.allocations,
                deallocations: reading.deallocations,
                foreign_deallocations: if is_foreign { reading.deallocations } else { 0 },
                reallocations: reading.reallocations,
                allocated_bytes: reading.allocated_bytes,
                deallocated_bytes: reading.deallocated_bytes,
                ..ScopeMemory::default()
            },
            variances: reading.variances,
            variance_of_foreign: if is_foreign { reading.variances.deallocations } else { 0.0 },
            // An account of its own blocks is opened when a thread enters the scope; not each entry is a call.
            entered: !is_foreign || reading.node == ROOT_NODE,
            ..Charged::default()
        });
    }

    fn add(&mut self, other: &Charged) {
        let (memory, more) = (&mut self.memory, &other.memory);
        memory.allocations += more.allocations;
        memory.deallocations += more.deallocations;
        memory.foreign_deallocations += more.foreign_deallocations;
        memory.reallocations += more.reallocations;
        memory.allocated_bytes += more.allocated_bytes;
        memory.deallocated_bytes += more.deallocated_bytes;
        memory.live_at_peak_bytes =
            memory.live_at_peak_bytes.zip(more.live_at_peak_bytes).map(|(mine, theirs)| mine + theirs);
        self.variances += other.variances;
        self.variance_at_peak += other.variance_at_peak;
        self.variance_of_foreign += other.variance_of_foreign;
        self.entered |= other.entered;
    }

    /// With what follows from the sums.
    pub(super) fn whole(self, sampled: bool) -> ScopeMemory {
        // By the books' order of reading neither is negative; were it so, a program's snapshot must not panic.
        let memory = ScopeMemory {
            live_allocations: self.memory.allocations.saturating_sub(self.memory.deallocations),
            live_bytes: self.memory.allocated_bytes.saturating_sub(self.memory.deallocated_bytes),
            ..self.memory
        };
        if !sampled {
            return memory;
        }
        let error = |variance| Some(standard_error(variance));
        let Variances { samples, live_samples, .. } = self.variances;
        ScopeMemory {
            allocations_error: error(self.variances.allocations),
            deallocations_error: error(self.variances.deallocations),
            foreign_deallocations_error: error(self.variance_of_foreign),
            reallocations_error: error(self.variances.reallocations),
            allocated_bytes_error: error(self.variances.allocated_bytes),
            deallocated_bytes_error: error(self.variances.deallocated_bytes),
            live_allocations_error: error(self.variances.live_allocations),
            live_bytes_error: error(self.variances.live_bytes),
            live_at_peak_bytes_error: error(self.variance_at_peak),
            samples: Some(samples),
            allocated_bytes_upper_bound: (samples == 0 && self.entered).then(bytes_without_a_sample),
            live_bytes_upper_bound: (live_samples <= 0 && self.entered).then(bytes_without_a_sample),
            ..memory
        }
    }
}

/// So many bytes have no sample with a probability of 5 %: e^(−bytes/T) = 1/20. With fewer it is more likely.
fn bytes_without_a_sample() -> u64 {
    (20f64.ln() * sampling::greatest_mean_bytes() as f64).ceil() as u64
}
