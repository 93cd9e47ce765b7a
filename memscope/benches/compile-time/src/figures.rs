//! From runs to figures.

use crate::compiler::{Kind, Took};
use crate::rounds::Results;
use crate::spread::{Spread, spread};
use crate::variants::{INSTRUMENT, PLAIN, Variant};

/// Seconds of one run.
pub(crate) type Seconds = fn(&Took) -> f64;

pub(crate) fn processor(took: &Took) -> f64 {
    took.processor.as_secs_f64()
}

pub(crate) fn wall(took: &Took) -> f64 {
    took.wall.as_secs_f64()
}

/// What a run took.
pub(crate) fn whole(results: &Results, kind: Kind, variant: &Variant, seconds: Seconds) -> Option<Spread> {
    spread(results.of(kind, variant).iter().map(seconds))
}

/// What a variant took longer than the plain file in the same round.
pub(crate) fn added(results: &Results, kind: Kind, variant: &Variant, seconds: Seconds) -> Option<Spread> {
    let plain = results.of(kind, &PLAIN).iter().map(seconds);
    spread(results.of(kind, variant).iter().map(seconds).zip(plain).map(|(variant, plain)| variant - plain))
}

/// What a variant adds ÷ what `#[tracing::instrument]` adds, each the median over the rounds. (The median of the
/// rounds' own ratios would do too, but a round in which the plain file was disturbed distorts both sides of its.)
/// `None`: nothing was measured, or tracing added nothing.
pub(crate) fn multiple(results: &Results, kind: Kind, variant: &Variant, seconds: Seconds) -> Option<f64> {
    let instrument = added(results, kind, &INSTRUMENT, seconds)?.median;
    let variant = added(results, kind, variant, seconds)?.median;
    (instrument > 0.0).then(|| variant / instrument)
}
