//! `docs/findings.md` lists the kinds of findings that there are, in their order, and no other.

use memscope_runtime::findings::KINDS;

#[test]
fn the_table_lists_all_kinds_in_their_order() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/findings.md");
    let text = std::fs::read_to_string(path).expect("the document is in the repository");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    let mut listed: Vec<&str> = rows.clone().map(|(kind, _)| kind).collect();
    listed.dedup(); // one kind has a row for scopes and one for variables
    assert_eq!(listed, KINDS);
    for (kind, row) in rows {
        let columns: Vec<&str> = row.trim_end_matches('|').split(" | ").collect();
        assert_eq!(columns.len(), 3, "{kind}: where, severity, saving");
        assert!(["error", "warning", "note"].iter().any(|severity| columns[1].contains(severity)), "{kind}");
    }
}
