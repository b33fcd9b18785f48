//! A crew of workers whose steps are dealt out one by one: the rng of threads, made an input.
//!
//! Stateless workers take jobs from a queue. A job is a few steps, and what a worker has in its hands between two of
//! them is all that it knows. Whose turn comes next, who crashes with full hands, and whose answer is lost on the
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

/// What a run meets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    /// Whose turn comes next.
    pub(crate) seed: u64,
    /// Turns in a thousand in which a worker crashes instead, in the middle of its job.
    pub(crate) crashes: u64,
    /// Answers in a thousand that are not heard.
    pub(crate) lost_answers: u64,
}

/// What one step of a job comes to.
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
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
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
    weather: Weather,
    jobs: &[J],
    mut step: impl FnMut(&J, Option<H>) -> Result<Step<H>, E>,
) -> Result<Vec<Event>, E> {
    let Weather { seed, crashes, lost_answers } = weather;
    let mut rng = Rng::new(seed);
    let mut queue: VecDeque<usize> = (0..jobs.len()).collect();
    let mut workers: [Option<Busy<H>>; WORKERS] = std::array::from_fn(|_| None);
    let mut history = Vec::new();
    while !queue.is_empty() || workers.iter().any(Option::is_some) {
        let worker = rng.index(WORKERS);
        let busy = workers[worker].take().or_else(|| queue.pop_front().map(|job| Busy { job, hands: None }));
        let Some(Busy { job, hands }) = busy else { continue };
        let mut note = |what| history.push(Event { worker, job, what });
        if hands.is_some() && rng.chance(crashes) {
            note(What::Crashed);
            queue.push_back(job);
            continue;
        }
        match step(&jobs[job], hands)? {
            Step::Holding(hands) => {
                note(What::Stepped);
                workers[worker] = Some(Busy { job, hands: Some(hands) });
            }
            Step::Done if rng.chance(lost_answers) => {
                note(What::Unheard);
                queue.push_back(job);
            }
            Step::Done => note(What::Answered),
        }
    }
    Ok(history)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    /// Runs jobs of two steps. Gives what happened, and how often each job got to its second step.
    fn history(weather: Weather) -> (Vec<Event>, Vec<u32>) {
        let jobs: Vec<_> = (0..50).collect();
        let mut done = vec![0; jobs.len()];
        let history = run(weather, &jobs, |&job, hands| match hands {
            None => Ok::<_, Infallible>(Step::Holding(())),
            Some(()) => {
                done[job] += 1;
                Ok(Step::Done)
            }
        });
        (history.unwrap(), done)
    }

    #[test]
    fn the_same_weather_gives_the_same_history_and_another_seed_another() {
        let weather = Weather { seed: 7, crashes: 100, lost_answers: 100 };
        assert_eq!(history(weather), history(weather));
        assert_ne!(history(weather).0, history(Weather { seed: 8, ..weather }).0);
    }

    #[test]
    fn every_job_is_done_and_only_an_answer_that_was_not_heard_has_it_done_again() {
        let calm = Weather { seed: 7, crashes: 200, lost_answers: 0 };
        let (events, done) = history(calm);
        assert!(events.iter().any(|event| event.what == What::Crashed));
        assert!(done.iter().all(|times| *times == 1));
        let (events, done) = history(Weather { lost_answers: 200, ..calm });
        let unheard = events.iter().filter(|event| event.what == What::Unheard).count();
        assert!(unheard > 0 && done.iter().sum::<u32>() as usize == done.len() + unheard);
    }
}
