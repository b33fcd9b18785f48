//! `deposit-http`: as `deposit`, over HTTP: a durable update a request, with an `Idempotency-Key` each. `deposit-client` asks
//! through the typed client, which is then half of what is measured.

use std::cell::{OnceCell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;

use apostate_api::client::Client;

use crate::arguments::HttpArguments;
use crate::bank::{Account, Bank, Books};
use crate::failure::Failure;
use crate::host::Host;
use crate::http::{Asks, Connection, Load};
use crate::orders::Rng;
use crate::report::{Report, merged};
use crate::stream::End;

/// How many accounts there are.
const ACCOUNTS: u64 = 100_000;

/// Runs it.
pub(crate) fn run(arguments: &HttpArguments) -> Result<Report, Failure> {
    measure("deposit-http", arguments, Plain)
}

/// Runs it through the typed client.
pub(crate) fn run_client(arguments: &HttpArguments) -> Result<Report, Failure> {
    measure("deposit-client", arguments, Typed(OnceCell::new()))
}

fn measure<B: By + 'static>(workload: &'static str, arguments: &HttpArguments, by: B) -> Result<Report, Failure> {
    let HttpArguments { host, pace, connections, rate, requests_max } = arguments;
    let host = Host::open::<Bank>(host)?;
    let mut report = Report::new(workload, merged(&host.parameters(), arguments));
    let serving = host.serve(*requests_max)?;
    let load = Load { address: serving.local_addr(), connections: *connections, rate: *rate };
    let rng = RefCell::new(Rng::new(pace.seed));
    let deposits = Rc::new(Deposits { rng, books: RefCell::default(), by });

    let before = load.run(End::new(pace.warm_up(), pace.requests), 0, Rc::clone(&deposits))?;
    let (begin, first) = (host.mark()?, before.done + before.busy);
    let answers = load.run(End::new(pace.time(), pace.requests), first, Rc::clone(&deposits))?;
    let (begin, end) = (begin.at(answers.began), host.mark()?.at(answers.done_last));

    begin.report(&end, "request", answers.done, &mut report);
    report.set_rounded("busy_per_s", answers.busy as f64 / end.seconds_since(&begin));
    answers.report(&mut report);
    serving.stop();
    deposits.books.borrow().audit(host.client())?;
    host.stop()?;
    Ok(report)
}

struct Deposits<B> {
    rng: RefCell<Rng>,
    books: RefCell<Books>,
    by: B,
}

/// How deposits are made.
trait By {
    type Connection;

    async fn open(&self, address: SocketAddr) -> Result<Self::Connection, Failure>;

    /// Whether it was done: else the node had too much to do.
    async fn deposit(
        &self,
        connection: &mut Self::Connection,
        number: u64,
        account: u64,
        amount: u64,
    ) -> Result<bool, Failure>;
}

/// By requests made by hand.
struct Plain;

impl By for Plain {
    type Connection = Connection;

    async fn open(&self, address: SocketAddr) -> Result<Connection, Failure> {
        Connection::open(address).await
    }

    async fn deposit(
        &self,
        connection: &mut Connection,
        number: u64,
        account: u64,
        amount: u64,
    ) -> Result<bool, Failure> {
        let path = format!("/entities/account/{account}/deposit");
        Ok(connection.post(&path, number, &format!("{{\"amount\":{amount}}}")).await?.is_some())
    }
}

/// By the typed client: one, which as many tasks share as there are connections.
struct Typed(OnceCell<Client>);

impl By for Typed {
    type Connection = Client;

    async fn open(&self, address: SocketAddr) -> Result<Client, Failure> {
        if let Some(client) = self.0.get() {
            return Ok(client.clone());
        }
        let client = Client::new(&format!("http://{address}")).map_err(|error| Failure::Wrong(error.to_string()))?;
        Ok(self.0.get_or_init(|| client).clone())
    }

    async fn deposit(&self, connection: &mut Client, _: u64, account: u64, amount: u64) -> Result<bool, Failure> {
        let call = Account::at(account.to_string()).deposit(amount);
        connection.call(call).await.map_err(|error| Failure::Wrong(error.to_string()))?;
        Ok(true)
    }
}

impl<B: By> Asks for Deposits<B> {
    type Connection = B::Connection;

    async fn open(&self, address: SocketAddr) -> Result<B::Connection, Failure> {
        self.by.open(address).await
    }

    async fn ask(&self, connection: &mut B::Connection, number: u64) -> Result<bool, Failure> {
        let (account, amount) = {
            let mut rng = self.rng.borrow_mut();
            (rng.below(ACCOUNTS), rng.below(100) + 1)
        };
        let is_done = self.by.deposit(connection, number, account, amount).await?;
        if is_done {
            self.books.borrow_mut().add(amount);
        }
        Ok(is_done)
    }
}
