//! What a recording holds of executions apart from the rows of their variables: their most bytes, their bytes over time, and
//! when their blocks were resized and moved.
//!
//! A row names its execution by the variable's index and the place in its history. Rows follow the variables; one that
//! names what is not there is passed over.

use super::decode::{Budget, DecodeError, Rows};
use super::encode::measure;
use crate::snapshot::{BytesAt, Instance, Snapshot, Variable};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// The number of the chunks.
pub(super) const KIND: u16 = 22;
/// What all rows may take, each by the greater of its bytes and a quarter of what they take in memory.
pub(super) const SHARE_BYTES: usize = 768 << 10;

/// What is known of an execution.
#[derive(Serialize, Deserialize)]
pub(super) struct Life {
    variable: u32,
    /// Its place in the variable's history.
    instance: u32,
    peak_heap_bytes: Option<u64>,
    seen: Vec<BytesAt>,
    blocks: Vec<Resized>,
}

/// A block that was resized.
#[derive(Serialize, Deserialize)]
struct Resized {
    /// Its place in the execution's list.
    block: u32,
    resized_ms: Option<u64>,
    moved_ms: Option<u64>,
}

/// The row of an execution; `None`: there is nothing to say.
fn life(variable: usize, place: usize, instance: &Instance) -> Option<Life> {
    let resized = |(block, row): (usize, &crate::snapshot::InstanceBlock)| {
        let (resized_ms, moved_ms) = (row.resized_ms, row.moved_ms);
        (resized_ms.is_some() || moved_ms.is_some()).then_some(Resized {
            block: block as u32,
            resized_ms,
            moved_ms,
        })
    };
    let life = Life {
        variable: variable as u32,
        instance: place as u32,
        peak_heap_bytes: instance.peak_heap_bytes,
        seen: instance.seen.clone(),
        blocks: instance.blocks.iter().enumerate().filter_map(resized).collect(),
    };
    let says = life.peak_heap_bytes.is_some() || !life.seen.is_empty() || !life.blocks.is_empty();
    says.then_some(life)
}

/// The rows of all executions.
pub(super) fn of(snapshot: &Snapshot) -> Vec<Life> {
    let mut lives = Vec::new();
    for (index, variable) in snapshot.variables.iter().enumerate() {
        let history = variable.history.iter().enumerate();
        lives.extend(history.filter_map(|(place, instance)| life(index, place, instance)));
    }
    lives
}

/// Puts the rows of a chunk into their places.
pub(super) fn decode_onto(
    snapshot: &mut Snapshot,
    payload: &[u8],
    budget: &mut Budget,
) -> Result<(), DecodeError> {
    let mut rows = Rows::new(payload)?;
    while let Some(row) = rows.next::<Life>(budget) {
        let Life { variable, instance, peak_heap_bytes, seen, blocks } = row?;
        let variable = snapshot.variables.get_mut(variable as usize);
        let Some(instance) = variable.and_then(|row| row.history.get_mut(instance as usize)) else {
            continue;
        };
        instance.peak_heap_bytes = peak_heap_bytes;
        instance.seen = seen;
        for Resized { block, resized_ms, moved_ms } in blocks {
            if let Some(block) = instance.blocks.get_mut(block as usize) {
                (block.resized_ms, block.moved_ms) = (resized_ms, moved_ms);
            }
        }
    }
    rows.finish()
}

/// What an execution takes of the share.
fn cost(instance: &Instance) -> usize {
    // Its numbers are as long as those of any variable that is listed.
    life(1 << 13, 1 << 7, instance)
        .map_or(0, |life| measure(&life).bytes.max(life.seen.len() * size_of::<BytesAt>() / 4))
}

/// Whether all rows fit.
pub(super) fn fit(variables: &[Variable]) -> bool {
    variables.iter().flat_map(|row| &row.history).map(cost).sum::<usize>() <= SHARE_BYTES
}

/// Leaves out what does not fit: those variables come first that have the most live bytes, and of each the newest executions.
/// Gives the number of executions of which something was left out.
pub(super) fn leave_out(variables: &mut [Variable]) -> u64 {
    let mut order: Vec<&mut Variable> = variables.iter_mut().collect();
    order.sort_by_key(|row| Reverse((row.heap_bytes, row.peak_heap_bytes)));
    let (mut left, mut left_out) = (SHARE_BYTES, 0);
    for instance in order.into_iter().flat_map(|row| row.history.iter_mut().rev()) {
        let cost = cost(instance);
        if cost <= left {
            left -= cost;
            continue;
        }
        left = 0; // of all that follow, too
        left_out += 1;
        instance.peak_heap_bytes = None;
        instance.seen = Vec::new();
        for block in &mut instance.blocks {
            (block.resized_ms, block.moved_ms) = (None, None);
        }
    }
    left_out
}

#[cfg(test)]
mod tests {
    use super::super::encode;
    use super::*;

    fn snapshot() -> Snapshot {
        let mut snapshot = crate::nothing_recorded(true);
        let variable: Variable = postcard::from_bytes(&[0; 2_000]).expect("zeros are a row of nothing");
        let instance: Instance = postcard::from_bytes(&[0; 2_000]).expect("zeros are a row of nothing");
        let block = postcard::from_bytes(&[0; 2_000]).expect("zeros are a row of nothing");
        let instance = Instance { blocks: vec![block], ..instance };
        snapshot.variables = vec![Variable { history: vec![instance], ..variable }];
        snapshot
    }

    fn row(variable: u32, instance: u32, block: u32) -> Life {
        Life {
            variable,
            instance,
            peak_heap_bytes: Some(7),
            seen: vec![BytesAt { ms: 1, heap_bytes: 5 }],
            blocks: vec![Resized { block, resized_ms: Some(3), moved_ms: Some(2) }],
        }
    }

    #[test]
    fn rows_go_into_their_places_and_those_without_one_nowhere() {
        let mut rows = encode::Rows::default();
        for row in [row(0, 0, 0), row(1, 0, 0), row(u32::MAX, 0, 0), row(0, 1, 0), row(0, 0, 1)] {
            rows.push(&row);
        }
        let payload = rows.take().expect("five rows");
        let mut read = snapshot();
        decode_onto(&mut read, &payload, &mut Budget(1_000)).expect("they are sound");
        let instance = &read.variables[0].history[0];
        assert_eq!((instance.peak_heap_bytes, instance.seen.len()), (Some(7), 1));
        assert_eq!((instance.blocks[0].resized_ms, instance.blocks[0].moved_ms), (Some(3), Some(2)));
        // Written again, it is one row.
        assert_eq!(of(&read).len(), 1);
        assert_eq!(of(&snapshot()).len(), 0);
        // A list is charged for before it is made.
        let refused = decode_onto(&mut snapshot(), &payload, &mut Budget(10));
        assert_eq!(refused, Err(DecodeError::Memory));
    }

    #[test]
    fn what_does_not_fit_is_left_out_and_counted() {
        let mut snapshot = snapshot();
        // Eight moments take 128 bytes in memory, a quarter of which is 32, and less in the file: 20 and the peak's 2, the
        // variable's and the execution's 4, 1 each for the two lists, and 3 for the row's length.
        let instance = Instance {
            peak_heap_bytes: Some(7),
            seen: vec![BytesAt { ms: 1, heap_bytes: 5 }; 8],
            ..snapshot.variables[0].history[0].clone()
        };
        let each = cost(&instance);
        assert_eq!(each, 32);
        let fitting = SHARE_BYTES / each;
        let many = Variable { history: vec![instance; 10], ..snapshot.variables[0].clone() };
        let most = Variable { heap_bytes: Some(1), ..many.clone() };
        snapshot.variables = vec![many; fitting / 10];
        snapshot.variables.push(most);
        assert!(!fit(&snapshot.variables));
        let left_out = leave_out(&mut snapshot.variables);
        let executions = 10 * snapshot.variables.len();
        assert_eq!(left_out as usize, executions - fitting);
        assert!(fit(&snapshot.variables));
        let kept = snapshot.variables.iter().flat_map(|row| &row.history);
        assert_eq!(kept.filter(|instance| instance.peak_heap_bytes.is_some()).count(), fitting);
        let most = snapshot.variables.last().expect("there is one");
        assert!(most.history.iter().all(|instance| instance.seen.len() == 8), "it has the most live bytes");
    }
}
