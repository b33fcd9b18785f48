//! All the cells of a partition, as a store or a log holds them: what an opening partition reads.
//!
//! The input is the body of a record. It is opened twice: once with its puts in the store, once with all of it in the log.
//! The cells may be anything; opening says what is wrong with them, and does not panic.

use std::num::NonZeroU64;
use std::sync::Arc;

use apostate::prelude::*;
use apostate_core::{Address, HandlerId, KindId, Timestamp};
use apostate_log::{
    AppendResult, CellChange, Epoch, Log, MemoryLog, MemoryStore, PartitionId, Position, RECORD_HEADER_BYTES,
    RecordHeader, Store,
};
use apostate_partition::agreement::{Header, Leg, LegAnswer, Under};
use apostate_partition::cell::{self, PartitionRow, Section};
use apostate_partition::operation::Operation;
use apostate_partition::record_body::{Body, RecordBuilder, RecordKind};
use apostate_partition::rectangles::{Area, Origin};
use apostate_partition::settlement::{self, Settlement};
use apostate_partition::{
    Config, Load, Map, Message, OpenAsk, Partition, Range, Tuning, list, load, parked, stored_position,
};
use bytes::Bytes;

use super::message;
use crate::{Layout, Verdict};

pub(super) const LAYOUT: Layout = Layout { name: "stored", made, amend: |_| {}, check, memory_bytes: 1 << 20 };

const PARTITION: PartitionId = PartitionId(1);

/// The kind of entity that the cells belong to.
#[entity(name = "stock")]
#[derive(Default, Serialize, Deserialize)]
struct Stock {
    on_hand: u32,
}

#[handlers]
impl Stock {
    /// Takes in units.
    #[open]
    pub fn receive(&mut self, units: u32) {
        self.on_hand += units;
    }
}

fn made() -> Vec<Vec<u8>> {
    let tea = Address::new(KindId::of("stock"), EntityKey::new("tea").expect("a key"));
    let counters: Vec<u8> =
        [4_u64, 0xFEED, 2, 9, 1_700_000_000_000, 1].iter().flat_map(|it| it.to_le_bytes()).collect();
    let rectangle = PartitionRow::Rectangle(
        Origin::Producer(EntityKey::new("replay").expect("a key")),
        Area { source: Range::WHOLE, target: Range::WHOLE },
    );
    let (from_outside, _) = &message::messages()[0];
    let mut letter = Vec::new();
    from_outside.write(None, &mut letter);
    let state = [&7_u64.to_le_bytes()[..], &[0; 4], b"\x81\xa7on_hand\x05"].concat();
    let remembered = [&[1; 8][..], &[2; 8], &[0], &[3; 8], &[0xC0]].concat();
    let refused = [&[1; 8][..], &[2; 8], &[1], &apostate_core::encode(&Refusal::new("no"))].concat();
    let pending = [&[1; 8][..], &[0xFF; 8], &[2], &7_u64.to_le_bytes()].concat();
    let owed_client = [&[0, 0][..], &[1; 8], b"later"].concat();
    let owed_asker = [&[0, 1][..], &9_u64.to_le_bytes(), &[4; 4], &tea.kind().0.to_be_bytes(), b"milk"].concat();
    let parked = [&[5; 8][..], &2_u32.to_le_bytes(), b"no", &letter].concat();

    let mut builder = RecordBuilder::default();
    let mut body = |kind, fill: &dyn Fn(&mut RecordBuilder)| {
        fill(&mut builder);
        let (record, _) = builder.seal(&RecordHeader::default(), kind, 1, 9);
        record[RECORD_HEADER_BYTES..].to_vec()
    };
    vec![
        body(RecordKind::Opening, &|_| {}),
        body(RecordKind::Batch, &|builder| builder.put(Section::State, &tea, &[], &state)),
        body(RecordKind::Batch, &|builder| {
            builder.put_key(&cell::partition_row(PARTITION, &PartitionRow::Counters), &counters);
            builder.put_key(&cell::partition_row(PARTITION, &rectangle), &9_u64.to_le_bytes());
            builder.put_key(&cell::partition_row(PARTITION, &PartitionRow::Generation(Range::WHOLE)), &[1; 16]);
        }),
        body(RecordKind::Batch, &|builder| {
            builder.put(Section::ClientKeys, &tea, b"once", &remembered);
            builder.put(Section::ClientKeys, &tea, b"twice", &refused);
            builder.put(Section::Inbox, &from_outside.to, &7_u64.to_be_bytes(), &letter);
            builder.put(Section::Parked, &from_outside.to, &8_u64.to_be_bytes(), &parked);
            builder.delete(Section::Inbox, &from_outside.to, &7_u64.to_be_bytes());
        }),
        body(RecordKind::Batch, &|builder| open_work(builder, &tea)),
        body(RecordKind::Batch, &|builder| {
            builder.put(Section::ClientKeys, &tea, b"later", &pending);
            builder.put(Section::Owed, &tea, &7_u64.to_be_bytes(), &owed_client);
            builder.put(Section::Owed, &tea, &8_u64.to_be_bytes(), &owed_asker);
        }),
    ]
}

/// Cells of all that is begun and has to end: timers, asks, agreements and operations.
fn open_work(builder: &mut RecordBuilder, of: &Address) {
    let (number, kind) = (7_u64.to_be_bytes(), of.kind().0.to_be_bytes());
    let of_number = |behind: &[u8]| [&number[..], behind].concat();
    let due = [&7_u64.to_le_bytes()[..], &7_u64.to_le_bytes()].concat();
    let mut reminder = [&[0][..], &due].concat();
    let own = Message { to: of.clone(), from: Some(of.clone()), ..message::messages().swap_remove(8).0 };
    own.write(None, &mut reminder);
    builder.put(Section::Timers, of, b"\x01reminder", &reminder);
    builder.put(Section::Timers, of, &[&[2, 2][..], &number].concat(), &[&[1][..], &due].concat());
    let ask = OpenAsk { then: HandlerId(1), deadline: Timestamp(9), partner: of.clone() };
    builder.put(Section::Asks, of, &number, &ask.write());

    let number_of_try = NonZeroU64::MIN;
    let under = Some(Under { proposer: of.clone(), number: number_of_try, offer: Box::from(*b"\x05") });
    for (number, under) in [(7_u64, None), (11, under)] {
        let sub = |behind: &[u8]| [&number.to_be_bytes(), behind].concat();
        let (id, legs, needed, deadline) = (number_of_try, 2, 1, Some(Timestamp(9)));
        let (is_eager, then, lapsed, room) = (true, Some(HandlerId(1)), None, 100);
        // Without a time, as an earlier build has written it.
        let since = under.as_ref().map(|_| Timestamp(5));
        let header = Header { id, legs, needed, is_eager, then, lapsed, deadline, room, since, under };
        builder.put(Section::Agreements, of, &sub(&[]), &header.write());
        let (partner, handler, value) = (of.clone(), HandlerId(1), Some(Box::from(*b"\x05")));
        let leg = Leg { partner, handler, is_offer_read: true, value };
        builder.put(Section::Agreements, of, &sub(&[0; 4]), &leg.write());
        builder.put(Section::Agreements, of, &sub(&[0, 0, 0, 0, 1]), &LegAnswer::Accepted(b"\x05").write());
        builder.put(Section::Agreements, of, &sub(&[0, 0, 0, 1]), &leg.write());
        builder.put(Section::Agreements, of, &sub(&[0, 0, 0, 1, 1]), &LegAnswer::Refused(b"\x80").write());
    }
    builder.put(Section::Agreements, of, &[&11_u64.to_be_bytes()[..], &[0xFF; 4]].concat(), &[0]);
    let operation = Operation {
        handler: HandlerId(1),
        since: Timestamp(7),
        deadline: Some(Timestamp(9)),
        lapse: NonZeroU64::new(7),
        inner: NonZeroU64::new(11),
        hold: Box::from(*b"\x80"),
    };
    let name = [&kind[..], &of_number(of.key().as_bytes())].concat();
    builder.put(Section::Operations, of, &name, &operation.write());
    let (handler, time, reason) = (HandlerId(1), Timestamp(9), "the shop is closed".to_owned());
    let settlement = Settlement { is_confirmed: true, is_without_handler: false, handler, time, reason };
    builder.put(Section::Settlements, of, &[&[0], &name[..]].concat(), &settlement.write());
    builder.put(Section::Settlements, of, &[&[1], &name[..]].concat(), &settlement::contradicted(time));
}

fn check(bytes: &[u8]) -> Verdict {
    let Ok(body) = Body::read(bytes) else { return Verdict::Refused };
    let Ok(cells) = body.cells().collect::<Result<Vec<_>, _>>() else { return Verdict::Refused };
    // The store is asked for client keys and states only when somebody wants them; the log is read to its end.
    open(&store_of(&cells), &MemoryLog::new(PARTITION));
    Verdict::of(open(&MemoryStore::new(), &log_of(bytes)))
}

fn store_of(cells: &[CellChange<'_>]) -> MemoryStore {
    let store = MemoryStore::new();
    store.checkpoint(&mut cells.iter().copied()).expect("a store in memory takes everything");
    store
}

fn log_of(body: &[u8]) -> MemoryLog {
    let header =
        RecordHeader { partition: PARTITION, epoch: Epoch(1), position: Position(1), previous: 0, time: u64::MAX / 2 };
    let mut record = [&[0; RECORD_HEADER_BYTES], body].concat();
    header.seal(&mut record);
    let (mut log, mut done) = (MemoryLog::new(PARTITION), Vec::new());
    log.append(Position(1), Bytes::from(record));
    log.poll(&mut done);
    assert_eq!(done, [(Position(1), AppendResult::Ok)]);
    log
}

/// Reads everything that can be read. Whether the partition opens.
fn open(store: &MemoryStore, log: &MemoryLog) -> bool {
    let registry = <(Stock,)>::registry().expect("one kind");
    let map = Arc::new(Map { version: 1, tiles: vec![(Range::WHOLE, PARTITION)] });
    let registry = Arc::new(registry);
    let config = Config { id: PARTITION, map, registry, tuning: Tuning::default(), seed: 7, suspects: Vec::new() };
    let is_open = Partition::open(config, store, log, Box::new(()), &mut |_| {}).is_ok();
    let kind = KindId::of("stock");
    let _ = (stored_position(store, PARTITION), parked(store, &[Range::WHOLE], None, usize::MAX));
    for entity in list(store, Range::WHOLE, kind, None, 1 << 20).unwrap_or_default() {
        let loaded = load(store, Load::Entity(entity.address));
        assert!(loaded.cells.is_ok(), "a store in memory answers");
        let _ = apostate_core::decode_state::<Stock>(&entity.state);
    }
    is_open
}
