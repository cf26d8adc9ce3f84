//! Cost against the pod's size, as a picture.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;

use crate::bench::{Subject, cases};

/// A line of the picture: sizes, and million instructions.
type Line = Vec<(f64, f64)>;

/// Counts instructions against the number of containers and of variables, and draws both.
///
/// # Errors
/// The policy fails on a case, or the file can't be written.
pub fn draw(subject: &Subject, path: &Path) -> Result<()> {
    let count = |containers, variables| -> Result<f64> {
        let instructions = subject.count(&cases::sized("sized", containers, variables)?)?.instructions;
        #[allow(clippy::cast_precision_loss)] // counts stay far below 2^52
        Ok(instructions as f64 / 1e6)
    };
    let containers = (0..=10).map(|step| (step * 100).max(1)).map(|number| {
        count(number, 1).map(|cost| (f64::from(u32::try_from(number).unwrap_or(u32::MAX)), cost))
    });
    let containers = containers.collect::<Result<Line>>()?;
    let variables = (0..=10).map(|step| step * 1000).map(|number| {
        count(1, number).map(|cost| (f64::from(u32::try_from(number).unwrap_or(u32::MAX)), cost))
    });
    let variables = variables.collect::<Result<Line>>()?;
    picture(path, [("containers", containers), ("variables of one container", variables)])
        .map_err(|error| anyhow!("cannot draw {}: {error}", path.display()))
}

fn picture(path: &Path, lines: [(&str, Line); 2]) -> Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::new(path, (900, 360)).into_drawing_area();
    root.fill(&WHITE)?;
    for (area, (name, line)) in root.split_evenly((1, 2)).iter().zip(lines) {
        let most = |value: fn(&(f64, f64)) -> f64| line.iter().map(value).fold(0.0, f64::max) * 1.05;
        let mut chart = ChartBuilder::on(area)
            .margin(16)
            .caption(format!("instructions by {name}"), ("sans-serif", 16))
            .x_label_area_size(36)
            .y_label_area_size(48)
            .build_cartesian_2d(0.0..most(|point| point.0), 0.0..most(|point| point.1))?;
        chart
            .configure_mesh()
            .x_labels(6)
            .x_label_formatter(&|size| format!("{size:.0}"))
            .x_desc(name)
            .y_desc("million wasm instructions")
            .draw()?;
        chart.draw_series(LineSeries::new(line.iter().copied(), &BLUE))?;
        chart.draw_series(line.iter().map(|point| Circle::new(*point, 3, BLUE.filled())))?;
    }
    root.present()?;
    Ok(())
}
