//! Open work that is read back when a partition opens: cells as they come, from the store and then from the log, and values once all are there. A store
//! may be newer in part than the records that are replayed on it, so on the way a leg may be without its agreement.

use std::sync::Arc;

use super::agreement::{Agreement, OpenLeg};
use super::item::{Kept, Name};
use super::table::OpenWork;
use crate::cells::agreement::{self, AgreementSub, Header, Leg};
use crate::cells::cell::{self, EntityCell, Section};
use crate::format::DecodeError::{self, Damaged};

impl OpenWork {
    /// Takes over a cell that is read back, or its deletion.
    ///
    /// # Errors
    ///
    /// When it does not read.
    pub(crate) fn restore(
        &mut self,
        (section, key): (Section, &[u8]),
        sub: &[u8],
        value: Option<&[u8]>,
    ) -> Result<(), DecodeError> {
        match section {
            Section::Agreements => {
                let (_, sub) = AgreementSub::read(sub)?;
                value.map(|value| agreement::check(sub, value)).transpose()?;
            }
            _ => {
                let name = Name::read(section, sub)?;
                value.map(|value| name.read_item(value)).transpose()?;
            }
        }
        match value {
            Some(value) => drop(self.restoring.insert(key.into(), value.into())),
            None => drop(self.restoring.remove(key)),
        }
        Ok(())
    }

    /// All cells are read back.
    ///
    /// # Errors
    ///
    /// When something is there of an agreement that is not.
    pub(crate) fn end_restore(&mut self) -> Result<(), DecodeError> {
        for (key, value) in std::mem::take(&mut self.restoring) {
            let EntityCell { section, address, sub } = cell::read_key(&key)?;
            if section != Section::Agreements {
                let name = Name::read(section, sub)?;
                let item = name.read_item(&value)?;
                self.insert(&address, name, Kept { value: item, is_logged: true });
                continue;
            }
            // Keys are in order: the header comes first, and an answer behind its leg.
            let (number, sub) = AgreementSub::read(sub)?;
            if sub == AgreementSub::Header {
                let agreement = Agreement::new(Header::read(&value)?, true);
                self.insert_agreement(&address, number, Arc::new(agreement));
                continue;
            }
            let agreement = self.agreement_mut(&address, number).ok_or(Damaged)?;
            match sub {
                AgreementSub::Header => {}
                AgreementSub::Waits => (agreement.is_waiting, agreement.is_wait_logged) = (true, true),
                AgreementSub::Leg(number) => {
                    let leg = Leg::read(&value)?;
                    agreement.add(OpenLeg { number, leg, is_logged: true, answer: None });
                }
                AgreementSub::Answer(number) => {
                    agreement.leg_mut(number).ok_or(Damaged)?;
                    agreement.set_answer(number, Some(Kept { value, is_logged: true }));
                }
            }
        }
        Ok(())
    }
}
