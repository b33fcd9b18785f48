//! The cells of an agreement: that each reads back, and where it stands.

use super::*;

fn address(kind: &str, key: &str) -> Address {
    Address::new(KindId::of(kind), EntityKey::new(key).expect("a key"))
}

fn reads_back<T: PartialEq + std::fmt::Debug>(
    of: T,
    value: Vec<u8>,
    newest: u8,
    read: impl Fn(&[u8]) -> Result<T, DecodeError>,
) {
    assert_eq!(read(&value), Ok(of));
    let newer = [&[value[0] & 0xF | (newest + 1) << 4], &value[1..]].concat();
    assert_eq!(read(&newer), Err(DecodeError::newer(Format::Agreement, newest + 1)));
    assert_eq!(read(&[]), Err(Damaged));
}

#[test]
fn every_cell_reads_back() {
    let under = Under { proposer: address("order", "1"), number: NonZeroU64::MIN, offer: Box::from(*b"\x07") };
    let cases =
        [(None, Some(Timestamp(7))), (Some(under.clone()), Some(Timestamp(7))), (None, None), (Some(under), None)];
    for (under, since) in cases {
        let header = Header {
            id: NonZeroU64::MIN,
            legs: 3,
            needed: 2,
            is_eager: true,
            then: Some(HandlerId::of("decided")),
            lapsed: None,
            deadline: under.is_none().then_some(Timestamp(9)),
            room: 100,
            since,
            under,
        };
        assert_eq!(header.length(), header.write().len());
        reads_back(header.clone(), header.write(), HEADER_LAYOUT, Header::read);
    }
    for value in [None, Some(Box::from(*b"\x05"))] {
        let leg =
            Leg { partner: address("stock", "tea"), handler: HandlerId::of("reserve"), is_offer_read: true, value };
        assert_eq!(leg.length(), leg.write().len());
        reads_back(leg.clone(), leg.write(), LAYOUT, Leg::read);
    }
    for answer in [LegAnswer::Accepted(b""), LegAnswer::Accepted(b"\x05"), LegAnswer::Refused(b"no")] {
        assert_eq!(LegAnswer::read(&answer.write()), Ok(answer));
    }
    assert_eq!(check(AgreementSub::Waits, WAITING), Ok(()));
}

#[test]
fn keys_read_back_and_stand_behind_their_header() {
    let (order, number) = (address("order", "1"), NonZeroU64::MIN);
    let subs = [
        AgreementSub::Header,
        AgreementSub::Leg(0),
        AgreementSub::Answer(0),
        AgreementSub::Leg(7),
        AgreementSub::Waits,
    ];
    let keys = subs.map(|sub| sub.key(&order, number));
    assert!(keys.is_sorted());
    for (sub, key) in subs.into_iter().zip(&keys) {
        let read = cell::read_key(key).expect("a key");
        assert_eq!((read.section, AgreementSub::read(read.sub)), (Section::Agreements, Ok((number, sub))));
    }
    for bad in [&[0; 8][..], &[1; 7], &[1; 9], &[1; 14]] {
        assert_eq!(AgreementSub::read(bad), Err(Damaged));
    }
}
