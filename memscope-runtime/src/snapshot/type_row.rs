//! Variables summed by type.

use super::Variable;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Variables summed by type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Type {
    /// Full type with its parameters.
    pub type_name: String,
    /// Rows of `variables` with this type.
    pub variables: u64,
    /// Their instances.
    pub instances: u64,
    /// Their live bytes; `None`: not walked.
    pub heap_bytes: Option<u64>,
    /// Standard error of `heap_bytes`.
    pub heap_bytes_error: Option<u64>,
    /// Their live blocks; `None`: not walked.
    pub blocks: Option<u64>,
    /// Standard error of `blocks`.
    pub blocks_error: Option<u64>,
}

/// Standard error of the sum of two independent figures; `None` is that of an exact one.
pub(crate) fn error_of_sum(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    match (one, other) {
        (None, error) | (error, None) => error,
        (Some(one), Some(other)) => Some((one as f64).hypot(other as f64).ceil() as u64),
    }
}

/// Variables summed by type, sorted by type name.
pub(crate) fn types(variables: &[Variable]) -> Vec<Type> {
    let mut types: BTreeMap<&str, Type> = BTreeMap::new();
    for variable in variables {
        let Some(name) = variable.type_name.as_deref() else { continue };
        let row = types.entry(name).or_insert_with(|| Type {
            type_name: name.to_owned(),
            variables: 0,
            instances: 0,
            heap_bytes: None,
            heap_bytes_error: None,
            blocks: None,
            blocks_error: None,
        });
        row.variables += 1;
        row.instances += variable.instances;
        let add = |sum: Option<u64>, part: Option<u64>| match (sum, part) {
            (None, part) => part,
            (sum, None) => sum,
            (Some(sum), Some(part)) => Some(sum.saturating_add(part)),
        };
        row.heap_bytes = add(row.heap_bytes, variable.heap_bytes);
        row.blocks = add(row.blocks, variable.blocks);
        row.heap_bytes_error = error_of_sum(row.heap_bytes_error, variable.heap_bytes_error);
        row.blocks_error = error_of_sum(row.blocks_error, variable.blocks_error);
    }
    types.into_values().collect()
}
