-- Every statement of the archive and of the migrations, by name. Loaded by storage/sql/query.py.

-- open_migration --
-- Whoever migrates at this moment and is not done by then will be a while: say so, and let the caller come again. To build
-- an index may take as long as it takes.
SELECT set_config('lock_timeout', '30s', false), set_config('statement_timeout', '0', false);

-- lock_migrations --
-- One migration run at a time, over all services of this database.
SELECT pg_advisory_lock(%s);

-- unlock_migrations --
SELECT pg_advisory_unlock(%s);

-- be_patient --
-- All who come after us wait while we wait: for a moment only, and then again later.
SELECT set_config('lock_timeout', '2s', false);

-- standing --
-- Who we are, whose the schema is, what we may do, and what is there; without a right to anything in the schema.
SELECT
    current_user::text, coalesce(pg_get_userbyid(ours.owner)::text, ''),
    CASE WHEN ours.owner IS NULL THEN has_database_privilege(current_database(), 'CREATE')
    ELSE pg_has_role(ours.owner, 'USAGE') AND pg_has_role(ours.owner, 'SET') END,
    (SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user),
    EXISTS (SELECT FROM pg_namespace WHERE nspname = 'board'),
    NOT EXISTS (
        SELECT FROM pg_roles
        JOIN pg_namespace ON (rolname, nspname) IN (('vigil_writer', 'vigil'), ('vigil_reader', 'board'))
        WHERE NOT has_schema_privilege(pg_roles.oid, pg_namespace.oid, 'USAGE')
    ),
    ARRAY(
        SELECT wanted FROM unnest(ARRAY['vigil_writer', 'vigil_reader']) AS wanted
        WHERE wanted NOT IN (SELECT rolname FROM pg_roles)
    ),
    EXISTS (SELECT FROM pg_class WHERE relnamespace = ours.schema AND relname = 'schema_migrations')
FROM (VALUES (1)) AS always (here)
LEFT JOIN (SELECT oid, nspowner FROM pg_namespace WHERE nspname = 'vigil') AS ours (schema, owner) ON true;

-- list_migrations --
SELECT name FROM vigil.schema_migrations;

-- act_as --
-- To the end of the transaction: what a migration makes belongs to the owner of the rest, whoever runs it.
SELECT set_config('role', %s, true);

-- note_migration --
INSERT INTO vigil.schema_migrations (name) VALUES (%s);

-- lock_holders --
-- Who is in a transaction that uses our tables, the longest ones.
SELECT
    pid, usename::text, coalesce(nullif(application_name, ''), 'a program without a name'),
    extract(epoch FROM now() - min(xact_start))::integer
FROM pg_locks
JOIN pg_class ON pg_class.oid = pg_locks.relation
JOIN pg_namespace ON pg_namespace.oid = pg_class.relnamespace
JOIN pg_stat_activity USING (pid)
WHERE nspname = 'vigil' AND granted AND pid <> pg_backend_pid()
AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
GROUP BY 1, 2, 3 ORDER BY 4 DESC NULLS LAST LIMIT 3;

-- table_sizes --
-- Those of the named tables that are there, with their partitions or chunks, indexes and all; without what a columnstore
-- has compressed.
WITH RECURSIVE parts AS (
    SELECT pg_class.relname, pg_class.oid FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = 'vigil' AND relname = ANY(%s) AND relkind IN ('r', 'p')
    UNION ALL SELECT parts.relname, inhrelid FROM parts JOIN pg_inherits ON inhparent = parts.oid
)
SELECT relname::text, coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM parts GROUP BY relname;

-- has_role --
SELECT FROM pg_roles WHERE rolname = %s;

-- timescaledb_version --
SELECT extversion FROM pg_extension WHERE extname = 'timescaledb';

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

-- wait_briefly --
-- To the end of the transaction: for what is not needed yet.
SELECT set_config('lock_timeout', '200ms', true);

-- ensure_readings_day --
SELECT vigil.ensure_readings_day(%s);

-- begin_position --
INSERT INTO vigil.journal_position (journal_id, position, updated) VALUES (%s, 0, now())
ON CONFLICT (journal_id) DO NOTHING;

-- claim_position --
-- Waits for a transaction of ours whose link broke, and which the server may yet commit.
SELECT position FROM vigil.journal_position WHERE journal_id = %s FOR UPDATE;

-- closing --
-- From before it readings are rolled up already, in µs since the epoch; null where none are. A statement of its own, after
-- the position is claimed: whoever moves it waits for us, or we for them, and then see it.
SELECT (extract(epoch FROM closing) * 1000000)::bigint
FROM vigil.rollup_progress WHERE level = '1m' AND isfinite(closing);

-- move_position --
-- A gap is skipped without the time of a record.
UPDATE vigil.journal_position SET position = %s, read_to = coalesce(%s, read_to), updated = now() WHERE journal_id = %s;

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

-- note_late --
-- The hours of late readings. An hour that is there already is locked as well: whoever takes it away to roll it up anew
-- waits for us, and finds our readings.
INSERT INTO vigil.late_readings (channel_id, hour)
SELECT channel_id, to_timestamp(hour * 3600.0) FROM unnest(%s::integer[], %s::bigint[]) AS late (channel_id, hour)
ON CONFLICT (channel_id, hour) DO UPDATE SET hour = excluded.hour;

-- put_staged_latest --
-- A reading that is ahead of our clock by too much gives way to any other.
INSERT INTO vigil.latest AS held (channel_id, time, value, flags)
SELECT channel_id, time, value, flags FROM staged_readings
ON CONFLICT (channel_id) DO UPDATE SET (time, value, flags) = (excluded.time, excluded.value, excluded.flags)
WHERE held.time < excluded.time OR held.time > %(until)s;

-- latest_since --
-- Where to look for readings that are not in `latest`: from a day before its newest one on, a week back at most; and the
-- highest channel id. A channel whose clock is further behind is right again with its next reading.
SELECT
    greatest(coalesce(max(time) FILTER (WHERE time <= %(until)s), '-infinity') - INTERVAL '1 day',
        %(now)s - INTERVAL '7 days'),
    (SELECT coalesce(max(channel_id), 0) FROM vigil.channels)
FROM vigil.latest;

-- fill_latest --
-- A look into the key of each partition for each channel.
INSERT INTO vigil.latest AS held (channel_id, time, value, flags)
SELECT channels.channel_id, newest.time, newest.value, newest.flags
FROM vigil.channels
CROSS JOIN LATERAL (
    SELECT readings.time, readings.value, readings.flags FROM vigil.readings
    WHERE readings.channel_id = channels.channel_id AND readings.time > %(since)s AND readings.time <= %(until)s
    ORDER BY readings.time DESC LIMIT 1
) AS newest
WHERE channels.channel_id > %(after)s AND channels.channel_id <= %(to)s
ON CONFLICT (channel_id) DO UPDATE SET (time, value, flags) = (excluded.time, excluded.value, excluded.flags)
WHERE held.time < excluded.time OR held.time > %(until)s;

-- lock_rules --
-- Of two services that put theirs, the later one's stay; readers do not wait.
LOCK TABLE vigil.rules_in_force IN SHARE ROW EXCLUSIVE MODE;

-- clear_rules --
DELETE FROM vigil.rules_in_force;

-- copy_rules --
COPY vigil.rules_in_force (
    rule_id, site, grid, device, is_on, profile, metric, rule_kind, severity, alarm_class, mode, name_en, name_zh, low,
    high, clear_low, clear_high, hold_s, unit, source
) FROM STDIN;

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
