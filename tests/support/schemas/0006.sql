-- What boards and rollups need.
UPDATE vigil.journal_position SET read_to = date_trunc('day', now(), 'UTC') WHERE journal_id = '5f0c';
INSERT INTO vigil.latest (channel_id, time, value, flags)
SELECT DISTINCT ON (channel_id) channel_id, time, value, flags FROM vigil.readings ORDER BY channel_id, time DESC;
INSERT INTO vigil.late_readings (channel_id, hour) VALUES (3, date_trunc('day', now(), 'UTC') - INTERVAL '4 days');
UPDATE vigil.retention SET keep = INTERVAL '1 year' WHERE class = 'readings';
UPDATE vigil.rollup_progress SET closing = date_trunc('day', now(), 'UTC') - INTERVAL '3 days' WHERE level = '1m';
INSERT INTO vigil.rules_in_force (
    rule_id, site, grid, device, is_on, profile, metric, rule_kind, severity, alarm_class, mode, name_en, name_zh, low,
    high, clear_low, clear_high, hold_s, unit, source
)
SELECT
    'gas.high', site, '', device, true, 'gas', 'gas_lel', 'threshold', 'alarm', 'life-safety', 'live', 'Gas high',
    '燃气浓度高', NULL, high, NULL, high - 1, 3, '%LEL', 'GB 15322'
FROM (VALUES ('', '', 10), ('shuibei', 'gas-1', 5)) AS places (site, device, high);

-- Rollups up to three days ago, as our job stores them on plain PostgreSQL.
DO $$
DECLARE
    until timestamptz := date_trunc('day', now(), 'UTC') - INTERVAL '3 days';
    level text;
BEGIN
    IF vigil.storage_kind() <> 'partitions' THEN
        RETURN;
    END IF;
    FOREACH level IN ARRAY ARRAY['1m', '1h', '1d'] LOOP
        EXECUTE format(
            'SELECT vigil.ensure_rollup_partition($1, bucket) FROM vigil.readings_%s WHERE bucket < $2', level)
        USING level, until;
        EXECUTE format(
            'INSERT INTO vigil.readings_%1$s_rows SELECT * FROM vigil.readings_%1$s WHERE bucket < $1', level)
        USING until;
        EXECUTE 'UPDATE vigil.rollup_progress SET watermark = $1 WHERE level = $2' USING until, level;
    END LOOP;
END
$$;
