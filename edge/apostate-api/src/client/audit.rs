//! The audit of agreements: whether each hold has its agreement, and each agreement its holds.
//!
//! The two sides are read at different moments, and an agreement may end in between. So a pair is judged from two readings of all, and what is
//! amiss in both is looked at again until it has righted itself or the patience is over: an ending may be under way for as long as a handler before it is
//! retried. What is found then is wrong, or is held up by what the list of partitions tells.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::client::error::ClientError;
use crate::client::setup::Client;
use crate::{AgreementItem, AgreementState, ErrorCode};

/// Items of one page.
const PAGE: usize = 1000;

/// A pause between two looks at the same pair.
const PAUSE: Duration = Duration::from_millis(250);

/// The result of an audit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreementAudit {
    /// Agreements that were read, at their proposers.
    pub agreements: u64,
    /// Operations that were read, at their partners.
    pub holds: u64,
    /// All that is wrong.
    pub findings: Vec<AuditFinding>,
}

/// Something that an audit has found wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AuditFinding {
    /// What is wrong.
    pub what: AuditFault,
    /// The name in `/agreements/{id}` of the side that is there.
    pub id: String,
    /// The entity of that side, as kind and key.
    pub entity: String,
    /// The entity of the other side, as kind and key.
    pub other: String,
    /// The number of the try.
    pub number: u64,
}

/// A fault between the two sides of an agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuditFault {
    /// A partner holds something, its proposer has no such agreement, and no ending has come.
    HoldWithoutAgreement,
    /// A proposer counts on a partner that has accepted, and the partner holds nothing.
    AgreementWithoutHold,
}

/// All that is not over, as it was read once.
#[derive(Default)]
struct Reading {
    agreements: u64,
    /// Tries of agreements that are not over, by proposer and number.
    tries: BTreeMap<(String, u64), Try>,
    /// What is held or was settled, by proposer and number.
    holds: BTreeMap<(String, u64), Hold>,
}

struct Try {
    id: String,
    partner: String,
    /// Whether the partner has to hold it.
    is_held: bool,
}

struct Hold {
    id: String,
    partner: String,
    /// Whether its agreement has to be there.
    is_open: bool,
}

impl Client {
    /// Reads both sides of all agreements, and says what is wrong after this long at most.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn audit_agreements(&self, patience: Duration) -> Result<AgreementAudit, ClientError> {
        let until = Instant::now() + patience;
        let first = self.read_agreements().await?.suspects();
        let second = self.read_agreements().await?;
        let (agreements, holds) = (second.agreements, second.holds.len() as u64);
        let both: BTreeSet<_> = second.suspects().intersection(&first).cloned().collect();
        let mut findings = Vec::new();
        for suspect in both {
            if !self.is_cleared(&suspect, until).await? {
                findings.push(suspect);
            }
        }
        Ok(AgreementAudit { agreements, holds, findings })
    }

    async fn read_agreements(&self) -> Result<Reading, ClientError> {
        let (mut reading, mut after) = (Reading::default(), None);
        loop {
            let page = self.agreements(None, None, after.as_deref(), PAGE).await?;
            page.items.into_iter().for_each(|item| reading.add(item));
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(reading),
            }
        }
    }

    /// Whether a pair that was amiss twice comes right: its side is over, or, of a hold, the ending is parked.
    async fn is_cleared(&self, suspect: &AuditFinding, until: Instant) -> Result<bool, ClientError> {
        loop {
            match self.agreement(&suspect.id).await {
                Ok(item) if item.parked.is_some() => return Ok(true),
                Ok(_) if Instant::now() >= until => return Ok(false),
                Ok(_) => tokio::time::sleep(PAUSE).await,
                Err(ClientError::Problem(problem)) if problem.error_code() == Some(ErrorCode::AgreementMissing) => {
                    return Ok(true);
                }
                Err(error) => return Err(error),
            }
        }
    }
}

impl Reading {
    fn add(&mut self, item: AgreementItem) {
        let entity = format!("{}/{}", item.kind, item.key);
        match item.state {
            AgreementState::Undecided | AgreementState::Waiting => {
                self.agreements += 1;
                for leg in item.legs {
                    let partner = format!("{}/{}", leg.kind, leg.key);
                    let is_held = leg.has_accepted == Some(true) && !item.may_lapse;
                    self.tries.insert((entity.clone(), leg.number), Try { id: item.id.clone(), partner, is_held });
                }
            }
            AgreementState::Tentative | AgreementState::Settled | AgreementState::SettledOtherwise => {
                let (Some(proposer), Some(number)) = (item.proposer, item.number) else { return };
                let is_open = item.state == AgreementState::Tentative && item.parked.is_none();
                self.holds.insert((proposer, number), Hold { id: item.id, partner: entity, is_open });
            }
        }
    }

    /// Pairs that are amiss, as far as one reading can tell.
    fn suspects(&self) -> BTreeSet<AuditFinding> {
        let alone = self.holds.iter().filter(|(name, hold)| hold.is_open && !self.tries.contains_key(*name));
        let holds = alone.map(|((proposer, number), Hold { id, partner, .. })| AuditFinding {
            what: AuditFault::HoldWithoutAgreement,
            id: id.clone(),
            entity: partner.clone(),
            other: proposer.clone(),
            number: *number,
        });
        let alone = self.tries.iter().filter(|(name, asked)| asked.is_held && !self.holds.contains_key(*name));
        let tries = alone.map(|((proposer, number), Try { id, partner, .. })| AuditFinding {
            what: AuditFault::AgreementWithoutHold,
            id: id.clone(),
            entity: proposer.clone(),
            other: partner.clone(),
            number: *number,
        });
        holds.chain(tries).collect()
    }
}
