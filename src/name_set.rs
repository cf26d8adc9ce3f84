//! Names from a request or from the settings, and what is called by them: of any number, in the order in which they came.

use std::collections::HashMap;

/// A set of names, in the order in which they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NameSet<'n> {
    list: Vec<&'n str>,
    /// The place of each; empty while the list is short.
    places: HashMap<&'n str, usize>,
}

/// Longest list that is searched linearly. Nearly every list of a pod is this short, and hashing would cost more.
const SHORT: usize = 12;

impl<'n> NameSet<'n> {
    /// The set of `names`.
    pub(crate) fn new(names: impl Iterator<Item = &'n str>) -> Self {
        let mut new = Self::default();
        for name in names {
            new.insert(name);
        }
        new
    }

    /// Adds `name`; whether it was not there before.
    pub(crate) fn insert(&mut self, name: &'n str) -> bool {
        let is_new = !self.contains(name);
        if is_new {
            self.push(name);
        }
        is_new
    }

    fn push(&mut self, name: &'n str) {
        self.list.push(name);
        if self.list.len() == SHORT + 1 {
            self.places.extend(self.list.iter().enumerate().map(|(place, name)| (*name, place)));
        } else if self.list.len() > SHORT {
            self.places.insert(name, self.list.len() - 1);
        }
    }

    /// Whether `name` is one of them.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.place(name).is_some()
    }

    /// The place of `name` among them.
    pub(crate) fn place(&self, name: &str) -> Option<usize> {
        if self.list.len() > SHORT {
            return self.places.get(name).copied();
        }
        self.list.iter().position(|known| *known == name)
    }

    /// All of them, in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &'n str> {
        self.list.iter().copied()
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// Items by their names: of several of one name the first.
#[derive(Debug)]
pub(crate) struct ByName<'n, T> {
    names: NameSet<'n>,
    /// By their places in `names`.
    items: Vec<T>,
}

impl<'n, T> ByName<'n, T> {
    /// The first of each name among `all`.
    pub(crate) fn first(all: impl Iterator<Item = (&'n str, T)>) -> Self {
        let (mut names, mut items) = (NameSet::default(), Vec::new());
        for (name, item) in all {
            if names.insert(name) {
                items.push(item);
            }
        }
        Self { names, items }
    }

    /// The item called `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&T> {
        self.items.get(self.names.place(name)?)
    }

    /// All of them, in the order in which they came.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'n str, &T)> {
        self.names.iter().zip(&self.items)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// The items alone.
    pub(crate) fn into_items(self) -> Vec<T> {
        self.items
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_each_name_once_however_many_there_are() {
        for number in [0, 1, SHORT, SHORT + 1, 100] {
            let names: Vec<String> = (0..number).map(|index| format!("n{index}")).collect();
            let twice = names.iter().chain(&names).map(String::as_str);
            let set = NameSet::new(twice);
            assert_eq!(set.iter().collect::<Vec<_>>(), names, "{number}");
            assert!(names.iter().all(|name| set.contains(name)) && !set.contains("other"), "{number}");
            assert_eq!(set.is_empty(), number == 0);
            assert!(names.iter().enumerate().all(|(place, name)| set.place(name) == Some(place)), "{number}");
            let twice = names.iter().chain(&names).map(String::as_str).zip(0..);
            let first = ByName::first(twice);
            assert!(
                names.iter().enumerate().all(|(place, name)| first.get(name) == Some(&place)),
                "{number}"
            );
            assert_eq!((first.len(), first.get("other")), (number, None));
        }
    }
}
