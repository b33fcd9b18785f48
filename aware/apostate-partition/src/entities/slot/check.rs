//! The legal states of a slot, and a recount of what is counted by hand.

use super::{NONE, Residence, Slot, SlotActivities};
use crate::cells::state::{WORD_BYTES, read_word};

/// A legal state of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::entities) enum SlotState {
    /// Of no entity.
    Free,
    /// Not asked for, or being loaded: neither bytes nor live value.
    Absent,
    /// Resident, and its bytes say all that there is.
    Clean,
    /// Resident, and its live value has changes of the open batch that are not encoded.
    Ahead,
}

impl Slot {
    /// The state that it is in.
    ///
    /// # Panics
    ///
    /// When it is in none of the legal ones.
    pub(in crate::entities) fn state(&self) -> SlotState {
        let (has_live, has_bytes) = (self.live.is_some(), self.encoded.is_some());
        let cell = self.encoded.as_deref().unwrap_or(&[]);
        let word = cell.first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
        let (version, has_keys) = read_word(word);
        match (self.is_free, self.residence(), self.is_ahead) {
            (true, Residence::Unknown, _) if !has_live && !has_bytes && self.extra.is_none() => SlotState::Free,
            (false, Residence::Unknown | Residence::Loading(_), false)
                if !has_live && !has_bytes && !self.exists && self.touched == NONE =>
            {
                SlotState::Absent
            }
            (false, Residence::Resident, true) if has_live && self.exists && self.touched != NONE => SlotState::Ahead,
            (false, Residence::Resident, false)
                if (version == self.version || !has_bytes)
                    && self.exists == (cell.len() > WORD_BYTES)
                    && (self.has_keys || !has_keys) =>
            {
                SlotState::Clean
            }
            _ => panic!(
                "P4 broken: {:?} is {:?} with live value: {has_live}, bytes of version {version}: {has_bytes}, version {}, \\
                 exists: {}, ahead: {}, touched: {}",
                self.address,
                self.residence(),
                self.version,
                self.exists,
                self.is_ahead,
                self.touched != NONE
            ),
        }
    }

    /// Recounts what is counted by hand.
    pub(in crate::entities) fn check(&self) -> SlotState {
        let state = self.state();
        let keys = self.extra.as_ref().map_or(0, |extra| extra.keys.recounted());
        assert!(
            self.key_bytes() == keys,
            "P6 broken: client keys of {:?} are counted as {} bytes, not {keys}",
            self.address,
            self.key_bytes()
        );
        let activities = self.activities().map_or(0, SlotActivities::recounted);
        assert!(
            self.activity_bytes() == activities,
            "P6 broken: activities of {:?} are counted as {} bytes, not {activities}",
            self.address,
            self.activity_bytes()
        );
        state
    }
}

#[cfg(test)]
mod tests {
    use apostate_core::{Address, EntityKey, KindId, Timestamp};

    use super::*;
    use crate::cells::state::word;

    fn slot() -> Slot {
        Slot::new(Address::new(KindId::of("stock"), EntityKey::new("tea").expect("a key")), 0)
    }

    #[test]
    fn a_slot_goes_from_absent_to_clean_and_free() {
        let mut slot = slot();
        assert_eq!(slot.check(), SlotState::Absent);
        slot.start_loading(Timestamp(1));
        assert_eq!(slot.check(), SlotState::Absent);
        slot.set_cell(Some([&word(3, true).to_le_bytes()[..], b"state"].concat().into()));
        assert_eq!(slot.check(), SlotState::Clean);
        slot.clear();
        assert_eq!(slot.check(), SlotState::Free);
    }

    #[test]
    #[should_panic(expected = "P4 broken")]
    fn a_version_that_its_bytes_do_not_have_is_noticed() {
        let mut slot = slot();
        slot.set_cell(Some([&word(3, false).to_le_bytes()[..], b"state"].concat().into()));
        slot.touch(0);
        slot.keep_change(true, 0);
        slot.note_encoded();
        slot.check();
    }
}
