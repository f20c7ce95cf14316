-- Rows as the version of migration 0001 wrote them; the file of a later one adds what came with it.
INSERT INTO vigil.devices
    (site, name, kind, profile, grid, building, floor, unit, latitude, longitude, gateway, lifecycle)
VALUES
    ('shuibei', 'gas-1', 'gas', 'gas', 'g1', '7', '3', '301', 22.57, 114.12, 'gw-1', 'registered'),
    ('shuibei', 'watch-1', 'watch', 'watch', 'g1', '7', '4', '402', 22.57, 114.12, '', 'verified'),
    ('shuibei', 'stranger', 'unknown', 'unknown', '', '', '', '', NULL, NULL, '', 'unregistered');
INSERT INTO vigil.channels (device_id, metric, unit)
SELECT device_id, metric, metrics.unit
FROM vigil.devices
JOIN (VALUES
    ('gas-1', 'gas_lel', '%LEL'), ('gas-1', 'temp_c', 'Cel'), ('watch-1', 'heart_rate', '/min'),
    ('stranger', 'gas_lel', '')
) AS metrics (name, metric, unit) USING (name)
ORDER BY device_id, metric;

-- Four days of the first channel; on plain PostgreSQL the archive made a partition for each first.
SELECT vigil.ensure_readings_day(day::date)
FROM generate_series(date_trunc('day', now(), 'UTC') - INTERVAL '5 days', now(), INTERVAL '1 day') AS day
WHERE (SELECT relkind = 'p' FROM pg_class WHERE oid = 'vigil.readings'::regclass);
INSERT INTO vigil.readings (channel_id, time, value, flags)
SELECT 1, time, extract(epoch FROM time)::bigint % 97 / 8.0, 0
FROM generate_series(
    date_trunc('day', now(), 'UTC') - INTERVAL '5 days', date_trunc('day', now(), 'UTC') - INTERVAL '1 day 1 s',
    INTERVAL '10 minutes'
) AS time;
-- Without a value, from the alarm topic, with our time for want of one, late, from a stranger, before all partitions.
INSERT INTO vigil.readings (channel_id, time, value, flags)
SELECT channel_id, date_trunc('day', now(), 'UTC') - age, value, flags
FROM (VALUES
    (2, INTERVAL '4 days', NULL, 0), (2, INTERVAL '3 days', 21.5, 1), (3, INTERVAL '2 days', 71, 2),
    (3, INTERVAL '4 days 1 h', 68, 8), (4, INTERVAL '2 days', 3.25, 16), (1, INTERVAL '1000 days', 0.125, 8)
) AS odd (channel_id, age, value, flags);
