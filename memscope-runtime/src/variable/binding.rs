//! A tracked binding: its beginning, the looks at its value, its end.

use super::{Registry, with_registry};
use crate::owned_bytes::InstanceBytes;
use crate::site::Site;
use crate::snapshot::Walk;
use crate::thread_state::{self, Local, OWN_NODE};
use crate::trackable::{Sharing, Walker};
use crate::visitor::{BySize, Looked, Visitor};
use crate::watch::{End, Watch};
use crate::{by_name, clock, observer};
use std::any::type_name;

/// A tracked binding; its end is noted when this is dropped.
#[derive(Debug)]
#[must_use = "the binding's end is noted when this is dropped"]
pub struct Binding {
    site: &'static Site,
    /// How the binding stands to its value.
    kind: Kind,
    bound_ms: u64,
    /// The instance that this binding began; 0: none.
    instance: std::sync::atomic::AtomicU64,
}

/// How a binding stands to its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Made before the value, or around it, and so dropped after it: what lives then has outlived its scope.
    Around,
    /// Made after the value, a function's argument, which is dropped later, after the scope is left.
    Argument,
    /// Made after the value, which is dropped later, in the same call if in its scope. It may be another observation of a
    /// binding that is tracked already.
    Again,
}

/// Begins a binding: called before the user's `let`, and so dropped after it.
pub fn bind(site: &'static Site) -> Binding {
    begin(site, Kind::Around)
}

/// Begins the binding of an argument, which exists.
pub fn bind_argument(site: &'static Site) -> Binding {
    begin(site, Kind::Argument)
}

/// Looks at a binding that exists: the same instance, if it is tracked already.
pub fn rebind(site: &'static Site) -> Binding {
    begin(site, Kind::Again)
}

fn begin(site: &'static Site, kind: Kind) -> Binding {
    site.note_binding();
    Binding { site, kind, bound_ms: clock::now_ms(), instance: 0.into() }
}

impl Binding {
    /// Looks at the value: finds its blocks and puts them under watch.
    pub fn observe<T: ?Sized>(&self, value: &T, walker: Walker<T>) {
        let node = thread_state::with_account(|_, account| account.node());
        let node = match node {
            None => return,           // nothing is recorded
            Some(OWN_NODE) => return, // memscope's own work
            Some(node) => node,
        };
        let _own = thread_state::own_work();
        observer::start();
        let thread = thread_state::with(Local::known_thread).unwrap_or(0);
        let now_ms = clock::refresh();
        let address = std::ptr::from_ref(value).cast::<u8>().addr();
        let id = with_registry(|registry| {
            let known = (self.kind == Kind::Again)
                .then(|| registry.active_at((address, node, self.site.name, type_name::<T>())))
                .flatten();
            known.unwrap_or_else(|| {
                let row = registry.row(self.site, node, type_name::<T>(), now_ms);
                let id = registry.begin_instance(row, thread, self.bound_ms, address);
                registry.rows[row].threads.insert(thread);
                self.instance.store(id, std::sync::atomic::Ordering::Relaxed);
                id
            })
        });
        // Another thread may have ended the binding of a place that both look at (a static): nothing to add then.
        let Some(mut look) = Look::begin(id) else { return };
        let mut walk = walker.walk;
        if walk == Walk::NotWalked {
            walk = by_name::visit_own_blocks(value, type_name::<T>(), &mut look.visitor);
        } else {
            (walker.visit)(value, &mut look.visitor);
        }
        if let Some(found) = look.visitor.by_size {
            if look.visitor.incomplete {
                // The elements' blocks without their container's would be no figure that anybody asks for.
                walk = if found.own_is_unknown { Walk::NotWalked } else { walk.max(Walk::ContainerOnly) };
            }
        } else if look.visitor.incomplete {
            let found_some = look.visitor.has_singles();
            walk = if found_some { walk.max(Walk::ContainerOnly) } else { Walk::NotWalked };
        }
        look.seen = Some(Seen {
            thread,
            now_ms,
            value_bytes: size_of_val(value) as u64,
            walk,
            sharing: (walker.sharing)(value),
        });
    }
}

/// One look at an instance. What it found is kept when it is dropped, also where a user's `Trackable` panics: the
/// blocks are under watch by then.
struct Look {
    id: u64,
    number: u64,
    visitor: Visitor<'static>,
    /// Held as long as it goes on.
    counted: Option<&'static InstanceBytes>,
    /// What a whole walk says; `None`: it did not come to its end.
    seen: Option<Seen>,
}

struct Seen {
    thread: u32,
    now_ms: u64,
    value_bytes: u64,
    walk: Walk,
    sharing: Sharing,
}

impl Look {
    fn begin(id: u64) -> Option<Look> {
        with_registry(|registry| {
            let instance = registry.instances.get_mut(&id)?;
            for address in instance.claims.drain(..) {
                registry.shared.get_or_insert_default().remove(&address);
            }
            instance.looks += 1;
            if instance.by_size.is_none() && instance.counted.is_none() {
                instance.counted = InstanceBytes::open(instance.row);
            }
            // The instance may be folded before the look ends.
            instance.counted.inspect(|counters| counters.hold());
            let visitor = Visitor::new(Looked {
                instance: id,
                look: instance.looks,
                row_number: instance.row,
                counted: instance.counted,
                singles: instance.single.len(),
                by_size: instance.by_size.map(|_| BySize::default()),
            });
            Some(Look { id, number: instance.looks, visitor, counted: instance.counted, seen: None })
        })
    }
}

impl Drop for Look {
    fn drop(&mut self) {
        with_registry(|registry| self.end(registry));
        if let Some(counters) = self.counted {
            counters.let_go();
        }
    }
}

impl Look {
    fn end(&mut self, registry: &mut Registry) {
        let visitor = &mut self.visitor;
        let Some(instance) = registry.instances.get_mut(&self.id) else {
            // Another thread ended it meanwhile, and it was folded.
            let watches = visitor.single.drain(..).chain(visitor.grouped.drain(..));
            for id in watches {
                if let Some(watch) = Watch::get(id) {
                    watch.give_up();
                }
                registry.given_up.push(id);
            }
            return;
        };
        instance.settled.take();
        instance.elsewhere |= visitor.elsewhere;
        instance.owned |= visitor.owned;
        if let Some(end) = instance.end {
            let watches = visitor.single.iter().chain(&visitor.grouped).filter_map(|&id| Watch::get(id));
            watches.for_each(|watch| watch.end(end)); // another thread ended it meanwhile
        }
        // A look that sees less than an earlier one says nothing of what that one found.
        let complete = self.seen.as_ref().filter(|seen| {
            !visitor.incomplete && seen.walk != Walk::NotWalked && seen.walk <= instance.complete.1
        });
        if let Some(seen) = complete {
            instance.complete = (instance.complete.0.max(self.number), seen.walk);
        }
        let (single, grouped) = (visitor.single.drain(..), visitor.grouped.drain(..));
        instance.take_in(single, grouped, &mut registry.given_up);
        visitor.largest.set_apart(self.id, self.number, instance);
        let row = instance.row;
        for &other in &visitor.sharers {
            registry.rows[row].note_sharing(other);
            registry.rows[other].note_sharing(row);
        }
        if let Some(seen) = &self.seen {
            let row = &mut registry.rows[row];
            instance.observed_ms = seen.now_ms;
            instance.observations += 1;
            instance.walk = seen.walk;
            instance.sharing = seen.sharing;
            instance.unused_bytes = visitor.unused_bytes as u64;
            instance.unknown_blocks = visitor.unknown_blocks;
            let owned_twice = std::mem::replace(&mut instance.owned_twice, visitor.owned_twice);
            row.owned_twice = row.owned_twice - owned_twice + visitor.owned_twice;
            if let Some(found) = visitor.by_size {
                // Where only a part of the value is known, the part is no figure.
                let found = if seen.walk == Walk::NotWalked { BySize::default() } else { found };
                let before = instance.by_size.replace(found).unwrap_or_default();
                instance.owned |= found.blocks > 0;
                if instance.ended_ms.is_none() {
                    row.by_size.replace(before, found, instance.weight);
                }
            }
            if seen.walk != Walk::NotWalked {
                instance.note_bytes(seen.now_ms);
            }
            row.value_bytes = seen.value_bytes;
            row.last_observed_ms = seen.now_ms;
            row.threads.insert(seen.thread);
        }
        registry.sweep_given_up();
    }
}

impl Drop for Binding {
    fn drop(&mut self) {
        let id = *self.instance.get_mut();
        if id == 0 {
            return;
        }
        let call = thread_state::with(|local| local.account().map(|account| (account, account.call())));
        let end = match self.kind {
            Kind::Around => End::AfterValue,
            Kind::Argument => End::Argument(call),
            Kind::Again => End::InCall(call),
        };
        let _own = thread_state::own_work();
        let now_ms = clock::refresh();
        with_registry(|registry| registry.end_instance(id, now_ms, end));
    }
}
