-- The id of a customer's n-th order or payment, and the customer's shard.
create or replace function shard_of(customer text) returns smallint language sql immutable as $$
    select (
        (get_byte(sha256(convert_to(customer, 'utf8')), 0) << 2)
        | (get_byte(sha256(convert_to(customer, 'utf8')), 1) >> 6)
    )::smallint
$$;

create or replace function id_of(customer text, number bigint) returns uuid language sql immutable as $$
    select (
        '019a' || lpad(to_hex(number), 8, '0') || '7000' || '8000'
        || lpad(to_hex((number << 10) | shard_of(customer)), 12, '0')
    )::uuid
$$;
