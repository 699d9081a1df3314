//! The domain's answers as messages of the wire.

use holdfast_kit::{
    money::Money,
    refusal::{CallError, Reason, Refusal, Unknown},
    time,
};
use holdfast_proto::{payment as wire, types};

use crate::{
    domain::{Moved, Operation, Outcome, Payment, Provider, ProviderKey},
    drive::Told,
};

/// Gives a payment as the wire has it.
pub(crate) fn payment(payment: &Payment, provider: Provider) -> wire::Payment {
    let money = |minor_units| money(payment, minor_units);
    wire::Payment {
        payment_id: payment.id.to_string(),
        state: payment.state.number().into(),
        authorized_amount: money(payment.amounts.authorized),
        captured_amount: money(payment.amounts.captured),
        refunded_amount: money(payment.amounts.refunded),
        customer_id: payment.customer_id.clone(),
        payment_method: current_payment_method(payment),
        provider: provider.name().to_owned(),
        provider_reference: payment.provider_reference.clone().unwrap_or_default(),
        create_time: Some(time::to_wire(payment.create_time)),
        update_time: Some(time::to_wire(payment.update_time)),
        operations: payment
            .operations
            .iter()
            .map(|one| operation(payment, one))
            .collect(),
    }
}

/// The method of the attempt that went through, or else of the last one.
fn current_payment_method(payment: &Payment) -> String {
    let attempts = || {
        payment
            .operations
            .iter()
            .filter(|one| one.provider_key.is_some())
    };
    let terms = |one: &Operation| one.terms.as_ref().map(|terms| terms.payment_method.clone());
    let successful = attempts().filter(|one| one.is_successful()).find_map(terms);
    successful
        .or_else(|| attempts().filter_map(terms).next_back())
        .unwrap_or_default()
}

fn money(payment: &Payment, minor_units: i64) -> Option<types::Money> {
    payment.currency.map(|currency| {
        Money {
            currency,
            minor_units,
        }
        .to_wire()
    })
}

/// Gives an operation as the wire has it.
pub(crate) fn operation(payment: &Payment, one: &Operation) -> wire::PaymentOperation {
    wire::PaymentOperation {
        method: one.method.number().into(),
        request_id: one.request_id.clone(),
        state: one.progress.number().into(),
        amount: money(payment, one.amount),
        refusal: one.refusal.as_ref().map(Into::into),
        attempts: one.attempts,
        next_attempt_time: one
            .next_time
            .filter(|_| one.is_in_flight())
            .map(time::to_wire),
        provider_key: one
            .provider_key
            .as_ref()
            .map(ProviderKey::to_string)
            .unwrap_or_default(),
        provider_reference: one.provider_reference.clone().unwrap_or_default(),
        provider_message: one.provider_message.clone().unwrap_or_default(),
        create_time: Some(time::to_wire(one.create_time)),
        update_time: Some(time::to_wire(one.update_time)),
    }
}

/// Gives what an item of a batch is told. An item that was shed is unknown here, not refused: a
/// saga takes a refusal for the participant's decision.
pub(crate) fn result(told: Told) -> wire::PaymentResult {
    use wire::payment_result::Outcome as Wire;
    let Told { replayed, answer } = told;
    let outcome = match answer {
        Ok(Outcome::Done(moved)) => Wire::Done(done(moved, replayed)),
        Ok(Outcome::Refused(refusal)) => Wire::Refusal(refusal.into()),
        Ok(Outcome::Barred(reason)) => Wire::Barred(types::Barred {
            reason: reason.into(),
        }),
        Err(CallError::Unknown(unknown)) => Wire::Unknown(unknown.into()),
        Err(CallError::Refused(shed)) => Wire::Unknown(shed_item(&shed).into()),
    };
    wire::PaymentResult {
        outcome: Some(outcome),
    }
}

fn shed_item(shed: &Refusal) -> Unknown {
    let unknown = Unknown::new(
        Reason::InFlight,
        "the service is working at its limit; ask again",
    );
    match shed.retry_delay {
        Some(delay) => unknown.with_retry_delay(delay),
        None => unknown,
    }
}

fn done(moved: Moved, replayed: bool) -> wire::PaymentDone {
    wire::PaymentDone {
        state: moved.state.number().into(),
        replayed,
        captured_minor_units: moved.captured,
        voided_minor_units: moved.voided,
        refunded_minor_units: moved.refunded,
    }
}

#[cfg(test)]
mod tests {
    use holdfast_proto::payment::{OperationMethod, OperationState, PaymentState};

    use crate::domain::{Method, Progress, State};

    #[test]
    fn the_domains_numbers_are_the_wires() {
        for number in 1..=7 {
            let wire = PaymentState::try_from(i32::from(number))
                .unwrap()
                .as_str_name();
            let state = State::from_number(number).unwrap();
            assert_eq!(wire, format!("PAYMENT_STATE_{}", state.name()));
            assert_eq!(state.number(), number);
        }
        for number in 1..=5 {
            let wire = OperationMethod::try_from(i32::from(number))
                .unwrap()
                .as_str_name();
            let method = Method::from_number(number).unwrap();
            assert_eq!(
                wire,
                format!("OPERATION_METHOD_{}", method.name().to_uppercase())
            );
            assert_eq!(method.number(), number);
        }
        for (progress, wire) in [
            (Progress::InFlight, OperationState::InFlight),
            (Progress::Done, OperationState::Done),
        ] {
            assert_eq!(i32::from(progress.number()), i32::from(wire));
            assert_eq!(Progress::from_number(progress.number()), Some(progress));
        }
    }
}
