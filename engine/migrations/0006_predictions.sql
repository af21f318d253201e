-- Files that were predicted over, or are.
CREATE TABLE predictions (
    seq           INTEGER PRIMARY KEY,
    id            BLOB    NOT NULL UNIQUE,
    -- JSON: what was asked for, by which model, and how it ended.
    record        TEXT    NOT NULL,
    created_at_ms INTEGER NOT NULL
) STRICT;

-- What a person says of rows' answers: the newest word of each row.
CREATE TABLE mends (
    seq        INTEGER PRIMARY KEY,
    prediction BLOB    NOT NULL REFERENCES predictions (id) ON DELETE CASCADE,
    row        INTEGER NOT NULL,
    answer     TEXT    NOT NULL,
    confirmed  INTEGER NOT NULL,
    at_ms      INTEGER NOT NULL,
    UNIQUE (prediction, row)
) STRICT;

-- How it came to that, for undo and redo.
CREATE TABLE mend_edits (
    seq        INTEGER PRIMARY KEY,
    prediction BLOB    NOT NULL REFERENCES predictions (id) ON DELETE CASCADE,
    row        INTEGER NOT NULL,
    -- JSON: what was said before, and then; null for nothing.
    undo       TEXT    NOT NULL,
    redo       TEXT    NOT NULL,
    undone     INTEGER NOT NULL DEFAULT 0,
    at_ms      INTEGER NOT NULL
) STRICT;

CREATE INDEX mend_edits_by_prediction ON mend_edits (prediction, undone, seq);
