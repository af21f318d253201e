-- The prompt library. Columns stand in an order in which no two tables look alike: a recovery knows rows by that.
CREATE TABLE prompts (
    seq           INTEGER PRIMARY KEY,
    id            BLOB    NOT NULL UNIQUE,
    name          TEXT    NOT NULL,
    folder        TEXT    NOT NULL,
    -- JSON: a list.
    tags          TEXT    NOT NULL,
    -- The one in force.
    version       INTEGER NOT NULL,
    -- JSON: what is being written and is no version yet.
    draft         TEXT,
    created_at_ms INTEGER NOT NULL,
    changed_at_ms INTEGER NOT NULL,
    trashed_at_ms INTEGER
) STRICT;

-- Only ever added to.
CREATE TABLE prompt_versions (
    seq    INTEGER PRIMARY KEY,
    prompt BLOB    NOT NULL REFERENCES prompts (id) ON DELETE CASCADE,
    n      INTEGER NOT NULL,
    label  TEXT    NOT NULL,
    -- JSON: texts, variables, examples.
    body   TEXT    NOT NULL,
    at_ms  INTEGER NOT NULL,
    UNIQUE (prompt, n)
) STRICT;

-- What was done to each prompt: `undo` and `redo` are changes as JSON, each the inverse of the other.
CREATE TABLE prompt_edits (
    seq    INTEGER PRIMARY KEY AUTOINCREMENT,
    prompt BLOB    NOT NULL REFERENCES prompts (id) ON DELETE CASCADE,
    at_ms  INTEGER NOT NULL,
    undone INTEGER NOT NULL DEFAULT 0,
    undo   TEXT    NOT NULL,
    redo   TEXT    NOT NULL
) STRICT;

CREATE INDEX prompt_edits_by_prompt ON prompt_edits (prompt, undone, seq);

-- The inputs that a prompt is run over.
CREATE TABLE prompt_sheets (
    seq           INTEGER PRIMARY KEY,
    prompt        BLOB    NOT NULL UNIQUE REFERENCES prompts (id) ON DELETE CASCADE,
    changed_at_ms INTEGER NOT NULL,
    -- JSON: rows.
    sheet         TEXT    NOT NULL
) STRICT;

CREATE TABLE prompt_runs (
    seq           INTEGER PRIMARY KEY,
    id            BLOB    NOT NULL UNIQUE,
    prompt        BLOB    NOT NULL REFERENCES prompts (id) ON DELETE CASCADE,
    -- JSON: what was asked for.
    record        TEXT    NOT NULL,
    created_at_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX prompt_runs_by_prompt ON prompt_runs (prompt);

-- What was written for a row, the newest of each run.
CREATE TABLE prompt_results (
    seq    INTEGER PRIMARY KEY,
    run    BLOB    NOT NULL REFERENCES prompt_runs (id) ON DELETE CASCADE,
    row    INTEGER NOT NULL,
    -- JSON: values, text, what was measured.
    result TEXT    NOT NULL,
    at_ms  INTEGER NOT NULL,
    UNIQUE (run, row)
) STRICT;
