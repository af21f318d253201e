//! A stable sort whose order may fail, and that no inconsistent order can upset.

use super::meter::Res;
use std::cmp::Ordering;

pub(super) fn sorted<T: Clone>(items: Vec<T>, compare: impl Fn(&T, &T) -> Res<Ordering>) -> Res<Vec<T>> {
    let mut from = items;
    let mut width = 1;
    while width < from.len() {
        let mut to = Vec::with_capacity(from.len());
        for pair in from.chunks(width * 2) {
            let (mut left, mut right) = pair.split_at(width.min(pair.len()));
            while let (Some(a), Some(b)) = (left.first(), right.first()) {
                if compare(b, a)? == Ordering::Less {
                    to.push(b.clone());
                    right = &right[1..];
                } else {
                    to.push(a.clone());
                    left = &left[1..];
                }
            }
            to.extend_from_slice(left);
            to.extend_from_slice(right);
        }
        from = to;
        width *= 2;
    }
    Ok(from)
}
