//! Texts that are cut, because one name must not fill a recording.

use crate::snapshot::{Evidence, Snapshot};

/// The longest text that is kept whole. The dashboard shows 2,000 characters of a text.
pub(super) const MOST_TEXT_BYTES: usize = 2_048;

/// Cuts `text` where it is too long, and says how much is missing. The checksum is that of the whole text, so that two
/// names that begin alike stay apart.
fn cut(text: &mut String, cuts: &mut u64) {
    if text.len() <= MOST_TEXT_BYTES {
        return;
    }
    let mark = |missing: usize| format!("…[+{missing} bytes #{:08x}]", crc32fast::hash(text.as_bytes()));
    let mut kept = MOST_TEXT_BYTES - mark(text.len()).len();
    while !text.is_char_boundary(kept) {
        kept -= 1;
    }
    let mark = mark(text.len() - kept);
    text.truncate(kept);
    text.push_str(&mark);
    text.shrink_to_fit();
    *cuts += 1;
}

/// Cuts every text of `snapshot` that is too long; gives their number.
pub(super) fn cut_texts(snapshot: &mut Snapshot) -> u64 {
    let mut cuts = 0;
    each_text(snapshot, &mut |text| cut(text, &mut cuts));
    cuts
}

fn each_text(snapshot: &mut Snapshot, act: &mut impl FnMut(&mut String)) {
    fn evidence(rows: &mut [Evidence], act: &mut impl FnMut(&mut String)) {
        for row in rows {
            act(&mut row.what);
            act(&mut row.unit);
            act(&mut row.pointer);
        }
    }
    let program = &mut snapshot.program;
    [&mut program.name, &mut program.os, &mut program.arch, &mut program.memscope_version]
        .into_iter()
        .for_each(&mut *act);
    for row in &mut snapshot.scopes {
        row.path.iter_mut().chain(&mut row.key).chain(&mut row.file).for_each(&mut *act);
        if let Some(category) = &mut row.category {
            act(&mut category.rule);
            evidence(&mut category.evidence, act);
        }
    }
    for row in &mut snapshot.variables {
        act(&mut row.name);
        row.scope.iter_mut().chain(&mut row.type_name).chain(&mut row.file).for_each(&mut *act);
        row.crossings.iter_mut().for_each(|crossing| act(&mut crossing.function));
    }
    snapshot.threads.iter_mut().filter_map(|row| row.name.as_mut()).for_each(&mut *act);
    snapshot.tasks.iter_mut().flat_map(|row| &mut row.scope).for_each(&mut *act);
    snapshot.types.iter_mut().for_each(|row| act(&mut row.type_name));
    snapshot.memory_map.regions.iter_mut().filter_map(|row| row.name.as_mut()).for_each(&mut *act);
    for row in &mut snapshot.findings {
        act(&mut row.kind);
        act(&mut row.message);
        row.scope.iter_mut().chain(&mut row.variable).for_each(&mut *act);
        evidence(&mut row.evidence, act);
    }
    for row in &mut snapshot.handed_out {
        act(&mut row.function);
        act(&mut row.file);
        row.scope.iter_mut().chain(&mut row.sent_to).for_each(&mut *act);
    }
    for row in &mut snapshot.sites {
        [&mut row.name, &mut row.key, &mut row.file, &mut row.signature].into_iter().for_each(&mut *act);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters_and_says_so() {
        let mut cuts = 0;
        let mut text = "é".repeat(2_000);
        cut(&mut text, &mut cuts);
        assert_eq!(cuts, 1);
        assert!(text.len() <= MOST_TEXT_BYTES && text.len() > MOST_TEXT_BYTES - 4, "{}", text.len());
        // 4,000 bytes, of which so many are left.
        let kept = text.chars().filter(|&c| c == 'é').count() * 2;
        let checksum = crc32fast::hash("é".repeat(2_000).as_bytes());
        assert!(text.ends_with(&format!("…[+{} bytes #{checksum:08x}]", 4_000 - kept)), "{text}");
        let mut other = "é".repeat(2_000) + "x";
        cut(&mut other, &mut cuts);
        assert_ne!(text, other);
        let mut longest = "x".repeat(MOST_TEXT_BYTES);
        cut(&mut longest, &mut cuts);
        assert_eq!((longest.len(), cuts), (MOST_TEXT_BYTES, 2));
    }
}
