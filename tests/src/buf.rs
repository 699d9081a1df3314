//! A client that a person would use: `buf curl`, which knows the services by reflection alone.

use std::{net::SocketAddr, path::PathBuf, process::Stdio, time::Duration};

use anyhow::{Context as _, bail, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use serde_json::Value;
use tonic::Status;
use tonic_types::pb;

use crate::refusal::{Told, told};

/// The variable that names the client.
pub const VARIABLE: &str = "HOLDFAST_BUF";
/// How long one call may take.
const CALL_WITHIN: Duration = Duration::from_secs(60);

/// The client.
#[derive(Clone, Debug)]
pub struct Buf {
    program: PathBuf,
}

/// What came of a call.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The response, as JSON.
    Response(Value),
    /// The error.
    Error(Told),
}

impl Buf {
    /// The client that `HOLDFAST_BUF` names.
    ///
    /// # Errors
    /// If it names none.
    pub fn find() -> anyhow::Result<Buf> {
        let program =
            std::env::var_os(VARIABLE).with_context(|| format!("{VARIABLE} is not set"))?;
        Ok(Buf {
            program: program.into(),
        })
    }

    /// Calls `service/method` with a JSON body.
    ///
    /// # Errors
    /// If the client cannot be run, or says something that is not JSON.
    pub async fn call(
        &self,
        address: SocketAddr,
        method: &str,
        body: &Value,
    ) -> anyhow::Result<Answer> {
        let output = tokio::process::Command::new(&self.program)
            .args([
                "curl",
                "--protocol",
                "grpc",
                "--http2-prior-knowledge",
                "-d",
            ])
            .arg(body.to_string())
            .arg(format!("http://{address}/{method}"))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(CALL_WITHIN, output)
            .await
            .context("buf curl hangs")??;
        if output.status.success() {
            return Ok(Answer::Response(serde_json::from_slice(&output.stdout)?));
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let error = serde_json::from_str(&said).with_context(|| format!("buf curl says {said}"))?;
        Ok(Answer::Error(told(&status(&error)?)))
    }

    /// Calls and expects a response.
    ///
    /// # Errors
    /// If there is none.
    pub async fn response(
        &self,
        address: SocketAddr,
        method: &str,
        body: &Value,
    ) -> anyhow::Result<Value> {
        match self.call(address, method, body).await? {
            Answer::Response(response) => Ok(response),
            Answer::Error(told) => bail!("{method} {body}: {told:?}"),
        }
    }

    /// Calls and expects an error.
    ///
    /// # Errors
    /// If there is none.
    pub async fn error(
        &self,
        address: SocketAddr,
        method: &str,
        body: &Value,
    ) -> anyhow::Result<Told> {
        match self.call(address, method, body).await? {
            Answer::Response(response) => bail!("{method} {body} was taken: {response}"),
            Answer::Error(told) => Ok(told),
        }
    }
}

/// The status that the client has written as JSON.
fn status(error: &Value) -> anyhow::Result<Status> {
    let code = error["code"].as_str().context("an error without a code")?;
    let code = tonic::Code::from(i32::from(
        number(code).with_context(|| format!("code {code}"))?,
    ));
    let message = error["message"].as_str().unwrap_or_default();
    let mut details = Vec::new();
    for detail in error["details"].as_array().unwrap_or(&Vec::new()) {
        let type_name = detail["type"].as_str().context("a detail without a type")?;
        let value = detail["value"]
            .as_str()
            .context("a detail without a value")?;
        details.push(prost_types::Any {
            type_url: format!("type.googleapis.com/{type_name}"),
            value: STANDARD_NO_PAD.decode(value)?,
        });
    }
    ensure!(!details.is_empty(), "an error without details: {error}");
    let body = pb::Status {
        code: code.into(),
        message: message.into(),
        details,
    };
    Ok(Status::with_details(
        code,
        message,
        prost::Message::encode_to_vec(&body).into(),
    ))
}

/// A code's number, by its name in the client's JSON.
fn number(name: &str) -> Option<u8> {
    const NAMES: [&str; 16] = [
        "canceled",
        "unknown",
        "invalid_argument",
        "deadline_exceeded",
        "not_found",
        "already_exists",
        "permission_denied",
        "resource_exhausted",
        "failed_precondition",
        "aborted",
        "out_of_range",
        "unimplemented",
        "internal",
        "unavailable",
        "data_loss",
        "unauthenticated",
    ];
    let index = NAMES.iter().position(|known| *known == name)?;
    u8::try_from(index + 1).ok()
}
