//! Each figure stands under a word that says how it is known: measured, sampled, declared, inferred or not measured.

mod fixture;
mod reader;
#[path = "fixture/whole.rs"]
mod whole;

use memscope_runtime::snapshot::{Mode, Provenance, Snapshot};
use reader::markup::{Element, parse};

const WORDS: [(&str, &str); 5] = [
    ("measured", "measured"),
    ("sampled", "sampled"),
    ("declared", "declared"),
    ("inferred", "inferred"),
    ("not_measured", "not measured"),
];

/// Each figure with the nearest element around it that says how it is known; `None`: none does.
fn known<'a>(
    element: &'a Element,
    nearest: Option<&'a Element>,
    found: &mut Vec<(&'a Element, Option<&'a Element>)>,
) {
    // The first line is a sentence about the recording, and says itself what it is.
    if element.attribute("id") == Some("first-line") || element.name == "option" {
        return;
    }
    let nearest = element.attribute("data-provenance").map_or(nearest, |_| Some(element));
    if element.attribute("data-from").is_some() {
        found.push((element, nearest));
    }
    element.elements().for_each(|inner| known(inner, nearest, found));
}

/// Checks that each figure stands under a word, and gives the words of all, by their figure's origin.
fn words(snapshot: &Snapshot) -> Vec<(String, String, bool)> {
    let root = parse(&whole::whole(snapshot));
    let mut found = Vec::new();
    known(&root, None, &mut found);
    assert!(found.len() > 300, "{}", found.len());
    let word = |(figure, around): &(&Element, Option<&Element>)| {
        let from = figure.attribute("data-from").unwrap();
        // How many there are of something is counted on the document, whatever it says of them.
        let around = around.unwrap_or_else(|| panic!("nothing says how {from} is known"));
        let key = around.attribute("data-provenance").unwrap();
        let (_, word) = WORDS.into_iter().find(|(known, _)| *known == key).unwrap();
        let says_itself = figure.text() == "not measured";
        assert!(says_itself || around.text().contains(word), "the page does not say that {from} is {word}");
        (from.to_owned(), key.to_owned(), figure.has_class("plus-minus"))
    };
    found.iter().map(word).collect()
}

fn word_of<'a>(words: &'a [(String, String, bool)], from: &str) -> Vec<&'a str> {
    words.iter().filter(|(other, ..)| other == from).map(|(_, word, _)| &**word).collect()
}

#[test]
fn each_figure_stands_under_a_word() {
    let exact = words(&fixture::exact(&fixture::large(50)));
    // Threads are looked at by samples in every mode.
    assert!(exact.iter().all(|(from, word, _)| (word == "sampled") == from.contains("/activity/")));
    let sampled = words(&fixture::sampled(50));
    // An error stands where a sample is spoken of, or beside the evidence of what is inferred.
    for (from, word, is_error) in &sampled {
        assert!(!is_error || ["sampled", "inferred"].contains(&&**word), "{from} is {word}");
    }
    assert!(sampled.iter().any(|(_, word, is_error)| *is_error && word == "inferred"));
    let mut declared = fixture::small();
    declared.mode = Mode::Declared;
    assert!(word_of(&words(&declared), "/totals/live_bytes").iter().all(|word| *word == "declared"));
}

#[test]
fn a_variables_bytes_are_known_as_the_document_says() {
    let provenances = [
        (Provenance::Measured, "measured"),
        (Provenance::Sampled, "sampled"),
        (Provenance::Declared, "declared"),
        (Provenance::NotMeasured, "not_measured"),
    ];
    for (provenance, expected) in provenances {
        let mut snapshot = fixture::small();
        snapshot.variables[0].provenance = provenance;
        // In short, its card and its inspector; the last two for its blocks.
        assert_eq!(word_of(&words(&snapshot), "/variables/0/heap_bytes"), [expected; 3]);
        assert_eq!(word_of(&words(&snapshot), "/variables/0/blocks"), [expected; 2]);
    }
}

/// What is inferred states its rule and its evidence, one tap or key away from the word.
#[test]
fn what_is_inferred_says_why() {
    let mut snapshot = fixture::small();
    let category = snapshot.scopes[2].category.as_mut().unwrap();
    category.rule = "at least 62 % of its samples wait for files".into();
    let root = parse(&whole::whole(&snapshot));
    // In the inspectors of both variables of the scope, and in the scope's row.
    let reasons: Vec<&Element> = root
        .all()
        .into_iter()
        .filter(|element| element.has_class("why") && element.text().contains("62 %"))
        .collect();
    assert_eq!(reasons.len(), 3);
    for reason in reasons {
        assert_eq!(reason.attribute("data-provenance"), Some("inferred"));
        // A summary is reached by the tab key and opened by enter.
        let details = reason.elements().find(|element| element.name == "details").unwrap();
        assert_eq!(details.elements().next().unwrap().name, "summary");
        let evidence = details.find(|element| element.attribute("data-from") == Some("/scopes/2/calls"));
        assert_eq!(evidence.unwrap().text(), "6");
    }
    // Over the word on a card.
    let title = root.find(|element| element.attribute("title").is_some_and(|title| title.contains("62 %")));
    assert_eq!(title.unwrap().text(), "IO intensive inferred");
    // A variable whose scope says something else has no reason to show, and says so.
    snapshot.scopes[2].category = None;
    let root = parse(&whole::body(&snapshot));
    assert_eq!(root.text().matches("The recording holds no rule for it.").count(), 2);
}
