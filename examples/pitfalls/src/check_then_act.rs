//! Check, then act: a rule over two records, each of which is written with care.
//!
//! Of the two doctors of a ward, one has to stay. One who wants to go home reads the record of the colleague, sees "on
//! call", and writes "gone" into their own. No record is written by two workers, so no write is ever lost, and a
//! compare-and-set on each would change nothing: both checks were true when they were made. They were not true any more
//! when they were acted upon, and a ward has no doctor.
//!
//! What must hold atomically belongs under one key: the rule is the ward's, so the ward is the entity, and it refuses.
//!
//! Paper: *Entities* (the only way to know that two data can be updated atomically is a single key for both).

use std::collections::{BTreeMap, BTreeSet};

use apostate::prelude::*;
use apostate_server::CallError;

use crate::gallery::{Damage, Outcome, Pitfall};
use crate::temp_node::{Failure, TempNode};
use crate::workers::{self, Faults, Step};

const WARDS: u32 = 60;
const DOCTORS: [&str; 2] = ["Ada", "Ben"];

pub(crate) const PITFALL: Pitfall = Pitfall {
    name: "check, then act",
    counts: "wards of 60 without a doctor",
    faults: |seed| Faults { seed, crashes: 0, lost_answers: 0 },
    wrong,
    right,
};

/// Every doctor wants to go home, those of one ward at about the same time.
fn requests() -> Vec<(u32, &'static str)> {
    (0..WARDS).flat_map(|ward| DOCTORS.map(|doctor| (ward, doctor))).collect()
}

fn wrong(faults: Faults) -> Result<Outcome, Failure> {
    let mut is_on_call: BTreeMap<_, _> = requests().into_iter().map(|record| (record, true)).collect();
    let history = workers::run(faults, &requests(), |&(ward, doctor), checked| match checked {
        None => {
            let colleague = DOCTORS[usize::from(doctor == DOCTORS[0])];
            Ok::<_, Failure>(Step::Holding(is_on_call[&(ward, colleague)]))
        }
        Some(may_go) => {
            if may_go {
                is_on_call.insert((ward, doctor), false);
            }
            Ok(Step::Done)
        }
    })?;
    let is_left_alone = |ward: &u32| DOCTORS.iter().all(|doctor| !is_on_call[&(*ward, *doctor)]);
    let lost = (0..WARDS).filter(is_left_alone).count() as u64;
    Ok(Outcome { damage: Damage { lost, doubled: 0 }, history })
}

/// One ward.
#[entity(name = "ward")]
#[derive(Serialize, Deserialize)]
struct Ward {
    on_call: BTreeSet<String>,
}

impl Default for Ward {
    fn default() -> Self {
        Self { on_call: DOCTORS.map(String::from).into() }
    }
}

#[handlers]
impl Ward {
    /// Lets a doctor go home, unless it is the last one.
    #[open]
    pub fn go_home(&mut self, doctor: String) -> Result<(), Refusal> {
        refuse!(self.on_call.iter().all(|other| *other == doctor), "no other doctor is on call");
        self.on_call.remove(&doctor);
        Ok(())
    }

    /// How many doctors are on call.
    #[open]
    pub fn on_call(&self) -> usize {
        self.on_call.len()
    }
}

fn right(faults: Faults) -> Result<Outcome, Failure> {
    let node = TempNode::open::<(Ward,)>(2)?;
    let client = node.client();
    let history = workers::run(faults, &requests(), |&(ward, doctor), asked| match asked {
        None => {
            let call = client.call(Ward::at(ward).go_home(doctor.into())).with_key(doctor);
            Ok::<_, Failure>(Step::Holding(call.start()))
        }
        Some(call) => match call.wait() {
            Ok(()) | Err(CallError::Refused(_)) => Ok(Step::Done),
            Err(error) => Err(error.into()),
        },
    })?;
    let mut lost = 0;
    for ward in 0..WARDS {
        lost += u64::from(client.read(Ward::at(ward).on_call()).wait()? == 0);
    }
    Ok(Outcome { damage: Damage { lost, doubled: 0 }, history })
}

#[cfg(test)]
mod tests {
    #[test]
    fn both_doctors_go_home_unless_the_ward_itself_decides() {
        super::PITFALL.check();
    }
}
