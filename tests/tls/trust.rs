//! Who is believed, and who is not: certificates of each kind, and what both sides are told.

use framewire::{
    ErrorKind, Result,
    tls::{self, Certificate, Identity},
};
use futures::{SinkExt, StreamExt};
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    date_time_ymd,
};

use super::{NAMED, both, common::within, named, options};

/// Who signs certificates.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    root: Certificate,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let root = Certificate::from_der(params.self_signed(&key).unwrap().der().to_vec());
        Self { issuer: Issuer::new(params, key), root }
    }

    /// An identity for `name`, changed as wanted before it is signed.
    fn signs(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let signed = params.signed_by(&key, &self.issuer).unwrap();
        let certificate = Certificate::from_der(signed.der().to_vec());
        let pem = pem::encode(&pem::Pem::new("PRIVATE KEY", key.serialize_der()));
        Identity::from_pem(certificate.to_pem(), pem).unwrap()
    }
}

fn expired(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(2001, 1, 1);
    params.not_after = date_time_ymd(2002, 1, 1);
}

/// What a client of `calling` is told, and that the listener goes on.
async fn refused(listening: &tls::Options, calling: &tls::Options) -> framewire::Error {
    let mut listener = listening.listen(NAMED).await.unwrap();
    let address = named(&listener);
    let calling = async {
        let mut ours = calling.connect(address).await?;
        // A client is done before the server has looked at its certificate.
        ours.send("let me in".into()).await?;
        match ours.next().await {
            Some(answer) => answer.map(drop),
            None => panic!("an orderly end"),
        }
    };
    let error = tokio::select! {
        told = within(calling) => told.expect_err("it was let in"),
        item = listener.next() => panic!("a refused client is no item: {item:?}"),
    };
    eprintln!("{error}");
    error
}

async fn exchange(listening: &tls::Options, calling: &tls::Options) -> Result<()> {
    let mut listener = listening.listen(NAMED).await?;
    let (mut ours, mut theirs) = within(both(calling, &mut listener)).await?;
    ours.send("hello".into()).await?;
    assert_eq!(theirs.next().await.expect("it was sent")?, "hello");
    Ok(())
}

#[tokio::test]
async fn a_server_of_an_authority_is_believed() {
    let authority = Authority::new();
    let listening = tls::Options::new().identity(authority.signs("localhost", |_| {}));
    let calling = tls::Options::new().trust([authority.root.clone()]);
    exchange(&listening, &calling).await.unwrap();
}

#[tokio::test]
async fn a_server_of_nobody_is_not() {
    let (listening, _) = options();
    // The same name, and another key.
    let (_, calling) = options();
    let error = refused(&listening, &calling).await;
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    assert!(error.to_string().contains("we refused the server's certificate"), "{error}");
    assert!(error.to_string().contains("tls::Options::trust"), "{error}");

    // Another name as well: nobody of that name is known.
    let stranger = Identity::self_signed(["stranger"]).unwrap();
    let calling = tls::Options::new().trust([stranger.certificate()]);
    let error = refused(&listening, &calling).await;
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    assert!(error.to_string().contains("UnknownIssuer"), "{error}");
}

#[tokio::test]
async fn a_server_of_another_name_is_not() {
    let identity = Identity::self_signed(["build.internal"]).unwrap();
    let calling = tls::Options::new().trust([identity.certificate()]);
    let listening = tls::Options::new().identity(identity);
    let error = refused(&listening, &calling).await;
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    assert!(error.to_string().contains("build.internal"), "it says which: {error}");
    assert!(error.to_string().contains("tls::Options::server_name"), "what to do: {error}");
    exchange(&listening, &calling.clone().server_name("build.internal")).await.unwrap();

    let error = calling.server_name("no name").connect("localhost:1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Address, "{error}");
}

#[tokio::test]
async fn a_server_whose_time_is_over_is_not() {
    let authority = Authority::new();
    let listening = tls::Options::new().identity(authority.signs("localhost", expired));
    let calling = tls::Options::new().trust([authority.root.clone()]);
    let error = refused(&listening, &calling).await;
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    assert!(error.to_string().contains("expired"), "{error}");
    assert!(error.to_string().contains("renewed"), "{error}");
}

#[tokio::test]
async fn without_roots_nobody_is_believed() {
    let (listening, calling) = options();
    let error = refused(&listening, &calling.trust([])).await;
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    let nonsense = Certificate::from_der(*b"nonsense");
    let error = tls::Options::new().trust([nonsense.clone()]).connect("localhost:1").await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Denied);
    for clients in [vec![], vec![nonsense]] {
        let error = listening.clone().require_client(clients).listen(NAMED).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    }
}

#[tokio::test]
async fn clients_are_let_in_by_their_certificate() {
    let authority = Authority::new();
    let alone = Identity::self_signed(["worker-7"]).unwrap();
    let (listening, calling) = options();
    let listening = listening.require_client([authority.root.clone(), alone.certificate()]);
    for identity in [alone, authority.signs("worker-8", |_| {})] {
        let mut listener = listening.listen(NAMED).await.unwrap();
        let calling = calling.clone().identity(identity.clone());
        let (_ours, theirs) = within(both(&calling, &mut listener)).await.unwrap();
        assert_eq!(theirs.peer().certificates(), [identity.certificate()]);
    }
}

#[tokio::test]
async fn a_client_without_a_certificate_is_told_that_it_needs_one() {
    let (listening, calling) = options();
    let known = Identity::self_signed(["worker-7"]).unwrap();
    let error = refused(&listening.require_client([known.certificate()]), &calling).await;
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    assert!(error.to_string().contains("since we showed no certificate"), "{error}");
    assert!(error.to_string().contains("tls::Options::identity"), "{error}");
}

#[tokio::test]
async fn clients_with_another_certificate_are_refused() {
    let authority = Authority::new();
    let servers_only = |params: &mut CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    };
    let (listening, calling) = options();
    let listening = listening.require_client([authority.root.clone()]);
    for identity in [
        Identity::self_signed(["worker-7"]).unwrap(),
        Authority::new().signs("worker-7", |_| {}),
        authority.signs("worker-7", expired),
        authority.signs("worker-7", servers_only),
    ] {
        let error = refused(&listening, &calling.clone().identity(identity)).await;
        assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
        assert!(error.to_string().contains("the server refused our certificate"), "{error}");
        assert!(error.to_string().contains("require_client"), "{error}");
    }
}

/// The reason comes before the news that the connection is gone.
#[tokio::test]
async fn a_client_that_only_sends_is_told_why_it_was_refused() {
    let (listening, calling) = options();
    let known = Identity::self_signed(["worker-7"]).unwrap();
    let listening = listening.require_client([known.certificate()]);
    let mut listener = listening.listen(NAMED).await.unwrap();
    let address = named(&listener);
    let sending = async {
        let mut ours = calling.connect(address).await.unwrap();
        loop {
            if let Err(error) = ours.send(vec![0; 1 << 20].into()).await {
                break error;
            }
        }
    };
    let error = tokio::select! {
        error = within(sending) => error,
        item = listener.next() => panic!("a refused client is no item: {item:?}"),
    };
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
}
