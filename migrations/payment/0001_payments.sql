-- payments: one row is the payment and its first authorization, which is most often the only one.
-- The intent (the row with its provider_key) is committed before the provider is asked.

create table payments (
    shard smallint not null,
    payment_id uuid not null,
    state smallint not null,
    currency_code text,
    requested_minor_units bigint not null default 0,
    authorized_minor_units bigint not null default 0,
    captured_minor_units bigint not null default 0,
    refunded_minor_units bigint not null default 0,
    customer_id text,
    payment_method text,
    auto_capture boolean,
    provider smallint not null,
    provider_reference text,
    version bigint not null default 1,
    create_time timestamptz not null,
    update_time timestamptz not null,
    -- The first authorization.
    intent_state smallint,
    intent_key text,
    intent_refusal jsonb,
    intent_attempts int not null default 0,
    intent_next_time timestamptz,
    intent_message text,
    constraint payments_pkey primary key (shard, payment_id),
    constraint payments_state_known check (state between 1 and 7),
    constraint payments_amounts_ordered check (
        0 <= refunded_minor_units
        and refunded_minor_units <= captured_minor_units
        and captured_minor_units <= authorized_minor_units
        and authorized_minor_units <= 1000000000000000
    ),
    constraint payments_intent_known check (intent_state in (2, 3)),
    constraint payments_intent_unless_tombstone check ((state = 7) = (intent_state is null)),
    constraint payments_intent_has_key check ((intent_state is null) = (intent_key is null))
) with (fillfactor = 50);

comment on table payments is 'One row per payment; a saga''s payment has its order''s id.';
comment on column payments.shard is 'The last 10 bits of payment_id.';
comment on column payments.state is 'PaymentState of the wire: 1 AUTHORIZED, 2 CAPTURED, 3 REFUNDED, 4 VOIDED, 5 DECLINED, 6 UNKNOWN, 7 TOMBSTONED.';
comment on column payments.requested_minor_units is 'What the first authorization asked for.';
comment on column payments.auto_capture is 'Whether the first authorization takes the money at once.';
comment on column payments.provider is '1 simulated.';
comment on column payments.provider_reference is 'The provider''s own id of the payment.';
comment on column payments.intent_state is 'First authorization: 2 IN_FLIGHT (counts as sent), 3 DONE.';
comment on column payments.intent_key is 'The provider''s idempotency key of the first authorization.';
comment on column payments.intent_refusal is 'DONE and the answer was no: {"reason", "message", "provider_code"}.';
comment on column payments.intent_next_time is 'When the provider is asked next; null unless IN_FLIGHT.';
comment on column payments.intent_message is 'The provider''s own last error text; for operators only.';

create table operations (
    shard smallint not null,
    payment_id uuid not null,
    method smallint not null,
    request_id text not null,
    state smallint not null,
    amount_minor_units bigint not null,
    requested_minor_units bigint,
    refusal jsonb,
    provider_key text,
    provider_reference text,
    provider_message text,
    attempts int not null default 0,
    next_time timestamptz,
    create_time timestamptz not null,
    update_time timestamptz not null,
    constraint operations_pkey primary key (shard, payment_id, method, request_id),
    constraint operations_method_known check (method between 1 and 5),
    constraint operations_state_known check (state in (2, 3)),
    constraint operations_amount_in_range check (amount_minor_units between 0 and 1000000000000000)
) with (fillfactor = 70);

comment on table operations is 'Everything done or tried with a payment beyond its first authorization.';
comment on column operations.method is 'OperationMethod of the wire: 1 AUTHORIZE (a further attempt), 2 CAPTURE, 3 VOID, 4 REFUND, 5 REVERSE.';
comment on column operations.request_id is 'The caller''s key; empty where payment_id is the key; "reverse" for the void or refund that a reversal makes.';
comment on column operations.state is '2 IN_FLIGHT (counts as sent), 3 DONE.';
comment on column operations.amount_minor_units is 'What it moves, or would have.';
comment on column operations.requested_minor_units is 'The amount as received; null where the caller left it out.';
comment on column operations.provider_key is 'The provider''s idempotency key; null for a REVERSE, which moves money through its void or refund.';

-- What is still to be driven to a definite outcome; small, since every operation leaves it.
create index operations_in_flight on operations (next_time) where next_time is not null;
