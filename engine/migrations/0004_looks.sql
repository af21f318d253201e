-- What a run wrote for its fixed prompts, evaluation by evaluation.
CREATE TABLE run_samples (
    seq    INTEGER PRIMARY KEY,
    run    BLOB    NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    step   INTEGER NOT NULL,
    -- The prompt's place among the run's.
    n      INTEGER NOT NULL,
    -- JSON: prompt and text.
    record TEXT    NOT NULL,
    UNIQUE (run, step, n)
) STRICT;

-- Which rows a run holds out, in the order of their losses.
CREATE TABLE run_rows (
    seq  INTEGER PRIMARY KEY,
    run  BLOB    NOT NULL UNIQUE REFERENCES runs (id) ON DELETE CASCADE,
    -- JSON: file, number and beginning of each.
    rows TEXT    NOT NULL
) STRICT;

-- The loss of each of them at the first evaluation, the best and the newest.
CREATE TABLE run_row_losses (
    seq    INTEGER PRIMARY KEY,
    run    BLOB    NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    look   TEXT    NOT NULL,
    step   INTEGER NOT NULL,
    -- f32, little-endian.
    losses BLOB    NOT NULL,
    UNIQUE (run, look)
) STRICT;
