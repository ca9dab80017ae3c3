use std::fmt;

/// A table of figures, printed as Markdown so that it can be kept as it is.
pub struct Report {
    columns: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Report {
    pub fn new(columns: &[&'static str]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row, and shows it at once: a run takes minutes.
    pub fn row<const N: usize>(&mut self, cells: [&str; N]) {
        eprintln!("  {}", cells.join(" | "));
        self.rows.push(cells.map(str::to_owned).to_vec());
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| {} |", self.columns.join(" | "))?;
        writeln!(f, "|{}", " --- |".repeat(self.columns.len()))?;
        for row in &self.rows {
            writeln!(f, "| {} |", row.join(" | "))?;
        }
        Ok(())
    }
}

/// A figure with as many digits as mean something.
pub fn figure(value: f64) -> String {
    match value.abs() {
        size if size >= 1000.0 => {
            let whole = format!("{value:.0}");
            let (sign, digits) = whole.strip_prefix('-').map_or(("", whole.as_str()), |digits| ("-", digits));
            let groups: Vec<&str> = digits
                .as_bytes()
                .rchunks(3)
                .rev()
                .map(|group| str::from_utf8(group).unwrap_or_default())
                .collect();
            format!("{sign}{}", groups.join(","))
        }
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// Bytes in a unit of a thousand and twenty-four.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub fn mib(bytes: u64) -> String {
    format!("{} MiB", figure(bytes as f64 / f64::from(1 << 20)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_show_three_digits_and_group_thousands() {
        assert_eq!(figure(1_234_567.0), "1,234,567");
        assert_eq!(figure(-1234.4), "-1,234");
        assert_eq!(figure(123.4), "123");
        assert_eq!(figure(12.34), "12.3");
        assert_eq!(figure(0.123), "0.12");
    }
}
