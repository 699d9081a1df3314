//! What the transition function needs to know of a definition: how many steps there are, and from
//! which one on there is no way back.

/// A step's place in its definition, from 0.
pub type StepIndex = u8;

/// The shape of a saga's definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    steps: StepIndex,
    pivot: StepIndex,
}

impl Shape {
    /// A definition of `steps` steps whose pivot is its finish: all of them can be undone.
    #[must_use]
    pub const fn reversible(steps: StepIndex) -> Self {
        Self {
            steps,
            pivot: steps,
        }
    }

    /// A definition of `steps` steps of which those from `pivot` on only go forward.
    ///
    /// # Panics
    /// If `pivot` is greater than `steps`.
    #[must_use]
    pub const fn with_pivot(steps: StepIndex, pivot: StepIndex) -> Self {
        assert!(
            pivot <= steps,
            "the pivot is one of the steps, or the finish"
        );
        Self { steps, pivot }
    }

    /// How many steps there are.
    #[must_use]
    pub const fn steps(self) -> StepIndex {
        self.steps
    }

    /// Whether a saga that stands at `step` may still turn.
    #[must_use]
    pub const fn may_turn(self, step: StepIndex) -> bool {
        step < self.pivot
    }
}
