//! Sample stock, so that a first order can be placed at once.
//!
//! The rule: it goes in through the public API like anybody's, and its request ids never change, so
//! that a second start adds nothing.

use anyhow::Context as _;
use holdfast_proto::inventory::{
    AdjustStockRequest, MovementReason, PutSkuRequest,
    inventory_service_client::InventoryServiceClient,
};
use tonic::transport::Channel;

/// A SKU, what people call it, and how many of it there are at first.
pub struct Sample {
    /// The SKU.
    pub sku: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// Units.
    pub units: i64,
}

/// What a new cluster has in stock.
pub const SAMPLES: [Sample; 8] = [
    Sample {
        sku: "MUG-BLUE",
        title: "Mug, blue, 350 ml",
        units: 1_000,
    },
    Sample {
        sku: "MUG-RED",
        title: "Mug, red, 350 ml",
        units: 1_000,
    },
    Sample {
        sku: "TEAPOT-1L",
        title: "Teapot, cast iron, 1 l",
        units: 200,
    },
    Sample {
        sku: "TEA-ASSAM-100G",
        title: "Tea, Assam, 100 g",
        units: 5_000,
    },
    Sample {
        sku: "TEA-SENCHA-100G",
        title: "Tea, Sencha, 100 g",
        units: 5_000,
    },
    Sample {
        sku: "TRAY-OAK",
        title: "Tray, oak",
        units: 50,
    },
    Sample {
        sku: "LAMP-ONE-OF-A-KIND",
        title: "Lamp, one of a kind",
        units: 1,
    },
    Sample {
        sku: "4006381333931",
        title: "Pen, black; its SKU is an EAN-13",
        units: 10_000,
    },
];

/// The key of every call here; its scope is the SKU.
const REQUEST_ID: &str = "sample-stock";

/// Puts the samples and their first stock; does nothing where that was done before.
///
/// # Errors
/// If a call fails.
///
/// # Cancellation
/// What was put stays; calling it again puts the rest.
pub async fn seed(inventory: Channel) -> anyhow::Result<()> {
    let mut client = InventoryServiceClient::new(inventory);
    for Sample { sku, title, units } in SAMPLES {
        let put = PutSkuRequest {
            sku: sku.into(),
            title: title.into(),
            request_id: REQUEST_ID.into(),
            ..PutSkuRequest::default()
        };
        client
            .put_sku(put)
            .await
            .with_context(|| format!("cannot put {sku}"))?;
        let adjust = AdjustStockRequest {
            sku: sku.into(),
            delta: units,
            reason: MovementReason::Received.into(),
            request_id: REQUEST_ID.into(),
            ..AdjustStockRequest::default()
        };
        client
            .adjust_stock(adjust)
            .await
            .with_context(|| format!("cannot stock {sku}"))?;
    }
    Ok(())
}
