//! The client over TLS: it speaks with a node whose certificate an authority signed that it trusts, and with no other.
//!
//! The certificates are made up for this test: `node.pem` for `localhost` and 127.0.0.1, signed by `authority.pem`.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use apostate_api::client::{Client, ClientError, SetupError};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};

const AUTHORITY: &[u8] = include_bytes!("certificates/authority.pem");
const NODE: &[u8] = include_bytes!("certificates/node.pem");
const KEY: &[u8] = include_bytes!("certificates/node.key.pem");

/// Something that says over TLS, to each request, that a node is alive.
fn node() -> SocketAddr {
    let certificate = CertificateDer::from_pem_slice(NODE).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(KEY).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let config =
        Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate], key).expect("they belong together"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("an address");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut socket = connection.expect("a connection");
            let mut tls = ServerConnection::new(Arc::clone(&config)).expect("a connection");
            let mut stream = Stream::new(&mut tls, &mut socket);
            // A client that does not trust us says so and hangs up.
            if stream.read(&mut [0; 4096]).is_ok_and(|bytes| bytes > 0) {
                let answer = "HTTP/1.1 200 OK\r\ncontent-length: 18\r\nconnection: close\r\n\r\n{\"status\":\"alive\"}";
                let _ = stream.write_all(answer.as_bytes());
            }
        }
    });
    address
}

fn health(client: Result<Client, SetupError>) -> Result<(), ClientError> {
    let client = client.expect("a client").asking_once(Duration::from_secs(10));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(client.health())
}

#[test]
fn a_node_is_asked_over_tls_if_its_certificate_is_trusted() {
    let address = node();
    for host in ["127.0.0.1", "localhost"] {
        let url = format!("https://{host}:{}", address.port());
        health(Client::trusting(&url, AUTHORITY)).expect("it is alive");
    }
    let url = format!("https://{address}");
    let error = health(Client::new(&url)).expect_err("this machine does not know the authority");
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error}");
    let error = Client::trusting(&url, b"no certificate").expect_err("there is none");
    assert!(matches!(error, SetupError::Authorities(_)), "{error}");
}
