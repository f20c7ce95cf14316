-- The whole schema, as all migrations make it. For reading, and for the test that both are the same;
-- databases are made by the migrations.

CREATE SCHEMA IF NOT EXISTS vigil;
COMMENT ON SCHEMA vigil IS 'History of the safety monitor Vigil. Nothing that decides reads it.';

CREATE TABLE vigil.schema_migrations (
    name    text        PRIMARY KEY,
    applied timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE vigil.schema_migrations IS 'Migrations that made this schema, by file name.';

CREATE TABLE vigil.devices (
    device_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site      text    NOT NULL,
    name      text    NOT NULL,
    kind      text    NOT NULL,
    profile   text    NOT NULL,
    grid      text    NOT NULL,
    building  text    NOT NULL,
    floor     text    NOT NULL,
    unit      text    NOT NULL,
    latitude  double precision,
    longitude double precision,
    gateway   text    NOT NULL,
    lifecycle text    NOT NULL,
    CONSTRAINT devices_key UNIQUE (site, name)
);
COMMENT ON TABLE vigil.devices IS 'Every device that was ever registered or heard; empty text where a fact is not known.';
COMMENT ON COLUMN vigil.devices.name IS 'The device''s level of its topic, vigil/v1/<site>/<name>/…; unique within a site.';
COMMENT ON COLUMN vigil.devices.unit IS 'The flat or room it hangs in.';
COMMENT ON COLUMN vigil.devices.latitude IS 'Degrees, WGS 84.';
COMMENT ON COLUMN vigil.devices.longitude IS 'Degrees, WGS 84.';
COMMENT ON COLUMN vigil.devices.gateway IS 'Name of the device of the same site that forwards its messages.';
COMMENT ON COLUMN vigil.devices.lifecycle IS 'unregistered, registered, installed, verified, maintenance or retired.';

CREATE TABLE vigil.channels (
    channel_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id  integer NOT NULL REFERENCES vigil.devices,
    metric     text    NOT NULL,
    unit       text    NOT NULL,
    CONSTRAINT channels_key UNIQUE (device_id, metric)
);
COMMENT ON TABLE vigil.channels IS 'One metric of one device.';
COMMENT ON COLUMN vigil.channels.unit IS 'Unit of its values; empty for flags, events, and metrics that no profile names.';

-- One partition, or chunk, a UTC day. The key carries no foreign key to channels: the archive gives out channel ids itself,
-- and a check per reading would cost more than the reading.
DO $$
DECLARE
    timescale text;
BEGIN
    SELECT quote_ident(nspname) INTO timescale
    FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
    WHERE extname = 'timescaledb';
    IF timescale IS NULL THEN
        CREATE TABLE vigil.readings (
            channel_id integer          NOT NULL,
            time       timestamptz      NOT NULL,
            value      double precision,
            flags      smallint         NOT NULL,
            PRIMARY KEY (channel_id, time)
        ) PARTITION BY RANGE (time);
        CREATE TABLE vigil.readings_default PARTITION OF vigil.readings DEFAULT;
        COMMENT ON TABLE vigil.readings_default IS
            'Readings of days that have no partition: more than 400 days ago or more than 7 days ahead.';
    ELSE
        CREATE TABLE vigil.readings (
            channel_id integer          NOT NULL,
            time       timestamptz      NOT NULL,
            value      double precision,
            flags      smallint         NOT NULL,
            PRIMARY KEY (channel_id, time)
        );
        EXECUTE format(
            'SELECT %1$s.create_hypertable(''vigil.readings'', %1$s.by_range(''time'', INTERVAL ''1 day''), '
            'create_default_indexes => false)', timescale);
    END IF;
END
$$;
COMMENT ON TABLE vigil.readings IS 'One value of one channel at one event time; the first that came is kept.';
COMMENT ON COLUMN vigil.readings.time IS 'Event time: when the device says it measured.';
COMMENT ON COLUMN vigil.readings.value IS 'In the unit of the channel; null where the device sent the metric without a value.';
COMMENT ON COLUMN vigil.readings.flags IS
    'Bits: 1 came on the alarm topic, 2 arrival time for want of a time, 4 arrival time for one too far ahead, '
    '8 older than a reading that came before it, 16 from a device that no ledger knew, 32 kept by the broker and given '
    'to whoever subscribes, 64 said of the device by its will.';

CREATE FUNCTION vigil.ensure_readings_day(day date) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    partition text := 'readings_' || to_char(day, 'YYYYMMDD');
    opens timestamptz := day::timestamp AT TIME ZONE 'UTC';
    closes timestamptz := (day + 1)::timestamp AT TIME ZONE 'UTC';
BEGIN
    IF to_regclass(format('vigil.%I', partition)) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE vigil.%I (LIKE vigil.readings INCLUDING ALL)', partition);
    EXECUTE format(
        'WITH strays AS (DELETE FROM vigil.readings_default WHERE time >= $1 AND time < $2 RETURNING *) '
        'INSERT INTO vigil.%I SELECT * FROM strays', partition) USING opens, closes;
    EXECUTE format(
        'ALTER TABLE vigil.readings ATTACH PARTITION vigil.%I FOR VALUES FROM (%L) TO (%L)', partition, opens, closes);
    RETURN true;
END
$$;
COMMENT ON FUNCTION vigil.ensure_readings_day IS
    'Make the partition of a UTC day, and move there what the default partition holds of it. Not for hypertables.';

-- Places and names beside each reading. A device in no ledger stays out of it until it is registered.
CREATE VIEW vigil.measurements AS
SELECT
    devices.site,
    devices.name AS device,
    devices.kind,
    devices.grid,
    devices.building,
    channels.metric,
    channels.unit,
    readings.time,
    readings.value,
    readings.flags
FROM vigil.readings
JOIN vigil.channels USING (channel_id)
JOIN vigil.devices USING (device_id)
WHERE devices.lifecycle <> 'unregistered';
COMMENT ON VIEW vigil.measurements IS 'Readings of registered devices, with place, metric and unit.';

CREATE VIEW vigil.quarantined_measurements AS
SELECT
    devices.site,
    devices.name AS device,
    channels.metric,
    readings.time,
    readings.value,
    readings.flags
FROM vigil.readings
JOIN vigil.channels USING (channel_id)
JOIN vigil.devices USING (device_id)
WHERE devices.lifecycle = 'unregistered';
COMMENT ON VIEW vigil.quarantined_measurements IS
    'Readings of devices in no ledger; they move to measurements when their device is registered.';

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

CREATE TABLE vigil.incidents (
    incident_id     text        PRIMARY KEY,
    device          text        NOT NULL,
    site            text        NOT NULL,
    grid            text        NOT NULL,
    place           text        NOT NULL,
    place_zh        text        NOT NULL,
    latitude        double precision,
    longitude       double precision,
    kind            text        NOT NULL,
    unregistered    boolean     NOT NULL,
    rule_id         text        NOT NULL,
    rule_name_en    text        NOT NULL,
    rule_name_zh    text        NOT NULL,
    severity        text        NOT NULL,
    alarm_class     text        NOT NULL,
    what_en         text        NOT NULL,
    what_zh         text        NOT NULL,
    metric          text        NOT NULL,
    unit            text        NOT NULL,
    value           double precision,
    limit_value     double precision,
    source          text        NOT NULL,
    state           text        NOT NULL,
    condition_holds boolean     NOT NULL,
    late            boolean     NOT NULL,
    raised          timestamptz NOT NULL,
    event           timestamptz NOT NULL,
    since           timestamptz NOT NULL,
    last            timestamptz NOT NULL,
    repeats         bigint      NOT NULL,
    accepted        timestamptz,
    accepted_by     text        NOT NULL,
    closed          timestamptz,
    closed_by       text        NOT NULL,
    outcome         text,
    note            text        NOT NULL,
    revision        bigint      NOT NULL,
    rule_kind       text,
    measure         double precision,
    reference       double precision,
    low             double precision,
    high            double precision,
    members         text[]      NOT NULL DEFAULT '{}',
    members_count   integer     NOT NULL DEFAULT 0,
    dispatched      timestamptz,
    dispatched_to   text        NOT NULL DEFAULT '',
    arrived         timestamptz,
    verified        timestamptz,
    acceptances     jsonb       NOT NULL DEFAULT '[]',
    handed_to       text        NOT NULL DEFAULT '',
    rating          integer,
    rated_by        text        NOT NULL DEFAULT '',
    exercise        text,
    building        text        NOT NULL DEFAULT '',
    floor           text        NOT NULL DEFAULT '',
    unit_name       text        NOT NULL DEFAULT '',
    gateway         text        NOT NULL DEFAULT ''
);
CREATE INDEX incidents_raised ON vigil.incidents (raised DESC);
COMMENT ON TABLE vigil.incidents IS 'One danger each: one rule that held on one device, and all that was done about it.';
COMMENT ON COLUMN vigil.incidents.device IS 'site/name.';
COMMENT ON COLUMN vigil.incidents.value IS 'The reading that last decided; null for no-data and relation rules.';
COMMENT ON COLUMN vigil.incidents.source IS 'Where the rule''s figures come from.';
COMMENT ON COLUMN vigil.incidents.state IS
    'raised, accepted, dispatched, arrived, verified, resolved, closed or cleared.';
COMMENT ON COLUMN vigil.incidents.condition_holds IS 'Whether the rule still holds, whatever people have said since.';
COMMENT ON COLUMN vigil.incidents.raised IS 'When Vigil raised it, or raised it anew.';
COMMENT ON COLUMN vigil.incidents.event IS 'When the device says it measured what raised it.';
COMMENT ON COLUMN vigil.incidents.since IS 'When the device says the danger began.';
COMMENT ON COLUMN vigil.incidents.last IS 'When Vigil last heard of it.';
COMMENT ON COLUMN vigil.incidents.outcome IS 'true, false_alarm, test or unfounded; null while nobody has said.';
COMMENT ON COLUMN vigil.incidents.revision IS 'Events of its timeline so far; a higher one replaces a lower.';
COMMENT ON COLUMN vigil.incidents.limit_value IS
    'What the measure was compared with, in its unit; null for kinds of rules without one number.';
COMMENT ON COLUMN vigil.incidents.rule_kind IS 'Kind of the rule; null where an earlier version stored it.';
COMMENT ON COLUMN vigil.incidents.measure IS
    'What the rule judged. threshold, range, fault, alarm: the value; rate, drift: the change, signed; dose: share of a '
    'whole dose; flatline, forecast, no_data: s; baseline: usual deviations, signed; inactivity: the chance; '
    'neighbourhood: devices.';
COMMENT ON COLUMN vigil.incidents.reference IS
    'What it was compared with. rate: the extreme of the window; baseline: the usual value; drift: the value at the '
    'installation; inactivity: s of stillness; forecast: the trend a day; no_data: the usual period, s; neighbourhood: '
    'devices of the place.';
COMMENT ON COLUMN vigil.incidents.low IS 'Low end of the interval of the measure, where it is an estimate.';
COMMENT ON COLUMN vigil.incidents.high IS 'High end of the interval of the measure, where it is an estimate.';
COMMENT ON COLUMN vigil.incidents.members IS 'Devices that have a part in it, site/name, the first 50 of them.';
COMMENT ON COLUMN vigil.incidents.members_count IS 'All devices that have a part in it; 0 where it is about one.';
COMMENT ON COLUMN vigil.incidents.accepted IS 'When the first person took it up.';
COMMENT ON COLUMN vigil.incidents.accepted_by IS 'Who is responsible.';
COMMENT ON COLUMN vigil.incidents.closed IS 'When it was resolved or cleared.';
COMMENT ON COLUMN vigil.incidents.dispatched_to IS 'The team or station that is on its way; empty where nobody said.';
COMMENT ON COLUMN vigil.incidents.acceptances IS 'Everybody who is on it, in order: [{"by": name, "time": when}, …].';
COMMENT ON COLUMN vigil.incidents.handed_to IS 'Who was asked to take it over and has not answered.';
COMMENT ON COLUMN vigil.incidents.rating IS '1 (bad) to 5; null where it is not rated.';
COMMENT ON COLUMN vigil.incidents.exercise IS 'drill or synthetic; null for a real one. Figures leave exercises out.';
COMMENT ON COLUMN vigil.incidents.unit_name IS 'The flat or room; the column unit is that of the value.';

CREATE TABLE vigil.incident_events (
    event_id    text        PRIMARY KEY,
    incident_id text        NOT NULL,
    revision    bigint      NOT NULL,
    kind        text        NOT NULL,
    time        timestamptz NOT NULL,
    by          text        NOT NULL,
    text_en     text        NOT NULL,
    text_zh     text        NOT NULL,
    origin      text        NOT NULL DEFAULT '',
    place       integer     NOT NULL DEFAULT 0,
    digest      text        NOT NULL DEFAULT ''
);
CREATE INDEX incident_events_incident ON vigil.incident_events (incident_id, revision);
COMMENT ON TABLE vigil.incident_events IS 'The timeline of each incident, a line each.';
COMMENT ON COLUMN vigil.incident_events.by IS 'Who did it; empty where Vigil did.';
COMMENT ON COLUMN vigil.incident_events.origin IS 'From where a person acted; empty where Vigil did.';
COMMENT ON COLUMN vigil.incident_events.place IS 'In the chain of the incident''s timeline, from 1; 0 before there was one.';
COMMENT ON COLUMN vigil.incident_events.digest IS 'SHA-256 of the line and of the digest before it, hexadecimal.';

CREATE TABLE vigil.notifications (
    notification_id text        PRIMARY KEY,
    incident_id     text        NOT NULL,
    recipient       text        NOT NULL,
    channel         text        NOT NULL,
    status          text        NOT NULL,
    time            timestamptz NOT NULL,
    attempts        integer     NOT NULL,
    detail          text        NOT NULL
);
CREATE INDEX notifications_incident ON vigil.notifications (incident_id);
COMMENT ON TABLE vigil.notifications IS 'One message owed to one person by one channel, as it stands.';
COMMENT ON COLUMN vigil.notifications.status IS
    'queued, handed (over), received (there is a receipt), answered (by a human), failed, unknown, expired or withdrawn.';
COMMENT ON COLUMN vigil.notifications.detail IS 'The receipt, or why there is none.';

CREATE TABLE vigil.notification_events (
    notification_id text        NOT NULL,
    time            timestamptz NOT NULL,
    status          text        NOT NULL,
    attempts        integer     NOT NULL,
    detail          text        NOT NULL,
    place           integer     NOT NULL DEFAULT 0,
    digest          text        NOT NULL DEFAULT '',
    PRIMARY KEY (notification_id, time, status)
);
COMMENT ON TABLE vigil.notification_events IS 'What became of each notification, a line each.';
COMMENT ON COLUMN vigil.notification_events.place IS 'As in incident_events.';
COMMENT ON COLUMN vigil.notification_events.digest IS 'As in incident_events.';

CREATE TABLE vigil.response_events (
    event_id        text        PRIMARY KEY,
    incident_id     text        NOT NULL,
    kind            text        NOT NULL,
    time            timestamptz NOT NULL,
    person          text        NOT NULL,
    notification_id text        NOT NULL,
    step            integer,
    detail          text        NOT NULL,
    text_en         text        NOT NULL,
    text_zh         text        NOT NULL,
    place           integer     NOT NULL,
    digest          text        NOT NULL
);
CREATE INDEX response_events_incident ON vigil.response_events (incident_id, time);
COMMENT ON TABLE vigil.response_events IS 'What Vigil did to get an incident answered, a line each.';
COMMENT ON COLUMN vigil.response_events.kind IS 'As in alerts.response_event.ResponseKind: asked, escalated, overdue, ….';
COMMENT ON COLUMN vigil.response_events.person IS 'Whom it is about; empty for nobody.';
COMMENT ON COLUMN vigil.response_events.notification_id IS 'The message that goes with it; empty where none does.';
COMMENT ON COLUMN vigil.response_events.step IS 'Place of the step in its chain, from 0.';
COMMENT ON COLUMN vigil.response_events.detail IS 'A silence, another incident, a level or a channel.';
COMMENT ON COLUMN vigil.response_events.place IS 'As in incident_events.';
COMMENT ON COLUMN vigil.response_events.digest IS 'As in incident_events.';

CREATE TABLE vigil.audit_events (
    event_id    text        PRIMARY KEY,
    time        timestamptz NOT NULL,
    by          text        NOT NULL,
    origin      text        NOT NULL,
    subject     text        NOT NULL,
    what        text        NOT NULL,
    incident_id text        NOT NULL,
    allowed     boolean     NOT NULL,
    place       integer     NOT NULL,
    digest      text        NOT NULL
);
CREATE INDEX audit_events_incident ON vigil.audit_events (incident_id, time);
CREATE INDEX audit_events_subject ON vigil.audit_events (subject, time);
COMMENT ON TABLE vigil.audit_events IS 'Who looked at what is protected, or was refused it, a look each.';
COMMENT ON COLUMN vigil.audit_events.subject IS 'The device, site/name.';
COMMENT ON COLUMN vigil.audit_events.what IS 'location, health or contact.';
COMMENT ON COLUMN vigil.audit_events.incident_id IS 'The open incident that allowed it; empty where none did.';
COMMENT ON COLUMN vigil.audit_events.place IS 'As in incident_events.';
COMMENT ON COLUMN vigil.audit_events.digest IS 'As in incident_events.';

-- The lines as alerts.evidence.line makes them, which is what the digests are of.
CREATE VIEW vigil.timeline AS
SELECT
    incident_id, place, time, 'incident' AS what, kind, by AS who, origin AS via, '' AS notification_id, text_en, text_zh,
    '' AS detail, digest
FROM vigil.incident_events
UNION ALL
SELECT
    notifications.incident_id, events.place, events.time, 'notification', events.status, notifications.recipient,
    notifications.channel, notification_id, '', '', events.detail, events.digest
FROM vigil.notification_events AS events
JOIN vigil.notifications USING (notification_id)
UNION ALL
SELECT
    incident_id, place, time, 'response', kind, person, '', notification_id, text_en, text_zh, detail, digest
FROM vigil.response_events
UNION ALL
SELECT
    incident_id, place, time, 'audit', CASE WHEN allowed THEN 'seen' ELSE 'refused' END, by, origin, '', '', '',
    what || ' of ' || subject, digest
FROM vigil.audit_events WHERE incident_id <> '';
COMMENT ON VIEW vigil.timeline IS 'All that happened with each incident; sort it by place, or by time where that is 0.';

CREATE TABLE vigil.rule_shadow (
    shadow_id    text        PRIMARY KEY,
    device       text        NOT NULL,
    rule_id      text        NOT NULL,
    rule_name_en text        NOT NULL,
    rule_name_zh text        NOT NULL,
    rule_kind    text        NOT NULL,
    severity     text        NOT NULL,
    alarm_class  text        NOT NULL,
    holds        boolean     NOT NULL,
    repeated     boolean     NOT NULL,
    late         boolean     NOT NULL,
    time         timestamptz NOT NULL,
    since        timestamptz NOT NULL,
    noted        timestamptz NOT NULL,
    metric       text        NOT NULL,
    unit         text        NOT NULL,
    value        double precision,
    measure      double precision,
    text_en      text        NOT NULL,
    text_zh      text        NOT NULL
);
CREATE INDEX rule_shadow_rule ON vigil.rule_shadow (rule_id, noted DESC);
COMMENT ON TABLE vigil.rule_shadow IS 'What rules in shadow would have raised, a change each; nobody was told.';
COMMENT ON COLUMN vigil.rule_shadow.device IS 'site/name.';
COMMENT ON COLUMN vigil.rule_shadow.holds IS 'The rule began to hold, or holds on; false where it ceased.';
COMMENT ON COLUMN vigil.rule_shadow.repeated IS 'It already held. Of many repetitions every power of two is kept.';
COMMENT ON COLUMN vigil.rule_shadow.late IS 'The reading that decided came late.';
COMMENT ON COLUMN vigil.rule_shadow.time IS 'When the device says it measured what decided.';
COMMENT ON COLUMN vigil.rule_shadow.since IS 'When the breach began.';
COMMENT ON COLUMN vigil.rule_shadow.noted IS 'When Vigil would have said it.';
COMMENT ON COLUMN vigil.rule_shadow.unit IS 'Of the value.';
COMMENT ON COLUMN vigil.rule_shadow.measure IS 'What the rule judged, as in incidents.';
