//! Cells of entities as memory has them.

use apostate_core::Address;

use crate::cells::activity::{self, ActivitySub};
use crate::cells::cell::{self, Section};
use crate::cells::in_memory::CellsInMemory;
use crate::entities::resident::Entities;
use crate::entities::slot::{Residence, Slot};

impl Entities {
    /// Adds the cells of entities, of parked messages and of open work. No batch is open.
    pub(crate) fn cells_in_memory(&self, cells: &mut CellsInMemory) {
        self.slots.iter().for_each(|(_, slot)| slot.cells_in_memory(cells));
        self.parked.cells_in_memory(cells);
        self.open_work.cells().into_iter().for_each(|(key, value)| cells.put(key, Some(&value[..])));
    }
}

impl Slot {
    fn cells_in_memory(&self, cells: &mut CellsInMemory) {
        let address = self.address();
        if self.residence() == Residence::Resident {
            let key = cell::key(Section::State, address, &[]);
            match self.encoded() {
                Some(encoded) if self.exists() => cells.put(key, Some(encoded)),
                Some(_) => {}
                None => cells.miss(key),
            }
        }
        let Some(extra) = self.extra() else { return };
        for item in &extra.inbox {
            let key = cell::key(Section::Inbox, address, &item.number().to_be_bytes());
            let mut body = Vec::new();
            let body = item.message().map(|message| {
                message.write(None, &mut body);
                &body[..]
            });
            cells.put(key, body);
        }
        extra.keys.cells().for_each(|known| cells.put(known.key(), known.value()));
        self.activities_in_memory(address, cells);
    }

    fn activities_in_memory(&self, of: &Address, cells: &mut CellsInMemory) {
        let Some((life, loaded)) = self.activities().and_then(|activities| activities.of_life()) else { return };
        for (partner, value) in loaded.iter() {
            let key = ActivitySub::Of(life, partner.clone()).key(of);
            match value {
                Some(value) => cells.put(key, Some(&activity::value_of(value))),
                None => cells.miss(key),
            }
        }
    }
}
