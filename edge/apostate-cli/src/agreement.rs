//! Agreements that are not over: list, show.

use apostate_api::{AgreementFilter, AgreementItem, AgreementLeg, AgreementState};

use crate::arguments::{Agreement, StateFilter};
use crate::failure::Failure;
use crate::node::Node;
use crate::output::{Output, plain, time};

pub(crate) fn run(node: &Node, output: Output, verb: Agreement) -> Result<(), Failure> {
    match verb {
        Agreement::List { state, kind, limit } => {
            list(node, output, state.map(filter), kind.as_deref(), limit.unwrap_or(usize::MAX))
        }
        Agreement::Show { id } => show(node, output, &id),
    }
}

fn filter(state: StateFilter) -> AgreementFilter {
    match state {
        StateFilter::Open => AgreementFilter::Open,
        StateFilter::Uncertain => AgreementFilter::Uncertain,
        StateFilter::PastDeadline => AgreementFilter::PastDeadline,
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
        rows
    })
}

fn state_of(item: &AgreementItem) -> String {
    let state = match item.state {
        AgreementState::Undecided => "undecided",
        AgreementState::Waiting => "waiting",
        AgreementState::Tentative => "tentative",
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
    let AgreementLeg { leg, kind, key, handler, has_accepted, refusal } = leg;
    let answer = match (has_accepted, refusal) {
        (None, _) => "not answered".to_owned(),
        (Some(true), _) => "accepted".to_owned(),
        (Some(false), None) => "refused".to_owned(),
        (Some(false), Some(refusal)) => format!("refused: {} ({})", refusal.text, refusal.code),
    };
    format!("{leg} {kind}/{key} {handler} {answer}")
}
