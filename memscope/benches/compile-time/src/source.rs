//! What is compiled: `subject/src/lib.rs` as often as asked, each time as a module of one file.

/// Functions with an attribute in the text of the subject.
pub(crate) const FUNCTIONS: usize = 10;

const SUBJECT: &str = include_str!("../subject/src/lib.rs");
const PLACE: &str = "#[cfg_attr(any(), attribute)]";
const SEED: &str = "const SEED: u64 = 0;";

/// A file of `modules` × [`FUNCTIONS`] functions that carry the attribute, or none.
pub(crate) fn source(modules: usize, attribute: Option<&str>) -> String {
    let text = SUBJECT.replace(PLACE, attribute.unwrap_or_default());
    let modules = (0..modules).map(|seed| {
        let text = text.replace(SEED, &format!("const SEED: u64 = {seed};"));
        format!("pub mod shop_{seed} {{\n{text}}}\n\n")
    });
    format!("//! Written by the benchmark.\n\n{}", modules.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_function_has_the_attribute_and_each_module_its_seed() {
        let text = source(3, Some("#[tracked]"));
        assert_eq!(text.matches("#[tracked]").count(), 3 * FUNCTIONS);
        assert_eq!(text.matches("cfg_attr").count(), 0);
        assert_eq!((0..4).map(|seed| text.matches(&format!("SEED: u64 = {seed};")).count()).max(), Some(1));
        assert!(text.contains("SEED: u64 = 2;") && !text.contains("SEED: u64 = 3;"));
    }

    #[test]
    fn variants_differ_in_the_attribute_only() {
        assert_eq!(source(2, Some("#[tracked]")).replace("#[tracked]", ""), source(2, None));
    }
}
