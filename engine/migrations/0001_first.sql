-- "Glsw": says whose file this is before any table is looked at.
PRAGMA application_id = 1198289783;

CREATE TABLE chats (
    seq            INTEGER PRIMARY KEY,
    id             BLOB    NOT NULL UNIQUE,
    kind           TEXT    NOT NULL,
    title          TEXT    NOT NULL,
    titled_by_hand INTEGER NOT NULL,
    system_prompt  TEXT    NOT NULL,
    draft          TEXT    NOT NULL,
    leaf           BLOB,
    template       TEXT    NOT NULL,
    created_at_ms  INTEGER NOT NULL,
    changed_at_ms  INTEGER NOT NULL,
    trashed_at_ms  INTEGER
) STRICT;

-- No foreign key on parent: cascades along a chain stop at SQLite's trigger depth of 1,000.
CREATE TABLE messages (
    seq           INTEGER PRIMARY KEY,
    id            BLOB    NOT NULL UNIQUE,
    chat          BLOB    NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
    parent        BLOB,
    role          TEXT    NOT NULL,
    text          TEXT    NOT NULL,
    tail          TEXT    NOT NULL,
    status        TEXT    NOT NULL,
    created_at_ms INTEGER NOT NULL,
    -- The removed message at the top of the hidden subtree that this one went with.
    hidden_by     BLOB,
    -- JSON: model, sampling, stats.
    reply         TEXT
) STRICT;

-- Enough by themselves to count a chat's messages and branches.
CREATE INDEX messages_by_chat ON messages (chat, hidden_by, parent);
CREATE INDEX messages_replies ON messages (chat) WHERE reply IS NOT NULL AND hidden_by IS NULL;
CREATE INDEX messages_by_parent ON messages (parent);
CREATE INDEX messages_streaming ON messages (status) WHERE status = 'streaming';

-- A reply's tokens, in runs: while it streams, each save adds one.
CREATE TABLE message_tokens (
    seq     INTEGER PRIMARY KEY,
    message BLOB    NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    first   INTEGER NOT NULL,
    n       INTEGER NOT NULL,
    pieces  BLOB    NOT NULL,
    UNIQUE (message, first)
) STRICT;

-- What was done to each document: `undo` and `redo` are changes as JSON, each the inverse of the other.
CREATE TABLE edits (
    seq    INTEGER PRIMARY KEY AUTOINCREMENT,
    chat   BLOB    NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
    undo   TEXT    NOT NULL,
    redo   TEXT    NOT NULL,
    undone INTEGER NOT NULL DEFAULT 0,
    at_ms  INTEGER NOT NULL
) STRICT;

CREATE INDEX edits_by_chat ON edits (chat, undone);

CREATE TABLE models (
    seq         INTEGER PRIMARY KEY,
    id          BLOB    NOT NULL UNIQUE,
    name        TEXT    NOT NULL,
    path        TEXT    NOT NULL UNIQUE,
    card        TEXT    NOT NULL,
    added_at_ms INTEGER NOT NULL,
    used_at_ms  INTEGER,
    starter     INTEGER NOT NULL
) STRICT;

-- Weights are hashed once, and again when the file's size or time of change differs.
CREATE TABLE content_hashes (
    seq        INTEGER PRIMARY KEY,
    path       TEXT    NOT NULL UNIQUE,
    size_bytes INTEGER NOT NULL,
    mtime_ns   INTEGER NOT NULL,
    hash       TEXT    NOT NULL
) STRICT;

CREATE TABLE settings (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL,
    json    TEXT    NOT NULL
) STRICT;

-- Trigrams, so that text without spaces between words is found as well.
CREATE VIRTUAL TABLE message_search USING fts5 (
    text, tail, content = 'messages', content_rowid = 'seq', tokenize = 'trigram'
);

-- A reply is searchable once it has ended: indexing it at each save would cost more than writing it.
CREATE TRIGGER messages_search_insert AFTER INSERT ON messages WHEN new.status <> 'streaming' BEGIN
    INSERT INTO message_search (rowid, text, tail) VALUES (new.seq, new.text, new.tail);
END;

CREATE TRIGGER messages_search_delete AFTER DELETE ON messages WHEN old.status <> 'streaming' BEGIN
    INSERT INTO message_search (message_search, rowid, text, tail)
    VALUES ('delete', old.seq, old.text, old.tail);
END;

CREATE TRIGGER messages_search_update AFTER UPDATE OF text, tail, status ON messages BEGIN
    INSERT INTO message_search (message_search, rowid, text, tail)
    SELECT 'delete', old.seq, old.text, old.tail WHERE old.status <> 'streaming';
    INSERT INTO message_search (rowid, text, tail)
    SELECT new.seq, new.text, new.tail WHERE new.status <> 'streaming';
END;
