//! The figures as a person wants to read them.

use std::io::{Result, Write};

use crate::bench::{Figures, webhook};

/// Writes the table; the first module's figures are set against those of the others.
///
/// # Errors
/// The output can't be written.
pub fn write(out: &mut dyn Write, figures: &[Figures], webhook: &[(&str, webhook::Cost)]) -> Result<()> {
    let head = ["case", "module", "median", "p99", "instructions", "in", "out", "look-ups", "log", "memory"];
    let mut rows = vec![head.map(str::to_owned)];
    let mut last = "";
    for figures in figures {
        let case = if figures.case == last { "" } else { figures.case };
        last = figures.case;
        rows.push([
            case.to_owned(),
            figures.module.clone(),
            format!("{:.1} µs", figures.median_us),
            format!("{:.1} µs", figures.p99_us),
            figures.instructions.to_string(),
            figures.bytes_in.to_string(),
            figures.bytes_out.to_string(),
            figures.look_ups.to_string(),
            figures.log_lines.to_string(),
            format!("{} KiB", figures.memory / 1024),
        ]);
    }
    for (case, cost) in webhook {
        let mut row = [(); 10].map(|()| String::new());
        let [first, module, median, .., memory] = &mut row;
        (*case).clone_into(first);
        "webhook (CPU time, its handler alone)".clone_into(module);
        *median = format!("{:.1} µs", cost.microseconds);
        *memory = format!("{} KiB allocated", cost.allocated / 1024);
        rows.push(row);
    }
    aligned(out, &rows)
}

fn aligned<const N: usize>(out: &mut dyn Write, rows: &[[String; N]]) -> Result<()> {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    for row in rows {
        let cells = row.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
            if column < 2 { format!("{cell:width$}") } else { format!("{cell:>width$}") }
        });
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}
