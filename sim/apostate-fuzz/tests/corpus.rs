//! The committed inputs, which every build reads or refuses as the one before it did.

use apostate_fuzz::corpus::specimens;
use apostate_fuzz::{LAYOUTS, Verdict};

#[test]
fn what_was_read_once_is_read_and_what_was_refused_is_refused() {
    for layout in LAYOUTS {
        for specimen in specimens(layout).unwrap() {
            let verdict = layout.try_on(&specimen.bytes).unwrap_or_else(|found| panic!("{}: {found}", specimen.name));
            assert_eq!(Some(verdict), specimen.verdict.or(Some(verdict)), "{}/{}", layout.name, specimen.name);
        }
    }
}

#[test]
fn every_layout_has_specimens_of_both_kinds() {
    for layout in LAYOUTS {
        let specimens = specimens(layout).unwrap();
        for verdict in [Verdict::Read, Verdict::Refused] {
            assert!(specimens.iter().any(|specimen| specimen.verdict == Some(verdict)), "{}: {verdict:?}", layout.name);
        }
    }
}

#[test]
fn what_encoders_make_is_read() {
    for layout in LAYOUTS {
        for bytes in (layout.made)() {
            assert_eq!(layout.try_on(&bytes), Ok(Verdict::Read), "{}", layout.name);
        }
    }
}
