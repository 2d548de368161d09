BEGIN TRANSACTION;
CREATE TABLE advances (
	run_id INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	files BIGINT DEFAULT '0' NOT NULL, 
	bytes BIGINT DEFAULT '0' NOT NULL, 
	expected_files BIGINT DEFAULT '0' NOT NULL, 
	expected_bytes BIGINT DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_advances PRIMARY KEY (run_id), 
	CONSTRAINT fk_advances_run_id FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE
);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0003');
CREATE TABLE copies (
	vault TEXT NOT NULL, 
	region TEXT NOT NULL, 
	at DATETIME NOT NULL, 
	reachable BOOLEAN NOT NULL, 
	objects BIGINT DEFAULT '0' NOT NULL, 
	bytes BIGINT DEFAULT '0' NOT NULL, 
	missing BIGINT DEFAULT '0' NOT NULL, 
	damaged BIGINT DEFAULT '0' NOT NULL, 
	missing_since DATETIME, 
	CONSTRAINT pk_copies PRIMARY KEY (vault, region)
);
INSERT INTO "copies" VALUES('default','eu','2026-11-25 12:00:00.000000',1,5,0,0,0,NULL);
CREATE TABLE duties (
	scope TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	CONSTRAINT pk_duties PRIMARY KEY (scope, subject, kind)
);
INSERT INTO "duties" VALUES('source','photos','incremental');
CREATE TABLE journal (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	uid TEXT NOT NULL, 
	vault TEXT DEFAULT '' NOT NULL, 
	recorded BOOLEAN DEFAULT false NOT NULL, 
	at DATETIME NOT NULL, 
	kind TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	text TEXT NOT NULL, 
	CONSTRAINT uq_journal_uid UNIQUE (uid)
);
INSERT INTO "journal" VALUES(1,'08263b3c59364274a8bfa82f3f5d5db0','',0,'2026-11-25 12:00:00.000000','note','photos','root','Grüße');
CREATE TABLE leases (
	name TEXT NOT NULL, 
	holder TEXT NOT NULL, 
	fence BIGINT NOT NULL, 
	until DATETIME NOT NULL, 
	CONSTRAINT pk_leases PRIMARY KEY (name)
);
INSERT INTO "leases" VALUES('loop','studio:1',1,'2026-11-25 12:01:00.000000');
CREATE TABLE memories (
	name TEXT NOT NULL, 
	text TEXT NOT NULL, 
	CONSTRAINT pk_memories PRIMARY KEY (name)
);
INSERT INTO "memories" VALUES('alerts','told');
CREATE TABLE proofs (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	uid TEXT NOT NULL, 
	vault TEXT DEFAULT '' NOT NULL, 
	recorded BOOLEAN DEFAULT false NOT NULL, 
	scope TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	at DATETIME NOT NULL, 
	verdict TEXT NOT NULL, 
	snapshot_id TEXT DEFAULT '' NOT NULL, 
	detail TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT uq_proofs_uid UNIQUE (uid)
);
INSERT INTO "proofs" VALUES(1,'cfa59b7e6ecf4c5f8132e14a33948ad3','',0,'source','photos','drill','2026-11-25 12:00:00.000000','passed','','');
CREATE TABLE runs (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	uid TEXT NOT NULL, 
	vault TEXT DEFAULT '' NOT NULL, 
	recorded BOOLEAN DEFAULT false NOT NULL, 
	scope TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	reason TEXT DEFAULT '' NOT NULL, 
	state TEXT NOT NULL, 
	due_at DATETIME, 
	started_at DATETIME NOT NULL, 
	ended_at DATETIME, 
	lease TEXT DEFAULT '' NOT NULL, 
	holder TEXT DEFAULT '' NOT NULL, 
	fence BIGINT DEFAULT '0' NOT NULL, 
	snapshot_id TEXT DEFAULT '' NOT NULL, 
	tally TEXT DEFAULT '{}' NOT NULL, 
	findings BIGINT DEFAULT '0' NOT NULL, 
	message TEXT DEFAULT '' NOT NULL, 
	hint TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT uq_runs_uid UNIQUE (uid)
);
INSERT INTO "runs" VALUES(1,'e42b3af09b88442e83dddca8b0e38123','default',0,'source','photos','incremental','due','done','2026-11-25 12:00:00.000000','2026-11-25 12:00:00.000000','2026-11-25 12:01:00.000000','loop','studio:1',1,'','{"files":3}',0,'','');
INSERT INTO "runs" VALUES(2,'55e46de5c4c94569a042774b15144a9e','default',0,'source','photos','incremental','due','failed',NULL,'2026-11-25 12:00:00.000000','2026-11-25 12:01:00.000000','loop','studio:1',1,'','{}',0,'the disk is away','');
CREATE TABLE snapshots (
	vault TEXT NOT NULL, 
	id TEXT NOT NULL, 
	source TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	time DATETIME NOT NULL, 
	position TEXT DEFAULT '' NOT NULL, 
	hostname TEXT DEFAULT '' NOT NULL, 
	tags TEXT DEFAULT '[]' NOT NULL, 
	files BIGINT DEFAULT '0' NOT NULL, 
	bytes BIGINT DEFAULT '0' NOT NULL, 
	added_bytes BIGINT DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_snapshots PRIMARY KEY (vault, id)
);
INSERT INTO "snapshots" VALUES('default','one','photos','full','2026-11-25 12:00:00.000000','7/2A','','["one","two"]',0,5,0);
CREATE INDEX ix_runs_past ON runs (scope, subject, kind, state, id);
CREATE INDEX ix_runs_newest ON runs (scope, subject, id);
CREATE UNIQUE INDEX one_run_of_a_subject ON runs (scope, subject) WHERE state = 'running';
CREATE INDEX ix_runs_unrecorded ON runs (vault) WHERE recorded = false;
CREATE INDEX ix_snapshots_newest ON snapshots (source, kind, time);
CREATE INDEX ix_proofs_newest ON proofs (scope, subject, kind, id);
CREATE INDEX ix_journal_kind ON journal (kind, id);
CREATE INDEX ix_journal_subject ON journal (subject, id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('runs',2);
INSERT INTO "sqlite_sequence" VALUES('proofs',1);
INSERT INTO "sqlite_sequence" VALUES('journal',1);
COMMIT;
