-- Every statement of the upkeep, by name: rollups, retention, and how storage stands. Times are given and come as
-- `timestamptz`.

-- open_upkeep --
-- The archive waits behind whoever waits for a lock on readings: so we do not wait for long. What is aggregated comes
-- sorted: to keep the others' processor free, by one process, and in memory where that is not much.
SELECT
    set_config('search_path', concat_ws(',', 'vigil',
        (SELECT quote_ident(nspname) FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
        WHERE extname = 'timescaledb')), false),
    set_config('timezone', 'UTC', false),
    set_config('statement_timeout', '600s', false),
    set_config('lock_timeout', '2s', false),
    set_config('idle_in_transaction_session_timeout', '60s', false),
    set_config('plan_cache_mode', 'force_custom_plan', false),
    set_config('max_parallel_workers_per_gather', '0', false),
    set_config('jit', 'off', false),
    set_config('work_mem', '64MB', false);

-- take_upkeep --
-- One service at a time keeps up a database; the lock goes with its connection.
SELECT pg_try_advisory_lock(hashtext('vigil upkeep'), 1);

-- storage_kind --
SELECT vigil.storage_kind();

-- lock_positions --
-- Waits for the transactions of archives that are under way; those to come see what is closed.
SELECT count(*) FROM (SELECT FROM vigil.journal_position ORDER BY journal_id FOR UPDATE) AS positions;

-- archived_to --
-- Up to when all archives at work have stored what they had. Null while none is at work, and while one is that does not
-- say how far it has come: one of an earlier version, which notes no late readings either, or one that has just begun.
SELECT CASE WHEN bool_and(read_to IS NOT NULL) THEN min(read_to) END
FROM vigil.journal_position WHERE updated >= now() - INTERVAL '10 minutes';

-- close --
UPDATE vigil.rollup_progress SET closing = greatest(closing, %s), updated = now() WHERE level = '1m';

-- reopen --
-- What was closed by a clock that was ahead: from then on it is made on asking, and rolled up again. What is stored of it
-- stays and is written over.
UPDATE vigil.rollup_progress SET
    closing = least(closing, %(at)s),
    watermark = least(watermark, date_bin(
        CASE level WHEN '1m' THEN INTERVAL '1 minute' WHEN '1h' THEN INTERVAL '1 hour' ELSE INTERVAL '1 day' END,
        %(at)s, 'epoch')),
    updated = now();

-- progress --
-- The watermark of each level, null where nothing is rolled up yet, and what is closed.
SELECT
    level, CASE WHEN isfinite(watermark) THEN watermark END, CASE WHEN isfinite(closing) THEN closing END
FROM vigil.rollup_progress;

-- next_partition --
-- Where from a time on a source has partitions: a day of readings and of minutes, a month of hours. Null where it has none.
SELECT min(greatest(opens, %(from)s))
FROM pg_inherits
JOIN pg_class ON pg_class.oid = inhrelid
CROSS JOIN LATERAL (
    SELECT to_date(right(relname, 8), 'YYYYMMDD')::timestamp AT TIME ZONE 'UTC' AS opens
) AS bounds
WHERE inhparent = format('vigil.%%I', %(parent)s::text)::regclass AND relname ~ '_[0-9]{8}$'
AND opens + CASE WHEN relname LIKE 'readings\_1h%%' THEN INTERVAL '1 month' ELSE INTERVAL '1 day' END > %(from)s;

-- next_stray --
-- The first reading of a time that has no partition.
SELECT min(time) FROM vigil.readings_default WHERE time >= %(from)s AND time < %(to)s;

-- ensure_rollup_partition --
SELECT vigil.ensure_rollup_partition(%s, %s);

-- summarize_new --
SELECT vigil.summarize_new(%s);

-- roll_minutes --
-- The same as the view `readings_1m` makes of readings, but sorted once: that takes a third of the time.
INSERT INTO vigil.readings_1m_rows AS held
SELECT
    channel_id, date_bin('1 minute', time, 'epoch'), min(value), max(value),
    sum(greatest(least(value, 1e290), -1e290)) / count(*), (array_agg(value ORDER BY time DESC))[1], count(*),
    min(time), max(time), sum(greatest(least(value, 1e290), -1e290))
FROM vigil.readings
WHERE time >= %(from)s AND time < %(to)s AND value IS NOT NULL
GROUP BY 1, 2
ON CONFLICT (channel_id, bucket) DO UPDATE SET
    (min, max, mean, last, count, first_time, last_time, sum) = (
        excluded.min, excluded.max, excluded.mean, excluded.last, excluded.count, excluded.first_time,
        excluded.last_time, excluded.sum
    )
WHERE held.count <= excluded.count;

-- roll_hours --
INSERT INTO vigil.readings_1h_rows AS held
SELECT
    channel_id, date_bin('1 hour', bucket, 'epoch'), min(min), max(max), sum(sum) / sum(count)::double precision,
    (array_agg(last ORDER BY last_time DESC))[1], sum(count)::bigint, min(first_time), max(last_time), sum(sum)
FROM vigil.readings_1m_rows
WHERE bucket >= %(from)s AND bucket < %(to)s
GROUP BY 1, 2
ON CONFLICT (channel_id, bucket) DO UPDATE SET
    (min, max, mean, last, count, first_time, last_time, sum) = (
        excluded.min, excluded.max, excluded.mean, excluded.last, excluded.count, excluded.first_time,
        excluded.last_time, excluded.sum
    )
WHERE held.count <= excluded.count;

-- roll_days --
INSERT INTO vigil.readings_1d_rows AS held
SELECT
    channel_id, date_bin('1 day', bucket, 'epoch'), min(min), max(max), sum(sum) / sum(count)::double precision,
    (array_agg(last ORDER BY last_time DESC))[1], sum(count)::bigint, min(first_time), max(last_time), sum(sum)
FROM vigil.readings_1h_rows
WHERE bucket >= %(from)s AND bucket < %(to)s
GROUP BY 1, 2
ON CONFLICT (channel_id, bucket) DO UPDATE SET
    (min, max, mean, last, count, first_time, last_time, sum) = (
        excluded.min, excluded.max, excluded.mean, excluded.last, excluded.count, excluded.first_time,
        excluded.last_time, excluded.sum
    )
WHERE held.count <= excluded.count;

-- move_watermark --
UPDATE vigil.rollup_progress SET watermark = %s, updated = now() WHERE level = %s;

-- forget_late --
-- Hours whose readings are not all there any more: what is left would take the place of all. And those of clocks that were
-- never set.
DELETE FROM vigil.late_readings WHERE (channel_id, hour) IN (
    SELECT channel_id, hour FROM vigil.late_readings
    WHERE hour < %(earliest)s OR hour < (
        SELECT date_trunc('day', %(now)s - keep, 'UTC') + INTERVAL '1 day'
        FROM vigil.retention WHERE class = 'readings'
    )
    FOR UPDATE SKIP LOCKED
);

-- take_late --
-- Hours of one week, so that few partitions are opened. Those that an archive is noting are left: its readings are not there
-- yet. One that notes an hour which is taken here waits for us, and then notes it anew.
WITH first AS (
    SELECT hour FROM vigil.late_readings WHERE hour < %(until)s ORDER BY hour LIMIT 1 FOR UPDATE SKIP LOCKED
),
taken AS (
    SELECT channel_id, hour FROM vigil.late_readings
    WHERE hour < %(until)s AND hour < (SELECT hour FROM first) + INTERVAL '7 days'
    ORDER BY hour, channel_id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
DELETE FROM vigil.late_readings USING taken
WHERE late_readings.channel_id = taken.channel_id AND late_readings.hour = taken.hour
RETURNING late_readings.channel_id, late_readings.hour;

-- note_closed --
-- TimescaleDB: each hour of a time that has a chunk, for all channels; from the first chunk on where `from` is null.
INSERT INTO vigil.late_readings (channel_id, hour)
SELECT 0, hour
FROM timescaledb_information.chunks, generate_series(
    greatest(range_start, %(from)s), least(range_end, %(to)s) - INTERVAL '1 hour', INTERVAL '1 hour'
) AS hours (hour)
WHERE hypertable_schema = 'vigil' AND hypertable_name = 'readings'
ON CONFLICT DO NOTHING;

-- roll_late_minutes --
-- A look into the key for each hour of a channel; OFFSET 0 keeps the planner to that. The bounds `from` and `to` are those
-- of all hours, so that other partitions are left out. Readings do not change: a bucket of as many as before is as before
-- and not touched; one of fewer has lost some to retention, and is kept.
INSERT INTO vigil.readings_1m_rows AS held
SELECT late.channel_id, minutes.*
FROM unnest(%(channels)s::integer[], %(hours)s::timestamptz[]) AS late (channel_id, hour)
CROSS JOIN LATERAL (
    SELECT made.*
    FROM (
        SELECT
            date_bin('1 minute', time, 'epoch') AS bucket, min(value), max(value),
            sum(greatest(least(value, 1e290), -1e290)) / count(*), (array_agg(value ORDER BY time DESC))[1], count(*),
            min(time) AS first_time, max(time) AS last_time, sum(greatest(least(value, 1e290), -1e290))
        FROM vigil.readings
        WHERE readings.channel_id = late.channel_id AND time >= hour AND time < hour + INTERVAL '1 hour'
        AND time >= %(from)s AND time < least(%(to)s, %(until)s) AND value IS NOT NULL
        GROUP BY 1
    ) AS made
    WHERE NOT EXISTS (
        SELECT FROM vigil.readings_1m_rows AS stored
        WHERE stored.channel_id = late.channel_id AND stored.bucket = made.bucket AND stored.count >= made.count
        AND stored.bucket >= %(from)s AND stored.bucket < %(to)s
    )
    OFFSET 0
) AS minutes
ON CONFLICT (channel_id, bucket) DO UPDATE SET
    (min, max, mean, last, count, first_time, last_time, sum) = (
        excluded.min, excluded.max, excluded.mean, excluded.last, excluded.count, excluded.first_time,
        excluded.last_time, excluded.sum
    );

-- roll_late_hours --
INSERT INTO vigil.readings_1h_rows AS held
SELECT late.channel_id, late.hour, hours.*
FROM unnest(%(channels)s::integer[], %(hours)s::timestamptz[]) AS late (channel_id, hour)
CROSS JOIN LATERAL (
    SELECT
        min(min), max(max), sum(sum) / sum(count)::double precision,
        (array_agg(last ORDER BY last_time DESC))[1], sum(count)::bigint, min(first_time), max(last_time), sum(sum)
    FROM vigil.readings_1m_rows AS minutes
    WHERE minutes.channel_id = late.channel_id AND bucket >= hour AND bucket < hour + INTERVAL '1 hour'
    AND bucket >= %(from)s AND bucket < %(to)s
    HAVING count(*) > 0
) AS hours
WHERE late.hour < %(until)s
ON CONFLICT (channel_id, bucket) DO UPDATE SET
    (min, max, mean, last, count, first_time, last_time, sum) = (
        excluded.min, excluded.max, excluded.mean, excluded.last, excluded.count, excluded.first_time,
        excluded.last_time, excluded.sum
    )
WHERE held.count < excluded.count;

-- roll_late_days --
INSERT INTO vigil.readings_1d_rows AS held
SELECT late.channel_id, late.day, days.*
FROM (
    SELECT DISTINCT channel_id, date_bin('1 day', hour, 'epoch') AS day
    FROM unnest(%(channels)s::integer[], %(hours)s::timestamptz[]) AS late (channel_id, hour)
) AS late
CROSS JOIN LATERAL (
    SELECT
        min(min), max(max), sum(sum) / sum(count)::double precision,
        (array_agg(last ORDER BY last_time DESC))[1], sum(count)::bigint, min(first_time), max(last_time), sum(sum)
    FROM vigil.readings_1h_rows AS hours
    WHERE hours.channel_id = late.channel_id AND bucket >= day AND bucket < day + INTERVAL '1 day'
    AND bucket >= %(from)s AND bucket < %(to)s
    HAVING count(*) > 0
) AS days
WHERE late.day < %(until)s
ON CONFLICT (channel_id, bucket) DO UPDATE SET
    (min, max, mean, last, count, first_time, last_time, sum) = (
        excluded.min, excluded.max, excluded.mean, excluded.last, excluded.count, excluded.first_time,
        excluded.last_time, excluded.sum
    )
WHERE held.count < excluded.count;

-- late_hours --
-- TimescaleDB: the hours to be refreshed, those of an earlier attempt among them; and whether their minutes may be dropped,
-- though not the readings. Those have to be made again, all of them, for the hour to be whole.
SELECT DISTINCT hour, coalesce(
    hour < %(now)s - (SELECT keep FROM vigil.retention WHERE class = 'minutes'), false)
FROM vigil.late_readings WHERE hour < %(until)s ORDER BY hour LIMIT %(limit)s;

-- mark_late --
-- TimescaleDB: channel -1 stands for what this refresh covers; what is noted meanwhile stays for the next.
WITH taken AS (DELETE FROM vigil.late_readings WHERE hour = ANY (%(hours)s) AND channel_id >= 0)
INSERT INTO vigil.late_readings SELECT -1, hour FROM unnest(%(hours)s::timestamptz[]) AS hours (hour)
ON CONFLICT DO NOTHING;

-- clear_late --
DELETE FROM vigil.late_readings WHERE hour = ANY (%(hours)s) AND channel_id = -1;

-- refresh --
-- TimescaleDB: not in a transaction. By force what did not change is made again, too.
CALL refresh_continuous_aggregate(%s, %s::timestamptz, %s::timestamptz, force => %s);

-- set_retention --
UPDATE vigil.retention SET keep = %(keep)s WHERE class = %(class)s AND keep IS DISTINCT FROM %(keep)s;

-- apply_policies --
SELECT vigil.apply_policies();

-- drop_expired --
SELECT vigil.drop_expired(%s);

-- count_late --
SELECT count(*) FROM vigil.late_readings;

-- partition_figures --
-- Size, number, about how many rows, and where the oldest that has any begins, of the partitions of each parent.
SELECT
    parent.relname, coalesce(sum(pg_total_relation_size(child.oid)), 0)::bigint,
    count(child.oid) FILTER (WHERE child.relname ~ '_[0-9]{8}$'),
    coalesce(sum(greatest(child.reltuples, 0)), 0)::bigint,
    min(to_date(right(child.relname, 8), 'YYYYMMDD'))
        FILTER (WHERE child.relname ~ '_[0-9]{8}$' AND pg_relation_size(child.oid) > 0)::timestamp AT TIME ZONE 'UTC'
FROM pg_class AS parent
LEFT JOIN pg_inherits ON inhparent = parent.oid
LEFT JOIN pg_class AS child ON child.oid = inhrelid
WHERE parent.relnamespace = 'vigil'::regnamespace AND parent.relkind = 'p'
GROUP BY 1;

-- chunk_figures --
-- The same of hypertables, those behind the rollups among them; how many chunks are compressed, and what that saves.
SELECT
    tables.name, coalesce(hypertable_size(tables.hypertable), 0), coalesce(chunks.parts, 0),
    approximate_row_count(tables.hypertable), chunks.oldest, stats.before_compression_total_bytes,
    stats.after_compression_total_bytes, coalesce(stats.number_compressed_chunks, 0)
FROM (
    SELECT hypertable_name AS name, format('%I.%I', hypertable_schema, hypertable_name)::regclass AS hypertable,
        compression_enabled, hypertable_schema, hypertable_name
    FROM timescaledb_information.hypertables WHERE hypertable_schema = 'vigil'
    UNION ALL
    SELECT view_name, format('%I.%I', materialization_hypertable_schema, materialization_hypertable_name)::regclass,
        compression_enabled, materialization_hypertable_schema, materialization_hypertable_name
    FROM timescaledb_information.continuous_aggregates WHERE view_schema = 'vigil'
) AS tables
LEFT JOIN LATERAL (
    SELECT count(*) AS parts, min(range_start) AS oldest FROM timescaledb_information.chunks
    WHERE chunks.hypertable_schema = tables.hypertable_schema AND chunks.hypertable_name = tables.hypertable_name
) AS chunks ON true
LEFT JOIN LATERAL hypertable_compression_stats(tables.hypertable) AS stats ON tables.compression_enabled;

-- refresh_ages --
-- TimescaleDB: s since each rollup was last refreshed by its policy; since the migration where it never was.
SELECT
    jobs.view,
    extract(epoch FROM now() - coalesce(nullif(stats.last_successful_finish, '-infinity'), made.applied))::double precision
FROM (
    SELECT jobs.job_id, coalesce(aggregates.view_name, jobs.hypertable_name) AS view
    FROM timescaledb_information.jobs
    LEFT JOIN timescaledb_information.continuous_aggregates AS aggregates
        ON aggregates.materialization_hypertable_name = jobs.hypertable_name
    WHERE jobs.proc_name = 'policy_refresh_continuous_aggregate'
) AS jobs
LEFT JOIN timescaledb_information.job_stats AS stats USING (job_id)
CROSS JOIN (SELECT max(applied) AS applied FROM vigil.schema_migrations) AS made
WHERE jobs.view LIKE 'readings\_%%';

-- table_figures --
-- Size of plain tables, those of incidents together, and about how many rows; of incidents their own.
SELECT
    CASE WHEN relname IN (
        'incidents', 'incident_events', 'notifications', 'notification_events', 'response_events', 'audit_events'
    ) THEN 'incidents' ELSE relname END,
    sum(pg_total_relation_size(pg_class.oid))::bigint,
    (sum(greatest(reltuples, 0)) FILTER (WHERE relname NOT IN (
        'incident_events', 'notifications', 'notification_events', 'response_events', 'audit_events'
    )))::bigint
FROM pg_class
WHERE relnamespace = 'vigil'::regnamespace AND relkind = 'r' AND relname IN (
    'incidents', 'incident_events', 'notifications', 'notification_events', 'response_events', 'audit_events',
    'rule_shadow', 'latest', 'quarantine'
)
GROUP BY 1;

-- incident_span --
SELECT min(raised), max(raised) FROM vigil.incidents;

-- shadow_span --
SELECT min(noted), max(noted) FROM vigil.rule_shadow;

-- newest_reading --
-- By event time, as `latest` has it.
SELECT max(time) FROM vigil.latest;

-- journals --
SELECT journal_id, position, read_to, updated FROM vigil.journal_position WHERE position > 0 ORDER BY updated DESC;

-- retention --
SELECT class, keep FROM vigil.retention;

-- server --
-- Version of the server, of TimescaleDB (null without it), and the migrations that made the schema.
SELECT
    current_setting('server_version'), (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'),
    (SELECT array_agg(name ORDER BY name) FROM vigil.schema_migrations);

-- roles --
SELECT role, EXISTS (SELECT FROM pg_roles WHERE rolname = role)
FROM unnest(ARRAY['vigil_writer', 'vigil_reader']) AS role;
