//! Findings of which a request can cause any number: the first ones, and how many there are.

/// The first findings, and how many there are. A pod of ten thousand containers can be wrong ten thousand times; the
/// answer has the first ones, and memory stays bounded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally<T> {
    first: Vec<T>,
    number: usize,
}

/// Most findings that are kept: more than an answer can show (`response::WARNINGS_MAX`, `response::REFUSALS_MAX`).
const KEPT: usize = 100;

impl<T> Default for Tally<T> {
    fn default() -> Self {
        Self { first: Vec::new(), number: 0 }
    }
}

impl<T> From<T> for Tally<T> {
    fn from(one: T) -> Self {
        Self { first: vec![one], number: 1 }
    }
}

impl<T> Tally<T> {
    /// Counts a finding, and makes it if it is one of the first.
    pub(crate) fn add(&mut self, make: impl FnOnce() -> T) {
        self.number += 1;
        if self.first.len() < KEPT {
            self.first.push(make());
        }
    }

    /// Counts a finding that is made already.
    pub(crate) fn push(&mut self, one: T) {
        self.add(|| one);
    }

    /// Counts all of `more`.
    pub(crate) fn extend(&mut self, more: impl IntoIterator<Item = T>) {
        more.into_iter().for_each(|one| self.push(one));
    }

    /// Counts those of another tally.
    pub(crate) fn append(&mut self, other: Self) {
        let number = self.number + other.number;
        self.extend(other.first);
        self.number = number;
    }

    /// The first ones.
    #[must_use]
    pub fn first(&self) -> &[T] {
        &self.first
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.number
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.number == 0
    }

    /// The same findings as others.
    pub(crate) fn map<U>(self, make: impl FnMut(T) -> U) -> Tally<U> {
        Tally { first: self.first.into_iter().map(make).collect(), number: self.number }
    }

    /// The findings for which `belongs` is true, and the others. Those that were only counted are treated like the last one kept.
    pub(crate) fn partition(self, mut belongs: impl FnMut(&T) -> bool) -> (Self, Self) {
        let more = self.number - self.first.len();
        let last = self.first.last().map(&mut belongs);
        let (yes, no): (Vec<T>, Vec<T>) = self.first.into_iter().partition(belongs);
        let counted = |first: Vec<T>, more| Self { number: first.len() + more, first };
        match last {
            Some(true) => (counted(yes, more), counted(no, 0)),
            Some(false) | None => (counted(yes, 0), counted(no, more)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_first_and_counts_the_rest() {
        let mut tally = Tally::default();
        for index in 0..KEPT + 5 {
            tally.add(|| index);
        }
        assert_eq!(
            (tally.first().len(), tally.first().last(), tally.len()),
            (KEPT, Some(&(KEPT - 1)), KEPT + 5)
        );
        let mut both = Tally::from(7);
        both.append(tally.clone());
        assert_eq!((both.first().len(), both.first().get(1), both.len()), (KEPT, Some(&0), KEPT + 6));
        let (even, odd) = tally.partition(|number| number % 2 == 0);
        assert_eq!((even.len(), odd.len()), (KEPT / 2, KEPT / 2 + 5));
        assert!(Tally::<u8>::default().is_empty() && !even.is_empty());
    }
}
