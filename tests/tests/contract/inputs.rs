//! What the service does not take, and that nothing of it is left anywhere.

use std::time::Duration;

use anyhow::Context as _;
use holdfast_postgres::Database;
use holdfast_proto::{
    order::{AdjustmentKind, PlaceOrderRequest},
    types::Money,
};
use holdfast_tests::{
    cluster::Cluster,
    placement::{Placement, euros, unique},
    refusal::told,
};
use sqlx::Row as _;
use tonic::Code;

use crate::CLUSTER;

type Change = fn(&mut PlaceOrderRequest);

/// A wrong request, the field it is wrong in and the reason it is told.
struct Case(&'static str, &'static str, Change);

/// Places every case, and checks its answer and that no database has a row of it.
async fn refuse(cluster: &Cluster, cases: &[Case]) -> anyhow::Result<()> {
    let orders = cluster.orders()?;
    let sku = cluster.warehouse()?.sku(10).await?;
    let customer = unique("customer");
    let mut keys = Vec::new();
    for Case(field, reason, change) in cases {
        let valid = Placement::of(&customer).line(&sku, 1);
        let request = valid.clone().with(*change).request();
        keys.push(request.request_id.clone());
        let status = orders.place(request).await.err();
        let status = status.with_context(|| format!("{field}: it was taken"))?;
        let told = told(&status);
        assert_eq!(told.code, Code::InvalidArgument, "{field}: {status:?}");
        assert_eq!(
            (told.reason.as_str(), &told.fields[..]),
            (*reason, &[(*field).to_owned()][..])
        );
    }
    assert_no_row(cluster, &customer, &keys).await?;
    assert_eq!(cluster.warehouse()?.stock(&sku).await?.reserved, 0);
    // A call that failed validation bound nothing: the key of the first is still free.
    let key = keys
        .first()
        .filter(|key| !key.is_empty())
        .context("a key")?;
    let answer = orders
        .place(Placement::of(&customer).key(key).line(&sku, 1))
        .await?;
    assert!(!answer.replayed);
    Ok(())
}

async fn assert_no_row(cluster: &Cluster, customer: &str, keys: &[String]) -> anyhow::Result<()> {
    let mut order = cluster.database(Database::Order).await?;
    let rows = sqlx::query(
        "-- tests: rows of refused requests
        select count(*) as orders
        from orders o
        where o.customer_id = $1
            or o.request_id = any($2)",
    )
    .bind(customer)
    .bind(keys)
    .fetch_one(&mut order)
    .await?;
    assert_eq!(rows.get::<i64, _>("orders"), 0);
    let mut payment = cluster.database(Database::Payment).await?;
    let rows = sqlx::query(
        "-- tests: payments of refused requests
        select count(*) as payments
        from payments p
        where p.customer_id = $1",
    )
    .bind(customer)
    .fetch_one(&mut payment)
    .await?;
    assert_eq!(rows.get::<i64, _>("payments"), 0);
    Ok(())
}

fn duration(duration: Duration) -> Option<prost_types::Duration> {
    prost_types::Duration::try_from(duration).ok()
}

fn adjust(request: &mut PlaceOrderRequest, kind: i32, label: &str) {
    request.adjustments.push(holdfast_proto::order::Adjustment {
        kind,
        label: label.into(),
        amount: Some(euros(1)),
    });
}

fn dollars() -> Option<Money> {
    Some(Money {
        currency_code: "USD".into(),
        minor_units: 1,
    })
}

const SHIPPING: i32 = AdjustmentKind::Shipping as i32;

const LINES: &[Case] = &[
    Case("lines[0].quantity", "INVALID_FIELD", |r| {
        r.lines[0].quantity = 0
    }),
    Case("lines[0].quantity", "INVALID_FIELD", |r| {
        r.lines[0].quantity = -1
    }),
    Case("lines[0].quantity", "INVALID_FIELD", |r| {
        r.lines[0].quantity = 1_000_001
    }),
    Case("lines[0].quantity", "INVALID_FIELD", |r| {
        r.lines[0].quantity = i64::MIN
    }),
    Case("lines[1].quantity", "INVALID_FIELD", |r| {
        let second = r.lines[0].clone();
        r.lines.push(second);
        r.lines[1].quantity = 0;
    }),
    Case("lines", "INVALID_FIELD", |r| r.lines.clear()),
    Case("lines", "INVALID_FIELD", |r| {
        let line = r.lines[0].clone();
        r.lines = vec![line; 1_001];
    }),
    Case("lines[0].sku", "INVALID_FIELD", |r| {
        r.lines[0].sku = "A\0B".into()
    }),
    Case("lines[0].sku", "INVALID_FIELD", |r| {
        r.lines[0].sku = " A".into()
    }),
    Case("lines[0].sku", "INVALID_FIELD", |r| {
        r.lines[0].sku = "é".into()
    }),
    Case("lines[0].sku", "INVALID_FIELD", |r| {
        r.lines[0].sku = "x".repeat(65)
    }),
    Case("lines[0].location_id", "INVALID_FIELD", |r| {
        r.lines[0].location_id = Some("A\0".into());
    }),
];

const MONEY: &[Case] = &[
    Case("lines[0].unit_price", "INVALID_FIELD", |r| {
        r.lines[0].unit_price = None
    }),
    Case("lines[0].unit_price.minor_units", "INVALID_FIELD", |r| {
        r.lines[0].unit_price = Some(euros(-1));
    }),
    Case("lines[0].unit_price.minor_units", "INVALID_FIELD", |r| {
        r.lines[0].unit_price = Some(euros(1_000_000_000_000_001));
    }),
    Case("lines[0].unit_price.currency_code", "INVALID_FIELD", |r| {
        r.lines[0].unit_price = Some(Money {
            currency_code: "eur".into(),
            minor_units: 1,
        });
    }),
    Case(
        "lines[1].unit_price.currency_code",
        "CURRENCY_MISMATCH",
        |r| {
            let second = r.lines[0].clone();
            r.lines.push(second);
            r.lines[1].unit_price = dollars();
        },
    ),
    Case("lines[0].unit_price", "AMOUNT_OUT_OF_RANGE", |r| {
        r.lines[0].quantity = 1_000_000;
        r.lines[0].unit_price = Some(euros(1_000_000_001));
    }),
    Case("lines[1].unit_price", "AMOUNT_OUT_OF_RANGE", |r| {
        r.lines[0].unit_price = Some(euros(1_000_000_000_000_000));
        let second = r.lines[0].clone();
        r.lines.push(second);
    }),
    Case("adjustments", "AMOUNT_OUT_OF_RANGE", |r| {
        adjust(r, SHIPPING, "off");
        r.adjustments[0].amount = Some(euros(-101));
    }),
];

const REST: &[Case] = &[
    Case("request_id", "INVALID_FIELD", |r| {
        r.request_id = format!("{} x", r.request_id)
    }),
    Case("customer_id", "INVALID_FIELD", |r| {
        r.customer_id = "x".repeat(65)
    }),
    Case("customer_id", "INVALID_FIELD", |r| {
        r.customer_id = "a\0b".into()
    }),
    Case("payment_method", "INVALID_FIELD", |r| {
        r.payment_method.clear()
    }),
    Case("payment_method", "INVALID_FIELD", |r| {
        r.payment_method = "tok_\0ok".into()
    }),
    Case("payment_method", "INVALID_FIELD", |r| {
        r.payment_method = "t".repeat(256)
    }),
    Case("capture", "INVALID_FIELD", |r| r.capture = 99),
    Case("priority", "INVALID_FIELD", |r| r.priority = 99),
    Case("wait_for", "INVALID_FIELD", |r| r.wait_for = -1),
    Case("decide_within", "INVALID_FIELD", |r| {
        r.decide_within = duration(Duration::from_millis(999));
    }),
    Case("decide_within", "INVALID_FIELD", |r| {
        r.decide_within = duration(Duration::from_hours(25));
    }),
    Case("adjustments[0].kind", "INVALID_FIELD", |r| adjust(r, 0, "")),
    Case("adjustments[0].kind", "INVALID_FIELD", |r| {
        adjust(r, 99, "")
    }),
    Case("adjustments[0].label", "INVALID_FIELD", |r| {
        adjust(r, SHIPPING, "a\0b")
    }),
    Case("adjustments[0].label", "INVALID_FIELD", |r| {
        adjust(r, SHIPPING, &"x".repeat(65))
    }),
    Case("adjustments", "INVALID_FIELD", |r| {
        for _ in 0..17 {
            adjust(r, SHIPPING, "");
        }
    }),
    Case("metadata", "INVALID_FIELD", |r| {
        r.metadata = (0..17).map(|n| (n.to_string(), String::new())).collect();
    }),
    Case("metadata", "INVALID_FIELD", |r| {
        r.metadata.insert("a b".into(), String::new());
    }),
    Case("metadata[note]", "INVALID_FIELD", |r| {
        r.metadata.insert("note".into(), "x".repeat(513));
    }),
    Case("metadata[note]", "INVALID_FIELD", |r| {
        r.metadata.insert("note".into(), "a\0b".into());
    }),
];

const CARDS: &[Case] = &[
    Case("payment_method", "PAN_REFUSED", |r| {
        r.payment_method = "4242424242424242".into()
    }),
    Case("payment_method", "PAN_REFUSED", |r| {
        r.payment_method = "5555 5555 5555 4444".into()
    }),
    Case("metadata[note]", "PAN_REFUSED", |r| {
        r.metadata
            .insert("note".into(), "card 4111-1111-1111-1111, thanks".into());
    }),
    Case("adjustments[0].label", "PAN_REFUSED", |r| {
        adjust(r, SHIPPING, "3782 822463 10005")
    }),
];

#[tokio::test]
async fn wrong_lines_are_named_by_their_paths_and_leave_no_row() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| refuse(cluster, LINES).await)
        .await
}

#[tokio::test]
async fn wrong_amounts_are_named_by_their_paths_and_leave_no_row() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| refuse(cluster, MONEY).await)
        .await
}

#[tokio::test]
async fn other_wrong_fields_are_named_by_their_paths_and_leave_no_row() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            // The first case's own key cannot be bound at all, so another one goes first.
            let first = Case("capture", "INVALID_FIELD", |r| r.capture = 3);
            let cases: Vec<Case> = std::iter::once(first)
                .chain(REST.iter().map(|c| Case(c.0, c.1, c.2)))
                .collect();
            refuse(cluster, &cases).await
        })
        .await
}

#[tokio::test]
async fn a_card_number_is_refused_and_not_kept_or_repeated() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            refuse(cluster, CARDS).await?;
            let sku = cluster.warehouse()?.sku(1).await?;
            let card = "4000056655665556";
            let placement = Placement::of(&unique("customer")).line(&sku, 1).token(card);
            let status = cluster.orders()?.place(placement).await.unwrap_err();
            assert!(
                !format!("{status:?}").contains(card),
                "the answer repeats it"
            );
            let log = cluster.log(holdfast_tests::cluster::Member::All)?;
            assert!(!log.contains(card), "the log has it");
            // A barcode may pass for one, and is a SKU all the same.
            let ean = "4006381333931";
            cluster.warehouse()?.put(ean).await?;
            cluster.warehouse()?.receive(ean, None, 1).await?;
            let placement = Placement::of(&unique("customer")).line(ean, 1);
            assert_eq!(cluster.orders()?.placed(placement).await?.rejection, None);
            Ok(())
        })
        .await
}

#[tokio::test]
async fn all_that_is_wrong_is_told_at_once() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let placement = Placement::of("")
                .key("a b")
                .line("x", 0)
                .with(|r| r.capture = 7);
            let status = cluster.orders()?.place(placement).await.unwrap_err();
            let mut fields = told(&status).fields;
            fields.sort_unstable();
            assert_eq!(
                fields,
                ["capture", "customer_id", "lines[0].quantity", "request_id"]
            );
            Ok(())
        })
        .await
}
