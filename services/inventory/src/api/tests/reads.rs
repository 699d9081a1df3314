//! Reads over gRPC, and what the service holds at rest.

use holdfast_kit::refusal::Reason;
use holdfast_proto::inventory::{
    AdjustStockRequest, BatchGetStockRequest, GetSkuRequest, GetStockRequest, ListSkusRequest,
    get_stock_result,
};

use super::{Service, adjust, allocate, database, item, put, refused, release};

#[tokio::test]
async fn reads_tell_unknown_skus_from_empty_ones() {
    let database = database().await;
    let mut service = Service::start(&database).await;
    let client = &mut service.client;
    for sku in ["a", "b"] {
        client.put_sku(put(sku, "p", sku)).await.unwrap();
    }
    client.adjust_stock(adjust("b", "a", 4)).await.unwrap();
    let elsewhere = AdjustStockRequest {
        location_id: Some("x".to_owned()),
        ..adjust("b", "x", 2)
    };
    client.adjust_stock(elsewhere).await.unwrap();

    let get = |sku: &str| GetStockRequest {
        sku: sku.to_owned(),
    };
    let stock = client
        .get_stock(get("b"))
        .await
        .unwrap()
        .into_inner()
        .stock
        .unwrap();
    assert_eq!((stock.on_hand, stock.available, stock.version), (6, 6, 2));
    let locations: Vec<_> = stock
        .levels
        .iter()
        .map(|level| level.location_id.as_str())
        .collect();
    assert_eq!(locations, ["default", "x"]);
    let empty = client
        .get_stock(get("a"))
        .await
        .unwrap()
        .into_inner()
        .stock
        .unwrap();
    assert_eq!(
        (empty.on_hand, empty.version, empty.levels.len()),
        (0, 0, 0)
    );
    assert_eq!(
        refused(client.get_stock(get("z")).await).reason,
        Reason::UnknownSku
    );
    let nobody = GetSkuRequest {
        sku: "z".to_owned(),
    };
    assert_eq!(
        refused(client.get_sku(nobody).await).reason,
        Reason::UnknownSku
    );
    service.stop().await;
}

#[tokio::test]
async fn a_batch_of_reads_answers_each_sku_by_itself() {
    let database = database().await;
    let mut service = Service::start(&database).await;
    let client = &mut service.client;
    client.put_sku(put("b", "p", "B")).await.unwrap();
    client.adjust_stock(adjust("b", "a", 6)).await.unwrap();
    let skus = ["b", "z", " ", "b"].map(str::to_owned).to_vec();
    let many = client
        .batch_get_stock(BatchGetStockRequest { skus })
        .await
        .unwrap()
        .into_inner();
    let reasons: Vec<_> = many
        .results
        .into_iter()
        .map(|result| match result.outcome.unwrap() {
            get_stock_result::Outcome::Stock(stock) => Ok(stock.on_hand),
            get_stock_result::Outcome::Refusal(refusal) => Err(refusal.reason()),
        })
        .collect();
    assert_eq!(
        reasons,
        [
            Ok(6),
            Err(Reason::UnknownSku),
            Err(Reason::InvalidField),
            Ok(6)
        ]
    );
    service.stop().await;
}

#[tokio::test]
async fn skus_are_listed_by_name_page_by_page() {
    let database = database().await;
    let mut service = Service::start(&database).await;
    let client = &mut service.client;
    for sku in ["d", "b", "e", "a", "c"] {
        client.put_sku(put(sku, "p", sku)).await.unwrap();
    }
    let mut names = Vec::new();
    let mut page = ListSkusRequest {
        page_size: 2,
        page_token: String::new(),
    };
    loop {
        let answer = client.list_skus(page.clone()).await.unwrap().into_inner();
        names.extend(answer.skus.into_iter().map(|sku| sku.sku));
        if answer.next_page_token.is_empty() {
            break;
        }
        page.page_token = answer.next_page_token;
    }
    assert_eq!(names, ["a", "b", "c", "d", "e"]);
    let page = ListSkusRequest {
        page_size: 0,
        page_token: "nonsense".to_owned(),
    };
    assert_eq!(
        refused(client.list_skus(page).await).reason,
        Reason::PageTokenInvalid
    );
    service.stop().await;
}

#[tokio::test]
async fn at_rest_it_holds_at_most_six_connections_and_none_in_a_transaction() {
    let database = database().await;
    let mut service = Service::start(&database).await;
    let client = &mut service.client;
    client.put_sku(put("mug", "p", "Mug")).await.unwrap();
    let order = item("mug", 1);
    allocate(client, vec![order.clone()]).await;
    release(client, &order).await;
    let reads = (0..32).map(|_| {
        let mut client = client.clone();
        async move {
            client
                .get_stock(GetStockRequest {
                    sku: "mug".to_owned(),
                })
                .await
        }
    });
    futures::future::join_all(reads).await;
    let (connections, idle_in_transaction): (i64, i64) = sqlx::query_as(
        "select count(*), count(*) filter (where state like 'idle in transaction%')
        from pg_stat_activity
        where datname = current_database() and application_name like 'holdfast/%'",
    )
    .fetch_one(&database.pool().await)
    .await
    .unwrap();
    assert!(connections <= 6, "{connections}");
    assert_eq!(idle_in_transaction, 0);
    service.stop().await;
}
