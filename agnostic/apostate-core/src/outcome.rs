//! The outcome of an agreement, as its proposer is told, and what the ending of an operation carries.
//!
//! The platform decides alone, and knows offers, holds and values as bytes only. So [`encode_agreed`] and [`confirm_body`] put bytes
//! together that the types here and the author's handlers read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Address, EntityKey, KindId, Refusal, ToPartner, encode_into, shape};

/// The outcome of an agreement that was proposed with [`Tx::propose`](crate::Tx::propose): told once, whichever it is, after it has been
/// decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Outcome<R = ()> {
    /// As many have accepted as had to. They are being confirmed; all others are being cancelled, if they hold anything.
    Agreed {
        /// The offers of those that have accepted, in the order of their legs.
        offers: Vec<Offer<R>>,
    },
    /// So many have refused that it cannot be agreed any more. All that hold anything are being cancelled.
    Refused {
        /// The partner whose refusal decided it.
        by: Partner,
        /// The refusal. Of a partner whose handler could not run it has the code `failed`.
        why: Refusal,
    },
    /// The time is over, and not enough have accepted. All that hold anything are being cancelled.
    Expired,
}

/// The offer of a partner that has accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Offer<R = ()> {
    /// The number of the leg, from 0, in the order in which partners were asked.
    pub leg: u32,
    /// The partner.
    pub partner: Partner,
    /// The value that its tentative handler returned.
    pub offer: R,
}

/// A partner in an agreement, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Partner {
    /// The name of its kind.
    pub kind: String,
    /// The key within the kind.
    pub key: EntityKey,
}

impl ToPartner for Partner {
    fn address(&self) -> Address {
        Address::new(KindId::of(&self.kind), self.key.clone())
    }
}

/// The news that an operation had lapsed when it was to be confirmed: the partner has ended it by itself, at its own time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lapsed {
    /// The number of the leg, as in [`Offer::leg`].
    pub leg: u32,
    /// The partner.
    pub partner: Partner,
}

/// The encoding of a map of one pair whose key is the name of [`Outcome::Agreed`], and of another in it whose key is that of its field.
const AGREED: &[u8] = b"\x81\xa6Agreed\x81\xa6offers";

/// The encoding of [`Offer`] up to the value of its first field, and of the names of the others.
const LEG: &[u8] = b"\x83\xa3leg";
const PARTNER: &[u8] = b"\xa7partner\x82\xa4kind";
const KEY: &[u8] = b"\xa3key";
const OFFER: &[u8] = b"\xa5offer";

/// The encoding of nothing, which is the offer of a handler that offers none.
const NOTHING: &[u8] = b"\xc0";

/// Lists and maps around an offer in an encoded outcome.
const AROUND_AN_OFFER: usize = 4;

/// The encoding of [`Outcome::Agreed`] with offers that are encoded already: leg, name of the kind, key, and the offer, empty for nothing.
#[must_use]
pub fn encode_agreed(offers: &[(u32, &str, &EntityKey, &[u8])]) -> Vec<u8> {
    let mut bytes = AGREED.to_vec();
    write_array(offers.len(), &mut bytes);
    for (leg, kind, key, offer) in offers {
        bytes.extend_from_slice(LEG);
        encode_into(leg, &mut bytes);
        bytes.extend_from_slice(PARTNER);
        encode_into(kind, &mut bytes);
        bytes.extend_from_slice(KEY);
        encode_into(key.as_str(), &mut bytes);
        bytes.extend_from_slice(OFFER);
        bytes.extend_from_slice(if offer.is_empty() { NOTHING } else { offer });
    }
    bytes
}

/// Whether an offer that is encoded is shallow enough to be read within an outcome.
#[must_use]
pub fn offer_fits(offer: &[u8]) -> bool {
    shape::is_shallow_within(AROUND_AN_OFFER, offer)
}

/// Appends the marker of a list of so many values.
fn write_array(length: usize, bytes: &mut Vec<u8>) {
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ 0..16), _) => bytes.push(0x90 | short),
        (_, Ok(length)) => {
            bytes.push(0xdc);
            bytes.extend_from_slice(&length.to_be_bytes());
        }
        (_, Err(_)) => {
            bytes.push(0xdd);
            bytes.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
        }
    }
}

/// The body that a confirm runs with: the hold, and beside it the value of `confirm_with`, if there is one. A cancel runs with the hold.
#[must_use]
pub fn confirm_body(hold: &[u8], value: Option<&[u8]>) -> Vec<u8> {
    match value {
        None => hold.to_vec(),
        Some(value) => [b"\x92", hold, value].concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::NESTING_MAX;
    use crate::{decode, encode};

    fn key(text: &str) -> EntityKey {
        EntityKey::new(text).expect("a key")
    }

    fn offer<R>(leg: u32, name: &str, offer: R) -> Offer<R> {
        Offer { leg, partner: Partner { kind: "stock".to_owned(), key: key(name) }, offer }
    }

    #[test]
    fn offers_that_are_encoded_become_the_outcome_that_holds_them() {
        let long = "x".repeat(200);
        for count in [0, 1, 15, 16, 70_000] {
            let offers: Vec<_> =
                (0..count).map(|leg| offer(leg, if leg % 2 == 0 { "tea" } else { &long }, leg)).collect();
            let encoded: Vec<_> = offers.iter().map(|offer| encode(&offer.offer)).collect();
            let parts: Vec<_> = offers
                .iter()
                .zip(&encoded)
                .map(|(offer, bytes)| (offer.leg, &*offer.partner.kind, &offer.partner.key, &**bytes))
                .collect();
            assert_eq!(encode_agreed(&parts), encode(&Outcome::Agreed { offers }), "{count}");
        }
    }

    #[test]
    fn no_offer_at_all_is_the_offer_of_nothing() {
        let (tea, agreed) = (key("tea"), Outcome::Agreed { offers: vec![offer(3, "tea", ())] });
        assert_eq!(encode_agreed(&[(3, "stock", &tea, &[])]), encode(&agreed));
        assert_eq!(encode_agreed(&[(3, "stock", &tea, &encode(&()))]), encode(&agreed));
    }

    #[test]
    fn an_offer_of_the_deepest_sort_can_be_told() {
        let told = |depth: usize| {
            let offer = [vec![0x91; depth], vec![0xC0]].concat();
            let can_be_read = shape::is_shallow(&encode_agreed(&[(0, "stock", &key("tea"), &offer)]));
            assert_eq!(offer_fits(&offer), can_be_read, "{depth}");
            can_be_read
        };
        assert!(offer_fits(&[]) && told(0));
        assert!(told(NESTING_MAX - AROUND_AN_OFFER));
        assert!(!told(NESTING_MAX - AROUND_AN_OFFER + 1));
    }

    #[test]
    fn an_outcome_without_offers_reads_as_one_of_any_type() {
        let by = Partner { kind: "stock".to_owned(), key: key("tea") };
        for outcome in [Outcome::Refused { by, why: Refusal::new("no") }, Outcome::Expired] {
            let as_text: Outcome<String> = decode(&encode::<Outcome<u64>>(&outcome)).expect("an outcome");
            assert_eq!(encode(&as_text), encode(&outcome));
        }
    }

    #[test]
    fn a_confirm_reads_its_hold_and_the_value_beside_it() {
        let (hold, value) = (encode(&vec![1_u32, 2]), encode(&"three"));
        assert_eq!(confirm_body(&hold, None), hold);
        let both = confirm_body(&hold, Some(&value));
        assert_eq!(decode(&both), Ok((vec![1_u32, 2], "three".to_owned())));
        assert_eq!(both, encode(&(vec![1_u32, 2], "three")));
    }

    #[test]
    fn a_partner_is_found_by_its_name() {
        let tea = Partner { kind: "stock".to_owned(), key: key("tea") };
        assert_eq!(tea.address(), Address::new(KindId::of("stock"), key("tea")));
    }
}
