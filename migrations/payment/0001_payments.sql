-- payments: one row is the payment and its first authorization, which is most often the only one.
-- The intent (the row with its provider_key) is committed before the provider is asked.
--
-- Two writes make a happy payment: the insert (intent) and one update (outcome). The update changes
-- no indexed column and makes the row longer, so with somewhat more than half of each page left free
-- it stays on its page (HOT).

create table payments (
    -- What was asked for; it never changes, and stands first so that an update logs only the rest.
    shard smallint not null,
    payment_id uuid not null,
    provider smallint not null,
    create_time timestamptz not null,
    requested_minor_units bigint not null default 0,
    auto_capture boolean,
    currency_code text,
    customer_id text,
    payment_method text,
    intent_request_id text,
    intent_key text,
    -- What came of it.
    state smallint not null,
    intent_state smallint,
    reverse_state smallint,
    intent_attempts int not null default 0,
    version bigint not null default 1,
    update_time timestamptz not null,
    authorized_minor_units bigint not null default 0,
    captured_minor_units bigint not null default 0,
    refunded_minor_units bigint not null default 0,
    voided_minor_units bigint not null default 0,
    intent_next_time timestamptz,
    intent_done_time timestamptz,
    provider_reference text,
    intent_refusal jsonb,
    intent_message text,
    constraint payments_pkey primary key (shard, payment_id),
    constraint payments_state_known check (state between 1 and 7),
    constraint payments_amounts_ordered check (
        0 <= refunded_minor_units
        and refunded_minor_units <= captured_minor_units
        and captured_minor_units <= authorized_minor_units
        and authorized_minor_units <= 1000000000000000
    ),
    constraint payments_voided_uncaptured check (
        voided_minor_units between 0 and authorized_minor_units - captured_minor_units
    ),
    constraint payments_intent_known check (intent_state in (2, 3)),
    constraint payments_intent_unless_tombstone check ((state = 7) = (intent_state is null)),
    constraint payments_intent_has_key check ((intent_state is null) = (intent_key is null)),
    constraint payments_intent_in_flight_unknown check (intent_state <> 2 or state = 6),
    constraint payments_reverse_known check (reverse_state in (2, 3)),
    constraint payments_tombstone_reversed check (state <> 7 or reverse_state = 3)
) with (fillfactor = 45, autovacuum_vacuum_insert_scale_factor = 0.2);

comment on table payments is 'One row per payment; a saga''s payment has its order''s id.';
comment on column payments.shard is 'The last 10 bits of payment_id.';
comment on column payments.state is 'PaymentState of the wire: 1 AUTHORIZED, 2 CAPTURED, 3 REFUNDED, 4 VOIDED, 5 DECLINED, 6 UNKNOWN (some operation is in flight), 7 TOMBSTONED.';
comment on column payments.currency_code is 'ISO 4217; the payment''s for good. Null for a tombstone.';
comment on column payments.requested_minor_units is 'What the first authorization asked for.';
comment on column payments.authorized_minor_units is 'The sum of the authorizations that were done.';
comment on column payments.captured_minor_units is 'The sum of the charges and captures that were done.';
comment on column payments.refunded_minor_units is 'The sum of the refunds that were done.';
comment on column payments.voided_minor_units is 'Authorized, and set free without being captured.';
comment on column payments.payment_method is 'The provider''s token that the first authorization came with.';
comment on column payments.auto_capture is 'Whether the first authorization takes the money at once.';
comment on column payments.provider is '1 simulated.';
comment on column payments.provider_reference is 'The provider''s own id of the payment: of the authorization that was done.';
comment on column payments.intent_state is 'First authorization: 2 IN_FLIGHT (counts as sent), 3 DONE.';
comment on column payments.intent_request_id is 'The request_id that the first authorization came with; null where it had none.';
comment on column payments.intent_key is 'The provider''s idempotency key of the first authorization.';
comment on column payments.intent_refusal is 'DONE and the answer was no: {"reason", "message", "provider_code"}.';
comment on column payments.intent_attempts is 'How often the provider was asked and an answer or its absence was recorded.';
comment on column payments.intent_next_time is 'When the provider is asked again; null unless it is IN_FLIGHT and has been unanswered once, or was adopted from a process that stopped.';
comment on column payments.intent_done_time is 'When it got its answer; null while IN_FLIGHT.';
comment on column payments.intent_message is 'The provider''s own last error text; for operators only.';
comment on column payments.reverse_state is 'null: not reversed; 2: a reversal is under way and nothing new may start; 3: reversed (the operations row of the REVERSE has its answer).';

-- Unanswered first authorizations. A happy payment keeps the column null, so that this costs it nothing.
create index payments_in_flight on payments (intent_next_time) where intent_next_time is not null;
-- The search for intents whose process stopped before it wrote anything more about them.
create index payments_by_time on payments using brin (create_time) with (autosummarize = on);

create table operations (
    shard smallint not null,
    payment_id uuid not null,
    method smallint not null,
    request_id text not null,
    state smallint not null,
    amount_minor_units bigint not null,
    requested_minor_units bigint,
    payment_method text,
    auto_capture boolean,
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
    constraint operations_amount_in_range check (amount_minor_units between 0 and 1000000000000000),
    constraint operations_authorize_whole check (
        (method = 1) = (payment_method is not null)
        and (method = 1) = (auto_capture is not null)
    ),
    constraint operations_in_flight_has_key check (state <> 2 or method = 5 or provider_key is not null),
    constraint operations_next_time_in_flight check (next_time is null or state = 2)
) with (fillfactor = 70);

comment on table operations is 'Everything done or tried with a payment beyond its first authorization.';
comment on column operations.shard is 'The payment''s.';
comment on column operations.method is 'OperationMethod of the wire: 1 AUTHORIZE (a further attempt), 2 CAPTURE, 3 VOID, 4 REFUND, 5 REVERSE.';
comment on column operations.request_id is 'The caller''s key; empty where payment_id is the key; "@reverse", which no caller can send, for the void or refund that a reversal makes.';
comment on column operations.state is '2 IN_FLIGHT (counts as sent), 3 DONE.';
comment on column operations.amount_minor_units is 'What it moves, or would have; in flight it is reserved.';
comment on column operations.requested_minor_units is 'The amount as received; null where the caller left it out.';
comment on column operations.payment_method is 'AUTHORIZE: the provider''s token of this attempt.';
comment on column operations.auto_capture is 'AUTHORIZE: whether this attempt takes the money at once.';
comment on column operations.refusal is 'DONE and the answer was no: {"reason", "message", "provider_code", "metadata"}.';
comment on column operations.provider_key is 'The provider''s idempotency key; null for a REVERSE, which moves money through its void or refund, and where it was refused before the provider was asked.';
comment on column operations.next_time is 'When the provider is asked again; null unless IN_FLIGHT and sent under a key.';

-- What is still to be driven to a definite outcome; small, since every operation leaves it.
create index operations_in_flight on operations (next_time) where next_time is not null;

create table recovery (
    recovery_id smallint not null,
    adopted_until timestamptz not null,
    constraint recovery_pkey primary key (recovery_id),
    constraint recovery_single check (recovery_id = 1)
);

comment on table recovery is 'One row: how far intents left behind by a stopped process have been looked for.';
comment on column recovery.adopted_until is 'Every payment made before this has its first outcome, or an intent_next_time.';

insert into recovery (recovery_id, adopted_until) values (1, '-infinity');
