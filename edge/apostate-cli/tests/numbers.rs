//! Numbers through the command: what is typed is sent as it is written, and `--json` prints what the node said, to the byte.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Command, Output};

use apostate::prelude::*;
use apostate_server::{HttpSettings, Node, Serving, Settings};

/// Keeps what is put on it.
#[entity(name = "scale")]
#[derive(Default, Serialize, Deserialize)]
struct Scale {
    // Not in the order of the alphabet.
    wide: Vec<u128>,
    fine: Vec<f64>,
    count: u128,
}

#[handlers]
impl Scale {
    #[open]
    pub fn put(&mut self, wide: Vec<u128>, fine: Vec<f64>) -> Vec<f64> {
        self.wide = wide;
        self.fine = fine;
        self.fine.clone()
    }

    #[open]
    pub fn count(&mut self, n: u128) -> u128 {
        self.count = n;
        n
    }

    #[open]
    pub fn same(&self, n: u128) -> u128 {
        n
    }

    #[open]
    pub fn spoil(&mut self) {
        self.fine = vec![0.5, f64::NAN];
    }

    #[open]
    pub fn ratio(&mut self, of: f64, to: f64) -> f64 {
        of / to
    }
}

struct World {
    node: Node,
    serving: Option<Serving>,
    _data: tempfile::TempDir,
}

impl World {
    fn start() -> Self {
        let data = tempfile::tempdir().expect("a directory");
        let settings = Settings { partitions: Some(2), ..Settings::new(data.path().join("data")) };
        let node = Node::open::<(Scale,)>(settings).expect("a node");
        let http = HttpSettings::at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let serving = Some(node.serve(http).expect("a free port"));
        Self { node, serving, _data: data }
    }

    fn address(&self) -> SocketAddr {
        self.serving.as_ref().expect("it listens").local_addr()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_apostate"));
        let command = command.env_clear().env("APOSTATE_URL", format!("http://{}", self.address()));
        command.args(arguments).output().expect("our own program")
    }

    fn says(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    /// What the node answers to the same.
    fn get(&self, path: &str, accept: &str) -> String {
        let mut stream = TcpStream::connect(self.address()).expect("a connection");
        let request = format!("GET {path} HTTP/1.0\r\nhost: localhost\r\naccept: {accept}\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer.split_once("\r\n\r\n").expect("a head").1.to_owned()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.stop();
        }
        self.node.stop().expect("a good end");
    }
}

/// SplitMix64.
fn bits(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let bits = (*seed ^ (*seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

#[test]
fn random_numbers_go_in_and_come_out_to_the_bit() {
    let world = World::start();
    let mut seed = 4;
    for round in 0..3 {
        let fine: Vec<_> = (0..300).map(|_| f64::from_bits(bits(&mut seed))).filter(|fine| fine.is_finite()).collect();
        let wide: Vec<_> = (0..300).map(|_| u128::from(bits(&mut seed)) * u128::from(bits(&mut seed))).collect();
        let entity = format!("scale/random-{round}");
        // As text with more digits than a double has.
        let text: Vec<_> = fine.iter().map(|fine| format!("{fine:.20e}")).collect();
        let (wide_text, fine_text) = (format!("wide={wide:?}"), format!("fine=[{}]", text.join(",")));
        let reply = world.says(&["entity", "call", &entity, "put", &wide_text, &fine_text, "--json"]);
        let read = |text: &str| {
            text.trim_matches(['[', ']', '\n']).split(',').map(|one| one.parse().expect("a double")).collect()
        };
        let replied: Vec<f64> = read(&reply);
        assert!(replied.iter().map(|one| one.to_bits()).eq(fine.iter().map(|one| one.to_bits())), "{reply}");
        let shown = world.says(&["entity", "show", &entity, "--json"]);
        assert_eq!(shown.trim_end(), world.get(&format!("/entities/{entity}"), "application/json"));
        assert!(shown.contains(&format!("{wide:?}").replace(' ', "")), "{shown}");
        // A table has every digit too.
        let shown = world.says(&["entity", "show", &entity]);
        assert!(shown.contains(&format!("{wide:?}").replace(' ', "")), "{shown}");
    }
    let listed = world.says(&["entity", "list", "scale", "--json"]);
    assert_eq!(listed, world.get("/entities/scale", "application/x-ndjson"));
}

#[test]
fn a_number_of_128_bits_is_sent_as_it_is_written() {
    let world = World::start();
    for n in ["18446744073709551615", "18446744073709551617", "340282366920938463463374607431768211455"] {
        for handler in ["count", "same"] {
            assert_eq!(world.says(&["entity", "call", "scale/a", handler, &format!("n={n}")]), format!("{n}\n"));
            let object = format!(r#"{{"n": {n}}}"#);
            assert_eq!(world.says(&["entity", "call", "scale/a", handler, "--arguments", &object]), format!("{n}\n"));
        }
    }
    for n in ["0.99999999999999999999", "1e400", "340282366920938463463374607431768211456"] {
        for handler in ["count", "same"] {
            let output = world.run(&["entity", "call", "scale/a", handler, &format!("n={n}")]);
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.code() == Some(2) && told.contains("(bad-json)"), "{n}: {told}");
        }
    }
}

#[test]
fn what_json_cannot_say_is_told_and_hides_no_other() {
    let world = World::start();
    for (entity, handler) in [("scale/before", "n=1"), ("scale/behind", "n=2")] {
        world.says(&["entity", "call", entity, "count", handler]);
    }
    world.says(&["entity", "call", "scale/spoilt", "spoil"]);
    for json in [&[][..], &["--json"]] {
        let output = world.run(&[&["entity", "list", "scale"], json].concat());
        let (listed, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(["before", "behind", "fine[1]: NaN"].iter().all(|text| listed.contains(text)), "{listed}");
        assert!(output.status.code() == Some(1) && told.contains("1 entities"), "{told}");
    }
    let output = world.run(&["entity", "show", "scale/spoilt"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("(unreadable-state)"));
    let output = world.run(&["entity", "call", "scale/a", "ratio", "of=1", "to=0"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.code() == Some(3) && told.contains("scale/a did it") && told.contains("do not repeat"),
        "{told}"
    );
}
