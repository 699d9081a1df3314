-- Stock: what there is of each SKU and where, with the ledger that explains it.
-- Order of locks everywhere: stock rows by (sku, location_id), then skus, then new keys in their
-- order (stock, operations, allocations), then nothing.

create table skus (
    sku text collate "C" not null,
    title text not null,
    attributes jsonb not null,
    create_time timestamptz not null,
    update_time timestamptz not null,
    constraint skus_pkey primary key (sku)
);

comment on table skus is 'Things that are sold.';
comment on column skus.attributes is 'The caller''s pairs, an object of strings.';

create table stock (
    sku text collate "C" not null,
    location_id text collate "C" not null,
    on_hand bigint not null,
    reserved bigint not null,
    shortfall bigint not null default 0,
    version bigint not null,
    count_version bigint not null,
    next_expiry timestamptz,
    update_time timestamptz not null,
    constraint stock_pkey primary key (sku, location_id),
    constraint stock_on_hand_not_negative check (on_hand >= 0),
    constraint stock_shortfall_not_negative check (shortfall >= 0),
    constraint stock_reserved_in_bounds check (reserved >= 0 and reserved <= on_hand + shortfall),
    constraint stock_version_positive check (version >= 1),
    constraint stock_count_version_positive check (count_version >= 1)
) with (fillfactor = 50);

comment on table stock is 'One row per SKU and location; the conditional decrement happens here.';
comment on column stock.on_hand is 'Units on the shelf.';
comment on column stock.reserved is 'Units spoken for: the sum of what live reservations have not yet shipped.';
comment on column stock.shortfall is 'Units spoken for that are not there, as allow_shortfall has let it be.';
comment on column stock.version is 'Goes up with each change.';
comment on column stock.count_version is 'Goes up with each change of on_hand that is not a shipment.';
comment on column stock.next_expiry is 'No hold on this row expires earlier; null: no hold can expire.';

create table movements (
    movement_id uuid not null,
    sku text collate "C" not null,
    location_id text collate "C" not null,
    delta bigint not null,
    reason smallint not null,
    order_id uuid,
    request_id text,
    create_time timestamptz not null,
    constraint movements_pkey primary key (movement_id),
    constraint movements_delta_not_zero check (delta <> 0),
    constraint movements_reason_known check (reason between 1 and 8)
);

comment on table movements is 'The append-only ledger: the deltas of a SKU and location add up to its on_hand.';
comment on column movements.movement_id is 'UUIDv7.';
comment on column movements.reason is 'MovementReason of the wire.';
comment on column movements.order_id is 'The order whose lines left or came back.';
comment on column movements.request_id is 'The key of the call that wrote it.';

create index movements_by_stock on movements (sku, location_id, movement_id);

create table operations (
    sku text collate "C" not null,
    method smallint not null,
    request_id text collate "C" not null,
    body jsonb not null,
    refusal jsonb,
    create_time timestamptz not null,
    constraint operations_pkey primary key (sku, method, request_id),
    constraint operations_method_known check (method in (1, 2))
);

comment on table operations is 'Idempotency of the unary calls: what each key first came with, and its refusal if it was refused.';
comment on column operations.method is '1 PutSku, 2 AdjustStock.';
comment on column operations.body is 'The request''s fields as received, without its key.';
comment on column operations.refusal is 'null: it was done; else {"reason", "on_hand"?, "reserved"?}, repeated for ever.';
