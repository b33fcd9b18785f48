//! Workers whose steps are scheduled one by one: the interleaving of threads, made an input.
//!
//! Stateless workers take jobs from a queue. A job is a few steps, and what a worker has in its hands between two of
//! them is all that it knows. Which worker runs next, which crashes between two steps, and which answer is lost on the
//! way: all of that comes from the seed, so a number that a run shows is the same every time. A job that crashed or
//! whose answer was not heard is asked for again, as any client would.
//!
//! ```text
//!   worker 0   read 7 ······················ write 8
//!   worker 1   ········ read 7 ··· write 8 ··········      two visits, and the count rose by one
//! ```

use std::collections::VecDeque;

use crate::rng::Rng;

/// How many workers there are.
pub(crate) const WORKERS: usize = 8;

/// Faults of a run, and the seed that places them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Faults {
    /// The seed of the order in which workers run, and of the faults.
    pub(crate) seed: u64,
    /// Turns in a thousand in which a worker crashes instead, in the middle of its job.
    pub(crate) crashes: u64,
    /// Answers in a thousand that are not heard.
    pub(crate) lost_answers: u64,
}

/// The result of one step of a job.
pub(crate) enum Step<H> {
    /// The job goes on with this in the worker's hands.
    Holding(H),
    /// The job is done; its answer is on its way.
    Done,
}

/// Something that happened: two programs with equal histories met the same interleaving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    worker: usize,
    job: usize,
    kind: EventKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EventKind {
    Stepped,
    Crashed,
    Answered,
    Unheard,
}

/// A worker at work.
struct Busy<H> {
    job: usize,
    /// None before the first step.
    hands: Option<H>,
}

/// Has all `jobs` done, in the order of the list as far as workers go. `step` is given the job and what the worker
/// holds of it: nothing at first.
pub(crate) fn run<J, H, E>(
    faults: Faults,
    jobs: &[J],
    mut step: impl FnMut(&J, Option<H>) -> Result<Step<H>, E>,
) -> Result<Vec<Event>, E> {
    let Faults { seed, crashes, lost_answers } = faults;
    let mut rng = Rng::new(seed);
    let mut queue: VecDeque<usize> = (0..jobs.len()).collect();
    let mut workers: [Option<Busy<H>>; WORKERS] = std::array::from_fn(|_| None);
    let mut history = Vec::new();
    while !queue.is_empty() || workers.iter().any(Option::is_some) {
        let worker = rng.index(WORKERS);
        let busy = workers[worker].take().or_else(|| queue.pop_front().map(|job| Busy { job, hands: None }));
        let Some(Busy { job, hands }) = busy else { continue };
        let mut note = |kind| history.push(Event { worker, job, kind });
        if hands.is_some() && rng.chance(crashes) {
            note(EventKind::Crashed);
            queue.push_back(job);
            continue;
        }
        match step(&jobs[job], hands)? {
            Step::Holding(hands) => {
                note(EventKind::Stepped);
                workers[worker] = Some(Busy { job, hands: Some(hands) });
            }
            Step::Done if rng.chance(lost_answers) => {
                note(EventKind::Unheard);
                queue.push_back(job);
            }
            Step::Done => note(EventKind::Answered),
        }
    }
    Ok(history)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    /// Runs jobs of two steps. Gives what happened, and how often each job got to its second step.
    fn history(faults: Faults) -> (Vec<Event>, Vec<u32>) {
        let jobs: Vec<_> = (0..50).collect();
        let mut done = vec![0; jobs.len()];
        let history = run(faults, &jobs, |&job, hands| match hands {
            None => Ok::<_, Infallible>(Step::Holding(())),
            Some(()) => {
                done[job] += 1;
                Ok(Step::Done)
            }
        });
        (history.unwrap(), done)
    }

    #[test]
    fn the_same_faults_give_the_same_history_and_another_seed_another() {
        let faults = Faults { seed: 7, crashes: 100, lost_answers: 100 };
        assert_eq!(history(faults), history(faults));
        assert_ne!(history(faults).0, history(Faults { seed: 8, ..faults }).0);
    }

    #[test]
    fn every_job_is_done_and_only_an_answer_that_was_not_heard_has_it_done_again() {
        let calm = Faults { seed: 7, crashes: 200, lost_answers: 0 };
        let (events, done) = history(calm);
        assert!(events.iter().any(|event| event.kind == EventKind::Crashed));
        assert!(done.iter().all(|times| *times == 1));
        let (events, done) = history(Faults { lost_answers: 200, ..calm });
        let unheard = events.iter().filter(|event| event.kind == EventKind::Unheard).count();
        assert!(unheard > 0 && done.iter().sum::<u32>() as usize == done.len() + unheard);
    }
}
