//! The packages, at pinned versions.

/// A package of the registry, and how its tests are run.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    /// SHA-256 of the archive, as the registry's index states it.
    pub(crate) checksum: &'static str,
    /// Features beside the default ones.
    pub(crate) features: &'static [&'static str],
    pub(crate) integration: Integration,
}

/// Whether what is in `tests/` is run; unit tests and documentation examples always are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Integration {
    /// It is; there may be none.
    Run,
    /// It cannot be, as published: why.
    Incomplete(&'static str),
}

/// What runs without `--packages`.
pub(crate) const PACKAGES: [Package; 9] = [
    Package {
        name: "serde_json",
        version: "1.0.154",
        checksum: "e7e9cc8b1b85264074fbcc02a88680c4096b1e47df8f739dceb03bf482f04bd6",
        features: &["unbounded_depth", "raw_value"],
        integration: Integration::Run,
    },
    Package {
        name: "regex-automata",
        version: "0.4.19",
        checksum: "41d60ef07df457506a0a1a2073112eb4aae5733dbd2813c3da77d1b0fd441158",
        features: &[],
        integration: Integration::Incomplete(
            "`tests/lib.rs` has a module `fuzz` whose file is not in the archive",
        ),
    },
    Package {
        name: "toml_edit",
        version: "0.23.9",
        checksum: "5d7cbc3b4b49633d57a0509303158ca50de80ae32c265093b24c414705807832",
        features: &["serde"],
        integration: Integration::Run,
    },
    Package {
        name: "hyper",
        version: "1.12.0",
        checksum: "2c3e324da4c95177d6291d4c8730197c0d1822f8a9766814a4a44fa5ab797c9c",
        features: &["full"],
        integration: Integration::Run,
    },
    Package {
        name: "rayon-core",
        version: "1.13.0",
        checksum: "22e18b0f0062d30d4230b2e85ff77fdfe4326feb054b9783a3460d8435c8ab91",
        features: &[],
        integration: Integration::Run,
    },
    Package {
        name: "sqlparser",
        version: "0.64.0",
        checksum: "92e0d273b4f8ddd14a35ed36862acbc9cc96cec578e36ee1881a9d42e0e0f2c8",
        features: &[],
        integration: Integration::Run,
    },
    Package {
        name: "tokio-util",
        version: "0.7.20",
        checksum: "e464cf451ba96ebfc6f9b6542f17ee8b8956e33f1e40d9690624e59d7a7f8a4b",
        features: &["full"],
        integration: Integration::Run,
    },
    Package {
        name: "async-lock",
        version: "3.5.0",
        checksum: "0876700b0d007ad25d5508865a4259c3af9af6d296bf663a0d586d0bc3369f6f",
        features: &[],
        integration: Integration::Run,
    },
    Package {
        name: "semver",
        version: "1.0.28",
        checksum: "8a7852d02fc848982e0c167ef163aaff9cd91dc640ba85e263cb1ce46fae51cd",
        features: &[],
        integration: Integration::Run,
    },
];

/// The one of the short run: it needs no other package.
pub(crate) const SHORT: &str = "semver";
