//! Bad rows of the orders and of their events.

use holdfast_audit::PredicateId::{E1, E2, K1, O1};
use holdfast_audit::Source::{Inventory, Order};

use super::{Plant, each_is_found_once, plant};

const MOVES: [Plant; 13] = [
    plant("a version that never was", &[(Order, "update orders set version = 5 where order_id = id_of('c1', 1)")], O1),
    plant("a terminal state is left", &[(Order, "update orders set state = 4, rejection = '{}' where order_id = id_of('c1', 1)")], O1),
    plant("a terminal state becomes undecided", &[(Order, "update orders set state = 1, version = 1 where order_id = id_of('c1', 1)")], O1),
    plant("a rejected order is confirmed", &[(Order, "update orders set state = 2, rejection = null where order_id = id_of('c2', 4)")], O1),
    plant("a state that there is not", &[(Order, "update orders set state = 3 where order_id = id_of('c1', 1)")], O1),
    plant("confirmed although turned", &[(Order, "update orders set turn_time = now(), turn_reason = 120 where order_id = id_of('c1', 1)")], O1),
    plant("rejected without a reason", &[(Order, "update orders set rejection = null where order_id = id_of('c3', 5)")], O1),
    plant("confirmed with a rejection", &[(Order, "update orders set rejection = '{}' where order_id = id_of('c1', 1)")], O1),
    plant("an event of another state", &[(Order, "update order_events set state = 4 where order_id = id_of('c1', 1) and version = 2")], O1),
    plant("an event of another type", &[(Order, "update order_events set type = 3 where order_id = id_of('c1', 1) and version = 2")], O1),
    plant("decided before it was placed", &[(Order, "update order_events set state = 2 where order_id = id_of('c1', 1) and version = 1")], O1),
    plant("an order that is lost", &[(Order, "delete from orders where order_id = id_of('c2', 3)")], O1),
    plant("an event of no order", &[(Order, "update order_events set order_id = id_of('c9', 99) where order_id = id_of('c1', 1) and version = 2")], O1),
];

const FEED: [Plant; 12] = [
    plant("an event lost", &[(Order, "delete from order_events where order_id = id_of('c3', 5) and version = 2")], E1),
    plant("a placed event lost", &[(Order, "delete from order_events where order_id = id_of('c3', 6) and version = 1")], E1),
    plant("the first event lost", &[(Order, "delete from order_events where position = 1")], E1),
    plant("the last event lost", &[(Order, "delete from order_events where position = (select last_position from feed_partitions)")], E1),
    plant("a counter that is behind", &[(Order, "update feed_partitions set last_position = last_position - 1")], E1),
    plant("a counter that is ahead", &[(Order, "update feed_partitions set last_position = last_position + 3")], E1),
    plant("an event beyond the counter", &[(Order, "update order_events set position = 1000 where position = 5")], E1),
    plant("an event before the first", &[(Order, "update order_events set position = 0 where position = 5")], E1),
    plant("an event in a partition without a counter", &[(Order, "update order_events set feed_partition = 7 where position = 5")], E1),
    plant("two events at one position", &[(Order, "update order_events set position = 4 where position = 9")], E1),
    plant("an order's second event before its first", &[(Order, "update order_events set position = 1 where position = 10")], E1),
    plant(
        "an event twice",
        &[
            (Order, "insert into order_events select shard, order_id, version, type, state, fact, create_time, 0, 23 from order_events where position = 2"),
            (Order, "update feed_partitions set last_position = 23"),
        ],
        E1,
    ),
];

const VERSIONS: [Plant; 4] = [
    plant("a version is skipped", &[(Order, "update order_events set version = 3 where order_id = id_of('c1', 1) and version = 2")], E2),
    plant("versions do not begin at 1", &[(Order, "update order_events set version = 0 where order_id = id_of('c1', 1) and version = 1")], E2),
    plant("versions go down", &[(Order, "update order_events set position = 3 - position where position in (1, 2)")], E2),
    plant("a version below the first", &[(Order, "update order_events set version = -2 where order_id = id_of('c4', 8) and version = 1")], E2),
];

const AT_REST: [Plant; 6] = [
    plant("one key, two orders", &[(Order, "update orders set request_id = 'r1' where order_id = id_of('c1', 2)")], K1),
    plant("another customer's shard", &[(Order, "update orders set customer_id = 'c2' where order_id = id_of('c1', 1)")], K1),
    plant("another shard", &[(Order, "update orders set shard = (shard + 1) % 1024 where order_id = id_of('c1', 1)")], K1),
    plant("a reservation without an order", &[(Inventory, "insert into allocations values (id_of('c9', 99), 3, '[{\"sku\":\"a\",\"quantity\":1}]', null, null, now(), now())")], K1),
    plant("an order that is lost", &[(Order, "delete from orders where order_id = id_of('c1', 1)")], O1),
    plant("an order that never had an event is lost", &[(Order, "with gone as (delete from order_events where order_id = id_of('c6', 11)), counter as (update feed_partitions set last_position = last_position - 2) delete from orders where order_id = id_of('c6', 11)")], K1),
];

#[tokio::test]
async fn every_illegal_move_is_found_once() {
    each_is_found_once(&MOVES, false).await;
}

#[tokio::test]
async fn every_hole_in_the_feed_is_found_once() {
    each_is_found_once(&FEED, false).await;
}

#[tokio::test]
async fn every_version_out_of_order_is_found_once() {
    each_is_found_once(&VERSIONS, false).await;
}

#[tokio::test]
async fn every_key_with_two_meanings_is_found_once() {
    each_is_found_once(&AT_REST, true).await;
}
