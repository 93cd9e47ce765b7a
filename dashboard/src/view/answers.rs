//! The three answers that a reader comes for: where the memory is, where it was at the peak, what is to be changed.
//!
//! Nothing is found or added here: each line is a row of the document that a panel below tells wholly.

use super::diagnostics::severity_label;
use super::geometry::{Bar, bar};
use super::label::{self, Labels};
use super::ranking::ranked;
use crate::figure::Figure;
use crate::text::visible;
use memscope_runtime::snapshot::{Finding, Mode, Scope, Snapshot};
use serde::Serialize;

/// Lines of each answer.
const MOST: usize = 4;

/// The panel of answers.
#[derive(Clone, Debug, Serialize)]
pub struct Answers {
    /// Where the figures of memory come from.
    pub provenance: label::Term,
    /// The variables with the most live bytes, or the scopes where no variable is known to hold any.
    pub live: Vec<Line>,
    /// Whether [`live`](Self::live) are variables.
    pub of_variables: bool,
    /// The scopes with the most bytes at the peak.
    pub at_peak: Vec<Line>,
    /// Whether it was measured what some scope had then.
    pub is_peak_measured: bool,
    /// The worst findings.
    pub findings: Vec<Short>,
    /// Findings beyond these; `None`: there are none.
    pub more_findings: Option<Figure>,
}

/// What holds memory.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// The type of a variable.
    pub type_name: Option<String>,
    /// Where its bytes come from, if not from where the panel's figures do.
    pub provenance: Option<label::Term>,
    /// Where its row or inspector is: `#variable=3`, `#scope=5&figure=live_at_peak_bytes`; `None`: the page has none.
    pub link: Option<String>,
    /// Its bytes.
    pub bytes: Figure,
    /// Its part of all of them.
    pub share: Figure,
    /// The same as a length.
    pub bar: Bar,
}

/// A finding in a line.
#[derive(Clone, Debug, Serialize)]
pub struct Short {
    /// As in the document.
    pub severity: &'static str,
    /// Its kind in words.
    pub kind: String,
    /// The variable that it is about, or the scope.
    pub about: String,
    /// Its number, by which its card is named.
    pub number: usize,
    /// What following its advice saves; `None`: the evidence supports no figure.
    pub saving: Option<Figure>,
}

/// The panel for `snapshot`; `None`: nothing was recorded.
pub fn answers(snapshot: &Snapshot, labels: &Labels<'_>) -> Option<Answers> {
    if snapshot.mode == Mode::Off {
        return None;
    }
    let totals = &snapshot.totals;
    let line = |name, link, bytes: Figure, value, (whole_from, whole)| Line {
        name,
        type_name: None,
        provenance: None,
        link,
        share: Figure::share(&bytes.from, value, whole_from, whole),
        bar: bar(&bytes.from, value, whole_from, whole),
        bytes,
    };
    let live = ("/totals/live_bytes", totals.live_bytes);
    let variables: Vec<Line> = ranked(&snapshot.variables, MOST, |row| row.heap_bytes)
        .0
        .into_iter()
        .filter_map(|index| {
            let row = &snapshot.variables[index];
            let value = row.heap_bytes.filter(|&bytes| bytes > 0)?;
            let from = format!("/variables/{index}/heap_bytes");
            let link = labels.has_inspector(index).then(|| format!("#variable={index}"));
            let bytes = Figure::estimated_bytes(&from, value, row.heap_bytes_error);
            let known = label::provenance(row.provenance);
            Some(Line {
                type_name: row.type_name.as_deref().map(visible),
                provenance: (known != label::provenance_in(snapshot.mode)).then_some(known),
                ..line(visible(&row.name), link, bytes, value, live)
            })
        })
        .collect();
    let scopes = |of: fn(&Scope) -> (Option<u64>, Option<u64>), field: &str, whole| -> Vec<Line> {
        ranked(&snapshot.scopes, MOST, |row| of(row).0)
            .0
            .into_iter()
            .filter_map(|index| {
                let row = &snapshot.scopes[index];
                let (value, error) = of(row);
                let value = value.filter(|&bytes| bytes > 0)?;
                let bytes =
                    Figure::estimated_bytes(&format!("/scopes/{index}/exclusive/{field}"), value, error);
                // The graph's own figure at first is that of what lives.
                let figure = if field == "live_bytes" { String::new() } else { format!("&figure={field}") };
                let link = labels.has_row(index).then(|| format!("#scope={index}{figure}"));
                Some(line(label::scope(&row.path), link, bytes, value, whole))
            })
            .collect()
    };
    let of_live = |row: &Scope| (Some(row.exclusive.live_bytes), row.exclusive.live_bytes_error);
    let of_peak = |row: &Scope| (row.exclusive.live_at_peak_bytes, row.exclusive.live_at_peak_bytes_error);
    let all = &snapshot.findings;
    let mut worst: Vec<(usize, &Finding)> = all.iter().enumerate().collect();
    worst.sort_by_key(|(_, finding)| finding.severity);
    Some(Answers {
        provenance: label::provenance_in(snapshot.mode),
        of_variables: !variables.is_empty(),
        live: if variables.is_empty() { scopes(of_live, "live_bytes", live) } else { variables },
        is_peak_measured: snapshot.scopes.iter().any(|row| of_peak(row).0.is_some()),
        at_peak: scopes(of_peak, "live_at_peak_bytes", ("/totals/peak_bytes", totals.peak_bytes)),
        findings: worst.into_iter().take(MOST).map(short).collect(),
        more_findings: (all.len() > MOST)
            .then(|| Figure::count(format!("len(/findings) - {MOST}"), (all.len() - MOST) as u64)),
    })
}

fn short((number, finding): (usize, &Finding)) -> Short {
    Short {
        severity: severity_label(finding.severity).0,
        kind: visible(&finding.kind).replace('_', " "),
        about: finding.variable.as_deref().map_or_else(|| label::scope(&finding.scope), visible),
        number,
        saving: finding
            .saving_bytes
            .map(|saving| Figure::bytes(format!("/findings/{number}/saving_bytes"), saving)),
    }
}
