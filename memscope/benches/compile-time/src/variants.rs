//! What is compared.

/// An attribute that all functions carry.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Variant {
    pub(crate) name: &'static str,
    pub(crate) attribute: Option<&'static str>,
    /// Whether memscope's features are on in what it is compiled against.
    pub(crate) record: bool,
}

pub(crate) const PLAIN: Variant = Variant { name: "plain", attribute: None, record: true };
pub(crate) const TRACK: Variant =
    Variant { name: "memscope", attribute: Some("#[memscope::track]"), record: true };
pub(crate) const INSTRUMENT: Variant =
    Variant { name: "tracing", attribute: Some("#[tracing::instrument]"), record: true };

/// In the order of a round and of the tables.
pub(crate) const VARIANTS: [Variant; 6] = [
    PLAIN,
    TRACK,
    Variant { name: "memscope-off", record: false, ..TRACK },
    INSTRUMENT,
    Variant { name: "tracing, skip_all", attribute: Some("#[tracing::instrument(skip_all)]"), ..INSTRUMENT },
    Variant { name: "hotpath", attribute: Some("#[hotpath::measure]"), record: true },
];

/// What memscope's attribute may add, as a multiple of what `#[tracing::instrument]` adds.
pub(crate) const AT_MOST: f64 = 1.5;
