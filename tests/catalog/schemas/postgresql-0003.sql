SELECT pg_catalog.set_config('search_path', '', false);
CREATE TABLE public.advances (
    run_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    files bigint DEFAULT '0'::bigint NOT NULL,
    bytes bigint DEFAULT '0'::bigint NOT NULL,
    expected_files bigint DEFAULT '0'::bigint NOT NULL,
    expected_bytes bigint DEFAULT '0'::bigint NOT NULL
);
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.copies (
    vault text NOT NULL,
    region text NOT NULL,
    at timestamp with time zone NOT NULL,
    reachable boolean NOT NULL,
    objects bigint DEFAULT '0'::bigint NOT NULL,
    bytes bigint DEFAULT '0'::bigint NOT NULL,
    missing bigint DEFAULT '0'::bigint NOT NULL,
    damaged bigint DEFAULT '0'::bigint NOT NULL,
    missing_since timestamp with time zone
);
CREATE TABLE public.duties (
    scope text NOT NULL,
    subject text NOT NULL,
    kind text NOT NULL
);
CREATE TABLE public.journal (
    id bigint NOT NULL,
    uid text NOT NULL,
    vault text DEFAULT ''::text NOT NULL,
    recorded boolean DEFAULT false NOT NULL,
    at timestamp with time zone NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    actor text NOT NULL,
    text text NOT NULL
);
CREATE SEQUENCE public.journal_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.journal_id_seq OWNED BY public.journal.id;
CREATE TABLE public.leases (
    name text NOT NULL,
    holder text NOT NULL,
    fence bigint NOT NULL,
    until timestamp with time zone NOT NULL
);
CREATE TABLE public.memories (
    name text NOT NULL,
    text text NOT NULL
);
CREATE TABLE public.proofs (
    id bigint NOT NULL,
    uid text NOT NULL,
    vault text DEFAULT ''::text NOT NULL,
    recorded boolean DEFAULT false NOT NULL,
    scope text NOT NULL,
    subject text NOT NULL,
    kind text NOT NULL,
    at timestamp with time zone NOT NULL,
    verdict text NOT NULL,
    snapshot_id text DEFAULT ''::text NOT NULL,
    detail text DEFAULT ''::text NOT NULL
);
CREATE SEQUENCE public.proofs_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.proofs_id_seq OWNED BY public.proofs.id;
CREATE TABLE public.runs (
    id bigint NOT NULL,
    uid text NOT NULL,
    vault text DEFAULT ''::text NOT NULL,
    recorded boolean DEFAULT false NOT NULL,
    scope text NOT NULL,
    subject text NOT NULL,
    kind text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    state text NOT NULL,
    due_at timestamp with time zone,
    started_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    lease text DEFAULT ''::text NOT NULL,
    holder text DEFAULT ''::text NOT NULL,
    fence bigint DEFAULT '0'::bigint NOT NULL,
    snapshot_id text DEFAULT ''::text NOT NULL,
    tally text DEFAULT '{}'::text NOT NULL,
    findings bigint DEFAULT '0'::bigint NOT NULL,
    message text DEFAULT ''::text NOT NULL,
    hint text DEFAULT ''::text NOT NULL
);
CREATE SEQUENCE public.runs_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.runs_id_seq OWNED BY public.runs.id;
CREATE TABLE public.snapshots (
    vault text NOT NULL,
    id text NOT NULL,
    source text NOT NULL,
    kind text NOT NULL,
    "time" timestamp with time zone NOT NULL,
    "position" text DEFAULT ''::text NOT NULL,
    hostname text DEFAULT ''::text NOT NULL,
    tags text DEFAULT '[]'::text NOT NULL,
    files bigint DEFAULT '0'::bigint NOT NULL,
    bytes bigint DEFAULT '0'::bigint NOT NULL,
    added_bytes bigint DEFAULT '0'::bigint NOT NULL
);
ALTER TABLE ONLY public.journal ALTER COLUMN id SET DEFAULT nextval('public.journal_id_seq'::regclass);
ALTER TABLE ONLY public.proofs ALTER COLUMN id SET DEFAULT nextval('public.proofs_id_seq'::regclass);
ALTER TABLE ONLY public.runs ALTER COLUMN id SET DEFAULT nextval('public.runs_id_seq'::regclass);
INSERT INTO public.alembic_version VALUES ('0003');
INSERT INTO public.copies VALUES ('default', 'eu', '2026-11-25 12:00:00+00', true, 5, 0, 0, 0, NULL);
INSERT INTO public.duties VALUES ('source', 'photos', 'incremental');
INSERT INTO public.journal VALUES (1, '64011e8328534f0290667babd5f216fe', '', false, '2026-11-25 12:00:00+00', 'note', 'photos', 'root', 'Grüße');
INSERT INTO public.leases VALUES ('loop', 'studio:1', 1, '2026-11-25 12:01:00+00');
INSERT INTO public.memories VALUES ('alerts', 'told');
INSERT INTO public.proofs VALUES (1, '309ac6bb850d4e03b4bd6edceb26b902', '', false, 'source', 'photos', 'drill', '2026-11-25 12:00:00+00', 'passed', '', '');
INSERT INTO public.runs VALUES (1, '055382e0292041c9b218986cbe6ef19a', 'default', false, 'source', 'photos', 'incremental', 'due', 'done', '2026-11-25 12:00:00+00', '2026-11-25 12:00:00+00', '2026-11-25 12:01:00+00', 'loop', 'studio:1', 1, '', '{"files":3}', 0, '', '');
INSERT INTO public.runs VALUES (2, '1913a1f23eed459cb3db3fc06031dbbf', 'default', false, 'source', 'photos', 'incremental', 'due', 'failed', NULL, '2026-11-25 12:00:00+00', '2026-11-25 12:01:00+00', 'loop', 'studio:1', 1, '', '{}', 0, 'the disk is away', '');
INSERT INTO public.snapshots VALUES ('default', 'one', 'photos', 'full', '2026-11-25 12:00:00+00', '7/2A', '', '["one","two"]', 0, 5, 0);
SELECT pg_catalog.setval('public.journal_id_seq', 1, true);
SELECT pg_catalog.setval('public.proofs_id_seq', 1, true);
SELECT pg_catalog.setval('public.runs_id_seq', 2, true);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.advances
    ADD CONSTRAINT pk_advances PRIMARY KEY (run_id);
ALTER TABLE ONLY public.copies
    ADD CONSTRAINT pk_copies PRIMARY KEY (vault, region);
ALTER TABLE ONLY public.duties
    ADD CONSTRAINT pk_duties PRIMARY KEY (scope, subject, kind);
ALTER TABLE ONLY public.journal
    ADD CONSTRAINT pk_journal PRIMARY KEY (id);
ALTER TABLE ONLY public.leases
    ADD CONSTRAINT pk_leases PRIMARY KEY (name);
ALTER TABLE ONLY public.memories
    ADD CONSTRAINT pk_memories PRIMARY KEY (name);
ALTER TABLE ONLY public.proofs
    ADD CONSTRAINT pk_proofs PRIMARY KEY (id);
ALTER TABLE ONLY public.runs
    ADD CONSTRAINT pk_runs PRIMARY KEY (id);
ALTER TABLE ONLY public.snapshots
    ADD CONSTRAINT pk_snapshots PRIMARY KEY (vault, id);
ALTER TABLE ONLY public.journal
    ADD CONSTRAINT uq_journal_uid UNIQUE (uid);
ALTER TABLE ONLY public.proofs
    ADD CONSTRAINT uq_proofs_uid UNIQUE (uid);
ALTER TABLE ONLY public.runs
    ADD CONSTRAINT uq_runs_uid UNIQUE (uid);
CREATE INDEX ix_journal_kind ON public.journal USING btree (kind, id);
CREATE INDEX ix_journal_subject ON public.journal USING btree (subject, id);
CREATE INDEX ix_proofs_newest ON public.proofs USING btree (scope, subject, kind, id);
CREATE INDEX ix_runs_newest ON public.runs USING btree (scope, subject, id);
CREATE INDEX ix_runs_past ON public.runs USING btree (scope, subject, kind, state, id);
CREATE INDEX ix_runs_unrecorded ON public.runs USING btree (vault) WHERE (recorded = false);
CREATE INDEX ix_snapshots_newest ON public.snapshots USING btree (source, kind, "time");
CREATE UNIQUE INDEX one_run_of_a_subject ON public.runs USING btree (scope, subject) WHERE (state = 'running'::text);
ALTER TABLE ONLY public.advances
    ADD CONSTRAINT fk_advances_run_id FOREIGN KEY (run_id) REFERENCES public.runs(id) ON DELETE CASCADE;
