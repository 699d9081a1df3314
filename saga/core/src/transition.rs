//! The transition function. One match on what the saga waits for and what has happened; whatever
//! does not fit is a defect of the runner and stops in an assertion.
//!
//! S1 no step runs after a turn. S2 no undo runs before one. S3 nothing turns from the pivot on.
//! S4 an answer that is not known is never taken for a refusal, nor a barred one. S5 what has turned
//! ends refused.

use crate::{After, Effect, Event, Phase, Shape, State, StepIndex};

/// A saga that is barred without a turn in its log reads its row so often before it is parked.
const BARRED_READS_MAX: u32 = 10;

/// Gives the state after `event` and what to do.
///
/// # Panics
/// If `event` cannot happen in `state`: a defect of the caller, never of a participant's answer.
#[must_use]
pub fn step(shape: Shape, state: State, event: Event) -> (State, Effect) {
    let (next, effect) = match (state.phase, event) {
        (Phase::Retrying(0), Event::Started) => forward(shape, state, 0),
        // Nobody here knows how far it came: every step may have started.
        (Phase::Retrying(0), Event::Claimed { turned: false }) => forward(
            shape,
            State {
                started: shape.steps(),
                ..state
            },
            0,
        ),
        (Phase::Retrying(0), Event::Claimed { turned: true }) => undo_everything(shape, state),

        (_, Event::Spent) => spent(shape, state),
        (_, Event::Superseded) => (at(state, Phase::Gone), Effect::Leave),
        (_, Event::Impossible) => (at(state, Phase::Parked), Effect::Park),

        (Phase::Running(index), event) => answered(shape, state, index, event),
        (Phase::Retrying(index), Event::Due) => run(state, index),

        (Phase::Undoing(index), Event::Undone) => undo_before(state, index),
        (Phase::Undoing(index), Event::UndoUnknown) => {
            (failed(state, Phase::RetryingUndo(index)), Effect::Wait)
        }
        (Phase::RetryingUndo(index), Event::Due) => (
            State {
                phase: Phase::Undoing(index),
                ..state
            },
            Effect::Undo(index),
        ),

        (Phase::Turning, Event::Logged) => undo_before(
            State {
                turned: true,
                ..state
            },
            state.started,
        ),
        (Phase::Turning, Event::Stale | Event::LogUnknown) => read(state, After::Turn),
        (Phase::Finishing, Event::Logged) => (at(state, Phase::Ended), Effect::Settle),
        (Phase::Finishing, Event::Stale | Event::LogUnknown) => read(state, After::Finish),

        (Phase::Reading(after), event) => has_read(shape, state, after, event),
        (Phase::RetryingRead(after), Event::Due) => (
            State {
                phase: Phase::Reading(after),
                ..state
            },
            Effect::Read,
        ),

        (phase, event) => unreachable!("{event:?} cannot happen in {phase:?}"),
    };
    check(shape, next, effect);
    (next, effect)
}

/// The answer of a step's participant.
fn answered(shape: Shape, state: State, index: StepIndex, event: Event) -> (State, Effect) {
    match event {
        Event::Done | Event::Skipped => {
            let state = match event {
                Event::Skipped if state.started == index + 1 => State {
                    started: index,
                    ..state
                },
                _ => state,
            };
            if state.spent && may_turn(shape, state, index) {
                return turn(state);
            }
            forward(shape, state, index + 1)
        }
        // The refusal is recorded, so this step cannot happen later: what came before is undone.
        Event::Refused if shape.may_turn(index) => turn(State {
            started: index,
            ..state
        }),
        Event::Refused => (at(state, Phase::Parked), Effect::Park),
        Event::Unknown if state.spent && may_turn(shape, state, index) => turn(state),
        Event::Unknown => (failed(state, Phase::Retrying(index)), Effect::Wait),
        Event::Barred => (
            State {
                phase: Phase::Reading(After::Barred(index)),
                ..state
            },
            Effect::Read,
        ),
        event => unreachable!("{event:?} is no answer of a step"),
    }
}

/// The log row has been read.
fn has_read(shape: Shape, state: State, after: After, event: Event) -> (State, Effect) {
    match event {
        Event::ReadEnded => (at(state, Phase::Ended), Effect::Leave),
        Event::ReadTaken => (at(state, Phase::Gone), Effect::Leave),
        Event::ReadMine { turned: true } if !state.turned => undo_everything(shape, state),
        Event::LogUnknown => (failed(state, Phase::RetryingRead(after)), Effect::Wait),
        Event::ReadMine { turned } => {
            assert!(turned == state.turned, "a turn is never taken back");
            match after {
                After::Turn => (at(state, Phase::Turning), Effect::Turn),
                After::Finish => (at(state, Phase::Finishing), Effect::Finish),
                After::Barred(_) if state.attempt >= BARRED_READS_MAX => {
                    (at(state, Phase::Parked), Effect::Park)
                }
                After::Barred(index) if state.spent && may_turn(shape, state, index) => turn(state),
                After::Barred(index) => (failed(state, Phase::Retrying(index)), Effect::Wait),
            }
        }
        event => unreachable!("{event:?} is no answer of the log"),
    }
}

/// The time for deciding is up: turn where the saga may, else remember it.
fn spent(shape: Shape, state: State) -> (State, Effect) {
    let state = State {
        spent: true,
        ..state
    };
    match state.phase {
        Phase::Retrying(index) if may_turn(shape, state, index) && !state.turned => turn(state),
        _ => (state, Effect::Nothing),
    }
}

/// Whether a saga that stands at `index` may turn of its own accord: nothing from the pivot on may
/// have started. A taken-over saga with a pivot among its steps first has to come as far again.
fn may_turn(shape: Shape, state: State, index: StepIndex) -> bool {
    let last_started = state.started.saturating_sub(1);
    shape.may_turn(index) && shape.may_turn(last_started)
}

/// Goes on with the step at `index`, or finishes behind the last one.
fn forward(shape: Shape, state: State, index: StepIndex) -> (State, Effect) {
    if index == shape.steps() {
        return (at(state, Phase::Finishing), Effect::Finish);
    }
    run(
        State {
            attempt: 0,
            ..state
        },
        index,
    )
}

fn run(state: State, index: StepIndex) -> (State, Effect) {
    let started = state.started.max(index + 1);
    (
        State {
            phase: Phase::Running(index),
            started,
            ..state
        },
        Effect::Run(index),
    )
}

/// Turns; where nothing may have started there is nothing to undo, so the end alone is logged.
fn turn(state: State) -> (State, Effect) {
    let state = State {
        refused: true,
        ..state
    };
    if state.started == 0 {
        return (at(state, Phase::Finishing), Effect::Finish);
    }
    (at(state, Phase::Turning), Effect::Turn)
}

/// Undoes the steps before `index`, latest first, then finishes.
fn undo_before(state: State, index: StepIndex) -> (State, Effect) {
    match index.checked_sub(1) {
        Some(before) => (at(state, Phase::Undoing(before)), Effect::Undo(before)),
        None => (at(state, Phase::Finishing), Effect::Finish),
    }
}

/// Undoes every step, since nobody here knows which ones have started.
fn undo_everything(shape: Shape, state: State) -> (State, Effect) {
    let state = State {
        turned: true,
        refused: true,
        started: shape.steps(),
        ..state
    };
    undo_before(state, shape.steps())
}

fn read(state: State, after: After) -> (State, Effect) {
    (at(state, Phase::Reading(after)), Effect::Read)
}

/// Progress: the next phase, at its first attempt.
fn at(state: State, phase: Phase) -> State {
    State {
        phase,
        attempt: 0,
        ..state
    }
}

/// No progress: the next phase, one attempt later.
fn failed(state: State, phase: Phase) -> State {
    State {
        phase,
        attempt: state.attempt.saturating_add(1),
        ..state
    }
}

fn check(shape: Shape, state: State, effect: Effect) {
    match effect {
        Effect::Run(_) => assert!(!state.turned, "S1: no step runs after a turn"),
        Effect::Undo(_) => assert!(state.turned, "S2: no undo runs before a turn"),
        Effect::Finish => assert!(
            state.refused || !state.turned,
            "S5: what has turned ends refused"
        ),
        Effect::Turn => assert!(
            !state.turned && may_turn(shape, state, 0),
            "S3: nothing turns from the pivot on"
        ),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
