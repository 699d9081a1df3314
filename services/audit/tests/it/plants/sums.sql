-- Payments whose amounts are not the sums of their operations.

-- P1: captured one too few
-- in payment
update payments
set captured_minor_units = 1099
where payment_id = id_of('c1', 1);

-- P1: captured past authorized
-- in payment
update payments
set captured_minor_units = 1101
where payment_id = id_of('c1', 1);

-- P1: authorized one too many
-- in payment
update payments
set authorized_minor_units = 501
where payment_id = id_of('c1', 2);

-- P1: refunded without a refund
-- in payment
update payments
set refunded_minor_units = 100, state = 3
where payment_id = id_of('c4', 8);

-- P1: voided one too few
-- in payment
update payments
set voided_minor_units = 59
where payment_id = id_of('c5', 9);

-- P1: another amount was asked for
-- in payment
update payments
set requested_minor_units = 1
where payment_id = id_of('c1', 1);

-- P1: a refund of another size
-- in payment
update operations
set amount_minor_units = 81
where method = 4;

-- P1: a refund that is lost
-- in payment
delete from operations
where method = 4;

-- P1: a capture that is lost
-- in payment
delete from operations
where method = 2
    and request_id = 'k1';

-- P1: a state that the amounts do not speak of
-- in payment
update payments
set state = 4
where payment_id = id_of('c1', 1);

-- P1: a decline that was charged
-- in payment
update payments
set intent_refusal = null
where payment_id = id_of('c3', 5);
