//! The answers at the head of the page are the document's rows, the most first, and lead to them.

mod fixture;
#[path = "fixture/whole.rs"]
mod whole;

use memscope_dashboard::view::answers::{Answers, Line, answers};
use memscope_dashboard::view::diagnostics::{Group, diagnostics};
use memscope_dashboard::view::label::Labels;
use memscope_runtime::snapshot::{Finding, Mode, Severity, Snapshot};

fn of(snapshot: &Snapshot) -> Answers {
    answers(snapshot, &Labels::new(snapshot)).unwrap()
}

/// What a line says: the pointer to its bytes, their text, their share, where it leads to.
fn said(lines: &[Line]) -> Vec<(&str, &str, &str, Option<&str>)> {
    let mut said = Vec::new();
    for Line { bytes, share, link, .. } in lines {
        said.push((&*bytes.from, &*bytes.text, &*share.text, link.as_deref()));
    }
    said
}

/// Six variables of which two hold nothing or are not known, in a process of 10,240 live bytes.
fn six() -> Snapshot {
    let mut snapshot = fixture::exact(&fixture::large(6));
    let bytes = [Some(1_024), None, Some(5_120), Some(0), Some(2_048), Some(512)];
    for (row, bytes) in snapshot.variables.iter_mut().zip(bytes) {
        row.heap_bytes = bytes;
    }
    snapshot.totals.live_bytes = 10_240;
    snapshot
}

#[test]
fn the_variables_with_the_most_stand_first() {
    let snapshot = six();
    let answers = of(&snapshot);
    assert!(answers.of_variables);
    // 5,120 of 10,240 are a half, 2,048 a fifth, 1,024 a tenth, 512 a twentieth; 0 is no place where memory is.
    assert_eq!(
        said(&answers.live),
        [
            ("/variables/2/heap_bytes", "5.0 KiB", "50.0 %", Some("#variable=2")),
            ("/variables/4/heap_bytes", "2.0 KiB", "20.0 %", Some("#variable=4")),
            ("/variables/0/heap_bytes", "1.0 KiB", "10.0 %", Some("#variable=0")),
            ("/variables/5/heap_bytes", "512 B", "5.0 %", Some("#variable=5")),
        ]
    );
    assert_eq!(answers.live[0].name, snapshot.variables[2].name);
    assert_eq!(answers.live[0].bar.width, "50.00");
}

#[test]
fn where_no_variable_holds_any_the_scopes_do() {
    let mut snapshot = six();
    snapshot.variables.iter_mut().for_each(|row| row.heap_bytes = None);
    for (number, scope) in snapshot.scopes.iter_mut().enumerate() {
        scope.exclusive.live_bytes = if number == 1 { 2_560 } else { 0 };
        scope.exclusive.live_at_peak_bytes = (number == 2).then_some(4_096);
    }
    snapshot.totals.peak_bytes = 16_384;
    let answers = of(&snapshot);
    assert!(!answers.of_variables);
    // A quarter of 10,240, and of 16,384.
    assert_eq!(
        said(&answers.live),
        [("/scopes/1/exclusive/live_bytes", "2.5 KiB", "25.0 %", Some("#scope=1"))]
    );
    assert_eq!(
        said(&answers.at_peak),
        [(
            "/scopes/2/exclusive/live_at_peak_bytes",
            "4.0 KiB",
            "25.0 %",
            Some("#scope=2&figure=live_at_peak_bytes")
        )]
    );
}

/// Paths are short names: `a::new` and `b::new` have one. A row of the document leads to its own row of the page, and what knows
/// the path alone leads nowhere.
#[test]
fn scopes_of_one_path_are_not_taken_for_each_other() {
    let mut snapshot = six();
    let path = snapshot.scopes[2].path.clone();
    // Of 41 scopes the page lists 40: not the last, which allocated nothing.
    let mut unlisted = snapshot.scopes[2].clone();
    (unlisted.inclusive, unlisted.exclusive) = Default::default();
    snapshot.scopes[3].path.clone_from(&path);
    snapshot.scopes.push(unlisted);
    for (number, scope) in snapshot.scopes.iter_mut().enumerate() {
        let bytes = [(2, 4_096), (3, 2_048), (40, 1_024)].into_iter().find(|&(one, _)| one == number);
        scope.exclusive.live_at_peak_bytes = bytes.map(|(_, bytes)| bytes);
    }
    snapshot.variables[0].scope.clone_from(&path);
    snapshot.findings[0].scope.clone_from(&path);
    let links: Vec<Option<String>> = of(&snapshot).at_peak.into_iter().map(|line| line.link).collect();
    let link = |scope: usize| Some(format!("#scope={scope}&figure=live_at_peak_bytes"));
    assert_eq!(links, [link(2), link(3), None]);
    let labels = Labels::new(&snapshot);
    assert_eq!((labels.scope_index(&path), labels.scope_link(&path)), (None, None));
    let finding = |snapshot: &Snapshot| {
        let diagnostics = diagnostics(snapshot, &Labels::new(snapshot));
        diagnostics.groups.into_iter().flat_map(|group| group.findings).find(|one| one.number == 0).unwrap()
    };
    assert_eq!(finding(&snapshot).scope_index, None);
    // One of another path is found.
    snapshot.findings[0].scope.clone_from(&snapshot.scopes[4].path);
    assert_eq!(finding(&snapshot).scope_index, Some(4));
}

#[test]
fn nothing_at_the_peak_is_not_the_same_as_not_measured() {
    let mut snapshot = six();
    let said = |snapshot: &Snapshot| {
        let html = whole::body(snapshot);
        let (_, answer) = html.split_once("<h3>Where it was at the peak</h3>").unwrap();
        let (_, empty) = answer.split_once("<p class=\"empty\">").unwrap();
        empty.split_once("</p>").unwrap().0.to_owned()
    };
    for (at_peak, words) in
        [(Some(0), "No scope is known to have held a block then."), (None, "Not measured.")]
    {
        snapshot.scopes.iter_mut().for_each(|scope| scope.exclusive.live_at_peak_bytes = at_peak);
        assert_eq!(said(&snapshot), words);
    }
}

#[test]
fn the_worst_findings_are_named_and_the_others_counted() {
    let mut snapshot = six();
    let finding = snapshot.findings[0].clone();
    snapshot.findings = (0..6).map(|_| finding.clone()).collect();
    let answers = of(&snapshot);
    assert_eq!(answers.findings.iter().map(|short| short.number).collect::<Vec<_>>(), [0, 1, 2, 3]);
    let more = answers.more_findings.unwrap();
    assert_eq!((&*more.from, &*more.text), ("len(/findings) - 4", "2"));
    let about = finding.variable.clone().unwrap_or_else(|| finding.scope.join(" › "));
    assert_eq!(answers.findings[0].about, about);
    assert!(!answers.findings[0].kind.contains('_'));
    snapshot.findings.clear();
    assert!(of(&snapshot).findings.is_empty() && of(&snapshot).more_findings.is_none());
}

/// Also where a file lists them in another order than memscope does.
#[test]
fn findings_stand_by_severity_the_worst_first() {
    use Severity::{Error, Note, Warning};
    let mut snapshot = six();
    let severities = [Note, Warning, Note, Error, Warning, Error];
    let finding = snapshot.findings[0].clone();
    let of_severity = |severity| Finding { severity, ..finding.clone() };
    snapshot.findings = severities.map(of_severity).to_vec();
    // Of one severity in the document's order.
    let short: Vec<_> = of(&snapshot).findings.iter().map(|short| (short.severity, short.number)).collect();
    assert_eq!(short, [("error", 3), ("error", 5), ("warning", 1), ("warning", 4)]);
    let groups = diagnostics(&snapshot, &Labels::new(&snapshot)).groups;
    let numbers = |group: &Group| group.findings.iter().map(|one| one.number).collect::<Vec<_>>();
    let groups: Vec<_> =
        groups.iter().map(|group| (group.name, &*group.count.text, numbers(group))).collect();
    let expected = [("Errors", "2", vec![3, 5]), ("Warnings", "2", vec![1, 4]), ("Notes", "2", vec![0, 2])];
    assert_eq!(groups, expected);
}

#[test]
fn of_what_was_not_recorded_nothing_is_said() {
    let snapshot = Snapshot { mode: Mode::Off, ..six() };
    assert!(answers(&snapshot, &Labels::new(&snapshot)).is_none());
}
