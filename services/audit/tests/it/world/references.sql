-- The provider's id of what it has done under a key.
create or replace function reference_of(customer text, number bigint, key text) returns uuid
language sql immutable as $$
    select md5(id_of(customer, number) || '/' || key)::uuid
$$;
