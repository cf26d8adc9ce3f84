//! The only way to parse a text into a value. What is accepted is written next to the parser, and messages print it.

use std::{borrow::Cow, fmt, str::FromStr};

/// A type that is read from a text by its one parser.
pub(crate) trait Accepts: FromStr<Err = Rejected> {
    /// What the parser takes, as messages have it: `a UUID`.
    fn accepted() -> Cow<'static, str>;

    /// Placeholder for a value in a fix. It needs no quotes in a shell.
    const PLACEHOLDER: &'static str = "VALUE";

    /// The value that `text`, which the parser does not take, was most likely meant to be.
    fn meant(_text: &str) -> Option<&str> {
        None
    }
}

/// A text that a parser does not take, by what it would have taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rejected(fn() -> Cow<'static, str>);

impl PartialEq for Rejected {
    fn eq(&self, other: &Self) -> bool {
        (self.0)() == (other.0)()
    }
}

impl Eq for Rejected {}

impl Rejected {
    /// The error of the parser of `T`.
    pub(crate) fn by<T: Accepts>() -> Self {
        Self(T::accepted)
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "not {}", (self.0)())
    }
}

impl std::error::Error for Rejected {}

/// An enum that is chosen by one of its words.
pub(crate) trait Choice: Copy + 'static {
    /// Each word and what it means; the messages print the words in this order.
    const CHOICES: &'static [(&'static str, Self)];

    /// What `word` chooses.
    fn chosen(word: &str) -> Option<Self> {
        Self::CHOICES.iter().find(|(known, _)| *known == word).map(|(_, choice)| *choice)
    }

    /// The words, as messages have them: `Off, Warn or Enforce`.
    fn words() -> String {
        let mut words = String::new();
        for (index, (word, _)) in Self::CHOICES.iter().enumerate() {
            words.push_str(match index {
                0 => "",
                _ if index + 1 == Self::CHOICES.len() => " or ",
                _ => ", ",
            });
            words.push_str(word);
        }
        words
    }
}
