//! Every token of the simulated provider, through PlaceOrder: how the order ends, what the provider
//! kept, and that stock is back where the order did not go through.

use anyhow::Context as _;
use futures::future::try_join_all;
use holdfast_postgres::Database;
use holdfast_proto::{
    order::OrderState,
    types::ErrorReason::{self, AuthenticationRequired, PaymentDeclined},
};
use holdfast_tests::{
    cluster::Cluster,
    payments::{Moved, moved},
    placement::{Placement, UNIT_PRICE, unique},
};

use crate::CLUSTER;

/// Why a payment is refused: the reason, and the provider's own code.
type Refused = Option<(ErrorReason, &'static str)>;

const CHARGED: Moved = Moved {
    authorizations: 0,
    charges: 1,
    captures: 0,
    voids: 0,
    refunds: 0,
    declines: 0,
    net: UNIT_PRICE,
};
const AUTHORIZED: Moved = Moved {
    authorizations: 1,
    charges: 0,
    net: 0,
    ..CHARGED
};
const DECLINED: Moved = Moved {
    declines: 1,
    charges: 0,
    net: 0,
    ..CHARGED
};

const CHARGES: [(&str, Refused, Moved); 13] = [
    ("tok_ok", None, CHARGED),
    ("tok_slow_300", None, CHARGED),
    ("tok_timeout_then_ok", None, CHARGED),
    ("tok_lost_reply", None, CHARGED),
    ("tok_error_1_then_ok", None, CHARGED),
    ("tok_error_3_then_ok", None, CHARGED),
    ("tok_refund_error_3_then_ok", None, CHARGED),
    (
        "tok_decline",
        Some((PaymentDeclined, "card_declined")),
        DECLINED,
    ),
    (
        "tok_insufficient_funds",
        Some((PaymentDeclined, "insufficient_funds")),
        DECLINED,
    ),
    (
        "tok_requires_action",
        Some((AuthenticationRequired, "authentication_required")),
        DECLINED,
    ),
    (
        "tok_timeout_then_never",
        Some((PaymentDeclined, "not_processed")),
        DECLINED,
    ),
    (
        "tok_capture_decline",
        Some((PaymentDeclined, "capture_declined")),
        DECLINED,
    ),
    (
        "tok_never_heard_of",
        Some((PaymentDeclined, "invalid_payment_method")),
        DECLINED,
    ),
];

const AUTHORIZATIONS: [(&str, Refused, Moved); 5] = [
    ("tok_ok", None, AUTHORIZED),
    ("tok_capture_decline", None, AUTHORIZED),
    ("tok_lost_reply", None, AUTHORIZED),
    ("tok_timeout_then_ok", None, AUTHORIZED),
    (
        "tok_decline",
        Some((PaymentDeclined, "card_declined")),
        DECLINED,
    ),
];

async fn rehearse(
    cluster: &Cluster,
    placement: Placement,
    (token, refused, expected): (&str, Refused, Moved),
) -> anyhow::Result<()> {
    let warehouse = cluster.warehouse()?;
    let sku = warehouse.sku(1).await?;
    let order = cluster
        .orders()?
        .placed(placement.line(&sku, 1).token(token))
        .await?;
    let state = match refused {
        None => OrderState::Confirmed,
        Some(_) => OrderState::Rejected,
    };
    assert_eq!(order.state(), state, "{token}: {:?}", order.rejection);
    if let Some((reason, code)) = refused {
        let rejection = order
            .rejection
            .with_context(|| format!("{token}: a rejection"))?;
        assert_eq!(
            (rejection.reason(), rejection.provider_code.as_str()),
            (reason, code),
            "{token}"
        );
    }
    let available = i64::from(refused.is_some());
    assert_eq!(warehouse.stock(&sku).await?.available, available, "{token}");
    let mut provider = cluster.database(Database::Provider).await?;
    assert_eq!(
        moved(&mut provider, &order.order_id).await?,
        expected,
        "{token}"
    );
    Ok(())
}

#[tokio::test]
async fn every_token_ends_a_charge_as_it_says() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let each = CHARGES.map(|case| rehearse(cluster, Placement::of(&unique("payer")), case));
            try_join_all(each).await?;
            Ok(())
        })
        .await
}

#[tokio::test]
async fn every_token_ends_an_authorization_as_it_says() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let later = || Placement::of(&unique("payer")).on_fulfillment();
            try_join_all(AUTHORIZATIONS.map(|case| rehearse(cluster, later(), case))).await?;
            Ok(())
        })
        .await
}
