//! Runs messages against one entity, as the platform does.

use apostate::{Address, EntityKey, Timestamp};
use apostate_core::{Effects, HandlerId, Handlers, Invocation, Kind, Live, NoAnswers, NoTimers, StepOutcome, step};

/// One entity and its kind.
pub(crate) struct Run {
    kind: Kind,
    to: Address,
    live: Box<dyn Live>,
}

impl Run {
    /// A new entity with the key `tea`.
    pub(crate) fn of<E: Handlers>() -> Self {
        let kind = Kind::of::<E>();
        let to = Address::new(kind.id, EntityKey::new("tea").expect("a key"));
        Self { live: kind.new_entity(), kind, to }
    }

    /// Runs `handler`; as the platform would, takes back what a handler changed that did not end well.
    pub(crate) fn step(&mut self, handler: HandlerId, body: &[u8]) -> (StepOutcome, Effects) {
        let number = self.kind.find(handler).expect("a handler of the table");
        let before = self.state();
        let mut effects = Effects::default();
        let invocation = Invocation {
            to: &self.to,
            sender: None,
            handler,
            body,
            now: Timestamp(1),
            seed: 7,
            wants_reply: true,
            version: 1,
            timers: &NoTimers,
            owed: &NoAnswers,
            is_try: self.kind.handlers[number].tentative.is_some(),
            agreement: None,
        };
        let outcome = step(self.live.as_mut(), number, &invocation, &mut effects);
        if outcome != StepOutcome::Done {
            self.live = self.kind.decode(&before).expect("its own encoding");
        }
        (outcome, effects)
    }

    /// The entity's state, encoded.
    pub(crate) fn state(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.live.encode(&mut bytes);
        bytes
    }
}
