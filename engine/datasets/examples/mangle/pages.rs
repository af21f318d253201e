//! Files of Parquet broken where it counts: a number of the footer or of a page's header, or a page's values.

use super::apart::{Apart, Page, rebuilt, together, value, varint, with};
use super::dice::Dice;

fn edge(dice: &mut Dice) -> i64 {
    let near = dice.below(20) as i64 - 2;
    let far =
        [1 << 16, 1 << 24, (1 << 31) - 1, 1 << 31, -(1 << 31), 1 << 40, i64::MAX, i64::MIN, -1, 1 << 20];
    if dice.rarely(3) { far[dice.below(far.len())] } else { near }
}

/// `None` where the file is none that can be taken apart.
pub fn mangled(file: &[u8], dice: &mut Dice) -> Option<Vec<u8>> {
    let apart = Apart::of(file)?;
    if dice.rarely(3) {
        let edits =
            (0..1 + dice.below(2)).map(|_| (apart.spots[dice.below(apart.spots.len())].clone(), edge(dice)));
        return Some(together(apart.body, &with(apart.footer, edits.collect())));
    }
    let columns: Vec<&[i64]> =
        apart.spots.iter().filter(|spot| is_column(&spot.path, 9)).map(|spot| &spot.path[..5]).collect();
    let hit = dice.below(4);
    rebuilt(&apart, columns[dice.below(columns.len())], &mut |n, last, page| {
        if n == hit || last && n < hit { changed(page, dice) } else { page.header.to_vec() }
    })
}

/// Changes a page: numbers of its header, or bytes of its values with the header that fits.
fn changed(page: &mut Page, dice: &mut Dice) -> Vec<u8> {
    let spots = page.spots;
    if dice.rarely(2) {
        let edits = (0..1 + dice.below(2)).map(|_| (spots[dice.below(spots.len())].clone(), edge(dice)));
        return with(page.header, edits.collect());
    }
    let values = &mut page.values;
    let before = values.len() as i64;
    for _ in 0..1 + dice.below(3) {
        let at = dice.below(values.len());
        match dice.below(4) {
            0 if at < values.len() => values[at] = [0, 1, 2, 3, 0x7F, 0x80, 0xFE, 0xFF][dice.below(8)],
            1 if at < values.len() => values[at] = dice.next() as u8,
            2 => values.truncate(at),
            _ => drop(values.splice(at..at, varint(edge(dice)))),
        }
    }
    let n = values.len() as i64;
    let mut edits = Vec::new();
    for spot in spots.iter().filter(|spot| matches!(spot.path[..], [2 | 3])) {
        // Where nothing is packed both sizes are the same.
        if spot.path == [3] || value(page.header, spot) == before {
            edits.push((spot.clone(), n));
        }
    }
    with(page.header, edits)
}

/// `row_groups[g].columns[c].meta_data.<id>`
fn is_column(path: &[i64], id: i64) -> bool {
    matches!(path, [4, _, 1, _, 3, last] if *last == id)
}
