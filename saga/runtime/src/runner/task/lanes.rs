//! Which lane an effect's sagas wait in, and what the lanes are called in metrics.

use std::collections::HashMap;

use saga_core::{Effect, Shape};

use super::super::lane::Kind;
use crate::{Definition, Saga};

pub(super) fn lane_name<S: Saga>(definition: &Definition<S>, kind: Kind) -> String {
    let name = |index: u8| definition.steps[usize::from(index)].name();
    match kind {
        Kind::Run(index) => name(index).to_owned(),
        Kind::Undo(index) => format!("undo {}", name(index)),
        Kind::Turn => "turn".to_owned(),
        Kind::Finish => "finish".to_owned(),
        Kind::Read => "read".to_owned(),
    }
}

pub(super) fn lane_index(kinds: &[Kind], shape: Shape) -> HashMap<Effect, usize> {
    let steps = (0..shape.steps()).flat_map(|index| [Effect::Run(index), Effect::Undo(index)]);
    steps
        .chain([Effect::Turn, Effect::Finish, Effect::Read])
        .filter_map(|effect| {
            let kind = Kind::of(effect)?;
            kinds
                .iter()
                .position(|known| *known == kind)
                .map(|index| (effect, index))
        })
        .collect()
}
