//! What a new user sees with a client that knows the services by reflection alone.

use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use holdfast_tests::{
    buf::Buf,
    dev::Dev,
    payments::moved,
    rows::{self, Rows},
    verdict::{conclude, say},
};
use serde_json::{Value, json};
use tonic::Code;

const PLACE: &str = "holdfast.order.v1.OrderService/PlaceOrder";
const GET_ORDER: &str = "holdfast.order.v1.OrderService/GetOrder";
const PUT_SKU: &str = "holdfast.inventory.v1.InventoryService/PutSku";
const ADJUST: &str = "holdfast.inventory.v1.InventoryService/AdjustStock";
const GET_STOCK: &str = "holdfast.inventory.v1.InventoryService/GetStock";
const GET_PAYMENT: &str = "holdfast.payment.v1.PaymentService/GetPayment";

const SKU: &str = "SHOW-TEAPOT";
const UNITS: i64 = 3;
const PRICE: i64 = 1_999;

/// A new user at a keyboard.
struct User {
    buf: Buf,
    dev: Dev,
    calls: usize,
    checks: usize,
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Runtime::new();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(show()),
        Err(error) => Err(error.into()),
    };
    conclude("grpcurl", result)
}

async fn show() -> anyhow::Result<String> {
    let mut user = User {
        buf: Buf::find()?,
        dev: Dev::start().await?,
        calls: 0,
        checks: 0,
    };
    user.stock().await?;
    user.four_orders_for_three_units().await?;
    user.a_declined_payment().await?;
    user.a_payment_that_is_too_slow().await?;
    user.the_same_key_again().await?;
    user.wrong_requests().await?;
    let User {
        dev, calls, checks, ..
    } = user;
    dev.stop().await?;
    Ok(format!(
        "{checks} checks of {calls} calls, all by reflection; dev left nothing behind"
    ))
}

/// An order of one unit of the SKU.
fn order(key: &str, token: &str) -> Value {
    let price = json!({"currency_code": "EUR", "minor_units": PRICE});
    json!({
        "customer_id": "ada",
        "request_id": key,
        "payment_method": token,
        "lines": [{"sku": SKU, "quantity": 1, "unit_price": price}],
    })
}

/// A changed copy of a value.
fn with(mut value: Value, pointer: &str, new: Value) -> anyhow::Result<Value> {
    *value
        .pointer_mut(pointer)
        .with_context(|| format!("no {pointer}"))? = new;
    Ok(value)
}

impl User {
    fn check(&mut self, what: &str, holds: bool, seen: &Value) -> anyhow::Result<()> {
        self.checks += 1;
        ensure!(holds, "{what}: {seen}");
        say(&format!("ok  {what}"));
        Ok(())
    }

    async fn call(&mut self, role: &str, method: &str, body: Value) -> anyhow::Result<Value> {
        self.calls += 1;
        self.buf
            .response(self.dev.address(role)?, method, &body)
            .await
    }

    async fn place(&mut self, body: Value) -> anyhow::Result<Value> {
        self.call("order", PLACE, body).await
    }

    /// What is available and reserved of the SKU. Proto JSON writes int64 as text and 0 not at all.
    async fn stock_is(&mut self, available: i64, reserved: i64) -> anyhow::Result<()> {
        let answer = self
            .call("inventory", GET_STOCK, json!({"sku": SKU}))
            .await?;
        let stock = &answer["stock"];
        let seen = (number(&stock["available"]), number(&stock["reserved"]));
        let what = format!("{available} available, {reserved} reserved");
        self.check(&what, seen == (available, reserved), stock)
    }

    async fn stock(&mut self) -> anyhow::Result<()> {
        let put = json!({"sku": SKU, "title": "Teapot", "request_id": "show-put"});
        self.call("inventory", PUT_SKU, put).await?;
        let adjust = json!({
            "sku": SKU,
            "delta": UNITS,
            "reason": "MOVEMENT_REASON_RECEIVED",
            "request_id": "show-stock",
        });
        self.call("inventory", ADJUST, adjust).await?;
        self.stock_is(UNITS, 0).await
    }

    async fn four_orders_for_three_units(&mut self) -> anyhow::Result<()> {
        for number in 1..=3 {
            let answer = self
                .place(order(&format!("order-{number}"), "tok_ok"))
                .await?;
            let state = &answer["order"]["state"];
            self.check(
                &format!("order {number} CONFIRMED"),
                state == "ORDER_STATE_CONFIRMED",
                &answer,
            )?;
        }
        let answer = self.place(order("order-4", "tok_ok")).await?;
        let order = &answer["order"];
        let rejection = &order["rejection"];
        let short = &rejection["shortages"][0];
        let holds = order["state"] == "ORDER_STATE_REJECTED"
            && rejection["reason"] == "ERROR_REASON_OUT_OF_STOCK"
            && short["sku"] == SKU
            && (number(&short["requested"]), number(&short["available"])) == (1, 0);
        self.check(
            "order 4 REJECTED OUT_OF_STOCK, requested 1, available 0",
            holds,
            &answer,
        )?;
        self.stock_is(0, UNITS).await
    }

    async fn a_declined_payment(&mut self) -> anyhow::Result<()> {
        let more = json!({
            "sku": SKU,
            "delta": 1,
            "reason": "MOVEMENT_REASON_RECEIVED",
            "request_id": "show-more",
        });
        self.call("inventory", ADJUST, more).await?;
        let answer = self.place(order("declined", "tok_decline")).await?;
        let order = &answer["order"];
        let holds = order["state"] == "ORDER_STATE_REJECTED"
            && order["rejection"]["reason"] == "ERROR_REASON_PAYMENT_DECLINED"
            && order["rejection"]["providerCode"] == "card_declined";
        self.check("tok_decline REJECTED PAYMENT_DECLINED", holds, &answer)?;
        self.stock_is(1, UNITS).await
    }

    async fn a_payment_that_is_too_slow(&mut self) -> anyhow::Result<()> {
        let mut body = order("slow", "tok_slow_5000");
        body["decide_within"] = json!("1s");
        let answer = self.place(body).await?;
        let order = &answer["order"];
        let holds = order["state"] == "ORDER_STATE_REJECTED"
            && order["rejection"]["reason"] == "ERROR_REASON_TIMED_OUT";
        self.check(
            "tok_slow_5000 within 1 s REJECTED TIMED_OUT",
            holds,
            &answer,
        )?;
        let id = order["orderId"]
            .as_str()
            .context("an order without an id")?;
        let moved = moved(&mut self.dev.database("provider").await?, id).await?;
        let once = (moved.charges, moved.refunds, moved.net) == (1, 1, 0);
        self.check(
            "charged once and refunded exactly once",
            once,
            &json!(format!("{moved:?}")),
        )?;
        let payment = self
            .call("payment", GET_PAYMENT, json!({"payment_id": id}))
            .await?;
        let refunded = payment["payment"]["state"] == "PAYMENT_STATE_REFUNDED";
        self.check("its payment REFUNDED", refunded, &payment)?;
        self.stock_is(1, UNITS).await
    }

    async fn the_same_key_again(&mut self) -> anyhow::Result<()> {
        let first = order("order-1", "tok_ok");
        let answer = self.place(first.clone()).await?;
        let id = answer["order"]["orderId"].clone();
        let read = self
            .call("order", GET_ORDER, json!({"order_id": id}))
            .await?;
        let same = answer["replayed"] == true && answer["order"] == read["order"];
        self.check(
            "the same request_id gives the same order, replayed",
            same,
            &answer,
        )?;

        let other = with(first, "/lines/0/quantity", json!(2))?;
        self.calls += 1;
        let told = self
            .buf
            .error(self.dev.address("order")?, PLACE, &other)
            .await?;
        let named = told.code == Code::FailedPrecondition
            && told.reason == "IDEMPOTENCY_KEY_REUSED"
            && told.fields == ["lines[0].quantity"];
        let seen = json!(format!("{told:?}"));
        self.check(
            "another body: IDEMPOTENCY_KEY_REUSED names lines[0].quantity",
            named,
            &seen,
        )?;
        self.stock_is(1, UNITS).await
    }

    async fn wrong_requests(&mut self) -> anyhow::Result<()> {
        let valid = order("wrong", "tok_ok");
        let quantity = with(valid.clone(), "/lines/0/quantity", json!(0))?;
        let mut capture = valid.clone();
        capture["capture"] = json!(77);
        let nul = with(valid.clone(), "/lines/0/sku", json!("TEA\u{0}POT"))?;
        let mut sum = with(
            valid.clone(),
            "/lines/0/unit_price/minor_units",
            json!(1_000_000_000_000_000_i64),
        )?;
        let line = sum["lines"][0].clone();
        sum["lines"] = json!([line.clone(), line]);
        let card = with(
            valid.clone(),
            "/payment_method",
            json!("4111 1111 1111 1111"),
        )?;
        let before = self.rows().await?;
        for (what, body, field) in [
            ("bad quantity", quantity, "lines[0].quantity"),
            ("unknown enum", capture, "capture"),
            ("NUL byte", nul, "lines[0].sku"),
            ("overflowing sum", sum, "lines[1].unit_price"),
            ("card number", card, "payment_method"),
        ] {
            self.calls += 1;
            let told = self
                .buf
                .error(self.dev.address("order")?, PLACE, &body)
                .await?;
            let named = told.code == Code::InvalidArgument && told.fields == [field];
            let what = format!("{what}: INVALID_ARGUMENT {} names {field}", told.reason);
            self.check(&what, named, &json!(format!("{told:?}")))?;
        }
        let after = self.rows().await?;
        let rows: i64 = after.iter().flat_map(Rows::values).sum();
        let seen = json!(format!("{before:?} {after:?}"));
        self.check(
            &format!("no row anywhere: {rows} before and after"),
            before == after,
            &seen,
        )?;
        let answer = self.place(valid).await?;
        self.check(
            "and the key is still free",
            answer["replayed"] != true,
            &answer,
        )
    }

    async fn rows(&self) -> anyhow::Result<Vec<Rows>> {
        let mut all = Vec::new();
        for role in ["order", "inventory", "payment", "provider"] {
            all.push(rows::count(&mut self.dev.database(role).await?).await?);
        }
        Ok(all)
    }
}

/// An int64 of proto JSON.
fn number(value: &Value) -> i64 {
    value
        .as_str()
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}
