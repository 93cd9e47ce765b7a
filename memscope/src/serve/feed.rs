//! What browsers are sent: the pulse, the panels that changed, and alerts.
//!
//! ```text
//! each beat: the sums over the process ──→ pulse  ┐
//!            when it can be afforded:             ├─→ one frame each, shared by all connections
//!            panels.rs: what changed              │
//!            alerts, new findings ──→ alert       ┘
//! ```
//!
//! Invariants: nothing is looked at while nobody listens; a panel is a frame once however many listen; a listener that was
//! away gets the newest state of each panel, not all states between.

use super::connection::{Frame, Heard};
use super::cpu;
use super::panels::Panels;
use super::request::Request;
use super::response::Status;
use memscope_dashboard::live::{self, Notice};
use memscope_dashboard::{RenderError, render};
use memscope_runtime::Depth;
use memscope_runtime::alerts;
use memscope_runtime::format;
use memscope_runtime::pulse::pulse;
use memscope_runtime::snapshot::{Finding, Severity, Snapshot};
use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

/// Between two pulses: two in a second, with some of it to spare.
pub(super) const BEAT: Duration = Duration::from_millis(400);
/// Alerts that a browser is sent that comes later.
const MOST_ALERTS: usize = 64;
/// A page or file that was made so lately is given again.
const FRESH_FOR: Duration = Duration::from_millis(500);
/// Else making them takes one part of the time in so many at most, however often they are asked for.
pub(super) const BODIES_PART: u32 = 4;

/// What can be asked for at one go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    Page,
    Recording,
    Report,
}

struct Made {
    body: Body,
    bytes: Frame,
    until: Instant,
}

pub(super) struct Feed {
    /// Which process, and which server of it, the numbers are of.
    run: String,
    panels: Panels,
    /// The newest snapshot's program and mode, with which a pulse becomes figures.
    frame_of_pulse: Option<Snapshot>,
    alerts: VecDeque<(u64, Frame)>,
    /// The number of the newest alert here, and of the newest that was taken from [`alerts::recent`].
    alert: u64,
    taken: u64,
    /// Findings of the snapshot before; `None`: there was none. They stay while nobody listens, for who comes back is told
    /// what is new.
    findings: Option<HashSet<FindingKey>>,
    /// Those that were told, by themselves or by an alert of the program's, and are not known to be gone.
    told: HashSet<FindingKey>,
    /// The program's name, once a body was made.
    program: String,
    bodies: Vec<Made>,
}

type FindingKey = (String, Vec<String>, Option<String>);

fn key(finding: &Finding) -> FindingKey {
    (finding.kind.clone(), finding.scope.clone(), finding.variable.clone())
}

/// What a beat brought, for all listeners.
pub(super) struct Beat {
    pulse: Frame,
}

impl Feed {
    pub(super) fn new(run: String, now: Instant) -> Feed {
        Feed {
            run,
            panels: Panels::new(now),
            frame_of_pulse: None,
            alerts: VecDeque::new(),
            alert: 0,
            // Alerts from before the page was served are the page's, too.
            taken: 0,
            findings: None,
            told: HashSet::new(),
            program: String::new(),
            bodies: Vec::new(),
        }
    }

    /// Reads what there is to say. Whether panels are due is a matter of what they cost.
    pub(super) fn beat(&mut self, now: Instant) -> Beat {
        let looked = self.panels.look(now);
        if looked.is_some() {
            self.take_frame_of_pulse();
        }
        if looked == Some(Depth::Whole) {
            self.tell_findings();
        }
        for (number, alert) in alerts::recent(self.taken) {
            self.taken = number;
            self.tell_alert(alert.finding.as_ref(), alert.severity, &alert.message, alert.ms);
        }
        Beat { pulse: self.pulse(now) }
    }

    /// What a browser has that asks for what came after its last update and alert. One that has another process's page
    /// has nothing.
    pub(super) fn heard(&self, request: &Request) -> Heard {
        if request.asked("run") != Some(&self.run) {
            return Heard::default();
        }
        let number = |name| request.asked(name).and_then(|number| number.parse().ok()).unwrap_or(0);
        let update = self.panels.update().min(number("update"));
        Heard { update, alert: self.alert.min(number("alert")), since: update }
    }

    /// What `heard` has not been sent; the pulse last, for it says up to where.
    pub(super) fn frames_for(&self, beat: &Beat, heard: &mut Heard) -> Vec<Frame> {
        let mut frames: Vec<Frame> = self.panels.after(*heard).collect();
        let come = self.alerts.iter().filter(|&&(number, _)| number > heard.alert);
        frames.extend(come.map(|(_, frame)| Frame::clone(frame)));
        frames.push(Frame::clone(&beat.pulse));
        *heard = Heard { update: self.panels.update(), alert: self.alert, ..*heard };
        frames
    }

    /// Nobody listens: what was kept for them goes.
    pub(super) fn rest(&mut self) {
        self.panels.rest();
        self.frame_of_pulse = None;
        self.bodies = Vec::new();
    }

    /// A page or a file of this moment. One that was made a moment ago may be given again.
    pub(super) fn body(&mut self, body: Body, now: Instant) -> Result<Frame, RenderError> {
        self.bodies.retain(|made| now < made.until);
        if let Some(made) = self.bodies.iter().find(|made| made.body == body) {
            return Ok(Frame::clone(&made.bytes));
        }
        let begun = cpu::used();
        let snapshot = memscope_runtime::snapshot(&[]);
        self.program.clone_from(&snapshot.program.name);
        let bytes: Frame = match body {
            Body::Page => {
                // What the page shows is an update, so that its listener gets what changed after it.
                self.panels.take_whole(snapshot, now);
                self.tell_findings();
                self.take_frame_of_pulse();
                let Some(snapshot) = self.panels.seen() else { return Ok(Frame::from([])) };
                live::page(snapshot, &self.run, self.panels.update())?.into_bytes().into()
            }
            Body::Recording => format::write(&snapshot).into(),
            Body::Report => render(&snapshot)?.into_bytes().into(),
        };
        let until = now + FRESH_FOR.max((cpu::used().saturating_sub(begun)) * BODIES_PART);
        self.bodies.push(Made { body, bytes: Frame::clone(&bytes), until });
        Ok(bytes)
    }

    /// The program's name, as far as it may stand in a file's.
    pub(super) fn file_stem(&self) -> String {
        let is_plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let stem: String = self.program.chars().filter(is_plain).take(64).collect();
        if stem.is_empty() { "memscope".to_owned() } else { stem }
    }

    /// The inspector of a variable as the panels tell of it.
    pub(super) fn inspector(&mut self, index: usize, is_heard: bool, now: Instant) -> Result<Frame, Status> {
        self.panels.inspector(index, is_heard, now)
    }

    /// What was found that was not there before, unless an alert told of it.
    fn tell_findings(&mut self) {
        let Some(snapshot) = self.panels.seen() else { return };
        let ms = snapshot.program.elapsed_ms;
        let findings: HashSet<FindingKey> = snapshot.findings.iter().map(key).collect();
        self.told.retain(|key| findings.contains(key));
        let Some(before) = self.findings.replace(findings) else { return };
        let mut new = Vec::new();
        for finding in &snapshot.findings {
            let key = key(finding);
            if finding.severity != Severity::Note && !before.contains(&key) && self.told.insert(key) {
                new.push((finding.severity, finding.message.clone()));
            }
        }
        for (severity, message) in new {
            self.tell(severity, &message, ms);
        }
    }

    /// An alert of the program's, unless what it was found for was told.
    fn tell_alert(&mut self, finding: Option<&Finding>, severity: Severity, message: &str, ms: u64) {
        if finding.is_none_or(|finding| self.told.insert(key(finding))) {
            self.tell(severity, message, ms);
        }
    }

    fn take_frame_of_pulse(&mut self) {
        let Some(snapshot) = self.panels.seen() else { return };
        let empty = memscope_runtime::nothing_recorded(snapshot.profiler.allocator_installed);
        let frame = Snapshot { mode: snapshot.mode, program: snapshot.program.clone(), ..empty };
        self.frame_of_pulse = Some(frame);
    }

    /// The sums at this moment; where nothing is recorded, none.
    fn pulse(&mut self, now: Instant) -> Frame {
        let figures = self.frame_of_pulse.as_mut().zip(pulse()).map(|(snapshot, pulse)| {
            snapshot.totals = pulse.totals;
            snapshot.program.elapsed_ms = pulse.elapsed_ms;
            live::totals(snapshot)
        });
        let pulse = live::Pulse {
            run: &self.run,
            update: self.panels.update(),
            alert: self.alert,
            ages: self.panels.ages(now),
            figures: figures.unwrap_or_default(),
        };
        event("pulse", None, &pulse.json().unwrap_or_default())
    }

    fn tell(&mut self, severity: Severity, message: &str, ms: u64) {
        self.alert += 1;
        let notice = Notice::new(self.alert, severity, message, ms);
        let Ok(json) = notice.json() else { return };
        if self.alerts.len() == MOST_ALERTS {
            self.alerts.pop_front();
        }
        self.alerts.push_back((self.alert, event("alert", None, &json)));
    }
}

/// A server-sent event with `json`, or with the name of a panel and `json` as the field that is named beside it. JSON has no
/// line ends outside of its strings, and none raw in them.
pub(super) fn event(kind: &str, panel: Option<(&str, &str)>, json: &str) -> Frame {
    let text = match panel {
        Some((name, field)) => {
            format!("event: {kind}\ndata: {{\"name\":\"{name}\",\"{field}\":{json}}}\n\n")
        }
        None => format!("event: {kind}\ndata: {json}\n\n"),
    };
    text.into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(variable: &str) -> Finding {
        Finding {
            kind: "churn".into(),
            severity: Severity::Warning,
            message: format!("it is about {variable}"),
            scope: Vec::new(),
            variable: Some(variable.into()),
            evidence: Vec::new(),
            saving_bytes: None,
        }
    }

    /// A look at a program that has these findings.
    fn look(feed: &mut Feed, findings: &[&Finding]) {
        let findings = findings.iter().map(|&finding| finding.clone()).collect();
        let snapshot = Snapshot { findings, ..memscope_runtime::nothing_recorded(false) };
        feed.panels.take_whole(snapshot, Instant::now());
        feed.tell_findings();
    }

    fn alert(feed: &mut Feed, finding: &Finding) {
        feed.tell_alert(Some(finding), finding.severity, &finding.message, 0);
    }

    #[test]
    fn a_finding_is_told_once_and_once_more_if_it_was_gone() {
        let (first, second, old) = (finding("first"), finding("second"), finding("old"));
        let mut feed = Feed::new("run".into(), Instant::now());
        look(&mut feed, &[&old]);
        assert_eq!(feed.alert, 0, "it was there before");
        look(&mut feed, &[&old, &first]);
        alert(&mut feed, &first);
        assert_eq!(feed.alert, 1);
        alert(&mut feed, &second);
        look(&mut feed, &[&old, &first, &second]);
        assert_eq!(feed.alert, 2);
        // The program asked for it: it was on the page, and was not told.
        alert(&mut feed, &old);
        assert_eq!(feed.alert, 3);
        look(&mut feed, &[&second]);
        look(&mut feed, &[&first, &second]);
        assert_eq!(feed.alert, 4);
    }

    #[test]
    fn what_was_found_while_nobody_listened_is_told_to_who_comes_back() {
        let mut feed = Feed::new("run".into(), Instant::now());
        look(&mut feed, &[]);
        feed.rest();
        look(&mut feed, &[&finding("new")]);
        assert_eq!(feed.alert, 1);
    }
}
