//! Which rows of several recordings are one thing: the keys, and the rows that bear them.
//!
//! A variable is (scope path, name, type), which survives that lines shift. Rows that differ in their place alone (a name
//! that is bound twice in one function) are one thing, and their figures are summed. A scope is its path of short names;
//! where a recording has several scopes of one path, their full names tell them apart. A type is its name. All are compared
//! as they are written: what was renamed is gone under the one name and new under the other.

use memscope_runtime::snapshot::{Snapshot, Type, Variable};
use std::collections::{HashMap, HashSet};

/// What a row is called, in every recording alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key<'a> {
    /// The scope's path of short names; empty for types and for what is outside tracked functions.
    pub scope: &'a [String],
    /// The scope's full names, where the path alone would name several.
    pub full: Option<&'a [String]>,
    /// The variable's name; `None`: the row is none.
    pub name: Option<&'a str>,
    /// The type's name.
    pub type_name: Option<&'a str>,
}

/// The rows of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group<'a> {
    /// Their key.
    pub key: Key<'a>,
    /// (number of the recording, index into its list), in this order.
    pub rows: Vec<(usize, usize)>,
}

impl Group<'_> {
    /// Indices of its rows in recording number `recording`.
    pub fn of(&self, recording: usize) -> Vec<usize> {
        self.rows.iter().filter(|row| row.0 == recording).map(|row| row.1).collect()
    }
}

/// The key of a variable.
pub fn variable(row: &Variable) -> Key<'_> {
    Key { scope: &row.scope, full: None, name: Some(&row.name), type_name: row.type_name.as_deref() }
}

/// The key of a type.
pub fn of_type(row: &Type) -> Key<'_> {
    Key { scope: &[], full: None, name: None, type_name: Some(&row.type_name) }
}

/// The variables of `recordings`.
pub fn variables<'a>(recordings: &[&'a Snapshot]) -> Vec<Group<'a>> {
    grouped(recordings.iter().map(|snapshot| snapshot.variables.iter().map(variable)))
}

/// The types of `recordings`.
pub fn types<'a>(recordings: &[&'a Snapshot]) -> Vec<Group<'a>> {
    grouped(recordings.iter().map(|snapshot| snapshot.types.iter().map(of_type)))
}

/// The scopes of `recordings`.
pub fn scopes<'a>(recordings: &[&'a Snapshot]) -> Vec<Group<'a>> {
    let mut ambiguous = HashSet::new();
    for snapshot in recordings {
        let mut seen = HashSet::new();
        ambiguous.extend(snapshot.scopes.iter().map(|row| &*row.path).filter(|path| !seen.insert(*path)));
    }
    grouped(recordings.iter().map(|snapshot| {
        snapshot.scopes.iter().map(|row| Key {
            scope: &row.path,
            full: ambiguous.contains(&*row.path).then_some(&*row.key),
            name: None,
            type_name: None,
        })
    }))
}

/// The rows of each key, in the order in which keys come first.
fn grouped<'a>(lists: impl Iterator<Item = impl Iterator<Item = Key<'a>>>) -> Vec<Group<'a>> {
    let mut places = HashMap::new();
    let mut groups: Vec<Group<'a>> = Vec::new();
    for (recording, keys) in lists.enumerate() {
        for (index, key) in keys.enumerate() {
            let place = *places.entry(key).or_insert(groups.len());
            if place == groups.len() {
                groups.push(Group { key, rows: Vec::new() });
            }
            groups[place].rows.push((recording, index));
        }
    }
    groups
}
