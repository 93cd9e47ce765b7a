//! What stands at the head of a page over several recordings: which they are, and what keeps them from being compared.

use super::first_line::Part;
use super::label;
use crate::compare::Caveat;
use crate::compare::caveat::{Host, is_same_process};
use crate::figure::Figure;
use crate::text::visible;
use memscope_runtime::snapshot::Snapshot;
use serde::Serialize;

/// One of the recordings.
#[derive(Clone, Debug, Serialize)]
pub struct Recording {
    /// What it is here: the baseline, or then.
    pub role: &'static str,
    /// File name of the executable.
    pub program: String,
    /// Process id.
    pub pid: Figure,
    /// Start of the recording.
    pub started: Figure,
    /// Its length.
    pub elapsed: Figure,
    /// How the figures came about.
    pub mode: &'static str,
    /// Mean distance between samples; `None`: nothing was sampled.
    pub distance: Option<Figure>,
    /// Operating system and architecture.
    pub host: String,
    /// Page size.
    pub page: Figure,
    /// Variables that it lists.
    pub variables: Figure,
    /// Scopes that it lists.
    pub scopes: Figure,
}

/// Recording number `at`.
pub fn recording(at: usize, snapshot: &Snapshot) -> Recording {
    let program = &snapshot.program;
    let of = |field: &str| format!("/recordings/{at}/{field}");
    Recording {
        role: if at == 0 { "Baseline" } else { "Then" },
        program: visible(&program.name),
        pid: Figure::name(of("program/pid"), u64::from(program.pid)),
        started: Figure::utc(of("program/started_unix_ms"), program.started_unix_ms),
        elapsed: Figure::ms(of("program/elapsed_ms"), program.elapsed_ms),
        mode: label::mode(snapshot.mode),
        distance: snapshot
            .profiler
            .sampling
            .map(|sampling| Figure::bytes(of("profiler/sampling/mean_bytes"), sampling.mean_bytes)),
        host: visible(&format!("{} {}", program.os, program.arch)),
        page: Figure::bytes(of("program/page_bytes"), program.page_bytes),
        variables: Figure::count(format!("len({})", of("variables")), snapshot.variables.len() as u64),
        scopes: Figure::count(format!("len({})", of("scopes")), snapshot.scopes.len() as u64),
    }
}

/// The programs' names; each once.
pub fn title(recordings: &[&Snapshot]) -> String {
    let mut names: Vec<String> = recordings.iter().map(|one| visible(&one.program.name)).collect();
    names.dedup();
    match &names[..] {
        [] => "nothing".into(),
        [one] => one.clone(),
        [one, other] => format!("{one}, then {other}"),
        [one, .., last] => format!("{one} … {last}"),
    }
}

/// What is compared.
pub fn first_line(base: &Snapshot, then: &Snapshot) -> Vec<Part> {
    let length = |at: usize, snapshot: &Snapshot| {
        Some(Figure::ms(format!("/recordings/{at}/program/elapsed_ms"), snapshot.program.elapsed_ms))
    };
    if base == then {
        // Of one that was given twice there is nothing to compare.
        let words = format!("{}: one recording, compared with itself, of ", title(&[base, then]));
        return vec![Part { words, figure: length(0, base) }];
    }
    let what = if is_same_process(base, then) { "two moments of one process" } else { "two recordings" };
    let head = format!("{}: {what} compared, a baseline of ", title(&[base, then]));
    vec![
        Part { words: head, figure: length(0, base) },
        Part { words: " and then one of ".into(), figure: length(1, then) },
    ]
}

/// Words and figures, one after the other.
#[derive(Default)]
struct Sentence(Vec<Part>);

impl Sentence {
    fn words(mut self, words: impl Into<String>) -> Self {
        self.0.push(Part { words: words.into(), figure: None });
        self
    }

    fn figure(mut self, words: impl Into<String>, figure: Figure) -> Self {
        self.0.push(Part { words: words.into(), figure: Some(figure) });
        self
    }
}

/// What `caveat` says of `base` and `then`, in a sentence or two.
pub fn caveat(caveat: &Caveat, base: &Snapshot, then: &Snapshot) -> Vec<Part> {
    let of = |at: usize, field: &str| format!("/recordings/{at}/{field}");
    let start = Sentence::default();
    let sentence = match caveat {
        Caveat::Mode { base, then } => start.words(format!(
            "Another mode: {}, then {}. What one of them measures the other may estimate, or not know.",
            label::mode(*base),
            label::mode(*then)
        )),
        Caveat::SamplingDistance { base_bytes, then_bytes } => {
            let at = |side, bytes: u64| Figure::bytes(of(side, "profiler/sampling/mean_bytes"), bytes);
            start
                .figure("Another distance between samples: ", at(0, *base_bytes))
                .figure(", then ", at(1, *then_bytes))
                .words(". The errors differ accordingly.")
        }
        Caveat::LostSamples { .. } => {
            let mut sentence = start;
            let mut before = "Samples were lost: ";
            for (side, snapshot, words) in [(0, base, " in the baseline"), (1, then, " then")] {
                let lost = snapshot.profiler.sampling.map_or(0, |sampling| sampling.lost_samples);
                if lost > 0 {
                    let figure = Figure::count(of(side, "profiler/sampling/lost_samples"), lost);
                    sentence = sentence.figure(before, figure).words(words);
                    before = ", ";
                }
            }
            sentence.words(". Totals are too low by what they stood for.")
        }
        Caveat::Program { base, then } => {
            start.words(format!("Another program: {}, then {}.", visible(base), visible(then)))
        }
        Caveat::Host { base, then } => {
            let name = |host: &Host| visible(&format!("{} {}", host.os, host.arch));
            let page = |side, host: &Host| Figure::bytes(of(side, "program/page_bytes"), host.page_bytes);
            start
                .figure(format!("Another kind of host: {} with pages of ", name(base)), page(0, base))
                .figure(format!(", then {} with pages of ", name(then)), page(1, then))
                .words(".")
        }
        Caveat::Length { base_ms, then_ms } => {
            let length = |side, ms: u64| Figure::ms(of(side, "program/elapsed_ms"), ms);
            start
                .figure("Another length: ", length(0, *base_ms))
                .figure(", then ", length(1, *then_ms))
                .words(". What adds up over time (total, allocations, executions) differs with it.")
        }
        Caveat::Order => start.words(
            "The baseline is the younger of the two: what reads as grown has shrunk since, and the other way round.",
        ),
        Caveat::Folded { recording, variables, scopes, types } => {
            let count = |field: &str, value: u64| Figure::count(of(*recording, field), value);
            let which = if *recording == 0 { "The baseline" } else { "The recording then" };
            start
                .figure(
                    format!("{which} lists not everything. It folds variables: "),
                    count("folded/variables/variables", *variables),
                )
                .figure(", scopes: ", count("folded/scopes/scopes", *scopes))
                .figure(", types: ", count("folded/types", *types))
                .words(". What is missing there “may be folded”, and is called neither new nor gone.")
        }
        Caveat::CutTexts { base, then } => start
            .figure("Long texts were cut: ", Figure::count(of(0, "folded/cut_texts"), *base))
            .figure(" in the baseline, ", Figure::count(of(1, "folded/cut_texts"), *then))
            .words(" then. A row that bears one is matched only if both were cut alike."),
    };
    sentence.0
}

/// What `caveat` says of many recordings.
pub fn of_many(caveat: &Caveat) -> &'static str {
    match caveat {
        Caveat::Mode { .. } => {
            "Not all are of one mode: what one measures another may estimate, or not know."
        }
        Caveat::SamplingDistance { .. } => "Not all have one distance between samples; the errors differ.",
        Caveat::LostSamples { .. } => "Some lost samples; their totals are too low by what these stood for.",
        Caveat::Program { .. } => "Not all are of one program.",
        Caveat::Host { .. } => "Not all are from one kind of host.",
        Caveat::Length { .. } => {
            "Not all are of one length: what adds up over time (total, allocations) differs with it."
        }
        Caveat::Order => "Some were started before the first.",
        Caveat::Folded { .. } => {
            "Some list not everything. What is missing in one of them may be folded, and is no point of a curve."
        }
        Caveat::CutTexts { .. } => {
            "Long texts were cut in some; a row that bears one is matched only if all were cut alike."
        }
    }
}
