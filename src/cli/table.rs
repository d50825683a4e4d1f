//! A table on the terminal: columns as wide as their widest cell, the last one as long as it is.

/// The table with its headings, one line a row, each ended.
pub(super) fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = headings.map(str::len);
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = String::new();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut text = String::new();
        for (cell, width) in cells.zip(widths) {
            // Cells may hold more octets than characters, which the padding of `format!` counts as well.
            text.push_str(&format!("{cell:width$}  "));
        }
        out.push_str(text.trim_end());
        out.push('\n');
    };
    line(&mut headings.into_iter());
    for row in rows {
        line(&mut row.iter().map(String::as_str));
    }
    out
}

/// A cell that is never empty.
pub(super) fn or_dash(text: &str) -> String {
    if text.is_empty() {
        "-".to_owned()
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_end_clean() {
        let rows = [
            ["m0".to_owned(), or_dash(""), "Tá go maith".to_owned()],
            ["rack-12".to_owned(), "ready".to_owned(), String::new()],
        ];
        assert_eq!(
            table(["SLOT", "STATE", "NOTE"], &rows),
            "SLOT     STATE  NOTE\nm0       -      Tá go maith\nrack-12  ready\n"
        );
    }
}
