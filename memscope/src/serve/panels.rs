//! The panels as browsers have them, and when they are looked at again.
//!
//! ```text
//! Books      often    scopes, threads, time, sums → overview, flame graph, threads …
//! Variables           these and variables         → cards, types, the recording
//! Instances           the same, while somebody has an inspector open
//! Whole      seldom   all there is                → memory map, findings, sizes, details of scopes …
//! asked               what was looked at last     → the inspector of one variable
//! ```
//!
//! How often is a matter of what a look cost: each kind takes its part of the time and no more. What a deeper look knew stays
//! beside the newer figures, and the pulse says how old each is. The document's lists are of one order in all, for where a row
//! came or went the whole is looked at anew.

use super::connection::{Frame, Heard};
use super::response::Status;
use super::{cpu, feed};
use memscope_dashboard::live;
use memscope_dashboard::patch::patch;
use memscope_runtime::Depth;
use memscope_runtime::snapshot::{Fragmentation, Scope, Snapshot, Variable};
use std::cell::OnceCell;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Looks of each depth take one part of the time in so many. With pulses and writing that stays below a hundredth of a
/// processor: `docs/live.md` has the figures. Nobody counts what an unoptimised build takes.
const PARTS: [u32; 3] = if cfg!(debug_assertions) { [30, 60, 60] } else { [200, 500, 1_000] };
/// One that was never taken, and whose cost nobody knows, comes after so many times what a deeper one took.
const FIRST_PART: u32 = 30;
/// What is looked at no longer ago is new enough, however little a look costs; by [`Depth`].
const OFTEN_ENOUGH: [Duration; 3] = [feed::BEAT, Duration::from_millis(1_000), Duration::from_secs(3)];

/// An inspector that is open is asked for again with each look at the variables.
const INSPECTED_FOR: Duration = Duration::from_secs(30);
/// While nobody listens nothing is looked at but for an inspector; a look that is no older is new enough for it.
const INSPECTOR_FRESH_FOR: Duration = Duration::from_secs(3);
/// Inspectors that are kept, of those that were asked for since the newest update.
const MOST_INSPECTORS: usize = 16;

struct Panel {
    name: &'static str,
    json: String,
    /// The update with which it became what it is, and with which it became what it was before that; 0: it was not there.
    changed: u64,
    before: u64,
    /// It whole, once somebody needs it so.
    whole: OnceCell<Frame>,
    /// What the newest change did to it; `None`: it takes as much.
    patch: Option<Frame>,
}

/// What was looked at last.
struct Seen {
    snapshot: Snapshot,
    /// When, by the places of [`DEPTHS`]; a deeper look is one of the others too.
    at: [Instant; 3],
    /// Whether of the executions of variables the blocks are known.
    has_instances: bool,
}

/// When a look is due.
#[derive(Clone, Copy)]
struct Due {
    next: Instant,
    /// How long after the last one; `None`: none was taken yet.
    every: Option<Duration>,
}

pub(super) struct Panels {
    list: Vec<Panel>,
    /// The number of the newest update, from 1.
    update: u64,
    seen: Option<Seen>,
    /// By the places of [`DEPTHS`].
    due: [Due; 3],
    /// The newest inspectors that were asked for since the newest update, with their variables' numbers.
    inspectors: VecDeque<(usize, Frame)>,
    /// No other is made before.
    inspectors_from: Instant,
    /// So long it is as if one were open.
    inspected_until: Instant,
}

/// Whether two snapshots have the same scopes in the same order: pointers of the document name rows by it.
fn are_same_scopes(before: &[Scope], now: &[Scope]) -> bool {
    let is_same = |(a, b): (&Scope, &Scope)| a.path == b.path && a.key == b.key;
    before.len() == now.len() && before.iter().zip(now).all(is_same)
}

/// The same of variables.
fn are_same_variables(before: &[Variable], now: &[Variable]) -> bool {
    let is_same = |(a, b): (&Variable, &Variable)| {
        (&a.name, &a.scope, &a.type_name, &a.file, a.line)
            == (&b.name, &b.scope, &b.type_name, &b.file, b.line)
    };
    before.len() == now.len() && before.iter().zip(now).all(is_same)
}

const DEPTHS: [Depth; 3] = [Depth::Books, Depth::Variables, Depth::Whole];

impl Panels {
    pub(super) fn new(now: Instant) -> Panels {
        Panels {
            list: Vec::new(),
            update: 0,
            seen: None,
            due: [Due { next: now, every: None }; 3],
            inspectors: VecDeque::new(),
            inspectors_from: now,
            inspected_until: now,
        }
    }

    /// The number of the newest update.
    pub(super) fn update(&self) -> u64 {
        self.update
    }

    /// Looks at the program where that is due, and says how deep.
    pub(super) fn look(&mut self, now: Instant) -> Option<Depth> {
        let is_due = |place: &usize| self.seen.is_none() || now >= self.due[*place].next;
        let asked = (0..DEPTHS.len()).rev().find(is_due)?;
        let begun = cpu::used();
        let looked = if self.seen.is_some() && self.look_again(DEPTHS[asked], now) {
            DEPTHS[asked]
        } else {
            self.take_whole(memscope_runtime::snapshot(&[]), now);
            Depth::Whole
        };
        let cost = cpu::used().saturating_sub(begun);
        let after = |part, at_least| cost.saturating_mul(part).clamp(at_least, Duration::from_secs(3600));
        for (number, due) in self.due.iter_mut().enumerate() {
            // Where rows came or went, the whole was looked at in the time of what was asked for.
            if number == asked {
                due.every = Some(after(PARTS[number], OFTEN_ENOUGH[number]));
            }
            if number <= asked {
                due.next = now + due.every.unwrap_or_else(|| after(FIRST_PART, OFTEN_ENOUGH[number]));
            }
        }
        Some(looked)
    }

    /// Looks as deep as is asked for and keeps what was known of what is deeper; `false`: rows came or went, or the whole is
    /// asked for.
    fn look_again(&mut self, depth: Depth, now: Instant) -> bool {
        let Some(seen) = self.seen.as_mut().filter(|_| depth != Depth::Whole) else { return false };
        let is_inspected = depth == Depth::Variables && now < self.inspected_until;
        let mut fresh = memscope_runtime::snapshot_to(if is_inspected { Depth::Instances } else { depth });
        let old = &mut seen.snapshot;
        if !are_same_scopes(&old.scopes, &fresh.scopes)
            || depth == Depth::Variables && !are_same_variables(&old.variables, &fresh.variables)
        {
            return false;
        }
        if depth == Depth::Books {
            fresh.variables = std::mem::take(&mut old.variables);
            fresh.types = std::mem::take(&mut old.types);
            fresh.trend_ms = std::mem::take(&mut old.trend_ms);
            fresh.profiler.own_bytes = old.profiler.own_bytes;
            for (fresh, old) in fresh.scopes.iter_mut().zip(&mut old.scopes) {
                fresh.trend = std::mem::take(&mut old.trend);
                fresh.activity = old.activity.take();
                fresh.category = old.category.take();
            }
        }
        seen.snapshot = Snapshot {
            sites: std::mem::take(&mut old.sites),
            blocks: std::mem::take(&mut old.blocks),
            memory_map: std::mem::take(&mut old.memory_map),
            findings: std::mem::take(&mut old.findings),
            sizes: std::mem::take(&mut old.sizes),
            lifetimes: std::mem::take(&mut old.lifetimes),
            fragmentation: Fragmentation {
                resident_bytes: fresh.fragmentation.resident_bytes,
                ..old.fragmentation
            },
            ..fresh
        };
        let places = if depth == Depth::Books { 0..1 } else { 0..2 };
        seen.at[places].fill(now);
        if depth == Depth::Variables {
            seen.has_instances = is_inspected;
        }
        // A fault in a view is the page's: the panel stays as it was.
        let mut panels = live::panels_of_books(&seen.snapshot).unwrap_or_default();
        if depth == Depth::Variables {
            panels.extend(live::panels_of_variables(&seen.snapshot).unwrap_or_default());
        }
        self.keep(panels);
        true
    }

    /// Takes a whole snapshot as what was looked at.
    pub(super) fn take_whole(&mut self, snapshot: Snapshot, now: Instant) {
        let made = [live::panels_of_books, live::panels_of_variables, live::panels_of_blocks];
        let panels = made.into_iter().flat_map(|panels| panels(&snapshot).unwrap_or_default()).collect();
        self.seen = Some(Seen { snapshot, at: [now; 3], has_instances: true });
        self.keep(panels);
    }

    /// Panels of a new update; one that is as before stays what it was.
    fn keep(&mut self, panels: Vec<live::Panel>) {
        self.update += 1;
        self.inspectors.clear();
        for live::Panel { name, json } in panels {
            match self.list.iter_mut().find(|panel| panel.name == name) {
                Some(panel) if panel.json == json => {}
                Some(panel) => panel.change(json, self.update),
                None => self.list.push(Panel::new(name, json, self.update)),
            }
        }
    }

    /// The frames of those that changed after what was `heard`.
    pub(super) fn after(&self, heard: Heard) -> impl Iterator<Item = Frame> + '_ {
        let changed = self.list.iter().filter(move |panel| panel.changed > heard.update);
        changed.map(move |panel| panel.frame_after(heard))
    }

    /// What was looked at last.
    pub(super) fn seen(&self) -> Option<&Snapshot> {
        self.seen.as_ref().map(|seen| &seen.snapshot)
    }

    /// How long ago it was looked at.
    pub(super) fn ages(&self, now: Instant) -> live::Ages {
        let at = self.seen.as_ref().map_or([now; 3], |seen| seen.at);
        let since = |at: Instant| u64::try_from(now.saturating_duration_since(at).as_millis());
        let [books_ms, variables_ms, blocks_ms] = at.map(|at| since(at).unwrap_or(u64::MAX));
        live::Ages { books_ms, variables_ms, blocks_ms }
    }

    /// The inspector of a variable, by its number in what was looked at last. While nobody is `heard`, no beat looks, and
    /// this does.
    pub(super) fn inspector(&mut self, index: usize, is_heard: bool, now: Instant) -> Result<Frame, Status> {
        self.inspected_until = now + INSPECTED_FOR;
        let age = |seen: &Seen| now.saturating_duration_since(seen.at[1]);
        let is_old = !is_heard && self.seen.as_ref().is_some_and(|seen| age(seen) > INSPECTOR_FRESH_FOR);
        match self.made_inspector(index).filter(|_| !is_old) {
            Some(made) => return Ok(made),
            None if self.lacks(index) => return Err(Status::NotFound),
            None if now < self.inspectors_from => return Err(Status::Busy),
            None => {}
        }
        let begun = cpu::used();
        let has_instances = self.seen.as_ref().is_some_and(|seen| seen.has_instances);
        let is_seen = (has_instances && !is_old) || self.look_again(Depth::Variables, now);
        // Where rows came or went, who asks has the numbers of before: then what was looked at before is better.
        if !is_seen && !has_instances {
            self.take_whole(memscope_runtime::snapshot(&[]), now);
        }
        let made = self.made_inspector(index).map_or_else(|| self.make_inspector(index), Ok);
        self.inspectors_from = now + cpu::used().saturating_sub(begun).saturating_mul(feed::BODIES_PART);
        made
    }

    fn lacks(&self, index: usize) -> bool {
        self.seen.as_ref().is_some_and(|seen| index >= seen.snapshot.variables.len())
    }

    fn made_inspector(&self, index: usize) -> Option<Frame> {
        let made = self.inspectors.iter().find(|&&(of, _)| of == index);
        made.map(|(_, frame)| Frame::clone(frame))
    }

    fn make_inspector(&mut self, index: usize) -> Result<Frame, Status> {
        let seen = self.seen.as_ref().filter(|_| !self.lacks(index)).ok_or(Status::NotFound)?;
        let json = live::inspector(&seen.snapshot, index).map_err(|_| Status::Fault)?;
        let made: Frame = json.ok_or(Status::NotFound)?.into_bytes().into();
        self.keep_inspector(index, Frame::clone(&made));
        Ok(made)
    }

    fn keep_inspector(&mut self, index: usize, made: Frame) {
        if self.inspectors.len() == MOST_INSPECTORS {
            self.inspectors.pop_front();
        }
        self.inspectors.push_back((index, made));
    }

    /// Nobody listens: what was kept for them goes.
    pub(super) fn rest(&mut self) {
        self.list = Vec::new();
        self.seen = None;
        self.inspectors = VecDeque::new();
    }
}

impl Panel {
    fn new(name: &'static str, json: String, update: u64) -> Panel {
        Panel { name, json, changed: update, before: 0, whole: OnceCell::new(), patch: None }
    }

    fn change(&mut self, json: String, update: u64) {
        let patch = patch(&self.json, &json);
        let patch = patch.map(|patch| feed::event("patch", Some((self.name, "patch")), &patch));
        *self = Panel { before: self.changed, patch, ..Panel::new(self.name, json, update) };
    }

    /// What changed, for who has what it was before; else it whole. Who began to listen after that was sent has it as part of a
    /// page, and cannot tell what changed in it.
    fn frame_after(&self, heard: Heard) -> Frame {
        let patch = self.patch.as_ref().filter(|_| heard.update >= self.before && heard.since < self.before);
        let whole = || self.whole.get_or_init(|| feed::event("panel", Some((self.name, "view")), &self.json));
        Frame::clone(patch.unwrap_or_else(whole))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(panel: &Panel, update: u64, since: u64) -> String {
        let heard = Heard { update, since, alert: 0 };
        String::from_utf8(panel.frame_after(heard).to_vec()).expect("text")
    }

    #[test]
    fn what_changed_is_for_who_has_what_it_changed_in() {
        let json = |number: u32| format!("{{\"a\":{number},\"b\":\"{}\"}}", "long".repeat(20));
        let mut panel = Panel::new("sizes", json(1), 3);
        panel.change(json(2), 5);
        panel.change(json(4), 7);
        // {"a": are 5.
        let patch = "event: patch\ndata: {\"name\":\"sizes\",\"patch\":[5,1,\"4\"]}\n\n";
        let whole = format!("event: panel\ndata: {{\"name\":\"sizes\",\"view\":{}}}\n\n", json(4));
        // It became 2 with update 5: who listens from before that on and heard it, or more, has it.
        assert_eq!(text(&panel, 5, 4), patch);
        assert_eq!(text(&panel, 6, 0), patch);
        // Of 3 and 4 the newest update was 1.
        assert_eq!(text(&panel, 4, 0), whole);
        // It was in the page that the listener began with.
        assert_eq!(text(&panel, 5, 5), whole);
        assert_eq!(text(&panel, 6, 6), whole);
        // New to everybody.
        assert_eq!(text(&Panel::new("sizes", json(4), 7), 6, 0), whole);
    }

    #[test]
    fn the_newest_inspectors_are_kept() {
        let mut panels = Panels::new(Instant::now());
        (0..=MOST_INSPECTORS).for_each(|index| panels.keep_inspector(index, Frame::from([])));
        let kept = (0..=MOST_INSPECTORS).filter(|&index| panels.made_inspector(index).is_some());
        assert!(kept.eq(1..=MOST_INSPECTORS));
    }
}
