-- The simulated provider's own ledger. It belongs to the provider: the payment service never reads
-- it, and shares no connection or transaction with it.

create table ledger (
    provider_key text collate "C" not null,
    provider_id uuid not null,
    payment_reference uuid not null,
    kind smallint not null,
    outcome smallint not null,
    amount_minor_units bigint not null,
    currency_code text not null,
    code text,
    payment_method text,
    create_time timestamptz not null,
    constraint ledger_pkey primary key (provider_key),
    constraint ledger_kind_known check (kind between 1 and 5),
    constraint ledger_outcome_known check (outcome in (1, 2)),
    constraint ledger_code_when_declined check ((outcome = 2) = (code is not null)),
    constraint ledger_amount_not_negative check (amount_minor_units >= 0)
) with (autovacuum_vacuum_insert_scale_factor = 0.2);

comment on table ledger is 'One row per idempotency key that the provider has decided; never changed, never deleted.';
comment on column ledger.provider_key is 'The merchant''s idempotency key.';
comment on column ledger.provider_id is 'The provider''s own id of the operation.';
comment on column ledger.payment_reference is 'The merchant''s payment id, from the metadata of the call.';
comment on column ledger.kind is '1 authorize, 2 charge, 3 capture, 4 void, 5 refund.';
comment on column ledger.outcome is '1 succeeded, 2 declined.';
comment on column ledger.code is 'The decline''s code.';
comment on column ledger.payment_method is 'The token that an authorization or charge came with; null otherwise.';

-- What has been done with one payment: a capture, void or refund is measured against it.
create index ledger_by_payment on ledger (payment_reference);

create table scripts (
    provider_key text collate "C" not null,
    attempts int not null,
    first_time timestamptz not null,
    constraint scripts_pkey primary key (provider_key),
    constraint scripts_attempts_positive check (attempts >= 1)
);

comment on table scripts is 'How often, and since when, a key with a scripted token has been tried: tok_slow, tok_timeout_then_ok, tok_error and tok_refund_error count here.';
comment on column scripts.attempts is 'Calls under this key, the present one included.';
comment on column scripts.first_time is 'When the first call under this key arrived.';
