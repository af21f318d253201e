CREATE TABLE runs (
    seq           INTEGER PRIMARY KEY,
    id            BLOB    NOT NULL UNIQUE,
    name          TEXT    NOT NULL,
    status        TEXT    NOT NULL,
    -- JSON: what was asked for, and how far it is.
    spec          TEXT    NOT NULL,
    progress      TEXT    NOT NULL,
    -- Where its checkpoints lie, below the home folder.
    folder        TEXT    NOT NULL,
    created_at_ms INTEGER NOT NULL,
    changed_at_ms INTEGER NOT NULL
) STRICT;

-- Measurements. Resuming replaces those after its checkpoint.
CREATE TABLE metric_points (
    seq    INTEGER PRIMARY KEY,
    run    BLOB    NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    series TEXT    NOT NULL,
    step   INTEGER NOT NULL,
    value  REAL    NOT NULL,
    at_ms  INTEGER NOT NULL,
    UNIQUE (run, series, step)
) STRICT;

CREATE TABLE checkpoints (
    seq    INTEGER PRIMARY KEY,
    run    BLOB    NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    kind   TEXT    NOT NULL,
    step   INTEGER NOT NULL,
    -- JSON: where it lies, how large it is, how good.
    record TEXT    NOT NULL,
    at_ms  INTEGER NOT NULL,
    UNIQUE (run, kind)
) STRICT;
