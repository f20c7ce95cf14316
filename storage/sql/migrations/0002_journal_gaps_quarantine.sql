-- Where the archive stands in each journal, what a journal lost, and what ingest or the archive set aside.

CREATE TABLE vigil.journal_position (
    journal_id text        PRIMARY KEY,
    position   bigint      NOT NULL,
    updated    timestamptz NOT NULL
);
COMMENT ON TABLE vigil.journal_position IS
    'Up to which record each journal is archived; moved in the transaction that stores what the records hold.';

CREATE TABLE vigil.gaps (
    gap_id        bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    journal_id    text        NOT NULL,
    lane          text,
    first_offset  bigint      NOT NULL,
    last_offset   bigint      NOT NULL,
    records       bigint,
    readings      bigint,
    first_time    timestamptz,
    last_time     timestamptz,
    reason        text        NOT NULL,
    noted         timestamptz NOT NULL
);
COMMENT ON TABLE vigil.gaps IS
    'Stretches of a journal that it lost, and why; a stretch may begin with records that were archived before.';
COMMENT ON COLUMN vigil.gaps.lane IS 'control or telemetry; null for both.';
COMMENT ON COLUMN vigil.gaps.records IS 'Records lost; null where nobody can tell.';
COMMENT ON COLUMN vigil.gaps.readings IS 'Readings lost; null where nobody can tell.';
COMMENT ON COLUMN vigil.gaps.first_time IS 'Journal time of the first lost record; null where nobody can tell.';
COMMENT ON COLUMN vigil.gaps.last_time IS 'Journal time of the last lost record; null where nobody can tell.';

CREATE TABLE vigil.quarantine (
    sample_id bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reason    text        NOT NULL,
    time      timestamptz NOT NULL,
    topic     text        NOT NULL,
    payload   bytea       NOT NULL,
    size      integer     NOT NULL,
    detail    text        NOT NULL
);
CREATE INDEX quarantine_reason ON vigil.quarantine (reason, sample_id);
COMMENT ON TABLE vigil.quarantine IS 'Samples of what could not be read or stored; the newest 1,000 of each reason.';
COMMENT ON COLUMN vigil.quarantine.payload IS 'The payload, or its beginning.';
COMMENT ON COLUMN vigil.quarantine.size IS 'Bytes of the whole payload.';

CREATE TABLE vigil.quarantine_counts (
    reason text        PRIMARY KEY,
    count  bigint      NOT NULL,
    last   timestamptz NOT NULL
);
COMMENT ON TABLE vigil.quarantine_counts IS 'How much was set aside for each reason, samples kept or not.';
