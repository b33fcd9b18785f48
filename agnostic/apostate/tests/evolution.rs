//! Programs change while states are stored and messages are on their way. What an older build wrote is kept here as
//! bytes, so that no change of the encoding can pass both sides at once.

#[path = "twin/run.rs"]
mod run;

use apostate::prelude::*;
use apostate_core::{Handlers, Live, StepOutcome, decode_state};

use crate::run::Run;

/// The entity as the older build knew it.
mod older {
    use apostate::prelude::*;

    #[entity(name = "stock")]
    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    pub(crate) struct Stock {
        pub(crate) on_hand: u32,
        pub(crate) shelf: String,
    }

    #[handlers]
    impl Stock {
        #[open]
        pub fn receive(&mut self, units: u32, shelf: String) -> u32 {
            self.on_hand += units;
            self.shelf = shelf;
            self.on_hand
        }
    }
}

/// The entity now: a field and an argument are gone, others are new, and a function has another name.
mod newer {
    use apostate::prelude::*;

    #[entity(name = "stock")]
    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    pub(crate) struct Stock {
        pub(crate) on_hand: u32,
        #[serde(default)]
        pub(crate) sold: u64,
    }

    #[handlers]
    impl Stock {
        #[open(name = "receive")]
        pub fn take_in(&mut self, units: u32, #[serde(default)] bonus: u32) -> u32 {
            self.on_hand += units + bonus;
            self.on_hand
        }
    }
}

/// The entity with a field renamed, and a hand to read the older name.
mod renamed {
    use apostate::prelude::*;

    #[entity(name = "stock", version = 2, migrate = Self::older)]
    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    pub(crate) struct Stock {
        pub(crate) units: u32,
    }

    impl Stock {
        fn older(from: u32, bytes: &[u8]) -> Result<Self, StateError> {
            #[data]
            struct Version0 {
                on_hand: u32,
            }

            match from {
                0 => {
                    let Version0 { on_hand } = apostate::decode(bytes)?;
                    Ok(Self { units: on_hand })
                }
                _ => Err(StateError(format!("no way from version {from}"))),
            }
        }
    }

    #[handlers]
    impl Stock {}
}

/// An older state: version 0, then `{"on_hand": 7, "shelf": "A1"}`.
const STATE: &str = "00000000 82 a7 6f6e5f68616e64 07 a5 7368656c66 a2 4131";

/// An older message to `receive`: `{"units": 5, "shelf": "A2"}`.
const MESSAGE: &str = "82 a5 756e697473 05 a5 7368656c66 a2 4132";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).expect("two digits")).collect()
}

#[test]
fn the_bytes_are_what_the_older_build_writes() {
    let message = older::Stock::at("tea").receive(5, "A2".to_owned());
    assert_eq!(message.body, bytes(MESSAGE));

    let mut run = Run::of::<older::Stock>();
    let stored = older::Stock::at("tea").receive(7, "A1".to_owned());
    assert_eq!(run.step(stored.handler, &stored.body).0, StepOutcome::Done);
    assert_eq!(run.state(), bytes(STATE));
}

#[test]
fn an_older_state_is_read_without_the_field_that_is_gone_and_with_the_default_of_the_new_one() {
    let stock = decode_state::<newer::Stock>(&bytes(STATE));
    assert_eq!(stock, Ok(newer::Stock { on_hand: 7, sold: 0 }));
}

#[test]
fn a_newer_state_is_read_by_the_older_build_when_it_has_a_default_for_what_it_misses() {
    #[entity(name = "stock")]
    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(default)]
    struct Forgiving {
        on_hand: u32,
        shelf: String,
    }

    let newer = bytes("00000000 82 a7 6f6e5f68616e64 07 a4 736f6c64 01");
    assert_eq!(decode_state::<newer::Stock>(&newer), Ok(newer::Stock { on_hand: 7, sold: 1 }));
    assert_eq!(decode_state::<Forgiving>(&newer), Ok(Forgiving { on_hand: 7, shelf: String::new() }));
    let missing = decode_state::<older::Stock>(&newer).unwrap_err();
    assert!(missing.to_string().contains("missing field `shelf`"), "{missing}");
}

#[test]
fn a_renamed_field_goes_through_migrate_once_and_is_stored_at_the_new_version() {
    let migrated = decode_state::<renamed::Stock>(&bytes(STATE)).unwrap();
    assert_eq!(migrated, renamed::Stock { units: 7 });

    let mut written = Vec::new();
    let kind = apostate_core::Kind::of::<renamed::Stock>();
    let live: Box<dyn Live> = kind.decode(&bytes(STATE)).unwrap();
    live.encode(&mut written);
    assert_eq!(written, bytes("02000000 81 a5 756e697473 07"));
    assert_eq!(decode_state::<renamed::Stock>(&written), Ok(migrated));
}

#[test]
fn a_version_with_no_way_from_it_is_an_error_that_says_so() {
    let later = bytes("09000000 81 a7 6f6e5f68616e64 07");
    let error = decode_state::<newer::Stock>(&later).unwrap_err().to_string();
    assert_eq!(error, "stock is at version 0, its state was written at version 9, and it has no `migrate`");
    let error = decode_state::<renamed::Stock>(&later).unwrap_err().to_string();
    assert_eq!(error, "no way from version 9");
}

#[test]
fn an_older_message_finds_its_handler_under_another_function_and_with_other_arguments() {
    let older = older::Stock::at("tea").receive(5, "A2".to_owned());
    let newer = newer::Stock::at("tea").take_in(5, 0);
    assert_eq!(older.handler, newer.handler);

    let mut run = Run::of::<newer::Stock>();
    let (outcome, effects) = run.step(older.handler, &bytes(MESSAGE));
    assert_eq!((outcome, apostate::decode(&effects.reply)), (StepOutcome::Done, Ok(5)));
}

#[test]
fn a_message_that_misses_an_argument_without_a_default_is_unreadable_and_changes_nothing() {
    let mut run = Run::of::<older::Stock>();
    let before = run.state();
    let newer = newer::Stock::at("tea").take_in(5, 1);
    let (outcome, _) = run.step(newer.handler, &newer.body);
    assert!(
        matches!(&outcome, StepOutcome::Unreadable(error) if error.0.contains("missing field `shelf`")),
        "{outcome:?}"
    );
    assert_eq!(run.state(), before);
}

#[test]
fn what_is_known_of_a_handler_names_it_by_its_lasting_name() {
    let names = |handlers: &[apostate_core::HandlerDef<newer::Stock>]| handlers[0].info.name;
    assert_eq!(names(newer::Stock::HANDLERS), "receive");
}
