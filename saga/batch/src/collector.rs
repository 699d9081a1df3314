//! The policy of what goes into the next batch, without I/O or clock: first come, first served, up
//! to so many items and lines. A group is never split, so its items share one transaction.

use std::collections::VecDeque;

/// How large a batch and its queue may grow.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Items in one batch.
    pub items_max: usize,
    /// Lines in one batch, all its items together; a single group may pass it.
    pub lines_max: usize,
    /// Items that may wait; one more is refused with [`crate::WriteError::Full`].
    pub queue_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            items_max: 512,
            lines_max: 4_096,
            queue_max: 65_536,
        }
    }
}

/// Items that came together, with what they weigh.
#[derive(Debug)]
pub(crate) struct Group<T> {
    pub(crate) content: T,
    pub(crate) items: usize,
    pub(crate) lines: usize,
}

/// Groups that wait for the next batch, in the order they came.
#[derive(Debug)]
pub(crate) struct Collector<T> {
    waiting: VecDeque<Group<T>>,
    limits: Limits,
}

impl<T> Collector<T> {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            waiting: VecDeque::new(),
            limits,
        }
    }

    pub(crate) fn push(&mut self, group: Group<T>) {
        self.waiting.push_back(group);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether a batch taken now would be as large as one may be.
    pub(crate) fn is_full(&self) -> bool {
        self.waiting.iter().map(|group| group.items).sum::<usize>() >= self.limits.items_max
    }

    /// Takes the next batch: the longest run of waiting groups within the limits, one at least.
    pub(crate) fn take(&mut self) -> Vec<Group<T>> {
        let (mut items, mut lines, mut count) = (0, 0, 0);
        for group in &self.waiting {
            items += group.items;
            lines += group.lines;
            let over = items > self.limits.items_max || lines > self.limits.lines_max;
            if over && count > 0 {
                break;
            }
            count += 1;
        }
        self.waiting.drain(..count).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Collector, Group, Limits};

    fn collector(groups: &[(usize, usize)]) -> Collector<usize> {
        let limits = Limits {
            items_max: 4,
            lines_max: 10,
            queue_max: 100,
        };
        let mut collector = Collector::new(limits);
        for (content, (items, lines)) in groups.iter().copied().enumerate() {
            collector.push(Group {
                content,
                items,
                lines,
            });
        }
        collector
    }

    fn batches(mut collector: Collector<usize>) -> Vec<Vec<usize>> {
        let mut batches = Vec::new();
        while !collector.is_empty() {
            batches.push(
                collector
                    .take()
                    .into_iter()
                    .map(|group| group.content)
                    .collect(),
            );
        }
        batches
    }

    #[test]
    fn items_bound_a_batch() {
        assert_eq!(
            batches(collector(&[(2, 2), (2, 2), (1, 1)])),
            [vec![0, 1], vec![2]]
        );
    }

    #[test]
    fn lines_bound_a_batch() {
        assert_eq!(
            batches(collector(&[(1, 6), (1, 5), (1, 5)])),
            [vec![0], vec![1, 2]]
        );
    }

    #[test]
    fn a_group_over_the_limits_goes_alone() {
        assert_eq!(
            batches(collector(&[(1, 1), (9, 90), (1, 1)])),
            [vec![0], vec![1], vec![2]]
        );
    }
}
