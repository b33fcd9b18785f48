//! The wire types of agreements: what each writes is what its schema says.

use apostate_api::{
    AgreementEnding, AgreementItem, AgreementLeg, AgreementState, RefusalBody, SettleOrder, SettlementItem,
};
use serde_json::{Value, json};

use super::document;

#[test]
fn agreements_on_the_wire_are_as_described() {
    let text = || "text".to_owned();
    let refusal = Some(RefusalBody { code: text(), text: text() });
    let (kind, key, handler) = (text(), text(), text());
    let leg = AgreementLeg { leg: 1, number: 1, kind, key, handler, has_accepted: Some(false), refusal };
    let settlement = SettlementItem {
        ending: AgreementEnding::Confirm,
        without_handler: true,
        reason: text(),
        contradicted: Some(1),
    };
    let item = AgreementItem {
        id: text(),
        state: AgreementState::Tentative,
        kind: text(),
        key: text(),
        since: Some(1),
        deadline: Some(1),
        is_past_deadline: true,
        agreement: Some(1),
        needed: Some(1),
        may_lapse: true,
        legs: vec![leg.clone()],
        proposer: Some(text()),
        number: Some(1),
        handler: Some(text()),
        hold: Some(json!({})),
        parked: Some(text()),
        settlement: Some(settlement.clone()),
    };
    let order = SettleOrder { ending: AgreementEnding::Cancel, reason: text(), without_handler: true };
    let document = document(false);
    let keys = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    for (name, value) in [
        ("AgreementItem", serde_json::to_value(item)),
        ("AgreementLeg", serde_json::to_value(leg)),
        ("SettlementItem", serde_json::to_value(settlement)),
        ("SettleOrder", serde_json::to_value(order)),
    ] {
        let schema = &document["components"]["schemas"][format!("apostate.{name}")];
        assert_eq!(keys(&value.expect("JSON")), keys(&schema["properties"]), "{name}");
    }
    let settle = &document["paths"]["/agreements/{id}/settle"]["post"]["requestBody"];
    assert_eq!(settle["required"], true);
}
