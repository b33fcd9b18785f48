//! Types of an author's own in states and messages: what serde is told of them holds inside and outside alike, and a
//! partner's name is kept as what it is.

use apostate::prelude::*;
use apostate::{Address, EntityKey};
use apostate_core::{Handlers, Json, encode};

/// Told apart by a field.
#[data]
#[derive(Clone, Debug, PartialEq)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Payment {
    GiftCard { amount: u64 },
    Cash { amount: u64 },
}

/// Told apart by what it holds.
#[data]
#[derive(Clone, Debug, PartialEq)]
#[serde(untagged)]
pub(crate) enum Reference {
    Number(u64),
    Text(String),
}

/// Fields with other names outside, and what of serde's stands above other derives.
#[data]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) stock_code: String,
    pub(crate) paid_by: Payment,
    pub(crate) reference: Reference,
}

/// A partner in a state.
#[data]
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Partner {
    pub(crate) key: EntityKey,
    pub(crate) address: Option<Address>,
}

#[entity(name = "order")]
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Order {
    lines: Vec<Line>,
    customer: Option<EntityKey>,
    last: Option<Address>,
}

#[handlers]
impl Order {
    /// The one who asked, and for whom.
    #[open]
    pub fn note(&mut self, tx: &mut Tx, customer: EntityKey) -> Option<Address> {
        self.customer = Some(customer);
        self.last = tx.sender().cloned();
        self.last.clone()
    }
}

fn crosses<T: Serialize + for<'de> Deserialize<'de> + std::fmt::Debug + PartialEq>(value: &T, json: &str) {
    assert_eq!(apostate::decode::<T>(&encode(value)).as_ref(), Ok(value));
    let form = Json::open::<T>();
    let shown = (form.show)(&encode(value)).expect("JSON");
    assert_eq!(String::from_utf8(shown).expect("text"), json);
    let read = (form.read)(json.as_bytes()).expect("the value");
    assert_eq!(apostate::decode::<T>(&read).as_ref(), Ok(value));
}

#[test]
fn what_serde_is_told_of_a_type_holds_in_states_and_outside() {
    let line = Line {
        stock_code: "85123A".to_owned(),
        paid_by: Payment::GiftCard { amount: 5 },
        reference: Reference::Number(7),
    };
    crosses(&line, r#"{"stock-code":"85123A","paid-by":{"type":"gift_card","amount":5},"reference":7}"#);
    crosses(&Payment::Cash { amount: 1 }, r#"{"type":"cash","amount":1}"#);
    crosses(&Reference::Text("a".to_owned()), r#""a""#);
    let schema = format!("{:?}", Json::of::<Line>());
    for part in [r#""stock-code""#, r#""const":"gift_card""#, r#""additionalProperties":false"#] {
        assert!(schema.contains(part), "{part} in {schema}");
    }
}

#[test]
fn a_partner_is_kept_by_its_key() {
    let key = EntityKey::new("tea").expect("a key");
    crosses(&Partner { key, address: None }, r#"{"key":"tea","address":null}"#);
    for invalid in [String::new(), "x".repeat(257)] {
        let json = format!(r#"{{"key":"{invalid}","address":null}}"#);
        let error = (Json::of::<Partner>().read)(json.as_bytes()).expect_err("no key");
        assert!(error.to_string().starts_with("key: an entity key has at"), "{error}");
    }
    let arguments = format!("{:?}", Order::HANDLERS[0].info.arguments);
    assert!(arguments.contains(r#""minLength":1"#), "{arguments}");
}
