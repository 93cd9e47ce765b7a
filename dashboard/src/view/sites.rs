//! Sites: what the macros registered, and what of it never ran.

use crate::figure::Figure;
use crate::text::visible;
use memscope_runtime::snapshot::{SiteKind, SiteRow as Site, Snapshot};
use serde::Serialize;

/// Sites shown at most in each of the two lists.
pub const MOST_SITES: usize = 200;

/// The panel of sites.
#[derive(Clone, Debug, Serialize)]
pub struct Sites {
    /// How many sites there are.
    pub total: Figure,
    /// How many never ran.
    pub never_ran: Figure,
    /// Those that never ran.
    pub idle: SiteList,
    /// Those that ran.
    pub ran: SiteList,
}

/// Some of the sites, by file and line.
#[derive(Clone, Debug, Serialize)]
pub struct SiteList {
    /// The sites.
    pub rows: Vec<SiteView>,
    /// How many more there are.
    pub folded: Option<Figure>,
}

/// One site.
#[derive(Clone, Debug, Serialize)]
pub struct SiteView {
    /// What it is.
    pub kind: &'static str,
    /// Short name.
    pub name: String,
    /// Module path, type and name.
    pub key: String,
    /// Source file.
    pub file: String,
    /// Source line.
    pub line: Figure,
    /// Source column.
    pub column: Figure,
    /// As written.
    pub signature: String,
    /// How often it ran.
    pub executions: Figure,
}

/// The panel for `snapshot`.
pub fn sites(snapshot: &Snapshot) -> Sites {
    let rows = &snapshot.sites;
    let never_ran = rows.iter().filter(|row| row.executions == 0).count() as u64;
    let never_ran_from = "len(/sites/*, executions = 0)";
    let idle = list(rows, |row| row.executions == 0, never_ran_from);
    let ran = list(rows, |row| row.executions > 0, &format!("len(/sites) - {never_ran_from}"));
    Sites {
        total: Figure::count("len(/sites)", rows.len() as u64),
        never_ran: Figure::count(never_ran_from, never_ran),
        idle,
        ran,
    }
}

fn list(rows: &[Site], belongs: impl Fn(&Site) -> bool, count_from: &str) -> SiteList {
    let of_list = || rows.iter().enumerate().filter(|(_, row)| belongs(row));
    let count = of_list().count();
    SiteList {
        rows: of_list().take(MOST_SITES).map(|(index, row)| site_view(row, index)).collect(),
        folded: (count > MOST_SITES)
            .then(|| Figure::count(format!("{count_from} - {MOST_SITES}"), (count - MOST_SITES) as u64)),
    }
}

fn site_view(row: &Site, index: usize) -> SiteView {
    let at = |field: &str| format!("/sites/{index}/{field}");
    SiteView {
        kind: match row.kind {
            SiteKind::Function => "function",
            SiteKind::AsyncFunction => "async function",
            SiteKind::Variable => "variable",
        },
        name: visible(&row.name),
        key: visible(&row.key),
        file: visible(&row.file),
        line: Figure::name(at("line"), u64::from(row.line)),
        column: Figure::name(at("column"), u64::from(row.column)),
        signature: visible(&row.signature),
        executions: Figure::count(at("executions"), row.executions),
    }
}
