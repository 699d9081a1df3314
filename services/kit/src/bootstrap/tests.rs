//! Start and stop of a service as a whole, without its business.
//! The side port is asked as an orchestrator asks it.

use std::net::SocketAddr;
use std::time::Duration;

use sqlx::migrate::Migrator;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::{Bootstrap, Common, StartError, bind};

/// A condition of a test is given up after this.
const PATIENCE: Duration = Duration::from_secs(10);

fn any_port() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

async fn is_ready(side: SocketAddr) -> bool {
    let mut stream = TcpStream::connect(side).await.unwrap();
    let request = b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.starts_with("HTTP/1.1 200")
}

#[tokio::test]
async fn a_service_becomes_ready_and_stops_when_told() {
    let bound = bind("test", any_port(), any_port()).await.unwrap();
    let (server, shutdown) = (bound.server(), CancellationToken::new());
    let running = bound.serve(server, shutdown.clone()).unwrap();
    let ready = async {
        while !is_ready(running.side_address).await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, ready).await.unwrap();
    let (address, side_address) = (running.address, running.side_address);
    shutdown.cancel();
    tokio::time::timeout(PATIENCE, running.stopped())
        .await
        .unwrap()
        .unwrap();
    assert!(TcpStream::connect(address).await.is_err());
    assert!(TcpStream::connect(side_address).await.is_err());
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let first = bind("test", any_port(), any_port()).await.unwrap();
    let error = bind("test", first.address(), any_port()).await.unwrap_err();
    assert!(matches!(error, StartError::Listen { .. }), "{error}");
    assert!(
        error.to_string().contains(&first.address().to_string()),
        "{error}"
    );
}

#[tokio::test]
async fn no_port_off_loopback_is_opened() {
    let everywhere: SocketAddr = "0.0.0.0:0".parse().unwrap();
    for (listen, side_listen) in [(everywhere, any_port()), (any_port(), everywhere)] {
        let common = Common {
            service: "test",
            listen,
            side_listen,
            database_url: "postgres://127.0.0.1:1/none".to_owned(),
        };
        let migrator = Migrator::with_migrations(Vec::new());
        let error = Bootstrap::open(common, &migrator).await.err().unwrap();
        assert!(
            error.to_string().contains("not a loopback address"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_service_without_its_database_does_not_start() {
    let common = Common {
        service: "test",
        listen: any_port(),
        side_listen: any_port(),
        database_url: "postgres://127.0.0.1:1/none".to_owned(),
    };
    let migrator = Migrator::with_migrations(Vec::new());
    let error = Bootstrap::open(common, &migrator).await.err().unwrap();
    assert!(
        matches!(
            error,
            StartError::Database {
                service: "test",
                ..
            }
        ),
        "{error}"
    );
}
