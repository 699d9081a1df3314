//! What `holdfast audit` ends with when there is no verdict.
//!
//! The rule: it is 2, as for UNKNOWN, and never 1, which is for what was found to be wrong.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::process::{Output, Stdio};

use holdfast_kit::refusal::{Reason, Refusal};
use holdfast_postgres::Database;
use holdfast_proto::audit::{
    AuditRequest, AuditResponse, Finding,
    audit_response::Content,
    audit_service_server::{AuditService, AuditServiceServer},
};
use tokio::{net::TcpListener, process::Command};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, transport::Server};

/// An auditor whose answer breaks off before its verdict.
struct BreaksOff;

#[tonic::async_trait]
impl AuditService for BreaksOff {
    type AuditStream = tokio_stream::Iter<std::vec::IntoIter<Result<AuditResponse, Status>>>;

    async fn audit(&self, _: Request<AuditRequest>) -> Result<Response<Self::AuditStream>, Status> {
        let finding = AuditResponse {
            content: Some(Content::Finding(Finding::default())),
        };
        // A refusal is final, so that nobody asks again.
        let broken = Refusal::new(Reason::InvalidField, "not asked so");
        let answers = vec![Ok(finding), Err(broken.into())];
        Ok(Response::new(tokio_stream::iter(answers)))
    }
}

async fn audit(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast"));
    for database in Database::ALL {
        command.env_remove(database.audit_variable());
    }
    command
        .arg("audit")
        .args(args)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap()
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_no_verdict() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let served = Server::builder()
        .add_service(AuditServiceServer::new(BreaksOff))
        .serve_with_incoming(TcpListenerStream::new(listener));
    let server = tokio::spawn(served);
    let output = audit(&["--address", &address]).await;
    server.abort();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    let begins = format!("holdfast: no verdict from the auditor at {address}");
    assert!(said.contains(&begins), "{said}");
}

#[tokio::test]
async fn an_auditor_that_cannot_be_asked_is_no_verdict() {
    for args in [["--address", "no such address"], ["--only", "I1"]] {
        let output = audit(&args).await;
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.starts_with("holdfast: "), "{args:?}: {said}");
    }
}

#[tokio::test]
async fn databases_that_are_away_are_no_verdict() {
    // Nothing listens on port 1.
    let url = "postgres://nobody@127.0.0.1:1/none";
    let output = audit(&["--audit-order-database-url", url]).await;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}
