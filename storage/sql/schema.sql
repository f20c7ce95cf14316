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

CREATE FUNCTION vigil.ensure_readings_day(day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
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

-- Readings come nearly in order of time, so a few bytes a megabyte tell where to look for a stretch of it.
CREATE INDEX readings_time ON vigil.readings USING brin (time) WITH (pages_per_range = 32);

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
    updated    timestamptz NOT NULL,
    read_to    timestamptz
);
COMMENT ON TABLE vigil.journal_position IS
    'Up to which record each journal is archived; moved in the transaction that stores what the records hold.';
COMMENT ON COLUMN vigil.journal_position.read_to IS
    'Journal time of the newest record that is archived; null before there was one.';

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
CREATE INDEX incidents_open ON vigil.incidents (device) WHERE closed IS NULL;
CREATE INDEX incidents_device ON vigil.incidents (device, raised DESC);
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
CREATE INDEX response_events_kind ON vigil.response_events (kind, time DESC);
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

CREATE FUNCTION vigil.storage_kind() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE relkind WHEN 'p' THEN 'partitions' ELSE 'timescaledb' END
    FROM pg_catalog.pg_class WHERE oid = 'vigil.readings'::regclass
$$;
COMMENT ON FUNCTION vigil.storage_kind IS 'timescaledb where readings are a hypertable, partitions on plain PostgreSQL.';

CREATE TABLE vigil.rollup_progress (
    level     text        PRIMARY KEY,
    watermark timestamptz NOT NULL DEFAULT '-infinity',
    closing   timestamptz NOT NULL DEFAULT '-infinity',
    updated   timestamptz NOT NULL DEFAULT now()
);
INSERT INTO vigil.rollup_progress (level) VALUES ('1m'), ('1h'), ('1d');
COMMENT ON TABLE vigil.rollup_progress IS 'How far readings are rolled up, by level: 1m, 1h, 1d.';
COMMENT ON COLUMN vigil.rollup_progress.watermark IS
    'Buckets before it are stored, those from it on are made when they are asked for. Not used by TimescaleDB.';
COMMENT ON COLUMN vigil.rollup_progress.closing IS
    'Of 1m: a reading from before it is late, and the archive notes its hour in late_readings.';

CREATE TABLE vigil.late_readings (
    channel_id integer     NOT NULL,
    hour       timestamptz NOT NULL,
    PRIMARY KEY (channel_id, hour)
);
COMMENT ON TABLE vigil.late_readings IS
    'Hours to be rolled up anew, since readings came late. Those whose readings are not kept any more are left as they are.';
COMMENT ON COLUMN vigil.late_readings.channel_id IS '0 for all channels.';

CREATE TABLE vigil.latest (
    channel_id integer          PRIMARY KEY,
    time       timestamptz      NOT NULL,
    value      double precision,
    flags      smallint         NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE vigil.latest IS 'The newest reading of each channel by its event time, a few seconds old.';
COMMENT ON COLUMN vigil.latest.flags IS 'As in readings.';

CREATE TABLE vigil.retention (
    class text     PRIMARY KEY,
    keep  interval CHECK (keep >= INTERVAL '1 day')
);
INSERT INTO vigil.retention VALUES
    ('readings', '90 days'), ('minutes', '30 days'), ('hours', '1826 days'), ('days', NULL),
    ('incidents', NULL), ('shadow', '90 days'), ('audit', '1096 days');
COMMENT ON TABLE vigil.retention IS 'How long each class of history is kept; written by the service from its settings.';
COMMENT ON COLUMN vigil.retention.class IS
    'readings; minutes, hours, days: rollups; incidents: with their timelines and notifications; shadow: rule_shadow; '
    'audit: audit_events that belong to no incident.';
COMMENT ON COLUMN vigil.retention.keep IS 'Null for ever.';

CREATE TABLE vigil.rules_in_force (
    rule_id     text     NOT NULL,
    site        text     NOT NULL,
    grid        text     NOT NULL,
    device      text     NOT NULL,
    narrowness  smallint NOT NULL GENERATED ALWAYS AS
        ((site <> '')::integer + (grid <> '')::integer + (device <> '')::integer) STORED,
    is_on       boolean  NOT NULL,
    profile     text     NOT NULL,
    metric      text     NOT NULL,
    rule_kind   text     NOT NULL,
    severity    text     NOT NULL,
    alarm_class text     NOT NULL,
    mode        text     NOT NULL,
    name_en     text     NOT NULL,
    name_zh     text     NOT NULL,
    low         double precision,
    high        double precision,
    clear_low   double precision,
    clear_high  double precision,
    hold_s      double precision NOT NULL,
    unit        text     NOT NULL,
    source      text     NOT NULL,
    PRIMARY KEY (rule_id, site, grid, device)
);
CREATE INDEX rules_in_force_metric ON vigil.rules_in_force (profile, metric);
COMMENT ON TABLE vigil.rules_in_force IS
    'Every rule as it is now: a row for anywhere, and one for each site, grid or device where overrides make it otherwise.';
COMMENT ON COLUMN vigil.rules_in_force.site IS 'Empty for any, and so are grid and device.';
COMMENT ON COLUMN vigil.rules_in_force.device IS 'Name within the site.';
COMMENT ON COLUMN vigil.rules_in_force.narrowness IS
    'How many of site, grid and device it names; of the rows of a rule about one device the narrowest is in force.';
COMMENT ON COLUMN vigil.rules_in_force.is_on IS 'False where overrides switch it off.';
COMMENT ON COLUMN vigil.rules_in_force.metric IS 'Empty for no-data rules and rules about other rules.';
COMMENT ON COLUMN vigil.rules_in_force.mode IS 'live, shadow or part.';
COMMENT ON COLUMN vigil.rules_in_force.low IS
    'A value below it is in breach; of a fault rule the least that the sensor can say, of a forecast the level to be reached; '
    'null where there is no such level.';
COMMENT ON COLUMN vigil.rules_in_force.high IS 'A value above it is in breach; otherwise as low.';
COMMENT ON COLUMN vigil.rules_in_force.clear_low IS 'A value from here up is clear again.';
COMMENT ON COLUMN vigil.rules_in_force.clear_high IS 'A value up to here is clear again.';
COMMENT ON COLUMN vigil.rules_in_force.hold_s IS 's that the breach must last.';
COMMENT ON COLUMN vigil.rules_in_force.unit IS 'Of the limits.';
COMMENT ON COLUMN vigil.rules_in_force.source IS 'Where the figures come from.';

DO $$
DECLARE
    timescale text;
    rows text := $columns$ (
        channel_id integer          NOT NULL,
        bucket     timestamptz      NOT NULL,
        min        double precision NOT NULL,
        max        double precision NOT NULL,
        mean       double precision NOT NULL,
        last       double precision NOT NULL,
        count      bigint           NOT NULL,
        first_time timestamptz      NOT NULL,
        last_time  timestamptz      NOT NULL,
        sum        double precision NOT NULL,
        PRIMARY KEY (channel_id, bucket)
    ) PARTITION BY RANGE (bucket) $columns$;
    level record;
BEGIN
    SELECT quote_ident(nspname) INTO timescale
    FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
    WHERE extname = 'timescaledb' AND vigil.storage_kind() = 'timescaledb';  -- readings may be older than the extension
    FOR level IN
        SELECT * FROM (VALUES
            ('1m', '1 minute', 'vigil.readings', 'time', 'day'),
            ('1h', '1 hour', 'vigil.readings_1m', 'bucket', 'month'),
            ('1d', '1 day', 'vigil.readings_1h', 'bucket', 'year')
        ) AS levels (name, width, source, source_time, partition)
    LOOP
        IF timescale IS NULL THEN
            EXECUTE format('CREATE TABLE vigil.readings_%s_rows %s', level.name, rows);
            EXECUTE format(
                'CREATE INDEX readings_%1$s_rows_bucket ON vigil.readings_%1$s_rows USING brin (bucket) '
                'WITH (pages_per_range = 32)', level.name);
            EXECUTE format(
                'COMMENT ON TABLE vigil.readings_%s_rows IS %L', level.name,
                'Stored buckets of ' || level.width || ', a partition a ' || level.partition || '; read the view.');
            -- The time goes first into an array, so that the largest array is the last reading: that needs no sorting.
            -- Values are cut to what any sum of them holds: two of 1e308 would else stop every rollup of their bucket.
            EXECUTE format(
                'CREATE VIEW vigil.readings_%1$s AS '
                'SELECT channel_id, bucket, min, max, mean, last, count, first_time, last_time, sum '
                'FROM vigil.readings_%1$s_rows '
                'WHERE bucket < (SELECT watermark FROM vigil.rollup_progress WHERE level = %1$L) '
                'UNION ALL SELECT channel_id, date_bin(%2$L, %4$s, ''epoch''), %5$s FROM %3$s '
                'WHERE %4$s >= (SELECT watermark FROM vigil.rollup_progress WHERE level = %1$L)%6$s GROUP BY 1, 2',
                level.name, level.width, level.source, level.source_time,
                CASE level.name WHEN '1m' THEN
                    'min(value), max(value), sum(greatest(least(value, 1e290), -1e290)) / count(*), '
                    '(max(ARRAY[date_part(''epoch'', time), value]))[2], '
                    'count(*), min(time), max(time), sum(greatest(least(value, 1e290), -1e290))'
                ELSE
                    'min(min), max(max), sum(sum) / sum(count)::double precision, '
                    '(max(ARRAY[date_part(''epoch'', last_time), last]))[2], '
                    'sum(count)::bigint, min(first_time), max(last_time), sum(sum)'
                END,
                CASE level.name WHEN '1m' THEN ' AND value IS NOT NULL' ELSE '' END);
        ELSE
            EXECUTE format(
                'CREATE MATERIALIZED VIEW vigil.readings_%1$s '
                'WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS '
                'SELECT channel_id, %2$s.time_bucket(INTERVAL %3$L, %5$s) AS bucket, %6$s FROM %4$s%7$s '
                'GROUP BY 1, 2 WITH NO DATA',
                level.name, timescale, level.width, level.source, level.source_time,
                CASE level.name WHEN '1m' THEN format(
                    'min(value) AS min, max(value) AS max, sum(greatest(least(value, 1e290), -1e290)) / count(*) AS mean, '
                    '%1$s.last(value, time) AS last, count(*) AS count, min(time) AS first_time, '
                    'max(time) AS last_time, sum(greatest(least(value, 1e290), -1e290)) AS sum', timescale)
                ELSE format(
                    'min(min) AS min, max(max) AS max, sum(sum) / sum(count)::double precision AS mean, '
                    '%1$s.last(last, last_time) AS last, sum(count)::bigint AS count, min(first_time) AS first_time, '
                    'max(last_time) AS last_time, sum(sum) AS sum', timescale)
                END,
                CASE level.name WHEN '1m' THEN ' WHERE value IS NOT NULL' ELSE '' END);
        END IF;
        EXECUTE format(
            'COMMENT ON VIEW vigil.readings_%s IS %L', level.name,
            'Readings with a value, rolled up by ' || level.width || ' of UTC, up to this moment.');
        EXECUTE format('COMMENT ON COLUMN vigil.readings_%s.bucket IS %L', level.name, 'Where the bucket begins.');
        EXECUTE format('COMMENT ON COLUMN vigil.readings_%s.mean IS %L', level.name, 'Of the readings, not of time.');
        EXECUTE format('COMMENT ON COLUMN vigil.readings_%s.last IS %L', level.name, 'The value at last_time.');
    END LOOP;

    IF timescale IS NOT NULL THEN
        -- Compressed when nearly all late readings have come; those that come later still find their place.
        EXECUTE
            'ALTER TABLE vigil.readings SET (timescaledb.enable_columnstore, timescaledb.segmentby = ''channel_id'', '
            'timescaledb.orderby = ''time'')';
        EXECUTE 'ALTER MATERIALIZED VIEW vigil.readings_1m SET (timescaledb.enable_columnstore)';
        EXECUTE 'ALTER MATERIALIZED VIEW vigil.readings_1h SET (timescaledb.enable_columnstore)';
        EXECUTE format(
            'SELECT %1$s.add_continuous_aggregate_policy(''vigil.readings_1m'', start_offset => INTERVAL ''3 days'', '
            'end_offset => INTERVAL ''2 minutes'', schedule_interval => INTERVAL ''1 minute''), '
            '%1$s.add_continuous_aggregate_policy(''vigil.readings_1h'', start_offset => INTERVAL ''3 days'', '
            'end_offset => INTERVAL ''1 hour'', schedule_interval => INTERVAL ''15 minutes''), '
            '%1$s.add_continuous_aggregate_policy(''vigil.readings_1d'', start_offset => INTERVAL ''4 days'', '
            'end_offset => INTERVAL ''1 day'', schedule_interval => INTERVAL ''1 hour'')', timescale);
        EXECUTE format('CALL %s.add_columnstore_policy(''vigil.readings'', after => INTERVAL ''3 days'')', timescale);
        EXECUTE format('CALL %s.add_columnstore_policy(''vigil.readings_1m'', after => INTERVAL ''7 days'')', timescale);
        EXECUTE format('CALL %s.add_columnstore_policy(''vigil.readings_1h'', after => INTERVAL ''35 days'')', timescale);
        -- The refresh policies look three days back: what is older is rolled up as if it had come late.
        INSERT INTO vigil.late_readings
        SELECT 0, hours
        FROM timescaledb_information.chunks, generate_series(
            range_start, least(range_end - INTERVAL '1 hour', now() - INTERVAL '60 hours'), INTERVAL '1 hour'
        ) AS hours
        WHERE hypertable_schema = 'vigil' AND hypertable_name = 'readings';
    END IF;
END
$$;

CREATE FUNCTION vigil.rollup_watermark(level text) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT progress.watermark FROM vigil.rollup_progress AS progress WHERE progress.level = $1
$$;
COMMENT ON FUNCTION vigil.rollup_watermark IS 'Up to where a level is stored; null for a level that there is not.';

-- From here on: what the writer needs and only the owner may do.

CREATE FUNCTION vigil.ensure_rollup_partition(level text, at timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    width text := CASE level WHEN '1m' THEN 'day' WHEN '1h' THEN 'month' WHEN '1d' THEN 'year' END;
    opens timestamp := date_trunc(width, at AT TIME ZONE 'UTC');
    parent text := format('vigil.readings_%s_rows', level);
    partition text := format('readings_%s_rows_%s', level, to_char(opens, 'YYYYMMDD'));
BEGIN
    IF width IS NULL THEN
        RAISE 'no level %; wanted 1m, 1h or 1d', level;
    END IF;
    IF to_regclass(format('vigil.%I', partition)) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE vigil.%I (LIKE %s INCLUDING ALL)', partition, parent);
    EXECUTE format(
        'ALTER TABLE %s ATTACH PARTITION vigil.%I FOR VALUES FROM (%L) TO (%L)', parent, partition,
        opens AT TIME ZONE 'UTC', (opens + ('1 ' || width)::interval) AT TIME ZONE 'UTC');
    RETURN true;
END
$$;
COMMENT ON FUNCTION vigil.ensure_rollup_partition IS
    'Make the partition of a level that a time falls in: a day of 1m, a month of 1h, a year of 1d. Not for hypertables.';

CREATE FUNCTION vigil.summarize_new(partition text) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(sum(brin_summarize_new_values(indexes.indexrelid)), 0)::integer
    FROM pg_index AS indexes
    JOIN pg_class AS tables ON tables.oid = indexes.indrelid
    JOIN pg_class AS index ON index.oid = indexes.indexrelid
    JOIN pg_am ON pg_am.oid = index.relam
    WHERE tables.relnamespace = 'vigil'::regnamespace AND tables.relname = partition AND index.relkind = 'i'
    AND pg_am.amname = 'brin'
$$;
COMMENT ON FUNCTION vigil.summarize_new IS
    'Take the newest pages of a partition into its index on time; without it they are read whole.';

CREATE FUNCTION vigil.drop_expired(now timestamptz) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found record;
    expired timestamptz;
    deleted bigint;
BEGIN
    IF vigil.storage_kind() = 'partitions' THEN
        SELECT now - keep INTO expired FROM vigil.retention WHERE class = 'readings';
        DELETE FROM vigil.readings_default WHERE time < expired;
    END IF;
    SELECT now - keep INTO expired FROM vigil.retention WHERE class = 'shadow';
    DELETE FROM vigil.rule_shadow WHERE noted < expired;
    SELECT now - keep INTO expired FROM vigil.retention WHERE class = 'audit';
    DELETE FROM vigil.audit_events WHERE incident_id = '' AND time < expired;
    SELECT now - keep INTO expired FROM vigil.retention WHERE class = 'incidents';
    WITH gone AS (DELETE FROM vigil.incidents WHERE closed < expired RETURNING incident_id),
    told AS (DELETE FROM vigil.notifications USING gone WHERE notifications.incident_id = gone.incident_id
        RETURNING notification_id),
    reports AS (DELETE FROM vigil.notification_events USING told
        WHERE notification_events.notification_id = told.notification_id),
    responses AS (DELETE FROM vigil.response_events USING gone WHERE response_events.incident_id = gone.incident_id),
    looks AS (DELETE FROM vigil.audit_events USING gone WHERE audit_events.incident_id = gone.incident_id)
    DELETE FROM vigil.incident_events USING gone WHERE incident_events.incident_id = gone.incident_id;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    IF deleted > 0 THEN
        RETURN NEXT format('incidents, with %s lines of their timelines', deleted);
    END IF;

    -- Partitions, once all of them is too old and the level above has it. Last, since from here on the archive waits for us.
    FOR found IN
        SELECT child.relname AS name
        FROM (VALUES
            ('readings', 'readings', 'day', '1m'), ('readings_1m_rows', 'minutes', 'day', '1h'),
            ('readings_1h_rows', 'hours', 'month', '1d'), ('readings_1d_rows', 'days', 'year', NULL)
        ) AS levels (parent, class, width, above)
        JOIN vigil.retention ON retention.class = levels.class
        JOIN pg_class AS parent ON parent.relnamespace = 'vigil'::regnamespace AND parent.relname = levels.parent
        JOIN pg_inherits ON pg_inherits.inhparent = parent.oid
        JOIN pg_class AS child ON child.oid = pg_inherits.inhrelid
        CROSS JOIN LATERAL (
            SELECT (to_date(right(child.relname, 8), 'YYYYMMDD') + ('1 ' || levels.width)::interval) AT TIME ZONE 'UTC'
        ) AS ends (closes)
        WHERE parent.relkind = 'p' AND child.relname ~ '_[0-9]{8}$'
        AND ends.closes <= now - retention.keep
        AND (levels.above IS NULL OR ends.closes <= vigil.rollup_watermark(levels.above))
        ORDER BY 1
    LOOP
        EXECUTE format('DROP TABLE vigil.%I', found.name);
        RETURN NEXT found.name;
    END LOOP;
END
$$;
COMMENT ON FUNCTION vigil.drop_expired IS
    'Remove what is older than vigil.retention says, and return what that was. Chunks of TimescaleDB are left to its policies.';

CREATE FUNCTION vigil.apply_policies() RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    timescale text;
    found record;
    kept interval;
BEGIN
    SELECT quote_ident(nspname) INTO timescale
    FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
    WHERE extname = 'timescaledb';
    IF timescale IS NULL THEN
        RAISE 'no TimescaleDB here';
    END IF;
    FOR found IN
        SELECT levels.relation, retention.keep
        FROM (VALUES ('readings', 'readings'), ('readings_1m', 'minutes'), ('readings_1h', 'hours'), ('readings_1d', 'days'))
            AS levels (relation, class)
        JOIN vigil.retention ON retention.class = levels.class
    LOOP
        -- Some versions name the jobs of an aggregate after its hidden hypertable.
        SELECT (jobs.config ->> 'drop_after')::interval INTO kept
        FROM timescaledb_information.jobs
        WHERE jobs.proc_name = 'policy_retention' AND (
            (jobs.hypertable_schema = 'vigil' AND jobs.hypertable_name = found.relation)
            OR jobs.hypertable_name = (
                SELECT materialization_hypertable_name FROM timescaledb_information.continuous_aggregates
                WHERE view_schema = 'vigil' AND view_name = found.relation
            )
        );
        IF kept IS DISTINCT FROM found.keep THEN
            EXECUTE format(
                'SELECT %s.remove_retention_policy(%L, if_exists => true)', timescale, 'vigil.' || found.relation);
            IF found.keep IS NOT NULL THEN
                EXECUTE format(
                    'SELECT %s.add_retention_policy(%L, %L::interval)', timescale, 'vigil.' || found.relation,
                    found.keep);
            END IF;
            RETURN NEXT format('%s kept for %s', found.relation, coalesce(found.keep::text, 'ever'));
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION vigil.apply_policies IS 'Make TimescaleDB''s retention policies what vigil.retention says; return what that changed.';

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA vigil FROM PUBLIC;

-- TimescaleDB refuses row security on tables with a columnstore, so what is hidden of elders is hidden by these views, the
-- same on both kinds of server: their place, and what was measured of them, only while an incident of theirs is open.
-- A device that no ledger knows (kind unknown) may be an elder's, and is hidden like one.
-- security_barrier: no function of a reader's sees a row before the view has let it through.


CREATE SCHEMA board;
COMMENT ON SCHEMA board IS 'What boards may see of the history of Vigil; the role vigil_reader has no other rights.';

-- Not for boards: since when a device's protected readings may be seen, for devices with an open incident.
CREATE VIEW vigil.open_devices AS
SELECT
    device,
    min(event) - INTERVAL '30 minutes' AS visible_from,
    bool_or(alarm_class IN ('life-safety', 'property') AND condition_holds) AS is_alarm,
    bool_or(rule_kind = 'no_data' AND condition_holds) AS is_offline,
    bool_or(alarm_class = 'trouble' AND rule_kind IS DISTINCT FROM 'no_data' AND condition_holds) AS is_fault,
    bool_or(alarm_class = 'supervisory' AND condition_holds) AS is_supervisory
FROM vigil.incidents
WHERE closed IS NULL AND exercise IS NULL
GROUP BY device;
COMMENT ON VIEW vigil.open_devices IS 'Devices with an open incident that is no exercise: what holds on them.';

CREATE VIEW board.devices WITH (security_barrier) AS
SELECT
    devices.device_id,
    devices.site || '/' || devices.name AS device,
    devices.site,
    devices.name,
    devices.kind,
    devices.profile,
    devices.grid,
    CASE WHEN shown.place THEN devices.building ELSE '' END AS building,
    CASE WHEN shown.place THEN devices.floor ELSE '' END AS floor,
    CASE WHEN shown.place THEN devices.unit ELSE '' END AS unit,
    CASE WHEN shown.place THEN devices.latitude END AS latitude,
    CASE WHEN shown.place THEN devices.longitude END AS longitude,
    devices.gateway,
    devices.lifecycle,
    CASE
        WHEN troubles.is_alarm THEN 'alarm'
        WHEN troubles.is_offline THEN 'offline'
        WHEN troubles.is_fault THEN 'fault'
        WHEN troubles.is_supervisory THEN 'supervisory'
        WHEN devices.lifecycle IN ('unregistered', 'maintenance') THEN devices.lifecycle
        ELSE 'normal'
    END AS state,
    (
        SELECT max(latest.time) FROM vigil.channels JOIN vigil.latest USING (channel_id)
        WHERE channels.device_id = devices.device_id
    ) AS last_heard
FROM vigil.devices
LEFT JOIN vigil.open_devices AS troubles ON troubles.device = devices.site || '/' || devices.name
CROSS JOIN LATERAL (SELECT devices.kind NOT IN ('watch', 'unknown') OR troubles.device IS NOT NULL AS place) AS shown
WHERE devices.lifecycle <> 'retired';
COMMENT ON VIEW board.devices IS 'Devices that are not retired, and how each stands.';
COMMENT ON COLUMN board.devices.state IS
    'The worst of: alarm (life safety or property), offline, fault, supervisory, unregistered, maintenance; or normal.';
COMMENT ON COLUMN board.devices.last_heard IS 'Event time of its newest reading; null where there was none.';

CREATE VIEW board.channels WITH (security_barrier) AS
SELECT
    channels.channel_id,
    devices.device_id,
    devices.site || '/' || devices.name AS device,
    devices.site,
    devices.name,
    devices.kind,
    devices.profile,
    devices.grid,
    CASE WHEN shown.place THEN devices.building ELSE '' END AS building,
    CASE WHEN shown.place THEN devices.floor ELSE '' END AS floor,
    channels.metric,
    channels.unit,
    CASE
        WHEN devices.kind NOT IN ('watch', 'unknown') OR channels.metric IN ('battery_pct', 'fault', 'tamper', 'online')
            THEN '0001-01-01 00:00+00'::timestamptz
        ELSE troubles.visible_from
    END AS visible_from
FROM vigil.channels
JOIN vigil.devices USING (device_id)
LEFT JOIN vigil.open_devices AS troubles
    ON devices.kind IN ('watch', 'unknown') AND troubles.device = devices.site || '/' || devices.name
CROSS JOIN LATERAL (SELECT devices.kind NOT IN ('watch', 'unknown') OR troubles.device IS NOT NULL AS place) AS shown
WHERE devices.lifecycle <> 'retired';
COMMENT ON VIEW board.channels IS 'Channels of devices that are not retired.';
COMMENT ON COLUMN board.channels.visible_from IS
    'Readings from then on may be seen; null for none. Of elders, and of devices that no ledger knows, which may be an '
    'elder''s: from half an hour before what is open began.';

-- A function and not a view: no plan takes the channels of a join down into the rollup that is made on asking, and so a
-- view would roll up all channels to show one. Here the channels and the times are constants of the statement.
CREATE FUNCTION board.series(
    level text, sites text[], names text[], metrics text[], since timestamptz, until timestamptz
) RETURNS TABLE (
    site text, name text, metric text, unit text, "time" timestamptz, mean double precision, min double precision,
    max double precision, last double precision, count bigint
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    kept text := level;
    source text;
    chosen integer[];
BEGIN
    -- What is not kept so long any more is shown by what is.
    IF kept = '1m' AND since < now() - (SELECT keep FROM vigil.retention WHERE class = 'minutes') THEN
        kept := 'raw';
    END IF;
    IF kept = 'raw' AND since < now() - (SELECT keep FROM vigil.retention WHERE class = 'readings') THEN
        kept := '1h';
    END IF;
    source := CASE kept
        WHEN 'raw' THEN
            'SELECT channel_id, time, value, value, value, value, 1::bigint '
            'FROM vigil.readings WHERE channel_id = ANY ($1) AND time BETWEEN $2 AND $3'
        WHEN '1m' THEN 'vigil.readings_1m' WHEN '1h' THEN 'vigil.readings_1h' WHEN '1d' THEN 'vigil.readings_1d'
    END;
    IF source IS NULL THEN
        RAISE 'no level %; wanted raw, 1m, 1h or 1d', level;
    END IF;
    IF kept <> 'raw' THEN
        source := format(
            'SELECT channel_id, bucket, mean, min, max, last, count FROM %s '
            'WHERE channel_id = ANY ($1) AND bucket BETWEEN $2 AND $3', source);
    END IF;
    SELECT array_agg(found.channel_id) INTO chosen FROM (
        SELECT channels.channel_id FROM board.channels
        WHERE (sites IS NULL OR channels.site = ANY (sites)) AND (names IS NULL OR channels.name = ANY (names))
        AND channels.metric = ANY (metrics) AND channels.visible_from <= until
        LIMIT 1001
    ) AS found;
    IF cardinality(chosen) > 1000 THEN
        RAISE 'more than 1,000 channels; choose a site, or some devices';
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT channels.site, channels.name, channels.metric, channels.unit, rows.time, rows.mean, rows.min, '
        'rows.max, rows.last, rows.count FROM (%s) '
        'AS rows (channel_id, time, mean, min, max, last, count) JOIN board.channels USING (channel_id) '
        'WHERE channels.channel_id = ANY ($1) AND rows.time >= channels.visible_from', source)
    USING chosen, since, until;
END
$$;
COMMENT ON FUNCTION board.series IS
    'Readings (raw) or rollups (1m, 1h, 1d) of up to 1,000 channels, both ends included, in no order; null for any site or '
    'name. Where they are not kept so long, the finest level that is.';

CREATE VIEW board.latest WITH (security_barrier) AS
SELECT
    channels.site, channels.name, channels.device, channels.kind, channels.grid, channels.building, channels.floor,
    channels.metric, channels.unit, latest.time, latest.value, latest.flags
FROM board.channels
JOIN vigil.latest ON latest.channel_id = channels.channel_id AND latest.time >= channels.visible_from;
COMMENT ON VIEW board.latest IS 'The newest reading of each channel.';

CREATE VIEW board.incidents WITH (security_barrier) AS
SELECT
    incident_id, device, site,
    substr(device, length(site) + 2) AS name,
    grid,
    CASE WHEN shown THEN building ELSE '' END AS building,
    CASE WHEN shown THEN floor ELSE '' END AS floor,
    CASE WHEN shown THEN unit_name ELSE '' END AS unit_name,
    CASE WHEN shown THEN place ELSE site END AS place,
    CASE WHEN shown THEN place_zh ELSE site END AS place_zh,
    CASE WHEN shown THEN latitude END AS latitude,
    CASE WHEN shown THEN longitude END AS longitude,
    kind, unregistered, rule_id, rule_kind, rule_name_en, rule_name_zh, severity, alarm_class,
    CASE WHEN shown THEN what_en ELSE 'not shown any more: it is not open' END AS what_en,
    CASE WHEN shown THEN what_zh ELSE '事件已结束，不再显示' END AS what_zh,
    metric, unit,
    CASE WHEN shown THEN value END AS value,
    CASE WHEN shown THEN limit_value END AS limit_value,
    CASE WHEN shown THEN measure END AS measure,
    CASE WHEN shown THEN reference END AS reference,
    CASE WHEN shown THEN low END AS low,
    CASE WHEN shown THEN high END AS high,
    state,
    closed IS NULL AS is_open,
    condition_holds, late, raised, event, since, last, repeats, accepted, accepted_by, dispatched,
    dispatched_to AS station,
    arrived, verified, closed, closed_by, outcome, rating, exercise, members_count,
    extract(epoch FROM accepted - raised)::double precision AS accept_s,
    extract(epoch FROM arrived - raised)::double precision AS arrive_s,
    extract(epoch FROM closed - raised)::double precision AS resolve_s
FROM vigil.incidents
CROSS JOIN LATERAL (SELECT kind <> 'watch' OR closed IS NULL) AS veil (shown);
COMMENT ON VIEW board.incidents IS 'Incidents. Of elders: place and measurements only while open.';
COMMENT ON COLUMN board.incidents.name IS 'Of the device, within its site.';
COMMENT ON COLUMN board.incidents.station IS 'The team or station that is on its way; empty where nobody said.';
COMMENT ON COLUMN board.incidents.accept_s IS 's from raising it to the first acceptance; null where there was none.';
COMMENT ON COLUMN board.incidents.arrive_s IS 's from raising it to the arrival.';
COMMENT ON COLUMN board.incidents.resolve_s IS 's from raising it to its end.';

-- NOT EXISTS rather than DISTINCT ON: what a board asks of site and name goes down to the devices.
CREATE VIEW board.limits WITH (security_barrier) AS
SELECT
    devices.site, devices.name, devices.site || '/' || devices.name AS device, channels.metric, rules.rule_id,
    rules.rule_kind, rules.severity, rules.alarm_class, rules.name_en, rules.name_zh, rules.low, rules.high,
    rules.clear_low, rules.clear_high, rules.unit, rules.source
FROM vigil.devices
JOIN vigil.channels USING (device_id)
JOIN vigil.rules_in_force AS rules
    ON rules.profile = devices.profile AND rules.metric = channels.metric
    AND rules.site IN ('', devices.site) AND rules.grid IN ('', devices.grid) AND rules.device IN ('', devices.name)
WHERE rules.is_on AND rules.mode = 'live' AND (rules.low IS NOT NULL OR rules.high IS NOT NULL)
AND devices.lifecycle <> 'retired' AND (devices.lifecycle <> 'maintenance' OR rules.alarm_class = 'life-safety')
AND (devices.kind <> 'watch' OR rules.device = '')  -- what is set for one elder tells of their health
AND NOT EXISTS (
    SELECT FROM vigil.rules_in_force AS narrower
    WHERE narrower.rule_id = rules.rule_id AND narrower.narrowness > rules.narrowness
    AND narrower.site IN ('', devices.site) AND narrower.grid IN ('', devices.grid)
    AND narrower.device IN ('', devices.name)
);
COMMENT ON VIEW board.limits IS 'The limits in force on each channel: in breach where the value is below low or above high.';

CREATE VIEW board.timeline WITH (security_barrier) AS
SELECT
    timeline.incident_id, timeline.place, timeline.time, timeline.what, timeline.kind, timeline.who, timeline.via,
    timeline.text_en, timeline.text_zh, timeline.detail
FROM vigil.timeline
JOIN vigil.incidents USING (incident_id)
WHERE timeline.what <> 'audit' AND (incidents.kind <> 'watch' OR incidents.closed IS NULL);
COMMENT ON VIEW board.timeline IS 'What happened with each incident; of an elder''s, only while it is open.';

CREATE VIEW board.notifications WITH (security_barrier) AS
SELECT
    notification_id, notifications.incident_id, incidents.site, incidents.grid, notifications.recipient,
    notifications.channel, notifications.status, notifications.time, notifications.attempts
FROM vigil.notifications
JOIN vigil.incidents USING (incident_id);
COMMENT ON VIEW board.notifications IS 'Messages about incidents, as they stand; without receipts, which may name numbers.';

CREATE VIEW board.responses WITH (security_barrier) AS
SELECT
    response_events.incident_id, incidents.site, incidents.grid, incidents.dispatched_to AS station,
    response_events.kind, response_events.person, response_events.step, response_events.time, response_events.detail
FROM vigil.response_events
JOIN vigil.incidents USING (incident_id)
WHERE incidents.exercise IS NULL;
COMMENT ON VIEW board.responses IS 'What Vigil did to get real incidents answered.';

CREATE VIEW board.gaps WITH (security_barrier) AS
SELECT gap_id, lane, records, readings, first_time, last_time, reason, noted FROM vigil.gaps;
COMMENT ON VIEW board.gaps IS 'Stretches of a journal that it lost, and why.';

CREATE VIEW board.quarantine WITH (security_barrier) AS
SELECT reason, count, last FROM vigil.quarantine_counts;
COMMENT ON VIEW board.quarantine IS 'How much was set aside for each reason.';

CREATE VIEW board.archive WITH (security_barrier) AS
SELECT journal_id, position, read_to, updated FROM vigil.journal_position;
COMMENT ON VIEW board.archive IS 'Up to when each journal is archived.';

CREATE VIEW board.rollups WITH (security_barrier) AS
SELECT level, nullif(watermark, '-infinity') AS watermark, updated FROM vigil.rollup_progress
WHERE (SELECT relkind FROM pg_class WHERE oid = 'vigil.readings'::regclass) = 'p';
COMMENT ON VIEW board.rollups IS 'Up to when readings are rolled up, by level; empty on TimescaleDB, which has jobs for it.';
COMMENT ON COLUMN board.rollups.watermark IS 'Null before anything is rolled up.';

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA board FROM PUBLIC;
