/**
 * Schema 3: who may flush a zone, what became of each desired row, and what the scheduled pass keeps.
 * Statements as in schema 1.
 */
export default `
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
`
