//! Bad rows of the inventory.

use holdfast_audit::PredicateId::{I1, I2, I3, I4, I5, I7, O3};
use holdfast_audit::Source::{Inventory, Order};

use super::{Plant, each_is_found_once, plant};

const FIGURES: [Plant; 14] = [
    plant("on_hand one too many", &[(Inventory, "update stock set on_hand = on_hand + 1 where sku = 'd'")], I1),
    plant("on_hand one too few", &[(Inventory, "update stock set on_hand = on_hand - 1 where sku = 'b' and location_id = 'north'")], I1),
    plant("on_hand below what is reserved", &[(Inventory, "update stock set on_hand = 0 where sku = 'c'")], I1),
    plant("a movement lost", &[(Inventory, "delete from movements where request_id = 'm2'")], I1),
    plant("a movement of another size", &[(Inventory, "update movements set delta = 61 where request_id = 'm1'")], I1),
    plant("a movement without stock", &[(Inventory, "insert into movements values (id_of('m', 99), 'a', 'south', 5, 1, null, 'm99', now())")], I1),
    plant("a stock row lost", &[(Inventory, "delete from stock where sku = 'a' and location_id = 'default'")], I1),
    plant("reserved one too many", &[(Inventory, "update stock set reserved = reserved + 1 where sku = 'd'")], I2),
    plant("reserved one too few", &[(Inventory, "update stock set reserved = reserved - 1 where sku = 'a' and location_id = 'north'")], I2),
    plant("reserved past on_hand", &[(Inventory, "update stock set reserved = reserved + 1 where sku = 'c'")], I2),
    plant("reserved below nothing", &[(Inventory, "update stock set reserved = -1 where sku = 'd'")], I2),
    plant("a reservation that nobody counted", &[(Inventory, "insert into allocations values (id_of('c9', 99), 6, '[{\"sku\":\"a\",\"quantity\":1}]', null, null, now(), null)")], I2),
    plant("shortfall below nothing", &[(Inventory, "update stock set shortfall = -1 where sku = 'b' and location_id = 'default'")], I3),
    plant(
        "more spoken for than there is",
        &[
            (Inventory, "update stock set on_hand = 1 where sku = 'b' and location_id = 'north'"),
            (Inventory, "insert into movements values (id_of('m', 99), 'b', 'north', -9, 3, null, 'm99', now())"),
        ],
        I3,
    ),
];

const RESERVATIONS: [Plant; 22] = [
    plant("allocated and resolved", &[(Inventory, "update allocations set resolve_time = now() where order_id = id_of('c1', 1)")], I4),
    plant("released and never resolved", &[(Inventory, "update allocations set resolve_time = null where order_id = id_of('c3', 5)")], I4),
    plant("released comes to life", &[(Inventory, "update allocations set state = 6 where order_id = id_of('c3', 5)")], I4),
    plant("a tombstone comes to life", &[(Inventory, "update allocations set state = 6, lines = '[{\"sku\":\"b\",\"quantity\":1}]' where order_id = id_of('c4', 7)")], I4),
    plant("a tombstone with lines", &[(Inventory, "update allocations set lines = '[{\"sku\":\"b\",\"quantity\":1}]' where order_id = id_of('c4', 7)")], I4),
    plant("refused without a refusal", &[(Inventory, "update allocations set refusal = null where order_id = id_of('c2', 4)")], I4),
    plant("allocated with a refusal", &[(Inventory, "update allocations set refusal = '{}' where order_id = id_of('c1', 2)")], I4),
    plant("of no known state", &[(Inventory, "update allocations set state = 2 where order_id = id_of('c3', 6)")], I4),
    plant("a confirmed order's turns into a tombstone", &[(Inventory, "update allocations set state = 5 where order_id = id_of('c1', 1)")], I4),
    plant(
        "two movements for one shipment",
        &[
            (Inventory, "insert into movements select id_of('m', 90 + n), 'd', 'default', -1, 7, id_of('c1', 1), 's1', now() from generate_series(1, 2) n"),
            (Inventory, "insert into movements values (id_of('m', 99), 'd', 'default', 2, 3, null, 'm99', now())"),
        ],
        I4,
    ),
    plant("a confirmed order's reservation is lost", &[(Inventory, "delete from allocations where order_id = id_of('c1', 1)")], I5),
    plant("a confirmed order's reservation is released", &[(Inventory, "update allocations set state = 3, resolve_time = now() where order_id = id_of('c1', 2)")], I5),
    plant("a confirmed order's reservation keeps more", &[(Inventory, "update allocations set lines = '[{\"sku\":\"a\",\"quantity\":2}]' where order_id = id_of('c1', 2)")], I5),
    plant("a confirmed order's reservation keeps another SKU", &[(Inventory, "update allocations set lines = '[{\"sku\":\"b\",\"quantity\":1}]' where order_id = id_of('c1', 2)")], I5),
    plant("a split reservation lacks a part", &[(Inventory, "update allocations set placed = placed - 1 where order_id = id_of('c4', 8)")], I5),
    plant("a confirmed order has another quantity", &[(Order, "update orders set lines = jsonb_set(lines, '{0,quantity}', '3') where order_id = id_of('c1', 2)")], I5),
    plant("a confirmed order has lines that cannot be read", &[(Order, "update orders set lines = '[{\"sku\":7}]' where order_id = id_of('c2', 3)")], I5),
    plant("a rejected order's reservation keeps its units", &[(Inventory, "update allocations set state = 6, resolve_time = null where order_id = id_of('c3', 6)")], O3),
    plant("refused what was there", &[(Inventory, "update allocations set refusal = jsonb_set(refusal, '{shortages,0,available}', '5') where order_id = id_of('c2', 4)")], I7),
    plant("refused without a shortage", &[(Inventory, "update allocations set refusal = jsonb_set(refusal, '{shortages}', '[]') where order_id = id_of('c2', 4)")], I7),
    plant("refused another quantity than was asked for", &[(Inventory, "update allocations set refusal = jsonb_set(refusal, '{shortages,0,requested}', '6') where order_id = id_of('c2', 4)")], I7),
    plant("refused for another reason", &[(Inventory, "update allocations set refusal = '{\"reason\":\"BAD_LUCK\"}' where order_id = id_of('c2', 4)")], I7),
];

const STOCK_VERSION: [Plant; 2] = [
    plant("refused without the stock's version", &[(Inventory, "update allocations set refusal = refusal #- '{shortages,0,version}' where order_id = id_of('c2', 4)")], I7),
    plant("refused with less than nothing there", &[(Inventory, "update allocations set refusal = jsonb_set(refusal, '{shortages,0,available}', '-1') where order_id = id_of('c2', 4)")], I7),
];

#[tokio::test]
async fn every_bad_figure_of_the_stock_is_found_once() {
    each_is_found_once(&FIGURES, false).await;
}

#[tokio::test]
async fn every_bad_reservation_is_found_once() {
    each_is_found_once(&RESERVATIONS, false).await;
    each_is_found_once(&STOCK_VERSION, false).await;
}
