CREATE TABLE IF NOT EXISTS schema (version INTEGER NOT NULL) STRICT;
CREATE TABLE lease (
  zone TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  until_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE pass_memory (
  zone TEXT PRIMARY KEY,
  content TEXT NOT NULL
) STRICT;
ALTER TABLE desired ADD COLUMN flushed TEXT;
CREATE INDEX report_pending ON report (log_index) WHERE verdict = 'pending';
DELETE FROM schema;
INSERT INTO schema (version) VALUES (3);
