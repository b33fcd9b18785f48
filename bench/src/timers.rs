//! `timers`: many that are pending, and so many a second that are due: how late each is handled, and that none is early.
//!
//! A lateness is by the time of the partition, in whole milliseconds, until the handler runs; what waits for its record is not in it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use apostate::prelude::*;

use crate::arguments::TimersArguments;
use crate::callers::Callers;
use crate::failure::{Failure, check};
use crate::host::Host;
use crate::latency::Latency;
use crate::report::{Report, merged};
use crate::stream::End;

/// Timers of one entity: as many as it may have.
const EACH: u64 = 1000;

/// Timers that are set in a second, at least: those that are measured are due when all are set.
const SET_PER_S: u64 = 40_000;

/// An entity with timers.
#[entity(name = "alarm")]
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Alarm {
    early: u64,
    /// How late each was, in milliseconds.
    late: Vec<u32>,
}

#[handlers]
impl Alarm {
    /// Sets timers: the first is due at this time, and each of the others so many microseconds behind the one before it.
    #[open]
    pub fn arm(&mut self, tx: &mut Tx, count: u64, first: Timestamp, apart_us: u64) {
        for number in 0..count {
            let due = first.after(Duration::from_micros(number * apart_us));
            tx.send_at(due, Self::at(tx.key()).ring(due));
        }
    }

    /// A timer is due.
    pub fn ring(&mut self, tx: &mut Tx, due: Timestamp) {
        self.early += u64::from(tx.now() < due);
        self.late.push(u32::try_from(tx.now().since(due).as_millis()).unwrap_or(u32::MAX));
    }
}

/// Runs it.
pub(crate) fn run(arguments: &TimersArguments) -> Result<Report, Failure> {
    let TimersArguments { host, seconds, pending, rate } = arguments;
    let host = Host::open::<(Alarm,)>(host)?;
    let parameters = serde_json::json!({ "seconds": seconds, "pending": pending, "rate": rate });
    let mut report = Report::new("timers", merged(&host.parameters(), parameters));
    let due = (*rate as f64 * seconds).ceil() as u64;
    let alarms = due.div_ceil(EACH).max(1);
    let lead = Duration::from_secs(2 + (due + pending) / SET_PER_S);
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let first = Timestamp(u64::try_from((since_1970 + lead).as_millis()).unwrap_or(u64::MAX));
    let far = first.after(Duration::from_secs(24 * 3600));
    let began = Instant::now();
    let (client, mut callers) = (host.client().clone(), Callers::new(64));
    // Every alarm has its part of each moment; those that stay pending are of others.
    let (apart_us, each) = (1_000_000 * alarms / (*rate).max(1), due / alarms);
    let ring = |number: u64| match number < alarms {
        true => client.call(Alarm::at(number).arm(each, first, apart_us)).start(),
        false => client.call(Alarm::at(number).arm(EACH, far, 1000)).start(),
    };
    callers.run(End::new(Duration::MAX, Some(alarms + pending / EACH)), ring)?;
    let set_in = began.elapsed();
    check(set_in < lead, || format!("the timers took {set_in:?} to set, and were due after {lead:?}; ask for fewer"))?;
    std::thread::sleep(lead.saturating_sub(began.elapsed()));
    let begin = host.mark()?;
    let expected = alarms * each;
    let (rang, early, late) = wait_for(&host, expected, Duration::from_secs_f64(*seconds))?;
    let end = host.mark()?;
    begin.report(&end, "timer", rang, &mut report);
    report.set_rounded("fired_per_s", rang as f64 / end.seconds_since(&begin));
    report.set_rounded("late_p50_ms", late.millis_at(0.5));
    report.set_rounded("late_p99_ms", late.millis_at(0.99));
    report.set("early", early);
    report.set("pending", pending / EACH * EACH);
    report.set_rounded("set_in_s", set_in.as_secs_f64());
    check(early == 0, || format!("{early} timers were early"))?;
    check(rang == expected, || format!("{expected} timers were due, and {rang} were handled"))?;
    drop(callers);
    host.stop()?;
    Ok(report)
}

/// Waits until all have rung that are due: how many, how many of those were early, and how late they were.
fn wait_for(host: &Host, expected: u64, seconds: Duration) -> Result<(u64, u64, Latency), Failure> {
    let until = Instant::now() + seconds * 4 + Duration::from_secs(30);
    std::thread::sleep(seconds);
    loop {
        host.client().settle()?;
        let (mut rang, mut early, mut late) = (0, 0, Latency::new());
        for alarm in host.client().list::<Alarm>() {
            let Alarm { early: of_it, late: all } = alarm?.entity;
            early += of_it;
            rang += all.len() as u64;
            all.iter().for_each(|millis| late.record(Duration::from_millis(u64::from(*millis))));
        }
        if rang >= expected || Instant::now() > until {
            return Ok((rang, early, late));
        }
    }
}
