//! An echo server over TLS, and its client.
//!
//! ```text
//! cargo run --features tls --example tls -- serve tls://localhost:7000 /tmp/server.pem
//! cargo run --features tls --example tls -- call  tls://localhost:7000 /tmp/server.pem hello
//! ```
//!
//! The server makes a key and a certificate, and writes the certificate to the file that the client
//! then trusts: over a network, copy it. With `--mutual` at both ends the server makes a key and a
//! certificate for its client as well, writes both to the file's name with `.client` behind it, and
//! lets in nobody else.
//!
//! With `--framing lines` its peer can be `openssl s_client -CAfile /tmp/server.pem -connect
//! localhost:7000`.

mod common;

use std::{fs::OpenOptions, io::Write as _, process::ExitCode};

use common::{Args, Outcome, call, echo, exit_code, usage_error};
use framewire::{
    Endpoint,
    serve::Server,
    tls::{self, Certificate, Identity},
};
use tokio::signal::ctrl_c;

const USAGE: &str =
    "tls serve ENDPOINT CERTIFICATE [--mutual] | call ENDPOINT CERTIFICATE [--mutual] [MESSAGE…]";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    exit_code(run(Args::read(USAGE)).await)
}

async fn run(mut args: Args) -> Outcome {
    let all = args.rest.len();
    args.rest.retain(|word| word != "--mutual");
    let mutual = args.rest.len() < all;
    let [endpoint, certificate, messages @ ..] = &args.rest[..] else { usage_error(USAGE) };
    let Endpoint::Tls(address) = endpoint.parse()? else {
        return Err(format!("{endpoint} is not the address of a TLS socket").into());
    };
    let clients = format!("{certificate}.client");
    if !args.serve {
        let mut options = tls::Options::new().trust(Certificate::from_pem(read(certificate)?)?);
        if mutual {
            let pem = read(&clients)?;
            options = options.identity(Identity::from_pem(&pem, &pem)?);
        }
        let (socket, _) = options.connect(address.to_string()).await?.into_io();
        return call(socket, args.framing, messages).await;
    }

    let identity = Identity::self_signed([address.host.as_str()])?;
    let shown = identity.certificate().to_pem();
    let mut options = tls::Options::new().identity(identity);
    if mutual {
        let client = Identity::self_signed(["client"])?;
        options = options.require_client([client.certificate()]);
        write(&clients, &client.to_pem())?;
    }
    let listener = options.listen(address.to_string()).await?;
    write(certificate, &shown)?;
    println!("listening on {}", listener.endpoint());
    std::io::stdout().flush()?;
    let echo = move |client: tls::Connection, _| async move {
        echo(client.into_io().0, args.framing).await.map_err(|e| std::io::Error::other(e).into())
    };
    let served = Server::new(listener).run(echo, ctrl_c()).await?;
    println!("{served:?}");
    Ok(())
}

fn read(path: &str) -> Outcome<Vec<u8>> {
    std::fs::read(path).map_err(|error| format!("{path}: {error}").into())
}

/// Anew, and where there are permissions, for nobody else to read: it may hold a key.
fn write(path: &str, text: &str) -> Outcome {
    let _ = std::fs::remove_file(path);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| format!("{path}: {error}").into())
}
