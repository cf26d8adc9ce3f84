//! The budgets: a file with one line a figure, `NAME NUMBER`. Counted figures may grow by 3 %; a ratio is a limit.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result, bail};

use crate::bench::{Figures, Subject};

/// How much more than its budget a counted figure may be, in percent.
pub const TOLERANCE: f64 = 3.0;

/// The figures of a budget file.
#[derive(Debug, Default)]
pub struct Budgets(BTreeMap<String, f64>);

impl Budgets {
    /// Reads a file; lines that begin with `#` are comments.
    ///
    /// # Errors
    /// No such file, or a line that is not a name and number.
    pub fn from_file(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut budgets = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let mut words = line.split_whitespace();
            let (Some(name), Some(Ok(number)), None) =
                (words.next(), words.next().map(str::parse), words.next())
            else {
                bail!("{}:{}: expected NAME NUMBER, found {line:?}", path.display(), index + 1);
            };
            budgets.insert(name.to_owned(), number);
        }
        Ok(Self(budgets))
    }

    /// What is over its budget, and what has none.
    #[must_use]
    pub fn exceeded(&self, counted: &BTreeMap<String, u64>) -> Vec<String> {
        let mut exceeded = Vec::new();
        for (name, found) in counted {
            #[allow(clippy::cast_precision_loss)] // counts stay far below 2^52
            let found = *found as f64;
            match self.0.get(name) {
                None => exceeded.push(format!("{name} is {found}, and has no budget")),
                Some(budget) if found > budget * (1.0 + TOLERANCE / 100.0) => exceeded.push(format!(
                    "{name} is {found}, {:.1} % over its budget of {budget}",
                    (found / budget - 1.0) * 100.0
                )),
                Some(_) => {}
            }
        }
        exceeded.extend(
            self.counted_names()
                .filter(|name| !counted.contains_key(*name))
                .map(|name| format!("{name} has a budget, but was not counted")),
        );
        exceeded
    }

    /// How many figures are counted ones.
    #[must_use]
    pub fn counted(&self) -> usize {
        self.counted_names().count()
    }

    fn counted_names(&self) -> impl Iterator<Item = &String> {
        self.0.keys().filter(|name| !name.starts_with("ratio/"))
    }

    /// The limits of the ratios, by their names without `ratio/`.
    pub fn ratios(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().filter_map(|(name, limit)| Some((name.strip_prefix("ratio/")?, *limit)))
    }
}

/// The counted figures, by their names in the budget file.
#[must_use]
pub fn counted(subject: &Subject, figures: &[Figures]) -> BTreeMap<String, u64> {
    let mut counted = BTreeMap::from([("module-bytes".to_owned(), subject.bytes as u64)]);
    for figures in figures.iter().filter(|figures| figures.module == subject.name) {
        let case = figures.case;
        counted.insert(format!("instructions/{case}"), figures.instructions);
        counted.insert(format!("memory/{case}"), figures.memory);
        counted.insert(format!("host-calls/{case}"), (figures.look_ups + figures.log_lines) as u64);
    }
    counted
}
