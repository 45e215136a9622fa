"""How the database came to look as it does: each step is applied once, in order.

A step that has been released is never changed; what is new is a new step at the end.
"""

from __future__ import annotations

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE server (
        id INTEGER PRIMARY KEY,
        sure REAL,
        speak TEXT CHECK (speak IN ('ja', 'en')),
        private INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE ask_here (
        server INTEGER NOT NULL REFERENCES server (id) ON DELETE CASCADE,
        channel INTEGER NOT NULL,
        PRIMARY KEY (server, channel)
    ) WITHOUT ROWID;
    CREATE TABLE vote (
        person BLOB NOT NULL,
        message INTEGER NOT NULL,
        section TEXT NOT NULL,
        helpful INTEGER NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (person, message)
    ) WITHOUT ROWID;
    CREATE TABLE question (
        id INTEGER PRIMARY KEY,
        person BLOB NOT NULL,
        message INTEGER,
        section TEXT,
        text TEXT NOT NULL,
        at INTEGER NOT NULL
    );
    CREATE INDEX question_person ON question (person);
    CREATE INDEX question_at ON question (at);
    CREATE TABLE note (
        name TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) WITHOUT ROWID;
    """,
)
