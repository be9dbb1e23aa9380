//! Flight SQL over TLS, with certificates that the tests make.

use std::path::Path;

use arrow_flight::sql::client::FlightSqlServiceClient;
use lakegate_tests::stack::{self, Server};
use rcgen::{BasicConstraints, CertificateParams, CertifiedKey, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

use crate::support::{run, start_server, until, value};

/// A certificate and its key as PEM.
struct Pem {
    certificate: String,
    key: String,
}

impl Pem {
    fn for_localhost() -> Self {
        let CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        Self { certificate: cert.pem(), key: signing_key.serialize_pem() }
    }

    /// Writes both into a fresh folder and makes `live` a link to it, as Kubernetes does with a changed secret.
    fn publish(&self, folder: &Path, version: &str) {
        let fresh = folder.join(version);
        std::fs::create_dir(&fresh).unwrap();
        std::fs::write(fresh.join("tls.crt"), &self.certificate).unwrap();
        std::fs::write(fresh.join("tls.key"), &self.key).unwrap();
        std::os::unix::fs::symlink(version, folder.join("next")).unwrap();
        std::fs::rename(folder.join("next"), folder.join("live")).unwrap();
    }
}

async fn start(folder: &Path, further: &[(&str, &str)]) -> (lakegate_sandbox::Sandbox, Server) {
    let sandbox = stack::sandbox(0.001).await.unwrap();
    let (certificate, key) = (folder.join("live/tls.crt"), folder.join("live/tls.key"));
    let mut overrides = vec![
        ("LAKEGATE__SERVER__TLS_CERTIFICATE", certificate.to_str().unwrap()),
        ("LAKEGATE__SERVER__TLS_KEY", key.to_str().unwrap()),
    ];
    overrides.extend(further);
    let server = start_server(&sandbox, &overrides).await;
    (sandbox, server)
}

#[test]
fn with_a_certificate_the_server_speaks_tls_only_and_tells_clients_that_do_not() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let pem = Pem::for_localhost();
        pem.publish(folder.path(), "v1");
        let (_sandbox, server) = start(folder.path(), &[]).await;
        let analyst = server.connect_with_tls("analyst", &pem.certificate).await.unwrap();
        assert_eq!(value(&analyst, "select count(*) from sales.region").await, "5");

        let refused = server.connect("analyst", "analyst").await.err().unwrap();
        until("it is in the log", async || server.log().contains("speaks plain text and this port TLS"))
            .await;
        println!("a client without TLS sees: {refused}");
        let mut raw = TcpStream::connect(server.url().trim_start_matches("grpc://")).await.unwrap();
        raw.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        raw.read_to_end(&mut answer).await.unwrap();
        assert!(answer.ends_with(b"this port speaks TLS"), "{answer:?}");
    });
}

#[test]
fn a_client_with_tls_on_a_port_without_is_logged_as_what_it_is() {
    run(async {
        let server = crate::support::server().await;
        let trusted = Pem::for_localhost().certificate;
        let refused = server.connect_with_tls("analyst", &trusted).await.err().unwrap();
        println!("a client with TLS sees: {refused}");
        until("it is in the log", async || {
            server.log().contains("the client speaks TLS and this port does not")
        })
        .await;
        let counted = "lakegate_refused_connections_total{reason=\"tls_on_plaintext\"}";
        assert!(server.metric(counted).await.unwrap() >= 1);
    });
}

#[test]
fn a_certificate_is_exchanged_while_clients_are_connected() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let (old, new, newest) = (Pem::for_localhost(), Pem::for_localhost(), Pem::for_localhost());
        old.publish(folder.path(), "v1");
        let (_sandbox, server) = start(folder.path(), &[]).await;
        let connected = server.connect_with_tls("analyst", &old.certificate).await.unwrap();
        assert!(server.connect_with_tls("analyst", &new.certificate).await.is_err());

        new.publish(folder.path(), "v2");
        until("the new certificate is shown", async || {
            server.connect_with_tls("analyst", &new.certificate).await.is_ok()
        })
        .await;
        assert!(server.connect_with_tls("analyst", &old.certificate).await.is_err());
        assert_eq!(value(&connected, "select count(*) from sales.region").await, "5");

        let torn = Pem { certificate: newest.certificate.clone(), key: old.key.clone() };
        torn.publish(folder.path(), "v3");
        server.signal("HUP").unwrap();
        until("the misfit is in the log", async || server.log().contains("the old value stays")).await;
        assert!(server.connect_with_tls("analyst", &new.certificate).await.is_ok());
        assert!(!server.log().contains("PRIVATE KEY"));

        newest.publish(folder.path(), "v4");
        server.signal("HUP").unwrap();
        until("the newest certificate is shown", async || {
            server.connect_with_tls("analyst", &newest.certificate).await.is_ok()
        })
        .await;
    });
}

/// An authority, and certificates that it has signed.
struct Authority {
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(vec!["clients.test".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().pem();
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    fn client(&self) -> Pem {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["admin".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        Pem { certificate, key: key.serialize_pem() }
    }
}

async fn connect(
    server: &Server,
    trusted: &str,
    own: Option<&Pem>,
) -> Result<FlightSqlServiceClient<Channel>, tonic::transport::Error> {
    let mut tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(trusted));
    if let Some(own) = own {
        tls = tls.identity(Identity::from_pem(&own.certificate, &own.key));
    }
    let address = server.url().replace("grpc://127.0.0.1", "https://localhost");
    let channel = Endpoint::from_shared(address)?.tls_config(tls)?.connect().await?;
    Ok(FlightSqlServiceClient::new(channel))
}

async fn is_let_in(server: &Server, trusted: &str, own: Option<&Pem>) -> bool {
    match connect(server, trusted, own).await {
        Ok(mut client) => client.handshake("analyst", "analyst").await.is_ok(),
        Err(_) => false,
    }
}

#[test]
fn with_client_authorities_a_certificate_opens_the_door_and_is_no_login() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let (pem, ours, theirs) = (Pem::for_localhost(), Authority::new(), Authority::new());
        pem.publish(folder.path(), "v1");
        let authorities = folder.path().join("clients.crt");
        std::fs::write(&authorities, &ours.certificate).unwrap();
        let further = [("LAKEGATE__SERVER__TLS_CLIENT_CA", authorities.to_str().unwrap())];
        let (_sandbox, server) = start(folder.path(), &further).await;
        let (known, unknown) = (ours.client(), theirs.client());

        assert!(is_let_in(&server, &pem.certificate, Some(&known)).await);
        assert!(!is_let_in(&server, &pem.certificate, None).await);
        until("it is in the log", async || server.log().contains("peer sent no certificates")).await;
        assert!(!is_let_in(&server, &pem.certificate, Some(&unknown)).await);

        let mut client = connect(&server, &pem.certificate, Some(&known)).await.unwrap();
        let refusal = client.execute("select 1".to_owned(), None).await.err().unwrap().to_string();
        assert!(refusal.contains("no bearer token"), "{refusal}");

        std::fs::write(&authorities, &theirs.certificate).unwrap();
        server.signal("HUP").unwrap();
        until("the authorities were exchanged", async || {
            is_let_in(&server, &pem.certificate, Some(&unknown)).await
        })
        .await;
        assert!(!is_let_in(&server, &pem.certificate, Some(&known)).await);
    });
}
