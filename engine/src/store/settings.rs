//! Settings: one row of JSON. What cannot be read is the default again, field by field.

use super::Store;
use super::error::{Result, StoreError};
use super::lenient::overlay;
use glassworks_protocol::settings::Settings;
use glassworks_protocol::{Failure, Stored};
use serde_json::{Map, Value};
use sqlx::SqliteConnection;
use std::sync::Arc;

/// Raised when a field changes its meaning; fields that come or go don't need it.
const VERSION: i64 = 1;

impl Store {
    /// # Errors
    /// When the disk says no.
    pub async fn settings(&self) -> std::result::Result<Settings, Failure> {
        let mut reader = self.inner.readers.acquire().await.map_err(StoreError::from)?;
        let json: Option<String> = sqlx::query_scalar("SELECT json FROM settings WHERE id = 1")
            .fetch_optional(&mut *reader)
            .await
            .map_err(StoreError::from)?;
        Ok(json.map_or_else(Settings::default, |json| parse(&json)))
    }
}

pub(super) async fn save(tx: &mut SqliteConnection, settings: Settings) -> Result<Vec<Stored>> {
    sqlx::query("INSERT OR REPLACE INTO settings (id, version, json) VALUES (1, ?, ?)")
        .bind(VERSION)
        .bind(serde_json::to_string(&settings)?)
        .execute(tx)
        .await?;
    Ok(vec![Stored::Settings(Arc::new(settings))])
}

fn parse(json: &str) -> Settings {
    let fields: Map<String, Value> = serde_json::from_str(json).unwrap_or_default();
    let (settings, bad) = overlay(Settings::default(), &fields);
    if !bad.is_empty() {
        tracing::warn!("settings that cannot be read are the defaults again: {}", bad.join(", "));
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;
    use glassworks_protocol::settings::ThemeChoice;

    #[test]
    fn one_bad_field_costs_only_itself() {
        let settings = parse(r#"{"theme":"Light","zoom":"large","n_threads":3,"from_the_future":[1]}"#);
        let wanted = Settings { theme: ThemeChoice::Light, n_threads: Some(3), ..Settings::default() };
        assert_eq!(settings, wanted);
        assert_eq!(parse("not json"), Settings::default());
        assert_eq!(
            parse(r#"{"offline":true,"unknown":1}"#),
            Settings { offline: true, ..Settings::default() }
        );
    }
}
