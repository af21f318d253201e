//! What a row of each table looks like, so that a recovery knows whose it is.

use super::salvage::Value;

/// What a row of a table looks like, so that its pages are known without a schema.
pub(super) struct Table {
    pub name: &'static str,
    pub columns: &'static [(&'static str, Shape)],
    /// How many of the last columns a row from before their migration lacks.
    pub n_added: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Shape {
    /// The row's number; stored as nothing.
    Seq,
    Id,
    MaybeId,
    Int,
    MaybeInt,
    Text,
    MaybeText,
    Blob,
    /// Whole numbers are stored as such.
    Real,
}

impl Table {
    pub fn fits(&self, values: &[Value]) -> bool {
        (self.columns.len() - self.n_added..=self.columns.len()).contains(&values.len())
            && values.iter().zip(self.columns).all(|(value, (_, shape))| match (value, shape) {
                (Value::Null, Shape::Seq | Shape::MaybeId | Shape::MaybeInt | Shape::MaybeText) => true,
                (Value::Blob(bytes), Shape::Id | Shape::MaybeId) => bytes.len() == 16,
                (Value::Blob(_), Shape::Blob) => true,
                (Value::Int(_) | Value::Real(_), Shape::Real) => true,
                (Value::Int(_), Shape::Int | Shape::MaybeInt) => true,
                (Value::Text(_), Shape::Text | Shape::MaybeText) => true,
                _ => false,
            })
    }
}

/// Every table of ours, columns in the order of the migrations.
pub(super) const TABLES: [Table; 28] = [
    Table {
        name: "chats",
        columns: &[
            ("seq", Shape::Seq),
            ("id", Shape::Id),
            ("kind", Shape::Text),
            ("title", Shape::Text),
            ("titled_by_hand", Shape::Int),
            ("system_prompt", Shape::Text),
            ("draft", Shape::Text),
            ("leaf", Shape::MaybeId),
            ("template", Shape::Text),
            ("created_at_ms", Shape::Int),
            ("changed_at_ms", Shape::Int),
            ("trashed_at_ms", Shape::MaybeInt),
        ],
        n_added: 0,
    },
    Table {
        name: "messages",
        columns: &[
            ("seq", Shape::Seq),
            ("id", Shape::Id),
            ("chat", Shape::Id),
            ("parent", Shape::MaybeId),
            ("role", Shape::Text),
            ("text", Shape::Text),
            ("tail", Shape::Text),
            ("status", Shape::Text),
            ("created_at_ms", Shape::Int),
            ("hidden_by", Shape::MaybeId),
            ("reply", Shape::MaybeText),
        ],
        n_added: 0,
    },
    Table {
        name: "message_tokens",
        columns: &[
            ("seq", Shape::Seq),
            ("message", Shape::Id),
            ("first", Shape::Int),
            ("n", Shape::Int),
            ("pieces", Shape::Blob),
        ],
        n_added: 0,
    },
    Table {
        name: "edits",
        columns: &[
            ("seq", Shape::Seq),
            ("chat", Shape::Id),
            ("undo", Shape::Text),
            ("redo", Shape::Text),
            ("undone", Shape::Int),
            ("at_ms", Shape::Int),
        ],
        n_added: 0,
    },
    Table {
        name: "models",
        columns: &[
            ("seq", Shape::Seq),
            ("id", Shape::Id),
            ("name", Shape::Text),
            ("path", Shape::Text),
            ("card", Shape::Text),
            ("added_at_ms", Shape::Int),
            ("used_at_ms", Shape::MaybeInt),
            ("starter", Shape::Int),
        ],
        n_added: 0,
    },
    Table {
        name: "content_hashes",
        columns: &[
            ("seq", Shape::Seq),
            ("path", Shape::Text),
            ("size_bytes", Shape::Int),
            ("mtime_ns", Shape::Int),
            ("hash", Shape::Text),
        ],
        n_added: 0,
    },
    Table {
        name: "settings",
        columns: &[("id", Shape::Seq), ("version", Shape::Int), ("json", Shape::Text)],
        n_added: 0,
    },
    Table {
        name: "runs",
        columns: &[
            ("seq", Shape::Seq),
            ("id", Shape::Id),
            ("name", Shape::Text),
            ("status", Shape::Text),
            ("spec", Shape::Text),
            ("progress", Shape::Text),
            ("folder", Shape::Text),
            ("created_at_ms", Shape::Int),
            ("changed_at_ms", Shape::Int),
            ("tags", Shape::Text),
            ("notes", Shape::Text),
            ("trashed_at_ms", Shape::MaybeInt),
        ],
        n_added: 3,
    },
    Table {
        name: "metric_points",
        columns: &[
            ("seq", Shape::Seq),
            ("run", Shape::Id),
            ("series", Shape::Text),
            ("step", Shape::Int),
            ("value", Shape::Real),
            ("at_ms", Shape::Int),
        ],
        n_added: 0,
    },
    Table {
        name: "checkpoints",
        columns: &[
            ("seq", Shape::Seq),
            ("run", Shape::Id),
            ("kind", Shape::Text),
            ("step", Shape::Int),
            ("record", Shape::Text),
            ("at_ms", Shape::Int),
        ],
        n_added: 0,
    },
    Table {
        name: "run_samples",
        columns: &[
            ("seq", Shape::Seq),
            ("run", Shape::Id),
            ("step", Shape::Int),
            ("n", Shape::Int),
            ("record", Shape::Text),
        ],
        n_added: 0,
    },
    Table {
        name: "run_rows",
        columns: &[("seq", Shape::Seq), ("run", Shape::Id), ("rows", Shape::Text)],
        n_added: 0,
    },
    Table {
        name: "run_row_losses",
        columns: &[
            ("seq", Shape::Seq),
            ("run", Shape::Id),
            ("look", Shape::Text),
            ("step", Shape::Int),
            ("losses", Shape::Blob),
        ],
        n_added: 0,
    },
    Table {
        name: "predictions",
        columns: &[
            ("seq", Shape::Seq),
            ("id", Shape::Id),
            ("record", Shape::Text),
            ("created_at_ms", Shape::Int),
        ],
        n_added: 0,
    },
    Table {
        name: "mends",
        columns: &[
            ("seq", Shape::Seq),
            ("prediction", Shape::Id),
            ("row", Shape::Int),
            ("answer", Shape::Text),
            ("confirmed", Shape::Int),
            ("at_ms", Shape::Int),
        ],
        n_added: 0,
    },
    Table {
        name: "mend_edits",
        columns: &[
            ("seq", Shape::Seq),
            ("prediction", Shape::Id),
            ("row", Shape::Int),
            ("undo", Shape::Text),
            ("redo", Shape::Text),
            ("undone", Shape::Int),
            ("at_ms", Shape::Int),
        ],
        n_added: 0,
    },
    Table {
        name: "prompts",
        columns: &[
            ("seq", Shape::Seq),
            ("id", Shape::Id),
            ("name", Shape::Text),
            ("folder", Shape::Text),
            ("tags", Shape::Text),
            ("version", Shape::Int),
            ("draft", Shape::MaybeText),
            ("created_at_ms", Shape::Int),
            ("changed_at_ms", Shape::Int),
            ("trashed_at_ms", Shape::MaybeInt),
        ],
        n_added: 0,
    },
    Table {
        name: "prompt_versions",
        columns: &[
            ("seq", Shape::Seq),
            ("prompt", Shape::Id),
            ("n", Shape::Int),
            ("label", Shape::Text),
            ("body", Shape::Text),
            ("at_ms", Shape::Int),
        ],
        n_added: 0,
    },
    Table {
        name: "prompt_edits",
        columns: &[
            ("seq", Shape::Seq),
            ("prompt", Shape::Id),
            ("at_ms", Shape::Int),
            ("undone", Shape::Int),
            ("undo", Shape::Text),
            ("redo", Shape::Text),
        ],
        n_added: 0,
    },
    Table {
        name: "prompt_sheets",
        columns: &[
            ("seq", Shape::Seq),
            ("prompt", Shape::Id),
            ("changed_at_ms", Shape::Int),
            ("sheet", Shape::Text),
        ],
        n_added: 0,
    },
    Table {
        name: "prompt_runs",
        columns: &[
            ("seq", Shape::Seq),
            ("id", Shape::Id),
            ("prompt", Shape::Id),
            ("record", Shape::Text),
            ("created_at_ms", Shape::Int),
        ],
        n_added: 0,
    },
    Table {
        name: "prompt_results",
        columns: &[
            ("seq", Shape::Seq),
            ("run", Shape::Id),
            ("row", Shape::Int),
            ("result", Shape::Text),
            ("at_ms", Shape::Int),
        ],
        n_added: 0,
    },
    Table {
        name: "votes",
        columns: &[
            ("seq", Shape::Seq),
            ("id", Shape::Id),
            ("n_contenders", Shape::Int),
            ("winner", Shape::MaybeInt),
            ("contenders", Shape::Text),
            ("at_ms", Shape::Int),
            ("removed_at_ms", Shape::MaybeInt),
        ],
        n_added: 0,
    },
    Table {
        name: "benches",
        columns: &[
            ("seq", Shape::Seq),
            ("id", Shape::Id),
            ("at_ms", Shape::Int),
            ("machine", Shape::Text),
            ("model", Shape::Text),
            ("precision", Shape::Text),
            ("version", Shape::Text),
            ("record", Shape::Text),
        ],
        n_added: 0,
    },
    Table {
        name: "datasets",
        columns: &[
            ("seq", Shape::Seq),
            ("id", Shape::Id),
            ("state", Shape::Int),
            ("through", Shape::Int),
            ("next_row", Shape::Int),
            ("record", Shape::Text),
        ],
        n_added: 0,
    },
    Table {
        name: "dataset_edits",
        columns: &[
            ("seq", Shape::Seq),
            ("dataset", Shape::Id),
            ("undone", Shape::Int),
            ("undo", Shape::Text),
            ("redo", Shape::Text),
            ("what", Shape::Text),
            ("at_ms", Shape::Int),
        ],
        n_added: 0,
    },
    Table {
        name: "dataset_versions",
        columns: &[
            ("seq", Shape::Seq),
            ("dataset", Shape::Id),
            ("n", Shape::Int),
            ("state", Shape::Int),
            ("n_rows", Shape::Int),
            ("at_ms", Shape::Int),
            ("what", Shape::Text),
            ("label", Shape::Text),
        ],
        n_added: 0,
    },
    Table {
        name: "dataset_bad_done",
        columns: &[("seq", Shape::Seq), ("dataset", Shape::Id), ("bad", Shape::Int)],
        n_added: 0,
    },
];

#[cfg(test)]
mod tests {
    use super::super::open;
    use super::*;
    use sqlx::sqlite::SqliteJournalMode;

    /// A migration that changes a table must change its shape here.
    #[test]
    fn the_shapes_are_those_of_the_schema() {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let path = folder.path().join("db");
            let mut fresh = open::connect_writer(&path, SqliteJournalMode::Delete).await.unwrap();
            open::migrate(&mut fresh).await.unwrap();
            let mut names: Vec<String> = sqlx::query_scalar(
                "SELECT name FROM pragma_table_list WHERE type = 'table' AND schema = 'main'
                    AND name NOT LIKE 'sqlite%' AND name <> '_sqlx_migrations' ORDER BY name",
            )
            .fetch_all(&mut fresh)
            .await
            .unwrap();
            for table in &TABLES {
                let columns: Vec<(String, String, bool, bool)> =
                    sqlx::query_as("SELECT name, type, \"notnull\", pk FROM pragma_table_info(?)")
                        .bind(table.name)
                        .fetch_all(&mut fresh)
                        .await
                        .unwrap();
                assert_eq!(columns.len(), table.columns.len(), "{}", table.name);
                for ((name, kind, required, key), (wanted, shape)) in columns.iter().zip(table.columns) {
                    assert_eq!(name, wanted, "{}", table.name);
                    let fits = match shape {
                        Shape::Seq => *key,
                        Shape::Id | Shape::Blob => kind == "BLOB" && *required,
                        Shape::MaybeId => kind == "BLOB" && !required,
                        Shape::Int => kind == "INTEGER" && *required,
                        Shape::Real => kind == "REAL" && *required,
                        Shape::MaybeInt => kind == "INTEGER" && !required,
                        Shape::Text => kind == "TEXT" && *required,
                        Shape::MaybeText => kind == "TEXT" && !required,
                    };
                    assert!(fits, "{}.{name}", table.name);
                }
                names.retain(|name| name != table.name);
            }
            assert!(names.is_empty(), "tables without a shape: {names:?}");
        });
    }

    /// Whether some value has both shapes.
    fn overlap(a: Shape, b: Shape) -> bool {
        let values =
            [Value::Null, Value::Int(1), Value::Real(0.5), Value::Text("a".into()), Value::Blob(vec![1; 16])];
        let has = |shape: Shape, value: &Value| {
            let columns: &'static [(&'static str, Shape)] = Box::leak(Box::new([("a", shape)]));
            Table { name: "", columns, n_added: 0 }.fits(std::slice::from_ref(value))
        };
        values.iter().any(|value| has(a, value) && has(b, value))
    }

    /// Or a row of one would be taken for one of the other.
    #[test]
    fn no_two_tables_look_alike() {
        for (i, a) in TABLES.iter().enumerate() {
            for b in &TABLES[i + 1..] {
                let range = |one: &Table| one.columns.len() - one.n_added..=one.columns.len();
                let lengths = range(a).filter(|n| range(b).contains(n));
                let alike = |n: &usize| (0..*n).all(|at| overlap(a.columns[at].1, b.columns[at].1));
                assert_eq!(lengths.filter(alike).count(), 0, "{} and {}", a.name, b.name);
            }
        }
    }
}
