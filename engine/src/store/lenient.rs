//! Reading stored JSON field by field, so that what can't be read costs only itself.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// `base` with every field of `fields` that fits laid over it, and the names of those that don't.
/// Fields that the type doesn't know are passed over.
pub(super) fn overlay<T: Serialize + DeserializeOwned>(
    base: T,
    fields: &Map<String, Value>,
) -> (T, Vec<String>) {
    let Ok(Value::Object(mut whole)) = serde_json::to_value(&base) else { return (base, Vec::new()) };
    let plain = whole.clone();
    whole.extend(fields.iter().map(|(name, value)| (name.clone(), value.clone())));
    if let Ok(read) = serde_json::from_value(Value::Object(whole)) {
        return (read, Vec::new());
    }
    let (mut kept, mut bad) = (plain.clone(), Vec::new());
    for (name, value) in fields {
        let mut alone = plain.clone();
        alone.insert(name.clone(), value.clone());
        if serde_json::from_value::<T>(Value::Object(alone)).is_ok() {
            kept.insert(name.clone(), value.clone());
        } else {
            bad.push(name.clone());
        }
    }
    (serde_json::from_value(Value::Object(kept)).unwrap_or(base), bad)
}
