//! Nothing: the tests of `ui-tests` that depend on the edition, compiled in edition 2021.
