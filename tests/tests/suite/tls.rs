//! Flight SQL over TLS, with a certificate that the test made.

use lakegate_tests::stack;

use crate::support::{run, start_server, value};

#[test]
fn with_a_certificate_the_server_speaks_tls_only() {
    run(async {
        let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
        std::fs::write(&certificate, certified.cert.pem()).unwrap();
        std::fs::write(&key, certified.signing_key.serialize_pem()).unwrap();
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let overrides = [
            ("LAKEGATE__SERVER__TLS_CERTIFICATE", certificate.to_str().unwrap()),
            ("LAKEGATE__SERVER__TLS_KEY", key.to_str().unwrap()),
        ];
        let server = start_server(&sandbox, &overrides).await;
        let analyst = server.connect_with_tls("analyst", &certified.cert.pem()).await.unwrap();
        assert_eq!(value(&analyst, "select count(*) from sales.region").await, "5");
        assert!(server.connect("analyst", "analyst").await.is_err());
    });
}
