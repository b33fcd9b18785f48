//! The store as a node: what it prints can be pasted, it stops when it is told to, and a kill changes nothing.

#![cfg(unix)]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use support::program::{Log, program};
use support::served::Served;

/// A newcomer's session with a node.
trait Visited {
    /// The result of a `curl` line that was pasted: status and body.
    fn paste(&self, line: &str) -> (u16, String);
    fn signal(&self, signal: Signal);
    /// Waits for its end, and says whether it was a good one.
    fn ended_well(self) -> bool;
}

impl Visited for Served {
    fn paste(&self, line: &str) -> (u16, String) {
        let url = line.split_whitespace().find(|word| word.starts_with("http://")).expect("an address");
        let path = url.strip_prefix(&format!("http://{}", self.address)).expect("at our address");
        let body = line.split_once("-d '").map(|(_, rest)| rest.strip_suffix('\'').expect("it is closed"));
        let (method, body) = body.map_or(("GET", ""), |body| ("POST", body));
        let mut stream = TcpStream::connect(&self.address).expect("a connection");
        let head = "host: localhost\r\nconnection: close\r\ncontent-type: application/json";
        write!(stream, "{method} {path} HTTP/1.1\r\n{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
            .expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).expect("a status");
        (status.parse().expect("a number"), body.to_owned())
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.process);
        kill_process(pid, signal).expect("the process is ours");
    }

    fn ended_well(mut self) -> bool {
        self.process.wait().expect("it ends").success()
    }
}

#[test]
fn what_it_prints_can_be_pasted_and_outlives_kills_and_stops() {
    let place = Log::new(1, 1);
    let data = place.place("data");
    let stock = |served: &Served, lines: u64| {
        // The invoice asks, the stock answers, the invoice confirms: a moment passes.
        for _ in 0..6000 {
            let (status, body) = served.paste(&served.pasted[1]);
            if status == 200 && body.contains(&format!("\"sale_lines\":{lines}")) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("a minute has passed, and the stock has not sold {lines} lines: {:?}", served.paste(&served.pasted[1]));
    };
    let served = Served::start(&data);
    assert_eq!(served.paste(&served.pasted[0]), (200, "null".to_owned()));
    stock(&served, 1);
    assert!(served.paste(&served.pasted[2]).1.contains("\"key\":\"536365\""));

    served.signal(Signal::KILL);
    assert!(!served.ended_well());
    let served = Served::start(&data);
    stock(&served, 1);
    assert_eq!(served.paste(&served.pasted[0]).0, 200);
    stock(&served, 2);
    served.signal(Signal::TERM);
    assert!(served.ended_well());

    for signal in [Signal::INT, Signal::TERM] {
        let served = Served::start(&data);
        stock(&served, 2);
        served.signal(signal);
        assert!(served.ended_well(), "{signal:?}");
    }
}

#[test]
fn an_address_of_other_machines_needs_a_token() {
    let place = Log::new(1, 1);
    let data = place.place("data");
    let serve = program(&["serve", "--listen", "0.0.0.0:0", "--data", data.to_str().expect("a path")]);
    let errors = support::program::run_to(2, serve);
    assert!(errors.contains("token") && errors.contains(" next: "), "{errors}");
}

#[test]
fn a_token_in_the_file_of_settings_is_in_what_it_prints() {
    let place = Log::new(1, 1);
    let file = place.place("settings.toml");
    std::fs::write(&file, "listen = \"127.0.0.1:0\"\ntoken = \"a-long-and-secret-token\"").expect("written");
    let data = place.place("data");
    let mut process = program(&["serve"])
        .arg("--config")
        .arg(file)
        .arg("--data")
        .arg(data)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let lines = BufReader::new(process.stdout.take().expect("piped")).lines().map(|line| line.expect("text"));
    let pasted: Vec<_> = lines.filter(|line| line.trim_start().starts_with("curl ")).take(3).collect();
    process.kill().expect("it runs");
    process.wait().expect("it ends");
    assert_eq!(pasted.len(), 3);
    assert!(pasted.iter().all(|line| line.contains("Authorization: Bearer $APOSTATE_TOKEN")), "{pasted:?}");
}
