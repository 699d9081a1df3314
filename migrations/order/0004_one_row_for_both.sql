-- An order that is decided without having been turned is told of by one row in place of two: the
-- decision, which also tells of PLACED at the position before its own. Nearly every order is such a
-- one, and a row with its two index entries less is a twentieth of all that Postgres does for it.

alter table order_events
    add column placed_time timestamptz,
    add constraint order_events_placed_before check (
        placed_time is null or (version = 2 and position >= 2)
    );

comment on table order_events is 'What happened to orders, from their decision or turn on; order_history has it event by event.';
comment on column order_events.placed_time is 'Not null: this row also tells of version 1, PLACED at that time, at the position before its own.';

create view order_history as
select
    e.shard, e.order_id, e.version, e.type, e.state, e.fact, e.create_time, e.feed_partition,
    e.position
from order_events e
union all
select
    e.shard, e.order_id, 1::bigint, 1::smallint, 1::smallint, null, e.placed_time, e.feed_partition,
    e.position - 1
from order_events e
where e.placed_time is not null;

comment on view order_history is 'One row per version of an order, from its decision or turn on.';
