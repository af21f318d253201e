-- Blind rounds that a person has decided.
CREATE TABLE votes (
    seq           INTEGER PRIMARY KEY,
    id            BLOB    NOT NULL UNIQUE,
    n_contenders  INTEGER NOT NULL,
    -- Which of them, from 0; null for a tie.
    winner        INTEGER,
    -- JSON: models and how they were asked, in the order in which they were shown.
    contenders    TEXT    NOT NULL,
    at_ms         INTEGER NOT NULL,
    -- When it was taken back: it can be put there again until the next time that all are.
    removed_at_ms INTEGER
) STRICT;
