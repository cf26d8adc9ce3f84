//! A terminal's output as an SVG, for the README.

/// Draws `output`, which may have ANSI colours, below the command that printed it.
#[must_use]
pub fn svg(command: &str, output: &str) -> String {
    anstyle_svg::Term::new().render_svg(&format!("$ {command}\n{output}"))
}
