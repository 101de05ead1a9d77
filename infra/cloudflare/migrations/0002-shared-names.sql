CREATE TABLE IF NOT EXISTS schema (version INTEGER NOT NULL) STRICT;
CREATE TABLE name_owners (
  name TEXT NOT NULL,
  host TEXT NOT NULL,
  PRIMARY KEY (name, host)
) STRICT;
INSERT INTO name_owners (name, host) SELECT name, host FROM name_owner;
DROP TABLE name_owner;
ALTER TABLE name_owners RENAME TO name_owner;
DELETE FROM schema;
INSERT INTO schema (version) VALUES (2);
