//! The scope tree, and entering and leaving its nodes.
//!
//! A node is (parent node, site); its number is valid in the whole process. Entering a site that is already on the
//! path leads to its node there, so recursion of any kind never deepens the tree. The step from an account to that
//! of a child is cached in the account; only a first entry looks into the tree, under a lock that the hook
//! never takes.

use crate::account::{self, Account};
use crate::arena::Arena;
use crate::fork::{self, Side};
use crate::hold::{self, Held};
use crate::observer;
use crate::site::Site;
use crate::thread_state::{self, Local, OWN_NODE, ROOT_NODE};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Nodes that the tree takes. Entries that would need more are charged to their parent and counted.
const MAX_NODES: usize = 1 << 18;

/// Nodes that may come while memory for a copy of all is taken; of more, the copy grows under the lock.
const YOUNGER_NODES: usize = 1 << 10;

/// Entries that were charged to their parent because the tree, or memory for accounts, was full.
static FOLDED: AtomicU64 = AtomicU64::new(0);

#[derive(Clone, Copy)]
pub(crate) struct Node {
    pub(crate) parent: u32,
    /// Number of the site; 0 for the root and for memscope's own node.
    pub(crate) site: u32,
}

struct Tree {
    nodes: Vec<Node>,
    /// By parent and site. A tree, for a hash table moves all that it has when it is full, and who enters a scope waits.
    children: BTreeMap<(u32, u32), u32>,
}

/// The parent of each node, by the node's number, for the hook, which takes no lock. Relaxed: a thread that is in a node
/// got its number under the lock under which this was written.
// SAFETY: zero is a valid atomic.
static PARENTS: Arena<AtomicU32, { MAX_NODES >> 10 }> = unsafe { Arena::new() };

static TREE: Mutex<Tree> = Mutex::new(Tree { nodes: Vec::new(), children: BTreeMap::new() });

impl Tree {
    /// The node that entering `site` from `current` leads to, and whether it was on the path already.
    fn step(&mut self, current: u32, site: u32) -> Option<(u32, bool)> {
        if self.nodes.is_empty() {
            self.nodes.resize(OWN_NODE as usize + 1, Node { parent: ROOT_NODE, site: 0 });
        }
        let mut node = current;
        while node != ROOT_NODE {
            let Node { parent, site: entered } = self.nodes[node as usize];
            if entered == site {
                return Some((node, true));
            }
            node = parent;
        }
        if let Some(&child) = self.children.get(&(current, site)) {
            return Some((child, false));
        }
        if self.nodes.len() >= MAX_NODES {
            return None;
        }
        let child = self.nodes.len() as u32;
        PARENTS.get_or_map(child)?.store(current, Ordering::Relaxed);
        self.nodes.push(Node { parent: current, site });
        self.children.insert((current, site), child);
        Some((child, false))
    }
}

/// Whether `node` is `ancestor` or below it. Takes no lock.
pub(crate) fn is_within(mut node: u32, ancestor: u32) -> bool {
    while node != ancestor && node != ROOT_NODE {
        node = parent(node);
    }
    node == ancestor
}

/// A node and all above it, the root last. Takes no lock.
pub(crate) fn way_out(node: u32) -> impl Iterator<Item = u32> {
    std::iter::successors(Some(node), |&node| (node != ROOT_NODE).then(|| parent(node)))
}

/// The parent of a node; the root is its own. Takes no lock.
pub(crate) fn parent(node: u32) -> u32 {
    PARENTS.get(node).map_or(ROOT_NODE, |parent| parent.load(Ordering::Relaxed))
}

/// Takes the lock on the scope tree and keeps it, for a fork.
pub(crate) fn lock() {
    std::mem::forget(TREE.lock());
}

/// Gives it back, in the process that took it or in its fork's child.
///
/// # Safety
/// [`lock`] was called before, by this thread or by the one whose fork it is in.
pub(crate) unsafe fn unlock(side: Side) {
    // SAFETY: the caller's promise is handed on.
    unsafe { fork::unlock(&TREE, side) };
}

/// All nodes, by number.
pub(crate) fn nodes() -> Vec<Node> {
    // With its memory taken before: an allocator whose heap has many holes may look for a place for milliseconds.
    let mut nodes = Vec::with_capacity(TREE.lock().nodes.len() + YOUNGER_NODES);
    hold::timed(Held::Scopes, || nodes.extend_from_slice(&TREE.lock().nodes));
    nodes
}

pub(crate) fn folded() -> u64 {
    FOLDED.load(Ordering::Relaxed)
}

/// Leaves the scope when dropped.
#[derive(Debug)]
#[must_use = "the scope is left when this guard is dropped"]
pub struct ScopeGuard {
    previous: Option<&'static Account>,
    /// A scope belongs to the thread that entered it.
    not_send: PhantomData<*const ()>,
}

/// Enters the scope of `site` on this thread.
#[inline]
pub fn enter(site: &'static Site) -> ScopeGuard {
    let previous = thread_state::with(|local| {
        let current = local.account_to_enter()?;
        let (account, ancestor) = child(local, current, site)?;
        account::add(&account.calls, 1);
        if ancestor {
            account::add(&account.recursive_calls, 1);
        }
        local.enter(account);
        Some(current)
    });
    ScopeGuard { previous, not_send: PhantomData }
}

impl Drop for ScopeGuard {
    #[inline]
    fn drop(&mut self) {
        if let Some(previous) = self.previous {
            thread_state::with(|local| local.set_account(previous));
        }
    }
}

/// This thread's account behind the step from `current` into `site`, and whether that is an ancestor.
#[inline]
pub(crate) fn child(
    local: &Local,
    current: &'static Account,
    site: &'static Site,
) -> Option<(&'static Account, bool)> {
    let id = site.id();
    if id != 0 {
        if let Some(cached) = current.cached_child(id) {
            return Some(cached);
        }
    }
    first_step(local, current, site)
}

#[cold]
fn first_step(
    local: &Local,
    current: &'static Account,
    site: &'static Site,
) -> Option<(&'static Account, bool)> {
    if current.is_own() {
        return None; // a tracked function that memscope itself calls (a user's `Trackable`, say)
    }
    let _own = thread_state::own_work();
    observer::start();
    let id = site.number();
    let step = TREE.lock().step(current.node(), id);
    let entered = step.and_then(|(node, ancestor)| Some((local.account_in(node)?, ancestor)));
    match entered {
        Some((account, ancestor)) => current.cache_child(id, account, ancestor),
        None => _ = FOLDED.fetch_add(1, Ordering::Relaxed),
    }
    entered
}
