//! The whole transition table, as text beside the code: every standing of a payment against every
//! event. A change of behaviour shows as a change of the file; `HOLDFAST_BLESS=1` writes it.

use std::{env, fmt::Write, fs, path::Path};

use super::{
    Authorization, Begun, Capture, Captures, Decision, Payment, Refund, authorization, capture_of,
    charge, no, now, paid, payment_id, refund_of, settle_all, yes,
};
use crate::domain::{Amounts, Outcome, Progress, State};

type Event = (&'static str, fn(&mut Payment) -> String);

fn tombstone() -> Payment {
    Payment {
        state: State::Tombstoned,
        currency: None,
        customer_id: String::new(),
        reversal: Some(Progress::Done),
        operations: Vec::new(),
        amounts: Amounts::default(),
        ..Payment::of_intent(&authorization(100), now())
    }
}

fn changed(mut payment: Payment, change: impl FnOnce(&mut Payment)) -> Payment {
    change(&mut payment);
    payment
}

fn captured(part: i64) -> Payment {
    changed(capturing(part), |it| settle_all(it, &yes()))
}

fn capturing(part: i64) -> Payment {
    changed(paid(&authorization(100)), |it| {
        it.capture(&capture_of("c", part), Captures::Several, now());
    })
}

fn refunding(part: i64) -> Payment {
    changed(paid(&charge(100)), |it| {
        it.refund(&refund_of("r", part), now());
    })
}

fn refunded(part: i64) -> Payment {
    changed(refunding(part), |it| settle_all(it, &yes()))
}

fn voiding() -> Payment {
    changed(paid(&authorization(100)), |it| {
        it.void(now());
    })
}

fn declined() -> Payment {
    changed(Payment::of_intent(&authorization(100), now()), |it| {
        settle_all(it, &no());
    })
}

fn authorizing_again() -> Payment {
    changed(declined(), |it| {
        it.authorize(&again(), now());
    })
}

fn reversing(payment: Payment) -> Payment {
    changed(payment, |it| {
        it.reverse(now());
    })
}

fn reversed(payment: Payment) -> Payment {
    changed(reversing(payment), |it| settle_all(it, &yes()))
}

fn standings() -> Vec<(&'static str, Payment)> {
    let authorizing = || Payment::of_intent(&authorization(100), now());
    let charging = || Payment::of_intent(&charge(100), now());
    let (authorized, charged) = (|| paid(&authorization(100)), || paid(&charge(100)));
    let refused = changed(reversing(charged()), |it| settle_all(it, &no()));
    vec![
        ("authorizing", authorizing()),
        ("charging", charging()),
        ("authorized", authorized()),
        ("capturing 60", capturing(60)),
        ("captured 60", captured(60)),
        ("captured", captured(100)),
        ("charged", charged()),
        ("refunding 60", refunding(60)),
        ("refunded 60", refunded(60)),
        ("refunded", refunded(100)),
        ("voiding", voiding()),
        ("voided", changed(voiding(), |it| settle_all(it, &yes()))),
        ("declined", declined()),
        ("authorizing again", authorizing_again()),
        ("reversing while authorizing", reversing(authorizing())),
        ("reversing while charging", reversing(charging())),
        ("reversing authorized", reversing(authorized())),
        ("reversing captured 60", reversing(captured(60))),
        ("reversed authorized", reversed(authorized())),
        ("reversed captured 60", reversed(captured(60))),
        ("reversed charged", reversed(charged())),
        ("reversed declined", reversed(declined())),
        ("reversal refused", refused),
        ("tombstoned", tombstone()),
    ]
}

fn again() -> Authorization {
    Authorization {
        request_id: "again".to_owned(),
        ..authorization(100)
    }
}

fn events() -> Vec<Event> {
    vec![
        ("authorize", |it| {
            begun(it.authorize(&authorization(100), now()))
        }),
        ("authorize, other amount", |it| {
            begun(it.authorize(&authorization(99), now()))
        }),
        ("authorize again", |it| begun(it.authorize(&again(), now()))),
        ("capture 40", |it| {
            begun(it.capture(&capture_of("new", 40), Captures::Several, now()))
        }),
        ("capture 100", |it| {
            begun(it.capture(&capture_of("new", 100), Captures::Several, now()))
        }),
        ("capture rest", |it| {
            let ask = Capture {
                request_id: "new".to_owned(),
                amount: None,
            };
            begun(it.capture(&ask, Captures::Several, now()))
        }),
        ("capture 40 of one", |it| {
            begun(it.capture(&capture_of("new", 40), Captures::Once, now()))
        }),
        ("void", |it| begun(it.void(now()))),
        ("refund 40", |it| {
            begun(it.refund(&refund_of("new", 40), now()))
        }),
        ("refund rest", |it| {
            let ask = Refund {
                request_id: "new".to_owned(),
                amount: None,
            };
            begun(it.refund(&ask, now()))
        }),
        ("reverse", |it| begun(it.reverse(now()))),
        ("provider: yes", |it| answered(it, &yes())),
        ("provider: no", |it| answered(it, &no())),
        ("provider: silent", |it| {
            if let Some(first) = it.in_flight().into_iter().next() {
                it.defer(
                    (first.id.method, &first.id.request_id),
                    "silent",
                    now(),
                    now(),
                );
            }
            "-".to_owned()
        }),
    ]
}

fn answered(payment: &mut Payment, decision: &Decision) -> String {
    if let Some(first) = payment.in_flight().into_iter().next() {
        let key = (first.id.method, first.id.request_id.as_str());
        payment.settle(key, decision, Captures::Several, now());
    }
    "-".to_owned()
}

fn begun(begun: Begun) -> String {
    let replay = |replayed| if replayed { " (replayed)" } else { "" };
    match begun {
        Begun::Running { replayed } => format!("running{}", replay(replayed)),
        Begun::Unsettled => "waits for what is in flight".to_owned(),
        Begun::Settled { replayed, outcome } => {
            let what = match outcome {
                Outcome::Done(moved) => format!(
                    "done captured={} voided={} refunded={}",
                    moved.captured, moved.voided, moved.refunded
                ),
                Outcome::Refused(refusal) => format!("refused {}", refusal.reason.as_str_name()),
                Outcome::Barred(reason) => format!("barred {}", reason.as_str_name()),
            };
            format!("{}{}", what.replace("ERROR_REASON_", ""), replay(replayed))
        }
    }
}

fn standing(payment: &Payment) -> String {
    let Amounts {
        authorized,
        captured,
        refunded,
        voided,
    } = payment.amounts;
    let mut text = format!(
        "{} {authorized}/{captured}/{refunded}/{voided}",
        payment.state.name()
    );
    for waiting in payment.in_flight() {
        let key = waiting.call.key.to_string();
        let key = key.trim_start_matches(&payment_id().to_string());
        let _ = write!(text, " {key}:{}", waiting.call.amount.minor_units);
    }
    text
}

#[test]
fn every_transition_is_the_one_in_the_golden_table() {
    let mut table = String::from(
        "# Every standing of a payment of 100 against every event: what the caller is told, and \
         how the payment\n# stands then: STATE authorized/captured/refunded/voided, then what is in \
         flight as /key:amount.\n",
    );
    for (name, before) in standings() {
        let _ = writeln!(table, "\n{name}: {}", standing(&before));
        for (event, apply) in events() {
            let mut after = before.clone();
            let told = apply(&mut after);
            let stands = if after == before {
                "unchanged".to_owned()
            } else {
                standing(&after)
            };
            let _ = writeln!(table, "    {event:<24} {told:<52} {stands}");
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/domain/tests/transitions.txt");
    if env::var_os("HOLDFAST_BLESS").is_some() {
        fs::write(&path, &table).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap();
    assert!(golden == table, "the table is now:\n{table}");
}
