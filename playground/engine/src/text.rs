//! Texts of the editors, whose places the page counts in UTF-16.

use check::yaml::{self, Document, Mark, Spot, Step, steps};
use serde::Deserialize;
use serde_json::{Value, json};

/// The places of a text in the units of JavaScript.
pub(crate) struct Units<'t> {
    text: &'t str,
    /// The place that was asked for last: its bytes, and its units.
    last: std::cell::Cell<(usize, usize)>,
}

impl<'t> Units<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, last: std::cell::Cell::new((0, 0)) }
    }

    /// How many units stand before a place.
    pub(crate) fn of(&self, mark: Mark) -> usize {
        let (bytes, units) = self.last.get();
        let (from, before) = if mark.offset >= bytes { (bytes, units) } else { (0, 0) };
        let between = self.text.get(from..mark.offset.min(self.text.len())).unwrap_or_default();
        let units = before + between.encode_utf16().count();
        self.last.set((mark.offset, units));
        units
    }
}

/// The documents of a text.
pub(crate) fn read(text: &str) -> Value {
    let units = Units::new(text);
    let shown = |document: &Document| {
        let (from, to) = (units.of(document.start), units.of(document.end));
        match &document.content {
            Ok((value, _)) => json!({"value": value, "from": from, "to": to}),
            Err(error) => json!({"message": error.to_string(), "from": units.of(error.mark)}),
        }
    };
    yaml::documents(text).iter().map(shown).collect()
}

/// The settings of the policy, in a text.
#[derive(Debug, Deserialize)]
pub(crate) struct Settings {
    text: String,
    /// The paths of findings about them: `spec.settings.tenantId`.
    #[serde(default)]
    paths: Vec<String>,
}

impl Settings {
    /// The settings, and where each finding stands; or why they can't be read.
    pub(crate) fn read(&self) -> Value {
        let units = Units::new(&self.text);
        let documents = yaml::documents(&self.text);
        let [document] = &documents[..] else {
            return documents.get(1).map_or_else(
                || json!({"value": {}, "places": []}),
                |second| json!({"message": "more than one document", "from": units.of(second.start)}),
            );
        };
        let (value, spot) = match &document.content {
            Ok(content) => content,
            Err(error) => return json!({"message": error.to_string(), "from": units.of(error.mark)}),
        };
        let inside = ["spec", "settings"].map(Step::field);
        let is_manifest = value.get("apiVersion").is_some() && value.get("kind").is_some();
        let (value, root) = if is_manifest {
            (value.pointer("/spec/settings").cloned().unwrap_or_default(), spot.at(&inside))
        } else {
            (value.clone(), Some(spot))
        };
        let value = if value.is_null() { json!({}) } else { value };
        let places = self.paths.iter().filter_map(|path| place(root?, &steps(path), &units));
        json!({"value": value, "places": places.collect::<Vec<_>>()})
    }
}

fn place(root: &Spot, path: &[Step], units: &Units) -> Option<Value> {
    let (spot, _) = root.along(path.get(2..)?);
    if std::ptr::eq(spot, root) {
        return None;
    }
    let (start, end) = spot.range();
    Some(json!({"from": units.of(start), "to": units.of(end)}))
}
