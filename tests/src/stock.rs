//! The inventory service as a warehouse sees it.
//!
//! The rule: every SKU of a test is its own, so that tests share a cluster and nothing else.

use anyhow::Context as _;
use holdfast_proto::inventory::{
    AdjustStockRequest, AdjustStockResponse, GetStockRequest, MovementReason, PutSkuRequest, Stock,
    inventory_service_client::InventoryServiceClient,
};
use tonic::{Status, transport::Channel};

use crate::placement::unique;

/// A caller of the inventory service; clones share its connection.
#[derive(Clone, Debug)]
pub struct Warehouse {
    client: InventoryServiceClient<Channel>,
}

impl Warehouse {
    /// Over this channel.
    pub fn new(channel: Channel) -> Self {
        Self {
            client: InventoryServiceClient::new(channel),
        }
    }

    /// The generated client.
    pub fn client(&self) -> InventoryServiceClient<Channel> {
        self.client.clone()
    }

    /// Makes a SKU that nobody else has, with so many units at the default location.
    ///
    /// # Errors
    /// If a call fails.
    pub async fn sku(&self, units: i64) -> anyhow::Result<String> {
        let sku = unique("sku");
        self.put(&sku).await?;
        if units != 0 {
            self.receive(&sku, None, units).await?;
        }
        Ok(sku)
    }

    /// Makes a SKU without stock.
    ///
    /// # Errors
    /// If the call fails.
    pub async fn put(&self, sku: &str) -> anyhow::Result<()> {
        let request = PutSkuRequest {
            sku: sku.into(),
            title: "made for a test".into(),
            request_id: unique("put"),
            ..PutSkuRequest::default()
        };
        self.client()
            .put_sku(request)
            .await
            .context("cannot put a SKU")?;
        Ok(())
    }

    /// Adds units at a location, or takes them.
    ///
    /// # Errors
    /// If the call fails.
    pub async fn receive(
        &self,
        sku: &str,
        location_id: Option<&str>,
        delta: i64,
    ) -> anyhow::Result<()> {
        let request = AdjustStockRequest {
            sku: sku.into(),
            location_id: location_id.map(Into::into),
            delta,
            reason: MovementReason::Received.into(),
            request_id: unique("adjust"),
            ..AdjustStockRequest::default()
        };
        self.adjust(request).await.context("cannot adjust stock")?;
        Ok(())
    }

    /// Adjusts stock by one call.
    ///
    /// # Errors
    /// The call's status.
    pub async fn adjust(&self, request: AdjustStockRequest) -> Result<AdjustStockResponse, Status> {
        Ok(self.client().adjust_stock(request).await?.into_inner())
    }

    /// Reads a SKU's stock.
    ///
    /// # Errors
    /// If the call fails.
    pub async fn stock(&self, sku: &str) -> anyhow::Result<Stock> {
        let request = GetStockRequest { sku: sku.into() };
        let answer = self.client().get_stock(request).await?.into_inner();
        answer.stock.context("an answer without a stock")
    }
}
