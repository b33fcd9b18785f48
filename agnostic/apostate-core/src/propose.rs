//! Proposing: an agreement that is put together becomes effects of the run, or a panic that says what is wrong with it.

use crate::agreement::Needed;
use crate::tentative::Leg;
use crate::{AgreementId, Effects, Invocation, OnRefused, Policy, Proposal, Proposed, Sent, SentAs, TryOf};

/// Adds an agreement to the effects, and gives its id.
///
/// # Panics
///
/// As [`Tx::propose`](crate::Tx::propose).
pub(crate) fn propose<R, T, P, L>(
    run: &Invocation<'_>,
    effects: &mut Effects,
    proposal: Proposal<R, T, P, L>,
) -> AgreementId {
    let Proposal { legs, wait, needed, is_eager, then, lapsed, is_under_try, .. } = proposal;
    let own = |handler: Option<_>, said: &str| {
        handler.map(|(kind, handler)| {
            assert!(kind == run.to.kind(), "`{said}` names a handler of another kind of entity");
            handler
        })
    };
    if is_under_try {
        assert!(run.is_try, "this handler does not run for a try: `Agreement::within(…)` proposes one of its own");
        let has_one = effects.proposals.iter().any(|proposed| proposed.is_under_try);
        assert!(!has_one, "a try waits for one agreement under it: put all partners into one");
    }
    let (place, count) = (effects.proposals.len() as u32, u32::try_from(legs.len()).unwrap_or(u32::MAX));
    let needed = match needed {
        Needed::All => count,
        Needed::AtLeast(partners) => partners,
    };
    assert!(needed <= count, "at_least({needed}) can never be agreed, as {count} are asked");
    let policy = Policy { needed, is_eager };
    let (then, lapsed) = (own(then, "then"), own(lapsed, "on_lapsed"));
    let id = AgreementId::new(run.version, place);
    let proposed = Proposed { id, legs: count, policy, wait, then, lapsed, is_under_try };
    let tries = legs.into_iter().zip(0..).map(|(leg, number)| {
        let Leg { to, handler, body, confirm_with, is_offer_read, can_lapse } = leg;
        let to = to.unwrap_or_else(|error| panic!("a try was sent to no entity: {error}"));
        // Nobody reads the offers to an agreement whose outcome is the answer to a try.
        let is_offer_read = is_offer_read && !is_under_try;
        let tried = TryOf { proposal: place, leg: number, confirm_with, is_offer_read, can_lapse };
        Sent { to, handler, on_refused: OnRefused::Never, body, sent_as: SentAs::Try(tried) }
    });
    effects.propose(run.to, proposed, tries);
    id
}
