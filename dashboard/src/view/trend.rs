//! The page of many recordings.

use super::compare::Provenance;
use super::compare_head;
use super::first_line::Part;
use super::label;
use super::multiple::{self, Multiple};
use crate::compare::measure;
use crate::figure::Figure;
use crate::text::visible;
use crate::trend::{MOST_SESSIONS, Series, Session, Trend, fit};
use memscope_runtime::snapshot::Snapshot;
use serde::Serialize;

/// Everything on the page.
#[derive(Clone, Debug, Serialize)]
pub struct Page {
    /// The programs.
    pub title: String,
    /// What is looked at, in a sentence.
    pub first_line: Vec<Part>,
    /// What cannot be compared fairly.
    pub caveats: Vec<&'static str>,
    /// How the figures of memory are known.
    pub provenance: Provenance,
    /// Whether there are enough sessions for a slope.
    pub has_slopes: bool,
    /// Whether there are enough sessions for a turn.
    pub has_turns: bool,
    /// Sums over the process.
    pub totals: Vec<Multiple>,
    /// Names of the sums.
    pub columns: Vec<&'static str>,
    /// One row for each session.
    pub sessions: Vec<SessionRow>,
    /// Scopes and variables.
    pub panels: Vec<Panel>,
}

/// Scopes, or variables.
#[derive(Clone, Debug, Serialize)]
pub struct Panel {
    /// Its place on the page.
    pub id: &'static str,
    /// Its name.
    pub heading: &'static str,
    /// What its rows are matched by.
    pub lead: &'static str,
    /// How its figures are known.
    pub provenance: Provenance,
    /// The steepest.
    pub rows: Vec<Multiple>,
    /// How many there are.
    pub total: Figure,
    /// How many are not listed.
    pub folded: Option<Figure>,
    /// Whether there are slopes to list them by.
    pub has_slopes: bool,
}

/// A session with its sums.
#[derive(Clone, Debug, Serialize)]
pub struct SessionRow {
    /// The program.
    pub program: String,
    /// Its process.
    pub pid: Figure,
    /// When it began.
    pub started: Figure,
    /// How long it took.
    pub elapsed: Figure,
    /// Its sums, as [`Page::columns`] names them.
    pub figures: Vec<Figure>,
}

/// The page for `trend` over `recordings`, which are in time order.
pub fn page(recordings: &[&Snapshot], trend: &Trend) -> Page {
    let provenance = Provenance::of(recordings);
    let multiples = |list, all: &[Series]| -> Vec<Multiple> {
        all.iter().map(|series| multiple::multiple(list, series, trend, recordings)).collect()
    };
    let has_slopes = trend.sessions.len() >= fit::FEWEST;
    let panel = |(id, heading), lead, series: &[Series], all: usize| Panel {
        id,
        heading,
        lead,
        provenance: provenance.clone(),
        has_slopes,
        rows: multiples(Some(id), series),
        total: Figure::count(format!("keys({id})"), all as u64),
        folded: (all > series.len())
            .then(|| Figure::count(format!("keys({id}) - {}", series.len()), (all - series.len()) as u64)),
    };
    let sessions = trend.sessions.iter().enumerate();
    Page {
        title: compare_head::title(recordings),
        first_line: first_line(recordings, trend),
        caveats: trend.caveats.iter().map(compare_head::of_many).collect(),
        has_slopes,
        has_turns: trend.sessions.len() >= 2 * fit::FEWEST,
        totals: multiples(None, &trend.totals),
        columns: measure::OF_TOTALS.iter().map(|measure| measure.label).collect(),
        sessions: sessions.map(|(index, session)| session_row(index, session, trend, recordings)).collect(),
        panels: vec![
            panel(
                ("scopes", "Scopes"),
                "Live bytes of a scope by itself, matched by path.",
                &trend.scopes,
                trend.all_scopes,
            ),
            panel(
                ("variables", "Variables"),
                "Live bytes of a variable's own blocks, matched by scope path, name and type.",
                &trend.variables,
                trend.all_variables,
            ),
        ],
        provenance,
    }
}

fn first_line(recordings: &[&Snapshot], trend: &Trend) -> Vec<Part> {
    let looked_at = trend.sessions.len() as u64;
    let from = if trend.left_out == 0 { "len(/recordings)".to_owned() } else { MOST_SESSIONS.to_string() };
    let mut parts = vec![Part {
        words: format!("{}: ", compare_head::title(recordings)),
        figure: Some(Figure::count(from, looked_at)),
    }];
    let words =
        if looked_at == 1 { " session" } else { " sessions, in the order in which they were started" };
    if trend.left_out == 0 {
        parts.push(Part { words: words.into(), figure: None });
    } else {
        let figure = Figure::count(format!("len(/recordings) - {MOST_SESSIONS}"), trend.left_out as u64);
        parts.push(Part { words: format!("{words}; older ones are left out: "), figure: Some(figure) });
    }
    // In time order they stand beside each other.
    if recordings.windows(2).any(|pair| pair[0] == pair[1]) {
        parts.push(Part { words: "; not all are different recordings".into(), figure: None });
    }
    parts
}

fn session_row(index: usize, session: &Session, trend: &Trend, recordings: &[&Snapshot]) -> SessionRow {
    let at = trend.left_out + index;
    let of = |field: &str| format!("/recordings/{at}/program/{field}");
    let figures = trend.totals.iter().map(|series| multiple::figure(None, series, index, trend, recordings));
    SessionRow {
        program: visible(&session.program),
        pid: Figure::name(of("pid"), u64::from(session.pid)),
        started: started(&of("started_unix_ms"), session),
        elapsed: Figure::ms(of("elapsed_ms"), session.elapsed_ms),
        figures: figures.collect(),
    }
}

/// When a session began.
pub fn started(from: &str, session: &Session) -> Figure {
    session.started_unix_ms.map_or_else(Figure::not_measured, |ms| Figure::utc(from, ms))
}

/// What `series` is called: its name, and what else tells it from others.
pub fn name(series: &Series) -> (String, Option<String>, Option<String>) {
    let scope = label::scope(&series.scope);
    match (&series.name, series.scope.last()) {
        (Some(name), _) => {
            let type_name = series.type_name.as_deref().map_or_else(|| "type not known".into(), visible);
            (visible(name), Some(type_name), Some(scope))
        }
        (None, Some(name)) => {
            let full = series.full.as_ref().map(|full| visible(&full.join(" › ")));
            (visible(name), None, Some(full.unwrap_or(scope)))
        }
        (None, None) => (scope, None, None),
    }
}
