//! The world as a test sees it.

use std::ops::Deref;
use std::panic::resume_unwind;

use apostate_core::{Address, Call, Entity, EntityKey, FromOutside, KindId, ReadOnly, ToKey, decode_state};
use apostate_world::Rng;
use serde::de::DeserializeOwned;

use crate::call::{Answer, Ending, TestRequest, read};
use crate::finding::{Check, Finding};
use crate::plan::SALT;
use crate::simulation::{AskKind, Simulation};

/// A world in which entities live, messages travel and everything goes wrong: what
/// [`Trial::run`](crate::Trial::run) gives a test.
///
/// Everything that it does not allow ends the run of the seed with a [`Failure`](crate::Failure) that says so.
pub struct World {
    simulation: Box<dyn Simulation>,
    allows_parked: bool,
    rng: Rng,
}

/// An entity as it was found, with its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<E> {
    /// The key.
    pub key: EntityKey,
    /// The state.
    pub entity: E,
}

impl<E> Deref for Found<E> {
    type Target = E;
    fn deref(&self) -> &E {
        &self.entity
    }
}

impl World {
    pub(crate) fn new(simulation: Box<dyn Simulation>, seed: u64) -> Self {
        Self { simulation, allows_parked: false, rng: Rng::new(!seed, SALT) }
    }

    pub(crate) fn simulation(&self) -> &dyn Simulation {
        self.simulation.as_ref()
    }

    /// Calls an entity from outside and waits for the answer, while everything else goes on. Lost requests and
    /// answers are asked again with the same client key. A message that can be refused gives a `Result`.
    pub fn call<E: Entity, R: DeserializeOwned, S: Ending<R>, A: FromOutside>(
        &mut self,
        call: Call<E, R, S, A>,
    ) -> S::Output {
        let request = strictly(TestRequest::of(call));
        let name = self.name(&request);
        let reply = match strictly(self.simulation.ask(request, AskKind::Call)) {
            Answer::Done(reply) => Ok(strictly(read(&reply))),
            Answer::Refused(refusal) => Err(refusal),
            Answer::Missing => give_up(Finding::CallFailed { message: name, why: "there is no such entity".into() }),
            Answer::Owed | Answer::Expired => {
                give_up(Finding::CallFailed { message: name, why: "it was not answered in time".into() })
            }
            Answer::Failed(why) => give_up(Finding::CallFailed { message: name, why }),
        };
        let output = S::output(reply);
        output.unwrap_or_else(|refusal| give_up(Finding::CallFailed { message: name, why: refusal.to_string() }))
    }

    /// Sends a message from outside and does not wait. It is asked for again until it is answered, so it takes
    /// effect once, or is refused; among several, there is no order.
    pub fn send<E: Entity, R, S: Ending<R>, A: FromOutside>(&mut self, call: Call<E, R, S, A>) {
        let request = strictly(TestRequest::of(call));
        strictly(self.simulation.send(request));
    }

    /// Reads from an entity, which has to exist and to answer.
    pub fn read<E: Entity, R: DeserializeOwned, A: FromOutside>(&mut self, call: Call<E, R, ReadOnly, A>) -> R {
        let request = strictly(TestRequest::of(call));
        let name = self.name(&request);
        let why = match strictly(self.simulation.ask(request, AskKind::Read)) {
            Answer::Done(reply) => return strictly(read(&reply)),
            Answer::Refused(refusal) => refusal.to_string(),
            Answer::Missing => "there is no such entity".to_owned(),
            Answer::Owed | Answer::Expired => "it was not answered in time".to_owned(),
            Answer::Failed(why) => why,
        };
        give_up(Finding::CallFailed { message: name, why })
    }

    /// Lets faults go on for a while, then lets nothing more go wrong, and waits until no message is on its way.
    /// From then on things go wrong again. Fails if something was parked, unless that is [allowed](Self::allow_parked).
    pub fn settle(&mut self) {
        strictly(self.simulation.settle());
        if !self.allows_parked && !self.simulation.parked().is_empty() {
            give_up(Finding::Parked(self.simulation.parked().to_vec()));
        }
    }

    /// Messages may be parked: handlers that panic are part of the test.
    pub fn allow_parked(&mut self) {
        self.allows_parked = true;
    }

    /// Messages that were parked so far, and sends that failed, as people read them.
    #[must_use]
    pub fn parked(&self) -> &[String] {
        self.simulation.parked()
    }

    /// Lets virtual time pass, and what is under way go on.
    pub fn wait(&mut self, time: std::time::Duration) {
        strictly(self.simulation.wait(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)));
    }

    /// A random number below `end`, for what the test asks for: the same in every run of a seed. 0 if there is none.
    pub fn random(&mut self, end: u64) -> u64 {
        self.rng.below(end)
    }

    /// Every entity of a kind as it is committed now, in the order of their keys. They agree with each other once the
    /// world has [settled](Self::settle), and not before.
    pub fn all<E: Entity>(&mut self) -> impl Iterator<Item = Found<E>> + use<E> {
        let all = strictly(self.simulation.all(KindId::of(E::NAME)));
        let found: Vec<_> = all.iter().map(|(address, state)| found(address, state)).collect();
        found.into_iter()
    }

    /// One entity as it is committed now; none if there is none.
    pub fn get<E: Entity>(&mut self, key: impl ToKey) -> Option<Found<E>> {
        let key = key.to_key().map_err(|error| Finding::Test(format!("no entity has this key: {error}")));
        let address = Address::new(KindId::of(E::NAME), strictly(key));
        strictly(self.simulation.one(&address)).map(|state| found(&address, &state))
    }

    fn name(&self, request: &TestRequest) -> String {
        self.simulation.names().message(None, &request.to, request.handler, &request.body)
    }
}

fn found<E: Entity>(address: &Address, state: &[u8]) -> Found<E> {
    let entity = decode_state(state).map_err(|error| Finding::Test(format!("{address:?} does not read: {error}")));
    Found { key: address.key().clone(), entity: strictly(entity) }
}

/// Ends the run of this seed.
fn give_up(finding: Finding) -> ! {
    resume_unwind(Box::new(finding))
}

fn strictly<T>(checked: Check<T>) -> T {
    checked.unwrap_or_else(|finding| give_up(finding))
}
