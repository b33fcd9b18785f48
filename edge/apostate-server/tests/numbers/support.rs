//! A scale, random numbers for it, and a node that is asked with plain text.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use apostate::prelude::*;
use apostate_api::client::Client;
use apostate_server::{HttpSettings, Node, Serving, Settings};

/// Numbers of every width.
#[data]
#[derive(Clone, Debug, Default)]
pub struct Weights {
    pub fine: Vec<f64>,
    pub coarse: Vec<f32>,
    pub long: Vec<i64>,
    pub count: Vec<u64>,
    pub wide: Vec<u128>,
    pub signed: Vec<i128>,
    pub by_wide: std::collections::BTreeMap<u128, f64>,
}

/// Keeps what is put on it.
#[entity(name = "scale")]
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Scale {
    #[serde(default, skip_serializing_if = "Weights::is_empty")]
    pub weights: Weights,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub units: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fine: Option<f64>,
}

fn is_zero(units: &i64) -> bool {
    *units == 0
}

#[handlers]
impl Scale {
    #[open]
    pub fn put(&mut self, weights: Weights) -> Weights {
        self.weights = weights.clone();
        weights
    }

    #[open]
    pub fn echo(&self, weights: Weights) -> Weights {
        weights
    }

    #[open]
    pub fn units(&mut self, units: i64) -> i64 {
        self.units = units;
        units
    }

    #[open]
    pub fn see_units(&self, units: i64) -> i64 {
        units
    }

    #[open]
    pub fn wide(&mut self, wide: u128) -> u128 {
        wide
    }

    #[open]
    pub fn see_wide(&self, wide: u128) -> u128 {
        wide
    }

    #[open]
    pub fn coarse(&mut self, coarse: f32) -> f32 {
        coarse
    }

    #[open]
    pub fn see_coarse(&self, coarse: f32) -> f32 {
        coarse
    }

    #[open]
    pub fn fine(&mut self, fine: f64) -> f64 {
        fine
    }

    #[open]
    pub fn see_fine(&self, fine: f64) -> f64 {
        fine
    }

    #[open]
    pub fn divide(&mut self, a: f64, b: f64) -> f64 {
        self.fine = Some(a / b);
        a / b
    }
}

impl Weights {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// To the bit: zeros have signs.
impl PartialEq for Weights {
    fn eq(&self, other: &Self) -> bool {
        let bits = |numbers: &[f64]| numbers.iter().map(|number| number.to_bits()).collect::<Vec<_>>();
        let coarse = |numbers: &[f32]| numbers.iter().map(|number| number.to_bits()).collect::<Vec<_>>();
        bits(&self.fine) == bits(&other.fine)
            && coarse(&self.coarse) == coarse(&other.coarse)
            && (&self.long, &self.count, &self.wide) == (&other.long, &other.count, &other.wide)
            && (&self.signed, &self.by_wide) == (&other.signed, &other.by_wide)
    }
}

/// SplitMix64.
pub struct Bits(pub u64);

impl Bits {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let bits = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// Of any width, so that small ones are met as well.
    fn wide(&mut self) -> u128 {
        let bits = u128::from(self.next()) << 64 | u128::from(self.next());
        bits >> (self.next() % 128)
    }

    /// The text of a double, in one of the ways in which it may be written, and the double that Rust reads.
    fn fine(&mut self) -> (String, f64) {
        let double = f64::from_bits(self.next());
        if !double.is_finite() {
            return self.fine();
        }
        let text = match self.next() % 5 {
            0 => format!("{double:?}"),
            1 => format!("{double:e}"),
            2 => format!("{double:.25e}"),
            // More digits than a double has.
            3 => format!("{}.{}", self.next() >> (self.next() % 64), self.next()),
            _ => format!("-{}.{}e{}", self.next() % 10, self.next(), (self.next() % 616) as i64 - 308),
        };
        let text = text.replace("inf", "0");
        let read = text.parse().expect("a number");
        if f64::is_finite(read) { (text, read) } else { self.fine() }
    }

    fn coarse(&mut self) -> (String, f32) {
        let single = f32::from_bits(self.next() as u32);
        let text = match self.next() % 3 {
            0 => format!("{single:?}"),
            1 => format!("{:.30e}", f64::from(single)),
            _ => format!("{}.{}", self.next() % 1000, self.next()),
        };
        match text.parse() {
            Ok(read) if f32::is_finite(read) => (text, read),
            _ => self.coarse(),
        }
    }
}

impl Weights {
    /// Numbers as JSON text, and what they are.
    pub fn random(bits: &mut Bits, count: usize) -> (String, Self) {
        let each = 0..count / 7;
        let (fine_text, mut fine): (Vec<_>, Vec<_>) = each.clone().map(|_| bits.fine()).unzip();
        let (coarse_text, coarse): (Vec<_>, Vec<_>) = each.clone().map(|_| bits.coarse()).unzip();
        let mut fine_text = fine_text;
        fine_text.extend(["-0.0", "-0", "9007199254740993"].map(str::to_owned));
        fine.extend([-0.0, -0.0, 9_007_199_254_740_992.0]);
        let long: Vec<_> = each.clone().map(|_| bits.wide() as i64).collect();
        let counts: Vec<_> = each.clone().map(|_| bits.wide() as u64).collect();
        let wide: Vec<_> = each.clone().map(|_| bits.wide()).chain([u128::MAX]).collect();
        let signed: Vec<_> = each.clone().map(|_| bits.wide() as i128).chain([i128::MIN, i128::MAX]).collect();
        let named: Vec<_> = each.map(|_| (bits.wide(), bits.fine())).collect();
        let names: Vec<_> = named.iter().map(|(name, (text, _))| format!(r#""{name}":{text}"#)).collect();
        let by_wide: std::collections::BTreeMap<_, _> = named.iter().map(|(name, (_, fine))| (*name, *fine)).collect();
        if by_wide.len() < names.len() {
            // An object says a name once.
            return Self::random(bits, count);
        }
        let json = format!(
            r#"{{"fine":[{}],"coarse":[{}],"long":{long:?},"count":{counts:?},"wide":{wide:?},"signed":{signed:?},"by_wide":{{{}}}}}"#,
            fine_text.join(","),
            coarse_text.join(","),
            names.join(","),
        );
        (json, Self { fine, coarse, long, count: counts, wide, signed, by_wide })
    }
}

/// A text as it stands in a query.
pub fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// Runs a journey.
pub fn run<T>(journey: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(journey)
}

/// A node that listens, and goes when the test ends.
pub struct Server {
    serving: Option<Serving>,
    node: Node,
    _data: tempfile::TempDir,
}

impl Server {
    pub fn start() -> Self {
        let data = tempfile::tempdir().expect("a directory");
        let settings =
            Settings { partitions: Some(2), segment_bytes: 1 << 20, ..Settings::new(data.path().join("data")) };
        let node = Node::open::<(Scale,)>(settings).expect("a node");
        let http = HttpSettings { threads: Some(1), ..HttpSettings::at(SocketAddr::from(([127, 0, 0, 1], 0))) };
        let serving = Some(node.serve(http).expect("it listens"));
        Self { serving, node, _data: data }
    }

    fn address(&self) -> SocketAddr {
        self.serving.as_ref().expect("it listens").local_addr()
    }

    pub fn client(&self) -> Client {
        Client::new(&format!("http://{}", self.address())).expect("a client")
    }

    pub fn get(&self, path: &str) -> String {
        self.ask("GET", path, &[], "")
    }

    pub fn post(&self, path: &str, body: &str) -> String {
        self.ask("POST", path, &[], body)
    }

    /// The body that a request is answered with.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
        let mut stream = TcpStream::connect(self.address()).expect("a connection");
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        // A body without chunks: of HTTP/1.0 the end is the connection's.
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.0\r\nhost: localhost\r\ncontent-length: {length}\r\n{headers}\r\n");
        stream.write_all((head + body).as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a head");
        body.to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.stop();
        }
        self.node.stop().expect("a clean stop");
    }
}
