//! The transition function as sequences of events: what each one makes the engine do.

use crate::{Effect, Event, Phase, Shape, State, step};

const ORDER: Shape = Shape::reversible(2);

/// Runs `events` through a saga of the order's shape and gives the effects and the last state.
fn run(events: &[Event]) -> (Vec<Effect>, State) {
    let mut state = State::new();
    let mut effects = Vec::new();
    for event in events {
        let (next, effect) = step(ORDER, state, *event);
        state = next;
        effects.push(effect);
    }
    (effects, state)
}

#[test]
fn a_happy_saga_logs_its_finish_alone() {
    let (effects, state) = run(&[Event::Started, Event::Done, Event::Done, Event::Logged]);
    assert_eq!(
        effects,
        [
            Effect::Run(0),
            Effect::Run(1),
            Effect::Finish,
            Effect::Settle
        ]
    );
    assert_eq!(state.phase, Phase::Ended);
}

#[test]
fn a_refused_first_step_leaves_nothing_to_undo_and_needs_no_turn() {
    let (effects, _) = run(&[Event::Started, Event::Refused, Event::Logged]);
    assert_eq!(effects, [Effect::Run(0), Effect::Finish, Effect::Settle]);
}

#[test]
fn a_refused_second_step_turns_before_it_undoes_the_first() {
    let (effects, _) = run(&[
        Event::Started,
        Event::Done,
        Event::Refused,
        Event::Logged,
        Event::Undone,
    ]);
    assert_eq!(
        effects,
        [
            Effect::Run(0),
            Effect::Run(1),
            Effect::Turn,
            Effect::Undo(0),
            Effect::Finish
        ]
    );
}

#[test]
fn an_unknown_answer_is_asked_again_and_undone_when_time_is_up() {
    let (effects, state) = run(&[
        Event::Started,
        Event::Done,
        Event::Unknown,
        Event::Due,
        Event::Spent,
        Event::Unknown,
        Event::Logged,
        Event::UndoUnknown,
        Event::Due,
        Event::Undone,
        Event::Undone,
        Event::Logged,
    ]);
    assert_eq!(
        effects,
        [
            Effect::Run(0),
            Effect::Run(1),
            Effect::Wait,
            Effect::Run(1),
            Effect::Nothing,
            Effect::Turn,
            Effect::Undo(1),
            Effect::Wait,
            Effect::Undo(1),
            Effect::Undo(0),
            Effect::Finish,
            Effect::Settle,
        ]
    );
    assert!(state.turned);
}

#[test]
fn time_that_is_up_between_attempts_turns_at_once() {
    let (effects, _) = run(&[Event::Started, Event::Unknown, Event::Spent]);
    assert_eq!(effects, [Effect::Run(0), Effect::Wait, Effect::Turn]);
}

#[test]
fn a_claimed_saga_runs_from_the_start() {
    let (effects, _) = run(&[Event::Claimed { turned: false }]);
    assert_eq!(effects, [Effect::Run(0)]);
}

#[test]
fn a_claimed_saga_that_turns_undoes_what_the_runner_before_may_have_started() {
    let claimed = Event::Claimed { turned: false };
    let (effects, _) = run(&[
        claimed,
        Event::Spent,
        Event::Done,
        Event::Logged,
        Event::Undone,
    ]);
    assert_eq!(
        effects[2..],
        [Effect::Turn, Effect::Undo(1), Effect::Undo(0)]
    );
    let (effects, _) = run(&[claimed, Event::Unknown, Event::Spent, Event::Logged]);
    assert_eq!(effects[2..], [Effect::Turn, Effect::Undo(1)]);
}

#[test]
fn a_claimed_saga_that_may_have_passed_its_pivot_does_not_turn_for_time() {
    let shape = Shape::with_pivot(2, 1);
    let (state, _) = step(shape, State::new(), Event::Claimed { turned: false });
    let (state, effect) = step(shape, state, Event::Spent);
    assert_eq!(effect, Effect::Nothing);
    assert_eq!(step(shape, state, Event::Unknown).1, Effect::Wait);
    assert_eq!(
        step(shape, state, Event::Refused).1,
        Effect::Finish,
        "it was never done"
    );
}

#[test]
fn a_claimed_turned_saga_undoes_every_step() {
    let (effects, _) = run(&[
        Event::Claimed { turned: true },
        Event::Undone,
        Event::Undone,
    ]);
    assert_eq!(effects, [Effect::Undo(1), Effect::Undo(0), Effect::Finish]);
}

#[test]
fn a_barred_saga_reads_its_row_and_decides_nothing_itself() {
    let (effects, state) = run(&[Event::Started, Event::Barred, Event::ReadTaken]);
    assert_eq!(effects, [Effect::Run(0), Effect::Read, Effect::Leave]);
    assert_eq!(state.phase, Phase::Gone);

    let barred = [
        Event::Started,
        Event::Barred,
        Event::ReadMine { turned: true },
    ];
    assert_eq!(run(&barred).0[2], Effect::Undo(1));
}

#[test]
fn a_saga_barred_for_ever_without_a_turn_is_parked() {
    let mut events = vec![Event::Started];
    for _ in 0..=super::BARRED_READS_MAX {
        events.extend([Event::Barred, Event::ReadMine { turned: false }, Event::Due]);
    }
    events.pop();
    let (effects, state) = run(&events);
    assert_eq!(effects.last(), Some(&Effect::Park));
    assert_eq!(state.phase, Phase::Parked);
}

#[test]
fn a_lost_answer_to_finish_is_read_before_anything_else() {
    let happy = [Event::Started, Event::Done, Event::Done];
    let lost = [&happy[..], &[Event::LogUnknown, Event::ReadEnded]].concat();
    assert_eq!(run(&lost).0[3..], [Effect::Read, Effect::Leave]);

    let again = [
        &happy[..],
        &[Event::LogUnknown, Event::ReadMine { turned: false }],
    ]
    .concat();
    assert_eq!(run(&again).0[3..], [Effect::Read, Effect::Finish]);

    let turned = [
        &happy[..],
        &[Event::Stale, Event::ReadMine { turned: true }],
    ]
    .concat();
    assert_eq!(run(&turned).0[3..], [Effect::Read, Effect::Undo(1)]);
}

#[test]
fn a_skipped_step_is_not_undone() {
    let (effects, _) = run(&[
        Event::Started,
        Event::Done,
        Event::Skipped,
        Event::LogUnknown,
        Event::LogUnknown,
    ]);
    assert_eq!(effects[1..3], [Effect::Run(1), Effect::Finish]);
    let (state, _) = step(ORDER, run(&[Event::Started, Event::Done]).1, Event::Skipped);
    assert_eq!(state.started, 1);
}

#[test]
fn past_the_pivot_a_refusal_parks_and_time_does_not_matter() {
    let shape = Shape::with_pivot(2, 1);
    let (state, _) = step(shape, State::new(), Event::Started);
    let (state, effect) = step(shape, state, Event::Done);
    assert_eq!(effect, Effect::Run(1));
    let (late, effect) = step(shape, state, Event::Spent);
    assert_eq!(effect, Effect::Nothing);
    assert_eq!(step(shape, late, Event::Unknown).1, Effect::Wait);
    assert_eq!(step(shape, state, Event::Refused).1, Effect::Park);
}

#[test]
fn a_saga_that_this_process_has_again_under_a_later_epoch_is_left() {
    let (effects, state) = run(&[Event::Started, Event::Unknown, Event::Superseded]);
    assert_eq!(effects[2], Effect::Leave);
    assert_eq!(state.phase, Phase::Gone);
}

#[test]
fn an_impossible_answer_parks() {
    assert_eq!(run(&[Event::Started, Event::Impossible]).0[1], Effect::Park);
}
