//! Agreements as a node keeps them: those that it has proposed, and what it holds for others.

use apostate_core::{HandlerId, Policy, Refusal};

use super::ids::NodeId;

/// A try by name: the node that sent it, and its number there.
pub(super) type TryName = (NodeId, u64);

/// An agreement that a node has proposed, and that is not over.
#[derive(Debug)]
pub(super) struct Agreement {
    pub(super) policy: Policy,
    /// The handler that takes the outcome; none under a try.
    pub(super) then: Option<HandlerId>,
    /// The handler that hears of lapses.
    pub(super) lapsed: Option<HandlerId>,
    pub(super) legs: Vec<Leg>,
    /// The try that it is on behalf of, with the offer that answers it.
    pub(super) under: Option<(TryName, Vec<u8>)>,
    /// Agreed on behalf of a try, whose ending it waits for.
    pub(super) is_waiting: bool,
}

/// One partner's part in an agreement.
#[derive(Debug)]
pub(super) struct Leg {
    pub(super) partner: NodeId,
    /// The number of its try.
    pub(super) about: u64,
    /// The tentative handler.
    pub(super) handler: HandlerId,
    pub(super) confirm_with: Option<Box<[u8]>>,
    pub(super) is_offer_read: bool,
    /// The offer, or the refusal, once one has come.
    pub(super) answer: Option<Result<Vec<u8>, Refusal>>,
}

impl Leg {
    /// Whether its partner holds something, as far as the proposer knows.
    pub(super) fn may_hold(&self) -> bool {
        !matches!(self.answer, Some(Err(_)))
    }
}

/// A decision.
#[derive(Debug)]
pub(super) enum Decision {
    Agreed,
    Refused { by: NodeId, why: Refusal },
    Expired,
}

impl Agreement {
    /// The decision that is due after the newest answer, which may be a refusal; or after the proposal.
    pub(super) fn due(&self, refusal: Option<(NodeId, Refusal)>) -> Option<Decision> {
        let Policy { needed, is_eager } = self.policy;
        let (legs, needed) = (self.legs.len(), needed as usize);
        let count = |is_accepted| {
            let answers = self.legs.iter().filter_map(|leg| leg.answer.as_ref());
            answers.filter(|answer| answer.is_ok() == is_accepted).count()
        };
        let (accepted, refused) = (count(true), count(false));
        match refusal {
            Some((by, why)) if refused > legs - needed => Some(Decision::Refused { by, why }),
            _ if accepted + refused == legs || (is_eager && accepted >= needed) => Some(Decision::Agreed),
            _ => None,
        }
    }

    /// The decision at the deadline.
    pub(super) fn at_the_deadline(&self) -> Decision {
        let accepted = self.legs.iter().filter(|leg| matches!(leg.answer, Some(Ok(_)))).count();
        if accepted >= self.policy.needed as usize { Decision::Agreed } else { Decision::Expired }
    }
}

/// Tentative operation: something that a node holds for an agreement of another one, or of its own.
#[derive(Debug)]
pub(super) struct Operation {
    /// The tentative handler.
    pub(super) handler: HandlerId,
    /// The arguments of the try.
    pub(super) hold: Vec<u8>,
    /// The agreement that was proposed on its behalf.
    pub(super) inner: Option<u64>,
}

/// Body of a confirm on its way: the agreement, the number of the leg, and the value that it is told.
pub(super) fn confirm(agreement: u64, leg: u32, value: Option<&[u8]>) -> Vec<u8> {
    [&agreement.to_le_bytes()[..], &leg.to_le_bytes(), value.unwrap_or(&[])].concat()
}

/// Reads the body of a confirm.
pub(super) fn read_confirm(body: &[u8]) -> (u64, u32, Option<&[u8]>) {
    let (agreement, rest) = body.split_first_chunk().expect("a confirm has an agreement");
    let (leg, value) = rest.split_first_chunk().expect("a confirm has a leg");
    (u64::from_le_bytes(*agreement), u32::from_le_bytes(*leg), (!value.is_empty()).then_some(value))
}
