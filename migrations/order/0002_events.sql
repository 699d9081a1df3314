-- order_events: history, feed entry and what a watcher streams, in one row.
-- Positions have no hole: the statement that decides or turns an order takes them from the
-- partition's counter row last, and holds that row until its commit.

create table feed_partitions (
    feed_partition smallint not null,
    last_position bigint not null,
    constraint feed_partitions_pkey primary key (feed_partition),
    constraint feed_partitions_position_not_negative check (last_position >= 0)
) with (fillfactor = 10);

comment on table feed_partitions is 'The counter of each partition of the feed; one Postgres has one partition.';
comment on column feed_partitions.last_position is 'The last position given out; the next event gets one more.';

insert into feed_partitions (feed_partition, last_position) values (0, 0);

create table order_events (
    shard smallint not null,
    order_id uuid not null,
    version bigint not null,
    type smallint not null,
    state smallint not null,
    fact jsonb,
    create_time timestamptz not null,
    feed_partition smallint not null,
    position bigint not null,
    constraint order_events_pkey primary key (shard, order_id, version),
    constraint order_events_position_unique unique (feed_partition, position),
    constraint order_events_type_known check (type in (1, 2, 3)),
    constraint order_events_state_known check (state in (1, 2, 4)),
    constraint order_events_version_positive check (version >= 1),
    constraint order_events_position_positive check (position >= 1)
);

comment on table order_events is 'One row per version of an order, from its decision or turn on.';
comment on column order_events.type is '1 PLACED, 2 CONFIRMED, 3 REJECTED.';
comment on column order_events.state is 'The order''s state from this version on.';
comment on column order_events.fact is 'What there is to say beyond the order row; null for PLACED, whose facts never change and stand there.';
comment on column order_events.create_time is 'When the change was made, by the database''s clock.';
comment on column order_events.position is 'Its place in the partition, from 1, without a hole.';
