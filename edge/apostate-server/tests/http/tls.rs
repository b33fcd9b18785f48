//! TLS on the listener: a node with a certificate is asked over https, and over nothing else.
//!
//! The certificates are made up for these tests: each is for `localhost` and 127.0.0.1, and signed by an authority of its own.

use std::time::Duration;

use apostate_api::client::{Client as Typed, ClientError};
use apostate_server::{CertificateError, HttpSettings, TlsCertificate};

use crate::support::{Server, Stock, request, settings, wait_until};

const FIRST: (&[u8], &[u8]) = (include_bytes!("certificates/first.pem"), include_bytes!("certificates/first.key.pem"));
const FIRST_AUTHORITY: &[u8] = include_bytes!("certificates/first.authority.pem");
const SECOND: (&[u8], &[u8]) =
    (include_bytes!("certificates/second.pem"), include_bytes!("certificates/second.key.pem"));
const SECOND_AUTHORITY: &[u8] = include_bytes!("certificates/second.authority.pem");

fn certificate((chain, key): (&[u8], &[u8])) -> Option<TlsCertificate> {
    Some(TlsCertificate::from_pem(chain, key).expect("a certificate"))
}

fn secure(settings: HttpSettings) -> Server {
    Server::with(2, HttpSettings { certificate: certificate(FIRST), ..settings })
}

fn typed(server: &Server, authority: &[u8]) -> Typed {
    let url = format!("https://localhost:{}", server.address().port());
    Typed::trusting(&url, authority).expect("a client").asking_once(Duration::from_secs(60))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

#[test]
fn entities_are_called_over_tls() {
    let server = secure(settings());
    let client = typed(&server, FIRST_AUTHORITY);
    runtime().block_on(async {
        assert_eq!(client.call(Stock::at("tea").receive(5)).await.expect("done"), 5);
        // Larger than a TLS record, and than what sockets buffer.
        client.call(Stock::at("tea").annotate(3_000_000)).await.expect("done");
        let state = client.state::<Stock>("tea").await.expect("a state").expect("it is there");
        assert_eq!(state.state.on_hand, 5);
        let stranger = typed(&server, SECOND_AUTHORITY).health().await.expect_err("another authority's");
        assert!(matches!(stranger, ClientError::Unreachable { .. }), "{stranger}");
    });
    server.serving.expect("it listens").stop();
}

#[test]
fn plain_http_to_a_port_with_tls_is_told_to_use_https() {
    let server = secure(settings());
    let mut client = server.client();
    client.send(request("GET", "/health", &[], ""));
    let problem = client.response().problem("tls-required");
    assert!(problem["detail"].as_str().expect("text").contains("https://"), "{problem}");
    assert!(client.is_closed());
    let mut client = server.client();
    client.send("\u{16}\u{3}\u{1}no handshake at all");
    wait_until("what is no handshake is closed", || connections(&server) == 0);
}

fn connections(server: &Server) -> usize {
    server.serving.as_ref().expect("it listens").connections()
}

#[test]
fn a_handshake_has_a_time_limit_and_counts_as_a_connection() {
    let short = Duration::from_millis(300);
    let server = secure(HttpSettings { header_timeout: short, connections_max: 2, ..settings() });
    let mut silent = server.client();
    let mut half = server.client();
    // The beginning of a handshake record that says it is 512 bytes long.
    half.send([0x16, 3, 1, 2, 0, 1]);
    wait_until("both count", || connections(&server) == 2);
    assert!(silent.is_closed() && half.is_closed());
    runtime().block_on(typed(&server, FIRST_AUTHORITY).health()).expect("there is room again");
}

#[test]
fn a_stop_does_not_wait_for_a_handshake() {
    let hour = Duration::from_secs(3600);
    let mut server = secure(HttpSettings { header_timeout: hour, stop_patience: hour, ..settings() });
    let mut half = server.client();
    half.send([0x16, 3, 1, 2, 0, 1]);
    wait_until("it counts", || connections(&server) == 1);
    server.serving.take().expect("it listens").stop();
    assert!(half.is_closed());
}

#[test]
fn a_certificate_is_replaced_while_the_node_serves() {
    let server = secure(settings());
    let serving = server.serving.as_ref().expect("it listens");
    let old = typed(&server, FIRST_AUTHORITY);
    runtime().block_on(async {
        old.health().await.expect("the first certificate");
        assert!(serving.replace_certificate(certificate(SECOND).expect("there is one")));
        typed(&server, SECOND_AUTHORITY).health().await.expect("the second certificate");
        let error = typed(&server, FIRST_AUTHORITY).health().await.expect_err("the first is not shown any more");
        assert!(matches!(error, ClientError::Unreachable { .. }), "{error}");
        old.health().await.expect("an open connection stays");
    });
    let plain = Server::with(1, settings());
    assert!(!plain.serving.as_ref().expect("it listens").replace_certificate(certificate(FIRST).expect("one")));
    assert_eq!(plain.client().get("/health").status, 200);
}

#[test]
fn a_certificate_without_its_key_is_refused() {
    let cases = [
        ((SECOND.1, SECOND.1), "no certificates in PEM"),
        ((b"nothing".as_slice(), SECOND.1), "no certificates in PEM"),
        ((FIRST.0, FIRST.0), "no private key in PEM"),
        ((FIRST.0, SECOND.1), "certificate and key cannot be used together"),
    ];
    for ((chain, key), told) in cases {
        let error: CertificateError = TlsCertificate::from_pem(chain, key).expect_err("refused");
        assert_eq!(error.to_string(), told);
    }
}
