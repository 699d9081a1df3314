//! Calls a running Holdfast as anybody does: by its public API.
//!
//! The rule: an answer that is not known is asked for again, with the same key, until it is known
//! or patience ends; only a definite refusal ends a call at once.

pub mod audit;
mod retry;

use std::time::Duration;

use holdfast_kit::{
    grpc,
    refusal::{CallError, name_of},
};
use tonic::transport::Channel;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

pub use retry::{Backoff, again_after, seed_of, until_known};

/// How long a service may take to answer that it serves, before the first real call.
const SERVING_WITHIN: Duration = Duration::from_secs(10);
/// How long one such question may take.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(2);

/// Where a running Holdfast answers. The defaults are those of `holdfast dev`.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Addresses")]
pub struct Addresses {
    /// Where the order service answers
    #[arg(
        id = "order_address",
        long = "order",
        env = "HOLDFAST_ORDER_ADDRESS",
        value_name = "HOST:PORT",
        default_value = "127.0.0.1:50051"
    )]
    pub order: String,
    /// Where the inventory service answers
    #[arg(
        id = "inventory_address",
        long = "inventory",
        env = "HOLDFAST_INVENTORY_ADDRESS",
        value_name = "HOST:PORT",
        default_value = "127.0.0.1:50052"
    )]
    pub inventory: String,
    /// Where the auditor answers
    #[arg(
        id = "audit_address",
        long = "audit",
        env = "HOLDFAST_AUDIT_ADDRESS",
        value_name = "HOST:PORT",
        default_value = "127.0.0.1:50054"
    )]
    pub audit: String,
}

/// Opens a channel to a service that serves.
///
/// # Errors
/// If the address is malformed, or nothing there says within ten seconds that it serves.
pub async fn connect(service: &str, address: &str) -> anyhow::Result<Channel> {
    let channel = grpc::channel(address)?;
    let asked = until_known(seed_of(address), SERVING_WITHIN, || {
        let mut health = HealthClient::new(channel.clone());
        let mut request = tonic::Request::new(HealthCheckRequest::default());
        request.set_timeout(HEALTH_TIMEOUT);
        async move { health.check(request).await }
    });
    match asked.await {
        Ok(answer) if answer.status() == ServingStatus::Serving => Ok(channel),
        Ok(_) => anyhow::bail!("the {service} service at {address} does not take calls now"),
        Err(error) => anyhow::bail!(
            "no {service} service answers at {address} ({}); `holdfast dev` starts one",
            describe(&error)
        ),
    }
}

/// Says in one line why a call did not succeed.
pub fn describe(error: &CallError) -> String {
    match error {
        CallError::Refused(refusal) => {
            let mut text = format!("{}: {}", name_of(refusal.reason), refusal.message);
            for violation in &refusal.field_violations {
                text.push_str(&format!("; {}: {}", violation.field, violation.description));
            }
            text
        }
        CallError::Unknown(unknown) => {
            format!(
                "no answer, {}: {}",
                name_of(unknown.reason),
                unknown.message
            )
        }
    }
}
