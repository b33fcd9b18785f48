//! Agreements that are not over: list, show, settle, forget.

use std::time::Duration;

use apostate_api::client::{AgreementAudit, AuditFault, AuditFinding, new_key};
use apostate_api::{
    AgreementEnding, AgreementFilter, AgreementItem, AgreementLeg, AgreementState, SettleOrder, SettlementItem,
};

use crate::arguments::{Agreement, Ending, StateFilter};
use crate::failure::{Change, Failure};
use crate::node::Node;
use crate::output::{Output, plain, time};

pub(crate) fn run(node: &Node, output: Output, verb: Agreement) -> Result<(), Failure> {
    match verb {
        Agreement::List { state, kind, limit } => {
            list(node, output, state.map(filter), kind.as_deref(), limit.unwrap_or(usize::MAX))
        }
        Agreement::Show { id } => show(node, output, &id),
        Agreement::Settle { id, ending, reason, without_handler, key } => {
            let ending = match ending {
                Ending::Confirm => AgreementEnding::Confirm,
                Ending::Cancel => AgreementEnding::Cancel,
            };
            let (order, once) = (SettleOrder { ending, reason, without_handler }, key.unwrap_or_else(new_key));
            let change = Change::Settlement { id: id.clone() };
            node.change(change, node.client.settle_agreement_once(&once, &id, &order))?;
            output.done(&format!("{id} is settled"))
        }
        Agreement::Audit { wait } => audit(node, output, wait),
        Agreement::Forget { id } => {
            node.change(Change::Settlement { id: id.clone() }, node.client.forget_settlement(&id))?;
            output.done(&format!("{id} is dropped"))
        }
    }
}

/// Whether each hold has its agreement, and the reverse.
fn audit(node: &Node, output: Output, wait: u64) -> Result<(), Failure> {
    let AgreementAudit { agreements, holds, findings } =
        node.ask(node.client.audit_agreements(Duration::from_secs(wait)))?;
    let count = findings.len();
    let header = ["FAULT", "ENTITY", "OTHER SIDE", "TRY", "ID"];
    if count > 0 {
        output.many(&header, findings.into_iter().map(Ok), |finding: &AuditFinding| {
            let AuditFinding { what, id, entity, other, number } = finding;
            let what = match what {
                AuditFault::HoldWithoutAgreement => "held without an agreement",
                AuditFault::AgreementWithoutHold => "accepted, and not held",
            };
            vec![what.to_owned(), entity.clone(), other.clone(), number.to_string(), id.clone()]
        })?;
    }
    match count {
        0 => output.done(&format!("{agreements} agreements and {holds} holds, and all of them belong together")),
        count => Err(Failure::Audit { count }),
    }
}

fn filter(state: StateFilter) -> AgreementFilter {
    match state {
        StateFilter::Open => AgreementFilter::Open,
        StateFilter::Uncertain => AgreementFilter::Uncertain,
        StateFilter::PastDeadline => AgreementFilter::PastDeadline,
        StateFilter::Settled => AgreementFilter::Settled,
    }
}

fn list(
    node: &Node,
    output: Output,
    filter: Option<AgreementFilter>,
    kind: Option<&str>,
    limit: usize,
) -> Result<(), Failure> {
    let header = ["ID", "ENTITY", "STATE", "SINCE", "DEADLINE", "WITH"];
    output.many(&header, node.agreements(filter, kind).take(limit), |item: &AgreementItem| {
        let entity = format!("{}/{}", item.kind, item.key);
        vec![item.id.clone(), entity, state_of(item), since(item), deadline(item), with(item)]
    })
}

fn show(node: &Node, output: Output, id: &str) -> Result<(), Failure> {
    let item = node.ask(node.client.agreement(id))?;
    output.one(&item, || {
        let named = |name: &str, value: String| (name.to_owned(), value);
        let mut rows = vec![
            named("id", item.id.clone()),
            named("entity", format!("{}/{}", item.kind, item.key)),
            named("state", state_of(&item)),
            named("since", since(&item)),
            named("deadline", deadline(&item)),
        ];
        rows.extend(item.agreement.map(|agreement| named("agreement", agreement.to_string())));
        rows.extend(item.needed.map(|needed| named("needed", format!("{needed} of {}", item.legs.len()))));
        rows.extend(item.legs.iter().map(|leg| named("partner", leg_of(leg))));
        rows.extend(item.proposer.clone().map(|proposer| named("proposer", proposer)));
        rows.extend(item.number.map(|number| named("try", number.to_string())));
        rows.extend(item.handler.clone().map(|handler| named("handler", handler)));
        rows.extend(item.hold.as_ref().map(|hold| named("hold", plain(hold, str::to_owned))));
        rows.extend(item.parked.clone().map(|parked| named("ending parked", parked)));
        if let Some(SettlementItem { ending, without_handler, reason, contradicted }) = &item.settlement {
            let ending = match ending {
                AgreementEnding::Confirm => "confirmed",
                AgreementEnding::Cancel => "cancelled",
            };
            let how = if *without_handler { ", without its handler" } else { "" };
            rows.push(named("settled", format!("{ending}{how}: {reason}")));
            rows.extend(contradicted.map(|at| named("its real ending was another", time(at))));
        }
        rows
    })
}

fn state_of(item: &AgreementItem) -> String {
    let state = match item.state {
        AgreementState::Undecided => "undecided",
        AgreementState::Waiting => "waiting",
        AgreementState::Tentative => "tentative",
        AgreementState::Settled => "settled",
        AgreementState::SettledOtherwise => "settled against its decision",
    };
    if item.parked.is_some() { format!("{state}, its ending is parked") } else { state.to_owned() }
}

fn since(item: &AgreementItem) -> String {
    item.since.map_or_else(String::new, time)
}

fn deadline(item: &AgreementItem) -> String {
    let past = if item.is_past_deadline { " (past)" } else { "" };
    item.deadline.map_or_else(String::new, |deadline| format!("{}{past}", time(deadline)))
}

/// The partners in short, or the proposer.
fn with(item: &AgreementItem) -> String {
    match &item.proposer {
        Some(proposer) => proposer.clone(),
        None => {
            let has = |answer| item.legs.iter().filter(|leg| leg.has_accepted == answer).count();
            let (accepted, refused) = (has(Some(true)), has(Some(false)));
            format!("{} partners: {accepted} accepted, {refused} refused, {} not answered", item.legs.len(), has(None))
        }
    }
}

fn leg_of(leg: &AgreementLeg) -> String {
    let AgreementLeg { leg, number: _, kind, key, handler, has_accepted, refusal } = leg;
    let answer = match (has_accepted, refusal) {
        (None, _) => "not answered".to_owned(),
        (Some(true), _) => "accepted".to_owned(),
        (Some(false), None) => "refused".to_owned(),
        (Some(false), Some(refusal)) => format!("refused: {} ({})", refusal.text, refusal.code),
    };
    format!("{leg} {kind}/{key} {handler} {answer}")
}
