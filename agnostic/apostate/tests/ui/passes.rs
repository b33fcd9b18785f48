//! Forms that must compile: they come close to a mistake and are none.
#![deny(warnings, missing_docs, unreachable_pub)]

use apostate::prelude::*;

/// Part of states and messages, in a crate that depends on `apostate` alone.
#[data]
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Of which.
    pub code: String,
    /// How many.
    #[serde(default)]
    pub units: u32,
}

/// A type without a description: it derives serde's traits and no more.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Opaque {
    /// Something.
    pub text: String,
}

/// A field that a function writes, one that another type describes, and generics.
#[data]
#[derive(Clone, Debug, PartialEq)]
pub struct Parcel<T> {
    #[serde(with = "as_text")]
    number: u64,
    #[schemars(with = "Line")]
    opaque: Opaque,
    of: T,
}

mod as_text {
    use apostate::serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&number.to_string())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// A handler's arguments may have any name, and its reply any type that owns what it holds.
#[entity(name = "order", version = 1, migrate = Self::older)]
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Order {
    lines: Vec<Line>,
    #[serde(default)]
    body: String,
}

impl Order {
    fn older(from: u32, bytes: &[u8]) -> Result<Self, StateError> {
        match from {
            0 => Ok(apostate::decode(bytes)?),
            _ => Err(StateError(format!("no way from version {from}"))),
        }
    }
}

#[handlers]
impl Order {
    /// Names that the generated code uses as well.
    const LINES_MAX: usize = 100;
    const WAIT: std::time::Duration = std::time::Duration::from_secs(900);

    /// Arguments with the names of its variables.
    #[open]
    pub fn place(&mut self, t: &mut Tx<'_>, tx: Line, state: u32, message: String, bytes: Vec<u8>, key: u32) -> Option<Line> {
        let _ = (t.key(), state, message, bytes, key);
        self.lines.push(tx.clone());
        (self.lines.len() < Self::LINES_MAX).then_some(tx)
    }

    /// A word of the language, and a default for an argument that came later.
    #[open(name = "move-to")]
    pub fn r#move(&mut self, r#type: String, #[serde(default)] mut note: String, _unused: u8) -> Result<Vec<Line>, Refusal> {
        refuse!(r#type.is_empty(), "no type");
        note.push('.');
        self.body = note;
        Ok(self.lines.clone())
    }

    /// `Self` is the entity, also in a message.
    #[handler(name = "merged")]
    pub fn merge(&mut self, _tx: &Tx, mut other: Self) -> Self {
        self.lines.append(&mut other.lines);
        other
    }

    /// A read that can refuse.
    #[open]
    pub fn first(&self, tx: &Tx) -> Result<Line, Refusal> {
        let none = || Refusal::with_code("no-lines", format!("{} has none", tx.key()));
        self.lines.first().cloned().ok_or_else(none)
    }

    /// Not there.
    #[cfg(any())]
    #[open]
    pub fn absent(&mut self, of: Nowhere) {}

    /// An argument that says what it is, and types that do not describe themselves.
    #[open]
    pub fn pack(
        &mut self,
        /// The things to put into it.
        parcel: Parcel<Vec<Line>>,
        opaque: Option<Opaque>,
        #[serde(with = "as_text")] number: u64,
    ) -> Vec<Opaque> {
        let _ = (parcel, number);
        opaque.into_iter().collect()
    }

    /// Sends to itself.
    #[open]
    pub fn again(&mut self, tx: &mut Tx) {
        let empty = Line { code: String::new(), units: 0 };
        tx.send(Self::at(tx.key()).place(empty, 0, String::new(), Vec::new(), 0));
        tx.send(Self::at(tx.key()).r#move(String::new(), String::new(), 0).or_tell(Self::ON_REFUSED));
    }

    /// Asks itself: what can refuse, and what only reads.
    #[open]
    pub fn ask(&mut self, tx: &mut Tx) {
        let soon = std::time::Duration::from_secs(1);
        tx.ask(Self::at(tx.key()).r#move(String::new(), String::new(), 0)).within(soon).then(Self::ON_MOVED);
        tx.ask(Self::at(tx.key()).first()).within(soon).then(Self::ON_FIRST);
    }

    /// A hold of several arguments, an offer, and a confirm that is told something of its own.
    #[tentative(confirm = keep_lines, cancel = drop_lines, self_expire = Self::WAIT, name = "hold-lines")]
    pub fn hold(&mut self, _tx: &Tx, lines: Vec<Line>, #[serde(default)] r#type: String) -> Result<usize, Refusal> {
        refuse!(r#type.is_empty(), "no type");
        self.lines.extend(lines);
        Ok(self.lines.len())
    }

    fn keep_lines(&mut self, tx: &mut Tx, _: Vec<Line>, state: String, hold: Option<u64>) {
        self.body = format!("{state} {hold:?} {}", tx.key());
    }

    fn drop_lines(&mut self, mut value: Vec<Line>, _type: String) {
        value.clear();
        self.lines = value;
    }

    /// Nothing is held, and one function ends it either way.
    #[tentative(confirm = r#loop, cancel = r#loop)]
    pub fn touch(&mut self, _tx: &mut Tx) -> Result<Self, Refusal> {
        Ok(Self::default())
    }

    fn r#loop(&mut self) {}

    /// Not there, with its endings.
    #[cfg(any())]
    #[tentative(confirm = nowhere, cancel = nowhere)]
    pub fn absent_too(&mut self, of: Nowhere) -> Result<Nowhere, Refusal> {}

    #[cfg(any())]
    fn nowhere(&mut self, of: Nowhere) {}

    /// Everything that can be said of an agreement.
    #[open]
    pub fn propose(&mut self, tx: &mut Tx, others: Vec<String>) {
        let hold = |key: &str| Self::at(key).hold(Vec::new(), "b".to_owned()).confirm_with(Some(7));
        let holds = others.iter().map(|other| hold(other));
        let wait = Self::WAIT;
        tx.propose(Agreement::within(wait).ask_all(holds).on_lapsed(Self::ON_LAPSED).at_least(1).eagerly().then(Self::ON_OFFERED));
        let touch = Self::at(tx.key()).touch().ignoring_the_offer();
        let hold = hold("c").ignoring_the_offer();
        let both = Agreement::within(wait).then(Self::ON_DECIDED).on_lapsed(Self::ON_LAPSED).ask(touch).ask(hold);
        tx.propose(both.take_what_is_offered());
        let mut one_by_one = Agreement::under_this_try().but_within(wait);
        for other in others {
            one_by_one = one_by_one.ask(Self::at(other).touch());
        }
        tx.propose(one_by_one);
    }

    #[on]
    fn on_offered(&mut self, outcome: Outcome<usize>) {
        self.body = match outcome {
            Outcome::Agreed { offers } => offers.into_iter().map(|Offer { leg, partner, offer }| format!("{leg} {} {offer}", partner.key)).collect(),
            Outcome::Refused { by, why } => format!("{} {why}", by.kind),
            Outcome::Expired => String::new(),
        };
    }

    #[on]
    fn on_decided(&mut self, _: Outcome) {}

    #[on]
    fn on_lapsed(&mut self, Lapsed { leg, partner }: Lapsed) {
        self.body = format!("{leg} {}", partner.key);
    }

    #[on]
    fn on_moved(&mut self, answer: Answer<Vec<Line>>) {
        if let Answer::Answered(lines) = answer {
            self.lines = lines;
        }
    }

    #[on(name = "first-came")]
    fn on_first(&mut self, _tx: &mut Tx, answer: Answer<Line>) {
        self.body = match answer {
            Answer::Answered(line) => line.code,
            Answer::Refused(why) => why.text,
            Answer::Expired => String::new(),
            Answer::Failed(reason) => reason.code,
        };
    }

    #[on(name = "told")]
    fn on_refused(&mut self, _tx: &mut Tx, Refused { why, .. }: Refused) {
        self.body = why.text;
    }

    fn _helper<T: Into<String>>(self, text: T) -> String {
        text.into()
    }
}

/// An entity that only one function knows.
fn local() {
    #[entity(name = "local")]
    #[derive(Default, Serialize, Deserialize)]
    struct Local {}

    #[handlers]
    impl Local {
        pub fn touch(&mut self, tx: &mut Tx) {
            tx.send(Self::at(tx.key()).touch());
        }
    }

    assert!(<(Local, Order)>::registry().is_ok());
}

fn main() {
    local();
    let message = Order::at(7).r#move("a".to_owned(), "b".to_owned(), 1);
    assert_eq!(message.handler, apostate::Call::<Order, (), apostate::NotRefusable>::new(7.to_key(), "move-to", &()).handler);
    let expected = b"\x83\xa4type\xa1a\xa4note\xa1b\xa6unused\x01";
    assert_eq!(message.body, expected);
    let first = Order::default().r#move("a".to_owned(), "b".to_owned(), 1);
    assert_eq!(first, Ok(Vec::new()));
    let hold = Order::at(7).hold(Vec::new(), "b".to_owned());
    assert_eq!(hold.body, b"\x82\xa5lines\x90\xa4type\xa1b");
    let pack = format!("{:?}", <Order as apostate::macros_support::Handlers>::HANDLERS[4].info.arguments);
    for part in [r#""number":true"#, r#""opaque":true"#, r#""required":["parcel","number"]"#, "The things to put into it."] {
        assert!(pack.contains(part), "{part} in {pack}");
    }
}
