//! Sites: what the macros registered, and what of it never ran.

use super::passport::{self, SiteCrossingsView};
use crate::figure::Figure;
use crate::text::visible;
use memscope_runtime::snapshot::{Budget, SiteKind, SiteRow as Site, Snapshot};
use serde::Serialize;

/// Sites shown at most in each of the two lists.
pub const MOST_SITES: usize = 100;

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
    /// What each call may use.
    pub budget: Option<BudgetView>,
    /// The pointers that it was given and returned; `None`: it is no foreign function.
    pub crossings: Option<SiteCrossingsView>,
}

/// What each call of a function may use, and what became of it.
#[derive(Clone, Debug, Serialize)]
pub struct BudgetView {
    /// Bytes that a call may hold at once.
    pub bytes: Option<Figure>,
    /// Allocations that a call may make.
    pub allocations: Option<Figure>,
    /// Calls that were judged.
    pub judged_calls: Figure,
    /// Of these, those that went over.
    pub calls_over: Figure,
    /// Whether any did.
    pub is_exceeded: bool,
    /// The most bytes that a call over its limit held.
    pub most_bytes: Option<Figure>,
    /// The most allocations of a call.
    pub most_allocations: Option<Figure>,
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
            SiteKind::ForeignFunction => "foreign function",
        },
        name: visible(&row.name),
        key: visible(&row.key),
        file: visible(&row.file),
        line: Figure::name(at("line"), u64::from(row.line)),
        column: Figure::name(at("column"), u64::from(row.column)),
        signature: visible(&row.signature),
        executions: Figure::count(at("executions"), row.executions),
        budget: row.budget.as_ref().map(|budget| budget_view(budget, &at("budget"))),
        crossings: row.crossings.as_ref().map(|crossings| passport::of_site(crossings, &at("crossings"))),
    }
}

fn budget_view(budget: &Budget, pointer: &str) -> BudgetView {
    let at = |field: &str| format!("{pointer}/{field}");
    let bytes = |field: &str, value: Option<u64>| value.map(|value| Figure::bytes(at(field), value));
    let count = |field: &str, value: Option<u64>| value.map(|value| Figure::count(at(field), value));
    BudgetView {
        bytes: bytes("bytes", budget.bytes),
        allocations: count("allocations", budget.allocations),
        judged_calls: Figure::count(at("judged_calls"), budget.judged_calls),
        calls_over: Figure::count(at("calls_over"), budget.calls_over),
        is_exceeded: budget.calls_over > 0,
        most_bytes: bytes("most_bytes", budget.most_bytes),
        most_allocations: count("most_allocations", budget.most_allocations),
    }
}
