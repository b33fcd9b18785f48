//! The foreseeable mistakes of an author, and what the compiler says to each: how to right it.
//!
//! After a change of a message: `TRYBUILD=overwrite cargo test -p apostate --test ui`, and read the difference.

#[test]
fn every_foreseeable_mistake_is_answered_with_its_remedy() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/passes.rs");
    cases.compile_fail("tests/ui/agreeing/*.rs");
    cases.compile_fail("tests/ui/asking/*.rs");
    cases.compile_fail("tests/ui/data/*.rs");
    cases.compile_fail("tests/ui/entity/*.rs");
    cases.compile_fail("tests/ui/handlers/*.rs");
    cases.compile_fail("tests/ui/later/*.rs");
    cases.compile_fail("tests/ui/sending/*.rs");
    cases.compile_fail("tests/ui/tentative/*.rs");
}
