-- Every statement of the archive and of the migrations, by name. Loaded by storage/sql/query.py.

-- open_migration --
-- Whoever holds a lock for so long will not let go: say so, and let the caller come again.
SELECT set_config('lock_timeout', '30s', false);

-- lock_migrations --
-- One migration run at a time, over all services of this database.
SELECT pg_advisory_lock(%s);

-- unlock_migrations --
SELECT pg_advisory_unlock(%s);

-- has_migrations --
SELECT to_regclass('vigil.schema_migrations') IS NOT NULL;

-- list_migrations --
SELECT name FROM vigil.schema_migrations;

-- note_migration --
INSERT INTO vigil.schema_migrations (name) VALUES (%s);

-- open_session --
-- No statement of the archive may wait for ever: it gives up, and the journal keeps what it could not store.
SELECT
    set_config('search_path', 'vigil,public', false),
    set_config('timezone', 'UTC', false),
    set_config('statement_timeout', '60s', false),
    set_config('lock_timeout', '10s', false),
    set_config('idle_in_transaction_session_timeout', '60s', false);

-- stage_readings --
CREATE TEMP TABLE staged_readings (channel_id integer, time timestamptz, value double precision, flags smallint)
ON COMMIT DELETE ROWS;

-- stage_devices --
CREATE TEMP TABLE staged_devices (
    site text, name text, kind text, profile text, grid text, building text, floor text, unit text,
    latitude double precision, longitude double precision, gateway text, lifecycle text
) ON COMMIT DELETE ROWS;

-- stage_channels --
CREATE TEMP TABLE staged_channels (row integer, site text, name text, metric text, unit text) ON COMMIT DELETE ROWS;

-- has_daily_partitions --
-- False where readings are a hypertable, which makes its chunks itself.
SELECT relkind = 'p' FROM pg_class WHERE oid = 'vigil.readings'::regclass;

-- ensure_readings_day --
SELECT vigil.ensure_readings_day(%s);

-- begin_position --
INSERT INTO vigil.journal_position (journal_id, position, updated) VALUES (%s, 0, now())
ON CONFLICT (journal_id) DO NOTHING;

-- claim_position --
-- Waits for a transaction of ours whose link broke, and which the server may yet commit.
SELECT position FROM vigil.journal_position WHERE journal_id = %s FOR UPDATE;

-- move_position --
UPDATE vigil.journal_position SET position = %s, updated = now() WHERE journal_id = %s;

-- copy_devices --
COPY staged_devices FROM STDIN;

-- copy_channels --
COPY staged_channels FROM STDIN;

-- analyze_devices --
-- The planner takes a temporary table for a small one, and 20,000 devices are none.
ANALYZE staged_devices;

-- analyze_channels --
ANALYZE staged_channels;

-- insert_devices --
-- Known devices are left out here, not left to the conflict: a conflict would use up an id each.
INSERT INTO vigil.devices (
    site, name, kind, profile, grid, building, floor, unit, latitude, longitude, gateway, lifecycle
)
SELECT site, name, kind, profile, grid, building, floor, unit, latitude, longitude, gateway, lifecycle
FROM staged_devices AS staged
WHERE NOT EXISTS (
    SELECT FROM vigil.devices WHERE devices.site = staged.site AND devices.name = staged.name
)
ON CONFLICT (site, name) DO NOTHING;

-- update_devices --
UPDATE vigil.devices
SET (kind, profile, grid, building, floor, unit, latitude, longitude, gateway, lifecycle) = (
    staged.kind, staged.profile, staged.grid, staged.building, staged.floor, staged.unit,
    staged.latitude, staged.longitude, staged.gateway, staged.lifecycle
)
FROM staged_devices AS staged
WHERE devices.site = staged.site AND devices.name = staged.name
AND (
    devices.kind, devices.profile, devices.grid, devices.building, devices.floor, devices.unit,
    devices.latitude, devices.longitude, devices.gateway, devices.lifecycle
) IS DISTINCT FROM (
    staged.kind, staged.profile, staged.grid, staged.building, staged.floor, staged.unit,
    staged.latitude, staged.longitude, staged.gateway, staged.lifecycle
);

-- insert_channels --
INSERT INTO vigil.channels (device_id, metric, unit)
SELECT DISTINCT ON (devices.device_id, staged.metric) devices.device_id, staged.metric, staged.unit
FROM staged_channels AS staged
JOIN vigil.devices ON devices.site = staged.site AND devices.name = staged.name
WHERE NOT EXISTS (
    SELECT FROM vigil.channels
    WHERE channels.device_id = devices.device_id AND channels.metric = staged.metric
)
ON CONFLICT (device_id, metric) DO NOTHING;

-- update_channels --
-- A profile may come to name a metric that was first only heard.
UPDATE vigil.channels SET unit = staged.unit
FROM staged_channels AS staged
JOIN vigil.devices ON devices.site = staged.site AND devices.name = staged.name
WHERE channels.device_id = devices.device_id AND channels.metric = staged.metric AND channels.unit <> staged.unit;

-- find_channels --
-- Those of the staged channels that are there, and whether their units differ.
SELECT staged.row, channels.channel_id, (channels.unit <> staged.unit)::integer
FROM staged_channels AS staged
JOIN vigil.devices ON devices.site = staged.site AND devices.name = staged.name
JOIN vigil.channels ON channels.device_id = devices.device_id AND channels.metric = staged.metric;

-- copy_readings --
COPY vigil.readings (channel_id, time, value, flags) FROM STDIN (FORMAT binary);

-- copy_staged_readings --
COPY staged_readings (channel_id, time, value, flags) FROM STDIN (FORMAT binary);

-- insert_staged_readings --
-- The first reading of a (channel, time) is kept, in the order of the journal.
INSERT INTO vigil.readings (channel_id, time, value, flags)
SELECT channel_id, time, value, flags FROM staged_readings
ON CONFLICT (channel_id, time) DO NOTHING;

-- put_incident --
INSERT INTO vigil.incidents (
    incident_id, device, site, grid, place, place_zh, latitude, longitude, kind, unregistered, rule_id,
    rule_name_en, rule_name_zh, severity, alarm_class, what_en, what_zh, metric, unit, value, limit_value, source,
    state, condition_holds, late, raised, event, since, last, repeats, accepted, accepted_by, closed, closed_by,
    outcome, note, revision, rule_kind, measure, reference, low, high, members, members_count, dispatched,
    dispatched_to, arrived, verified, acceptances, handed_to, rating, rated_by, exercise, building, floor,
    unit_name, gateway
) VALUES (
    %(id)s, %(device)s, %(site)s, %(grid)s, %(place)s, %(place_zh)s, %(latitude)s, %(longitude)s, %(kind)s,
    %(unregistered)s, %(rule_id)s, %(rule_name_en)s, %(rule_name_zh)s, %(severity)s, %(alarm_class)s, %(what_en)s,
    %(what_zh)s, %(metric)s, %(unit)s, %(value)s, %(limit)s, %(source)s, %(state)s, %(condition_holds)s, %(late)s,
    %(raised)s, %(event)s, %(since)s, %(last)s, %(repeats)s, %(accepted)s, %(accepted_by)s, %(closed)s,
    %(closed_by)s, %(outcome)s, %(note)s, %(revision)s, %(rule_kind)s, %(measure)s, %(reference)s, %(low)s,
    %(high)s, %(members)s, %(members_count)s, %(dispatched)s, %(dispatched_to)s, %(arrived)s, %(verified)s,
    %(acceptances)s, %(handed_to)s, %(rating)s, %(rated_by)s, %(exercise)s, %(building)s, %(floor)s, %(unit_name)s,
    %(gateway)s
)
ON CONFLICT (incident_id) DO UPDATE SET (
    device, site, grid, place, place_zh, latitude, longitude, kind, unregistered, rule_id, rule_name_en,
    rule_name_zh, severity, alarm_class, what_en, what_zh, metric, unit, value, limit_value, source, state,
    condition_holds, late, raised, event, since, last, repeats, accepted, accepted_by, closed, closed_by, outcome,
    note, revision, rule_kind, measure, reference, low, high, members, members_count, dispatched, dispatched_to,
    arrived, verified, acceptances, handed_to, rating, rated_by, exercise, building, floor, unit_name, gateway
) = (
    excluded.device, excluded.site, excluded.grid, excluded.place, excluded.place_zh, excluded.latitude,
    excluded.longitude, excluded.kind, excluded.unregistered, excluded.rule_id, excluded.rule_name_en,
    excluded.rule_name_zh, excluded.severity, excluded.alarm_class, excluded.what_en, excluded.what_zh,
    excluded.metric, excluded.unit, excluded.value, excluded.limit_value, excluded.source, excluded.state,
    excluded.condition_holds, excluded.late, excluded.raised, excluded.event, excluded.since, excluded.last,
    excluded.repeats, excluded.accepted, excluded.accepted_by, excluded.closed, excluded.closed_by,
    excluded.outcome, excluded.note, excluded.revision, excluded.rule_kind, excluded.measure, excluded.reference,
    excluded.low, excluded.high, excluded.members, excluded.members_count, excluded.dispatched,
    excluded.dispatched_to, excluded.arrived, excluded.verified, excluded.acceptances, excluded.handed_to,
    excluded.rating, excluded.rated_by, excluded.exercise, excluded.building, excluded.floor, excluded.unit_name,
    excluded.gateway
)
WHERE incidents.revision < excluded.revision;

-- put_incident_event --
INSERT INTO vigil.incident_events (
    event_id, incident_id, revision, kind, time, by, text_en, text_zh, origin, place, digest
) VALUES (
    %(id)s, %(incident)s, %(revision)s, %(kind)s, %(time)s, %(by)s, %(text_en)s, %(text_zh)s, %(origin)s, %(place)s,
    %(digest)s
)
ON CONFLICT (event_id) DO NOTHING;

-- put_notification --
INSERT INTO vigil.notifications (
    notification_id, incident_id, recipient, channel, status, time, attempts, detail
) VALUES (
    %(notification)s, %(incident)s, %(recipient)s, %(channel)s, %(status)s, %(time)s, %(attempts)s, %(detail)s
)
ON CONFLICT (notification_id) DO UPDATE
SET (status, time, attempts, detail) = (excluded.status, excluded.time, excluded.attempts, excluded.detail)
WHERE notifications.time <= excluded.time;

-- put_notification_event --
INSERT INTO vigil.notification_events (notification_id, time, status, attempts, detail, place, digest)
VALUES (%(notification)s, %(time)s, %(status)s, %(attempts)s, %(detail)s, %(place)s, %(digest)s)
ON CONFLICT (notification_id, time, status) DO NOTHING;

-- put_response_event --
INSERT INTO vigil.response_events (
    event_id, incident_id, kind, time, person, notification_id, step, detail, text_en, text_zh, place, digest
) VALUES (
    %(id)s, %(incident)s, %(kind)s, %(time)s, %(person)s, %(notification)s, %(step)s, %(detail)s, %(text_en)s,
    %(text_zh)s, %(place)s, %(digest)s
)
ON CONFLICT (event_id) DO NOTHING;

-- put_audit_event --
INSERT INTO vigil.audit_events (event_id, time, by, origin, subject, what, incident_id, allowed, place, digest)
VALUES (
    %(id)s, %(time)s, %(by)s, %(origin)s, %(subject)s, %(what)s, %(incident)s, %(allowed)s, %(place)s, %(digest)s
)
ON CONFLICT (event_id) DO NOTHING;

-- put_rule_shadow --
INSERT INTO vigil.rule_shadow (
    shadow_id, device, rule_id, rule_name_en, rule_name_zh, rule_kind, severity, alarm_class, holds, repeated, late,
    time, since, noted, metric, unit, value, measure, text_en, text_zh
) VALUES (
    %(id)s, %(device)s, %(rule_id)s, %(rule_name_en)s, %(rule_name_zh)s, %(rule_kind)s, %(severity)s, %(alarm_class)s,
    %(holds)s, %(repeated)s, %(late)s, %(time)s, %(since)s, %(noted)s, %(metric)s, %(unit)s, %(value)s, %(measure)s,
    %(text_en)s, %(text_zh)s
)
ON CONFLICT (shadow_id) DO NOTHING;

-- put_sample --
INSERT INTO vigil.quarantine (reason, time, topic, payload, size, detail)
VALUES (%(reason)s, %(time)s, %(topic)s, %(payload)s, %(size)s, %(detail)s);

-- trim_samples --
-- Keep the newest of one reason.
DELETE FROM vigil.quarantine
WHERE reason = %(reason)s AND sample_id <= (
    SELECT sample_id FROM vigil.quarantine WHERE reason = %(reason)s
    ORDER BY sample_id DESC OFFSET %(kept)s LIMIT 1
);

-- count_set_aside --
INSERT INTO vigil.quarantine_counts (reason, count, last) VALUES (%(reason)s, %(count)s, %(last)s)
ON CONFLICT (reason) DO UPDATE SET
    count = quarantine_counts.count + excluded.count,
    last = greatest(quarantine_counts.last, excluded.last);

-- put_gap --
INSERT INTO vigil.gaps (
    journal_id, lane, first_offset, last_offset, records, readings, first_time, last_time, reason, noted
) VALUES (
    %(journal_id)s, %(lane)s, %(first_offset)s, %(last_offset)s, %(records)s, %(readings)s, %(first_time)s, %(last_time)s,
    %(reason)s, %(noted)s
);

-- count_readings --
SELECT count(*) FROM vigil.readings;

-- recent_incidents --
SELECT
    incident_id, device, place, place_zh, rule_name_en, rule_name_zh, severity, state, condition_holds, what_en, what_zh,
    raised, accepted_by, closed_by, outcome, rating, exercise
FROM vigil.incidents ORDER BY raised DESC LIMIT %s;

-- open_history --
-- For whoever reads the history: a day is sorted in memory where it can be.
SELECT
    set_config('search_path', 'vigil,public', false),
    set_config('timezone', 'UTC', false),
    set_config('work_mem', '64MB', false);

-- history_devices --
SELECT site, name, kind, profile, grid, building, floor, unit, latitude, longitude, gateway, lifecycle
FROM vigil.devices WHERE %(site)s IN ('', site) ORDER BY device_id;

-- history_channels --
SELECT channels.channel_id, devices.site || '/' || devices.name, channels.metric
FROM vigil.channels JOIN vigil.devices USING (device_id)
WHERE %(site)s IN ('', devices.site) ORDER BY channels.channel_id;

-- copy_history --
-- In order of time; null as NaN, which no reading is, so that all rows are of one length. The bounds are written out, so
-- that only the partitions between them are opened.
COPY (
    SELECT channel_id, time, coalesce(value, 'NaN') FROM vigil.readings
    WHERE time >= %(from)s AND time < %(to)s AND (
        %(site)s = '' OR channel_id IN (
            SELECT channels.channel_id FROM vigil.channels JOIN vigil.devices USING (device_id)
            WHERE devices.site = %(site)s
        )
    )
    ORDER BY time, channel_id
) TO STDOUT (FORMAT binary);

-- verified_incidents --
-- What people said of the real incidents of a time. One whose condition never ended lasted until somebody closed it.
SELECT
    device, rule_id, least(since, event), greatest(since, event, last, CASE WHEN condition_holds THEN closed END), outcome
FROM vigil.incidents
WHERE outcome IS NOT NULL AND exercise IS NULL AND event >= %(from)s AND event < %(to)s AND %(site)s IN ('', site)
ORDER BY event, incident_id;

-- incident_timeline --
-- The lines of one incident that are in its chain, as alerts.evidence.line makes them, and their digests.
SELECT
    incident_id, place, (extract(epoch FROM time) * 1000000)::bigint, what, kind, who, via, notification_id, text_en,
    text_zh, detail, digest
FROM vigil.timeline
WHERE incident_id = %(incident)s AND place > 0
ORDER BY place;
