-- Datasets that are kept: their rows lie in files of the home folder (`datasets/<id>/`), what is here says which
-- state of them counts. Columns stand in an order in which no two tables look alike: a recovery knows rows by that.
CREATE TABLE datasets (
    seq      INTEGER PRIMARY KEY,
    id       BLOB    NOT NULL UNIQUE,
    -- The state file that the present is reached from, and the newest edit that is in it.
    state    INTEGER NOT NULL,
    through  INTEGER NOT NULL,
    -- No row has had this id or a higher one.
    next_row INTEGER NOT NULL,
    -- JSON: what a list shows.
    record   TEXT    NOT NULL
) STRICT;

-- What was done to each dataset: `undo` and `redo` are steps as JSON, each the inverse of the other.
CREATE TABLE dataset_edits (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    dataset BLOB    NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
    undone  INTEGER NOT NULL DEFAULT 0,
    undo    TEXT    NOT NULL,
    redo    TEXT    NOT NULL,
    -- JSON: the sentence a person hears.
    what    TEXT    NOT NULL,
    at_ms   INTEGER NOT NULL
) STRICT;

CREATE INDEX dataset_edits_by_dataset ON dataset_edits (dataset, undone, seq);

-- States that can be come back to.
CREATE TABLE dataset_versions (
    seq     INTEGER PRIMARY KEY,
    dataset BLOB    NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
    n       INTEGER NOT NULL,
    state   INTEGER NOT NULL,
    n_rows  INTEGER NOT NULL,
    at_ms   INTEGER NOT NULL,
    -- JSON: what made it.
    what    TEXT    NOT NULL,
    label   TEXT    NOT NULL,
    UNIQUE (dataset, n)
) STRICT;

-- Lines that could not be read and were mended or dismissed, by their place.
CREATE TABLE dataset_bad_done (
    seq     INTEGER PRIMARY KEY,
    dataset BLOB    NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
    bad     INTEGER NOT NULL,
    UNIQUE (dataset, bad)
) STRICT;
