//! The labels of a table's rows. A row has a set of them: of tags and spans several kinds, else one or none.

use std::collections::HashMap;
use std::sync::Arc;

/// Longer ones are cut: what is longer is no label but a text that was mapped as one.
const LONGEST: usize = 128;

/// Sets of labels by number; number 0 is the empty one.
#[derive(Clone, Debug)]
pub struct Labels {
    names: Vec<Arc<str>>,
    by_name: HashMap<Arc<str>, u32>,
    sets: Vec<Arc<[u32]>>,
    by_set: HashMap<Arc<[u32]>, u32>,
}

impl Default for Labels {
    fn default() -> Self {
        let none: Arc<[u32]> = Arc::new([]);
        Self {
            names: Vec::new(),
            by_name: HashMap::new(),
            sets: vec![Arc::clone(&none)],
            by_set: HashMap::from([(none, 0)]),
        }
    }
}

impl Labels {
    /// The number of a set that is known.
    pub(crate) fn known(&self, names: &[String]) -> Option<u32> {
        match names {
            [] => Some(0),
            [one] => self.by_set.get(&[*self.by_name.get(cut(one))?][..]).copied(),
            _ => {
                let ids: Option<Vec<u32>> = names.iter().map(|n| self.by_name.get(cut(n)).copied()).collect();
                self.by_set.get(&sorted(ids?)[..]).copied()
            }
        }
    }

    /// The number of a set, given one if it has none.
    pub(crate) fn number(&mut self, names: &[String]) -> u32 {
        if let Some(known) = self.known(names) {
            return known;
        }
        let ids = names.iter().map(|name| self.name(cut(name))).collect();
        self.set(&sorted(ids))
    }

    fn name(&mut self, name: &str) -> u32 {
        if let Some(id) = self.by_name.get(name) {
            return *id;
        }
        let (id, name) = (as_number(self.names.len()), Arc::<str>::from(name));
        self.names.push(Arc::clone(&name));
        self.by_name.insert(name, id);
        id
    }

    fn set(&mut self, ids: &[u32]) -> u32 {
        if let Some(number) = self.by_set.get(ids) {
            return *number;
        }
        let (number, ids) = (as_number(self.sets.len()), Arc::<[u32]>::from(ids));
        self.sets.push(Arc::clone(&ids));
        self.by_set.insert(ids, number);
        number
    }

    /// How many sets there are.
    #[must_use]
    pub fn n_sets(&self) -> usize {
        self.sets.len()
    }

    /// How many labels there are.
    #[must_use]
    pub fn n_names(&self) -> usize {
        self.names.len()
    }

    /// The labels of a set, by their numbers.
    #[must_use]
    pub fn ids(&self, set: u32) -> &[u32] {
        self.sets.get(set as usize).map_or(&[], |ids| ids)
    }

    #[must_use]
    pub fn name_of(&self, id: u32) -> &str {
        self.names.get(id as usize).map_or("", |name| name)
    }

    /// The labels of a set.
    #[must_use]
    pub fn names(&self, set: u32) -> Vec<&str> {
        self.ids(set).iter().map(|id| self.name_of(*id)).collect()
    }

    /// The number of a label, cut as labels are.
    #[must_use]
    pub fn id(&self, name: &str) -> Option<u32> {
        self.by_name.get(cut(name)).copied()
    }
}

fn sorted(mut ids: Vec<u32>) -> Vec<u32> {
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn cut(name: &str) -> &str {
    if name.len() <= LONGEST {
        return name;
    }
    name.char_indices().nth(LONGEST).map_or(name, |(at, _)| &name[..at])
}

fn as_number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::Labels;

    #[test]
    fn sets_are_told_apart_whatever_their_order() {
        let mut labels = Labels::default();
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let both = labels.number(&set(&["b", "a"]));
        assert_eq!(labels.number(&set(&["a", "b", "a"])), both);
        assert_eq!(labels.number(&[]), 0);
        assert_ne!(labels.number(&set(&["a"])), both);
        assert_eq!(labels.known(&set(&["c"])), None);
        assert_eq!(labels.names(both).len(), 2);
        let long = "x".repeat(1000);
        let number = labels.number(std::slice::from_ref(&long));
        assert_eq!(labels.names(number), [&long[..128]]);
        assert!(labels.id(&long).is_some());
    }
}
