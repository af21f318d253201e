//! What kinds of values stand at a place in all rows.

use serde_json::{Map, Value};

/// Objects with more keys than this have no columns of their own for each.
const MOST_FIELDS: usize = 200;

/// What was seen at one place.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub null: bool,
    pub bools: bool,
    pub texts: bool,
    pub numbers: Numbers,
    pub list: Option<Box<Seen>>,
    pub object: Option<Object>,
}

#[derive(Debug, Default)]
pub(super) struct Numbers {
    pub whole: bool,
    pub negative: bool,
    /// Above what 64 bits with a sign hold.
    pub large: bool,
    /// Whole, and more than a float holds exactly.
    pub beyond_float: bool,
    /// Floats without a fraction, and with one.
    pub floats_without: bool,
    pub floats_with: bool,
}

#[derive(Debug, Default)]
pub(super) struct Object {
    pub fields: Vec<(String, Seen)>,
    /// In how many of the objects each field is.
    n_with: Vec<u64>,
    n: u64,
    pub too_many: bool,
}

impl Seen {
    pub fn add(&mut self, value: &Value) {
        match value {
            Value::Null => self.null = true,
            Value::Bool(_) => self.bools = true,
            Value::String(_) => self.texts = true,
            Value::Number(number) => self.numbers.add(number),
            Value::Array(list) => {
                let inner = self.list.get_or_insert_default();
                list.iter().for_each(|one| inner.add(one));
            }
            Value::Object(map) => self.object.get_or_insert_default().add(map),
        }
    }
}

impl Numbers {
    fn add(&mut self, number: &serde_json::Number) {
        const EXACT: u64 = 1 << 53;
        if let Some(n) = number.as_i64() {
            self.whole = true;
            self.negative |= n < 0;
            self.beyond_float |= n.unsigned_abs() > EXACT;
        } else if number.is_u64() {
            (self.whole, self.large, self.beyond_float) = (true, true, true);
        } else {
            let value = number.as_f64().unwrap_or_default();
            // -0.0 is no whole number: 0 would lose its sign.
            let without = value.fract() == 0.0;
            self.floats_without |= without;
            self.floats_with |= !without;
        }
    }
}

impl Object {
    pub fn add(&mut self, map: &Map<String, Value>) {
        self.n += 1;
        for (at, (key, value)) in map.iter().enumerate() {
            // Most objects have their keys where the first had them.
            let place = match self.fields.get(at) {
                Some((name, _)) if name == key => Some(at),
                _ => self.fields.iter().position(|(name, _)| name == key),
            };
            let place = match place {
                Some(place) => place,
                None if self.fields.len() >= MOST_FIELDS => {
                    self.too_many = true;
                    return;
                }
                None => {
                    self.fields.push((key.clone(), Seen::default()));
                    self.n_with.push(0);
                    self.fields.len() - 1
                }
            };
            self.n_with[place] += 1;
            self.fields[place].1.add(value);
        }
    }

    /// Whether a field is missing somewhere and null nowhere.
    pub fn is_absent_for_null(&self, place: usize) -> bool {
        self.n_with[place] < self.n && !self.fields[place].1.null
    }
}
