//! The inspector: all that is known of one variable, in four tabs.

use super::category::{self, Category};
use super::diagnostics::{FindingView, findings_about};
use super::geometry::{Moment, Span, Steps, moment, span, steps};
use super::label::{self, Labels, Place, StageLabel, Term, ThreadLabel};
use super::passport::{Passport, passport};
use super::sharing::{Sharing, sharing};
use super::variables::{thread_labels, with_card};
use crate::figure::Figure;
use crate::packed::Packed;
use crate::text::visible;
use memscope_runtime::snapshot::{Fate, Instance, InstanceBlock, Provenance, Snapshot, Stages, Variable};
use serde::Serialize;
use std::cmp::Reverse;

/// Executions shown of one variable at most: the newest. The model keeps no more.
pub const MOST_INSTANCES: usize = 16;
/// Executions, blocks and crossings shown of one variable at most. One takes some 60 bytes of the page's data.
const MOST_ROWS: usize = 100;
/// Variables of which the page holds everything: those that findings are about and those with the most live bytes, until
/// they take so many bytes of its data. The others are held as their cards tell of them.
const MOST_BYTES: usize = 400_000;

/// All about one variable.
#[derive(Clone, Debug, Serialize)]
pub struct Inspector {
    /// Index into the document's `variables`.
    pub index: usize,
    /// Name of the binding.
    pub name: String,
    /// Type with its parameters; `None`: not known.
    pub type_name: Option<String>,
    /// Scope's path.
    pub scope: String,
    /// Index of that scope, if it is listed.
    pub scope_index: Option<usize>,
    /// Where the binding stands.
    pub place: Option<Place>,
    /// The liveliest stage.
    pub stage: StageLabel,
    /// Bytes alive.
    pub heap: Figure,
    /// The most bytes seen.
    pub peak_heap: Figure,
    /// Blocks alive.
    pub blocks: Figure,
    /// Size of the value itself.
    pub value: Figure,
    /// Executions of the binding.
    pub instances: Figure,
    /// Executions whose binding is in scope.
    pub active_instances: Figure,
    /// Executions by stage.
    pub by_stage: Vec<StageCount>,
    /// How far the type could be looked into.
    pub walk: &'static str,
    /// Where bytes and blocks come from.
    pub provenance: Term,
    /// Where the other figures come from: what the binding did.
    pub provenance_of_events: Term,
    /// Executions by what became of them; `None`: not measured.
    pub fates: Option<Vec<FateCount>>,
    /// Threads that executed the binding.
    pub threads: Vec<ThreadLabel>,
    /// First execution.
    pub first: Figure,
    /// Last observation.
    pub last_observed: Figure,
    /// Bytes gained by reallocation.
    pub grown: Figure,
    /// Bytes that these reallocations copied.
    pub moved: Figure,
    /// Capacity that held no element.
    pub unused: Figure,
    /// Owners, holders and sharers.
    pub sharing: Sharing,
    /// Crossings into foreign code and back.
    pub passport: Passport,
    /// What kind of work its scope does; `None`: not measured.
    pub category: Option<Category>,
    /// Executions, newest first.
    pub lifecycle: Vec<InstanceView>,
    /// Executions that are not shown.
    pub folded: Option<Figure>,
    /// Where the recording's time ends.
    pub end: Figure,
    /// What was found about it.
    pub findings: Vec<FindingView>,
}

/// How many executions are in a stage.
#[derive(Clone, Debug, Serialize)]
pub struct StageCount {
    /// The stage.
    pub stage: StageLabel,
    /// How many.
    pub count: Figure,
}

/// How many executions had a fate.
#[derive(Clone, Debug, Serialize)]
pub struct FateCount {
    /// The fate.
    pub fate: Term,
    /// How many.
    pub count: Figure,
}

/// One execution.
#[derive(Clone, Debug, Serialize)]
pub struct InstanceView {
    /// How many executions it stands for; `None`: for itself.
    pub weight: Option<Figure>,
    /// Where it is in its life.
    pub stage: StageLabel,
    /// Thread that executed the binding.
    pub thread: ThreadLabel,
    /// Start of the binding.
    pub bound: Figure,
    /// Last observation.
    pub observed: Figure,
    /// How often it was looked at.
    pub observations: Figure,
    /// End of the binding; `None`: no end was recorded.
    pub ended: Option<Figure>,
    /// Bytes alive.
    pub heap: Figure,
    /// The most bytes that it had.
    pub peak: Figure,
    /// What became of it; `None`: it has no fate, or none was measured.
    pub fate: Option<Term>,
    /// Capacity that held no element at the last look.
    pub unused: Figure,
    /// Its bytes over time; `None`: it was not seen to have any.
    pub steps: Option<Steps>,
    /// Blocks it was seen to own, the largest first.
    pub blocks: Vec<BlockView>,
    /// Blocks that are not shown.
    pub folded_blocks: Option<Figure>,
    /// The binding on the recording's time axis.
    pub span: Span,
    /// Where on it the value was last looked at.
    pub observed_at: Moment,
    /// Where on it the binding ended.
    pub ended_at: Option<Moment>,
}

/// A block of one execution.
#[derive(Clone, Debug, Serialize)]
pub struct BlockView {
    /// Its last address.
    pub address: Figure,
    /// Its last size.
    pub bytes: Figure,
    /// When it was allocated.
    pub allocated: Figure,
    /// When it was freed; `None`: it lives.
    pub freed: Option<Figure>,
    /// Who freed it.
    pub freed_by: Option<ThreadLabel>,
    /// Resizes.
    pub reallocations: Figure,
    /// Bytes gained by them.
    pub grown: Figure,
    /// Bytes copied by them.
    pub moved: Figure,
    /// When it was last resized; `None`: never, or not measured.
    pub last_resized: Option<Figure>,
    /// When it last got another address by that; `None`: never, or not measured.
    pub last_moved: Option<Figure>,
    /// Its life on the recording's time axis; `None`: its start was not measured.
    pub span: Option<Span>,
    /// Where on it the block was freed.
    pub freed_at: Option<Moment>,
    /// Where on it the block was last resized.
    pub resized_at: Option<Moment>,
    /// Where on it the block last got another address.
    pub moved_at: Option<Moment>,
    /// Whether it was resized.
    pub is_resized: bool,
}

/// The variables in the order in which the page has room for all about them.
fn in_order(snapshot: &Snapshot, labels: &Labels<'_>) -> impl Iterator<Item = usize> {
    let (mut first, then): (Vec<_>, Vec<_>) =
        with_card(snapshot).0.into_iter().partition(|&index| !labels.findings_about(index).is_empty());
    first.extend(then);
    first.into_iter()
}

/// The first `most` inspectors.
pub fn inspectors(snapshot: &Snapshot, labels: &Labels<'_>, most: usize) -> Vec<Inspector> {
    in_order(snapshot, labels).take(most).map(|index| inspector(snapshot, index, labels)).collect()
}

/// As many inspectors as the page has room for.
pub fn packed(snapshot: &Snapshot, labels: &Labels<'_>) -> Packed {
    let mut packed = Packed::of("/variables");
    for index in in_order(snapshot, labels) {
        if packed.bytes() >= MOST_BYTES {
            break;
        }
        packed.push(index, &inspector(snapshot, index, labels));
    }
    packed
}

/// The inspector of the variable at `index`, which is one of `snapshot`'s.
pub fn inspector(snapshot: &Snapshot, index: usize, labels: &Labels<'_>) -> Inspector {
    let rows_left = &mut { MOST_ROWS };
    let row = &snapshot.variables[index];
    let at = format!("/variables/{index}");
    let at = |field: &str| format!("{at}/{field}");
    let elapsed_ms = snapshot.program.elapsed_ms;
    let mut lifecycle = Vec::new();
    for (number, instance) in row.history.iter().enumerate().rev().take(MOST_INSTANCES) {
        if *rows_left == 0 {
            break;
        }
        *rows_left -= 1;
        lifecycle.push(instance_view(
            instance,
            &at(&format!("history/{number}")),
            labels,
            elapsed_ms,
            rows_left,
        ));
    }
    Inspector {
        index,
        name: visible(&row.name),
        type_name: row.type_name.as_deref().map(visible),
        scope: label::scope(&row.scope),
        scope_index: labels.scope_link(&row.scope),
        place: label::place(&format!("/variables/{index}"), row.file.as_deref(), row.line),
        stage: label::stage(row.stage),
        heap: Figure::estimated_bytes(&at("heap_bytes"), row.heap_bytes, row.heap_bytes_error),
        peak_heap: Figure::bytes(at("peak_heap_bytes"), row.peak_heap_bytes),
        blocks: Figure::estimated_count(&at("blocks"), row.blocks, row.blocks_error),
        value: Figure::bytes(at("value_bytes"), row.value_bytes),
        instances: Figure::count(at("instances"), row.instances),
        active_instances: Figure::estimated_count(
            &at("active_instances"),
            row.active_instances,
            row.active_instances_error,
        ),
        by_stage: by_stage(row, index),
        walk: label::walk(row.walk),
        provenance: label::provenance(row.provenance),
        provenance_of_events: label::provenance(match row.provenance {
            Provenance::Declared => Provenance::Declared,
            // Executions of a variable whose blocks are sampled may be kept by lot.
            Provenance::Sampled => Provenance::Sampled,
            Provenance::Measured | Provenance::NotMeasured | Provenance::Inferred => Provenance::Measured,
        }),
        fates: fates(row, index),
        threads: thread_labels(row, &format!("/variables/{index}"), labels),
        first: Figure::ms(at("first_ms"), row.first_ms),
        last_observed: Figure::ms(at("last_observed_ms"), row.last_observed_ms),
        grown: Figure::bytes(at("grown_bytes"), row.grown_bytes),
        moved: Figure::bytes(at("moved_bytes"), row.moved_bytes),
        unused: Figure::bytes(at("unused_bytes"), row.unused_bytes),
        sharing: sharing(snapshot, index, labels),
        passport: passport(row, index, labels, rows_left),
        category: category::of_variable(snapshot, row, labels),
        folded: folded_instances(row, index, lifecycle.len()),
        lifecycle,
        end: Figure::ms("/program/elapsed_ms", elapsed_ms),
        findings: findings_about(snapshot, labels, index),
    }
}

fn by_stage(row: &Variable, index: usize) -> Vec<StageCount> {
    let at = format!("/variables/{index}");
    let errors = row.stages_error.map(counts_in_order);
    let stages = label::STAGES.map(label::stage).into_iter().zip(counts_in_order(row.stages));
    stages
        .enumerate()
        .map(|(position, (stage, count))| {
            // A stage that nothing kept is in has no error; its 0 stands beside the stages that have one.
            let error = errors.map(|errors| errors[position]).filter(|&error| error > 0);
            let error = error.map(|error| Figure::count(format!("{at}/stages_error/{}", stage.key), error));
            let count = Figure::count(format!("{at}/stages/{}", stage.key), count);
            StageCount { count: count.with_error(error), stage }
        })
        .collect()
}

/// The counts in the order of [`label::STAGES`].
fn counts_in_order(stages: Stages) -> [u64; 7] {
    let Stages { active, shared, allocated, moved, deallocated, ended, no_heap } = stages;
    [active, allocated, shared, moved, deallocated, ended, no_heap]
}

fn fates(row: &Variable, index: usize) -> Option<Vec<FateCount>> {
    let fates = row.fates?;
    let counts = [
        (Fate::DroppedInScope, fates.dropped_in_scope),
        (Fate::OutlivedScope, fates.outlived_scope),
        (Fate::LiveAtExport, fates.live_at_export),
    ];
    let count = |(fate, count)| {
        let fate = label::fate(fate);
        FateCount { fate, count: Figure::count(format!("/variables/{index}/fates/{}", fate.key), count) }
    };
    Some(counts.map(count).to_vec())
}

fn folded_instances(row: &Variable, index: usize, shown: usize) -> Option<Figure> {
    let count = row.folded_instances.saturating_add((row.history.len() - shown) as u64);
    let at = format!("/variables/{index}");
    (count > 0).then(|| Figure::count(format!("{at}/folded_instances + len({at}/history) - {shown}"), count))
}

fn instance_view(
    instance: &Instance,
    at: &str,
    labels: &Labels<'_>,
    elapsed_ms: u64,
    rows_left: &mut usize,
) -> InstanceView {
    let shown = instance.blocks.len().min(*rows_left);
    *rows_left -= shown;
    let mut blocks: Vec<_> = instance.blocks.iter().enumerate().collect();
    blocks.sort_by_key(|(_, block)| Reverse(block.bytes));
    let blocks = blocks.into_iter().take(shown);
    let blocks = blocks.map(|(k, block)| block_view(block, &format!("{at}/blocks/{k}"), labels, elapsed_ms));
    let folded = instance.folded_blocks.saturating_add((instance.blocks.len() - shown) as u64);
    InstanceView {
        weight: (instance.weight > 1).then(|| Figure::count(format!("{at}/weight"), instance.weight)),
        stage: label::stage(instance.stage),
        thread: labels.thread(format!("{at}/thread"), instance.thread),
        bound: Figure::ms(format!("{at}/bound_ms"), instance.bound_ms),
        observed: Figure::ms(format!("{at}/observed_ms"), instance.observed_ms),
        observations: Figure::count(format!("{at}/observations"), instance.observations),
        ended: instance.ended_ms.map(|ended| Figure::ms(format!("{at}/ended_ms"), ended)),
        heap: Figure::bytes(format!("{at}/heap_bytes"), instance.heap_bytes),
        peak: Figure::bytes(format!("{at}/peak_heap_bytes"), instance.peak_heap_bytes),
        steps: steps(at, &instance.seen, instance.heap_bytes, elapsed_ms),
        fate: instance.fate.map(label::fate),
        unused: Figure::bytes(format!("{at}/unused_bytes"), instance.unused_bytes),
        blocks: blocks.collect(),
        folded_blocks: (folded > 0)
            .then(|| Figure::count(format!("{at}/folded_blocks + len({at}/blocks) - {shown}"), folded)),
        span: span(at, instance.bound_ms, instance.ended_ms, elapsed_ms),
        observed_at: moment(format!("{at}/observed_ms"), instance.observed_ms, elapsed_ms),
        ended_at: instance.ended_ms.map(|ended| moment(format!("{at}/ended_ms"), ended, elapsed_ms)),
    }
}

fn block_view(block: &InstanceBlock, at: &str, labels: &Labels<'_>, elapsed_ms: u64) -> BlockView {
    BlockView {
        address: Figure::address(format!("{at}/address"), block.address),
        bytes: Figure::bytes(format!("{at}/bytes"), block.bytes),
        allocated: Figure::ms(format!("{at}/allocated_ms"), block.allocated_ms),
        freed: block.freed_ms.map(|freed| Figure::ms(format!("{at}/freed_ms"), freed)),
        freed_by: block.freed_by.map(|id| labels.thread(format!("{at}/freed_by"), id)),
        reallocations: Figure::count(format!("{at}/reallocations"), block.reallocations),
        grown: Figure::bytes(format!("{at}/grown_bytes"), block.grown_bytes),
        moved: Figure::bytes(format!("{at}/moved_bytes"), block.moved_bytes),
        last_resized: block.resized_ms.map(|ms| Figure::ms(format!("{at}/resized_ms"), ms)),
        last_moved: block.moved_ms.map(|ms| Figure::ms(format!("{at}/moved_ms"), ms)),
        span: block.allocated_ms.map(|start| span(at, start, block.freed_ms, elapsed_ms)),
        resized_at: block.resized_ms.map(|ms| moment(format!("{at}/resized_ms"), ms, elapsed_ms)),
        moved_at: block.moved_ms.map(|ms| moment(format!("{at}/moved_ms"), ms, elapsed_ms)),
        freed_at: block.freed_ms.map(|freed| moment(format!("{at}/freed_ms"), freed, elapsed_ms)),
        is_resized: block.reallocations > 0,
    }
}
