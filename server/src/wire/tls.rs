//! TLS from files: certificate, key and the authorities of clients, exchanged while the server runs.
//!
//! Each connection begins with the configuration of its moment; those that are open keep theirs. Certificate, key and
//! authorities are exchanged as one, and with them the memory of earlier TLS sessions: nobody resumes a session that was
//! opened under authorities that are no longer trusted.
//!
//! A client's certificate opens the door and says nothing about who comes in: the login does that.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

use crate::error::{Error, ErrorKind};
use crate::reload::{Content, Followed};
use crate::settings::ServerSettings;

/// The one protocol inside of TLS.
const HTTP2: &[u8] = b"h2";

/// What a server shows and asks of clients during a handshake.
pub(crate) struct Tls(Followed<ServerConfig>);

impl Tls {
    /// Reads the files that the settings name, now and whenever they have changed; `None` if they name none. Needs a Tokio
    /// runtime.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] if a file cannot be read or used now. Later ones are logged.
    pub(super) fn follow(settings: &ServerSettings) -> Result<Option<Self>, Error> {
        let (Some(certificate), Some(key)) = (&settings.tls_certificate, &settings.tls_key) else {
            return Ok(None);
        };
        let mut paths = vec![certificate.clone(), key.clone()];
        paths.extend(settings.tls_client_ca.clone());
        Ok(Some(Self(Followed::start("TLS certificate", paths, configuration)?)))
    }

    /// What answers the next handshake.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.0.load())
    }
}

/// A configuration of certificate chain, key and, if there is a third file, authorities of clients.
fn configuration(files: &[Content]) -> Result<ServerConfig, Error> {
    let [certificate, key, authorities @ ..] = files else {
        return Err(Error::internal("TLS needs a certificate and a key"));
    };
    // Two implementations of the cryptography are linked, one for the AWS SDK and one for the rest; rustls would refuse to
    // choose.
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(error.to_string()))?;
    let builder = match authorities.first() {
        Some(authorities) => builder.with_client_cert_verifier(verifier(authorities, provider)?),
        None => builder.with_no_client_auth(),
    };
    // What is wrong with a key is not repeated: the text could hold a part of it.
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| unusable("no private key in server.tls_key"))?;
    let chain = certificates(certificate, "no certificate in server.tls_certificate")?;
    let mut configuration =
        builder.with_single_cert(chain, key).map_err(|error| unusable(error.to_string()))?;
    configuration.alpn_protocols = vec![HTTP2.to_vec()];
    Ok(configuration)
}

fn verifier(authorities: &[u8], provider: Arc<CryptoProvider>) -> Result<Arc<dyn ClientCertVerifier>, Error> {
    let mut roots = RootCertStore::empty();
    for authority in certificates(authorities, "no certificate in server.tls_client_ca")? {
        roots.add(authority).map_err(|error| unusable(error.to_string()))?;
    }
    let built = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
    built.map_err(|error| unusable(error.to_string()))
}

fn certificates(pem: &[u8], if_none: &'static str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) | Err(_) => Err(unusable(if_none)),
    }
}

fn unusable(reason: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidRequest, "the files of TLS cannot be used").because(reason)
}

#[cfg(test)]
mod tests;
