CREATE TABLE IF NOT EXISTS schema (version INTEGER NOT NULL) STRICT;
CREATE TABLE log (
  i INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  kind TEXT NOT NULL,
  host TEXT,
  body TEXT NOT NULL,
  leaf BLOB NOT NULL,
  nodes BLOB NOT NULL,
  frontier BLOB NOT NULL
) STRICT;
CREATE TABLE host (
  name TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  record TEXT NOT NULL
) STRICT;
CREATE TABLE key (
  kid TEXT PRIMARY KEY,
  host TEXT NOT NULL
) STRICT;
CREATE TABLE token (
  id TEXT PRIMARY KEY,
  host TEXT NOT NULL,
  mac_key BLOB NOT NULL,
  expires_at TEXT NOT NULL,
  used_kid TEXT,
  used_index INTEGER
) STRICT;
CREATE TABLE name_owner (
  name TEXT PRIMARY KEY,
  host TEXT NOT NULL
) STRICT;
CREATE TABLE desired (
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  zone TEXT NOT NULL,
  ttl INTEGER NOT NULL,
  rr_values TEXT,
  host TEXT NOT NULL,
  version INTEGER NOT NULL,
  applied INTEGER NOT NULL,
  PRIMARY KEY (name, type)
) STRICT;
CREATE INDEX desired_pending ON desired (zone) WHERE applied = 0;
CREATE TABLE report (
  kid TEXT NOT NULL,
  seq INTEGER NOT NULL,
  digest TEXT NOT NULL,
  log_index INTEGER NOT NULL,
  verdict TEXT NOT NULL,
  applied_index INTEGER,
  keys TEXT NOT NULL,
  PRIMARY KEY (kid, seq)
) STRICT;
CREATE TABLE guard (
  holds INTEGER NOT NULL CHECK (holds = 1)
) STRICT;
DELETE FROM schema;
INSERT INTO schema (version) VALUES (1);
