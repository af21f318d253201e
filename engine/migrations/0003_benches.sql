-- How fast a model was on a machine. What it is looked up by stands beside the record.
CREATE TABLE benches (
    seq       INTEGER PRIMARY KEY,
    id        BLOB    NOT NULL UNIQUE,
    at_ms     INTEGER NOT NULL,
    -- The processor's name, cores, threads, instruction set, device.
    machine   TEXT    NOT NULL,
    -- SHA-256 of the weights.
    model     TEXT    NOT NULL,
    precision TEXT    NOT NULL,
    -- Of the program.
    version   TEXT    NOT NULL,
    -- JSON: everything that was measured.
    record    TEXT    NOT NULL
) STRICT;
