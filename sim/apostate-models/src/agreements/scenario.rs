//! Scenarios: entities and where they are, who proposes what to whom, and what may go wrong.

use super::entity::Operation;

/// One agreement that is going to be proposed.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// The entity that proposes.
    pub proposer: u8,
    /// The entities that are asked, one leg each. One of them may be there twice, or be the proposer.
    pub partners: Vec<u8>,
    /// How many have to accept. *All or nothing* is all of them.
    pub at_least: u8,
    /// Whether it is decided as soon as so many have accepted, instead of when all have answered.
    pub is_eager: bool,
    /// The try on whose behalf it is proposed. Only the decision of such an agreement is no ending.
    pub under: Option<Operation>,
    /// Whether it has a deadline of its own.
    pub has_deadline: bool,
}

impl Proposal {
    /// All or nothing.
    #[must_use]
    pub fn all(proposer: u8, partners: &[u8]) -> Self {
        let at_least = u8::try_from(partners.len()).unwrap_or(u8::MAX);
        Self { proposer, partners: partners.to_vec(), at_least, is_eager: false, under: None, has_deadline: true }
    }
}

/// The bounds of one model.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Name in reports.
    pub name: &'static str,
    /// The partition of each entity.
    pub places: Vec<u8>,
    /// How much each entity has on hand at first.
    pub on_hand: Vec<i8>,
    /// The agreements. Each is proposed at any time, once.
    pub proposals: Vec<Proposal>,
    /// Whether a commit is a step of its own, and what is not committed may be undone.
    pub pipeline: bool,
    /// Whether a partner may refuse although it has something on hand.
    pub refuses: bool,
    /// Whether handlers may panic for good.
    pub panics: bool,
    /// Partners whose operations lapse at a deadline of their own.
    pub lapses: Vec<u8>,
    /// Entities that may be deleted, once.
    pub deletes: Vec<u8>,
}

impl Scenario {
    /// Each entity in a partition of its own, one on hand at each, and nothing goes wrong.
    #[must_use]
    pub fn of(name: &'static str, proposals: Vec<Proposal>) -> Self {
        let all = proposals.iter().flat_map(|proposal| proposal.partners.iter().chain([&proposal.proposer]));
        let entities = all.max().map_or(0, |last| last + 1);
        Self {
            name,
            places: (0..entities).collect(),
            on_hand: vec![1; usize::from(entities)],
            proposals,
            pipeline: false,
            refuses: false,
            panics: false,
            lapses: Vec::new(),
            deletes: Vec::new(),
        }
    }

    /// All numbers of entities.
    pub fn entities(&self) -> impl Iterator<Item = u8> + use<> {
        0..u8::try_from(self.places.len()).unwrap_or(u8::MAX)
    }

    /// The partition of an entity.
    #[must_use]
    pub fn place(&self, entity: u8) -> usize {
        usize::from(self.places[usize::from(entity)])
    }

    /// An agreement, by its number.
    #[must_use]
    pub fn proposal(&self, agreement: u8) -> &Proposal {
        &self.proposals[usize::from(agreement)]
    }
}
