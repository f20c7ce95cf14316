-- A city's history, made in the database itself: what `bench.city` fills a database with. Times are counted back from
-- the hour that the bench begins in; %(…)s are given by it.

-- make_devices --
-- 333 devices a site, of the kinds that a community has.
INSERT INTO vigil.devices (
    site, name, kind, profile, grid, building, floor, unit, latitude, longitude, gateway, lifecycle
)
SELECT
    format('site-%%s', to_char(site, 'FM000')), format('%%s-%%s', kind, to_char(n, 'FM0000')), kind, kind,
    format('g%%s', n %% 8), (n %% 24 + 1)::text, (n %% 18 + 1)::text, format('%%s0%%s', n %% 18 + 1, n %% 4),
    23.0 + site * 0.01 + n * 0.00001, 113.0 + site * 0.01, format('gateway-%%s', to_char(n %% 16 * 20 + 19, 'FM0000')),
    'verified'
FROM generate_series(0, %(sites)s - 1) AS site, generate_series(0, 332) AS n, LATERAL (
    SELECT CASE
        WHEN n %% 20 < 13 THEN 'smoke' WHEN n %% 20 < 15 THEN 'gas' WHEN n %% 20 = 15 THEN 'hydrant'
        WHEN n %% 20 = 16 THEN 'tank' WHEN n %% 20 = 17 THEN 'watch' WHEN n %% 20 = 18 THEN 'tilt' ELSE 'gateway'
    END AS kind
) AS kinds;

-- make_channels --
INSERT INTO vigil.channels (device_id, metric, unit)
SELECT devices.device_id, metrics.metric, metrics.unit FROM vigil.devices JOIN (VALUES
    ('smoke', 'smoke', ''), ('smoke', 'density_db_m', 'dB/m'), ('smoke', 'battery_pct', '%%'),
    ('gas', 'gas', ''), ('gas', 'gas_lel', '%%LEL'), ('gas', 'life_left_d', 'd'),
    ('hydrant', 'pressure_mpa', 'MPa'), ('hydrant', 'loop_ma', 'mA'), ('hydrant', 'battery_pct', '%%'),
    ('tank', 'level_m', 'm'), ('tank', 'level_pct', '%%'), ('tank', 'battery_pct', '%%'),
    ('watch', 'heart_rate', '/min'), ('watch', 'worn', ''), ('watch', 'battery_pct', '%%'),
    ('tilt', 'tilt_x_deg', 'deg'), ('tilt', 'temperature_c', 'Cel'), ('tilt', 'battery_pct', '%%'),
    ('gateway', 'online', ''), ('gateway', 'backup_link', ''), ('gateway', 'battery_pct', '%%')
) AS metrics (kind, metric, unit) USING (kind)
ORDER BY device_id;

-- make_day --
-- A day of readings, every channel each quarter of an hour.
INSERT INTO vigil.{partition}
SELECT channel_id, at + channel_id %% 900 * INTERVAL '1 second', 50 + 20 * sin(channel_id + date_part('epoch', at) / 7200), 0
FROM generate_series(%(from)s::timestamptz, %(to)s::timestamptz - INTERVAL '1 second', INTERVAL '15 minutes') AS at,
    generate_series(1, %(channels)s) AS channel_id;

-- make_rollup --
-- Buckets of one width: `count` readings each.
INSERT INTO vigil.{partition}
SELECT
    channel_id, at, mean - 1, mean + 1, mean, mean + 0.5, %(count)s, at + channel_id %% 60 * INTERVAL '1 second',
    at + channel_id %% 60 * INTERVAL '1 second', mean * %(count)s
FROM generate_series(%(from)s::timestamptz, %(to)s::timestamptz - INTERVAL '1 second', %(every)s::interval) AS at,
    generate_series(1, %(channels)s) AS channel_id,
    LATERAL (SELECT 50 + 20 * sin(channel_id + date_part('epoch', at) / 7200) AS mean) AS means;

-- make_latest --
INSERT INTO vigil.latest
SELECT
    channel_id,
    %(now)s::timestamptz - channel_id %% 900 * INTERVAL '1 second'
        - CASE WHEN channel_id %% 500 < 3 THEN INTERVAL '2 days' ELSE INTERVAL '0' END,
    CASE metric WHEN 'battery_pct' THEN channel_id %% 101 ELSE 50 + 20 * sin(channel_id) END,
    CASE WHEN channel_id %% 700 = 0 THEN 4 ELSE 0 END
FROM vigil.channels;

-- make_incidents --
-- So many a day and thousand devices, most of them answered; the newest few are open.
INSERT INTO vigil.incidents (
    incident_id, device, site, grid, place, place_zh, latitude, longitude, kind, unregistered, rule_id, rule_name_en,
    rule_name_zh, severity, alarm_class, what_en, what_zh, metric, unit, value, limit_value, source, state,
    condition_holds, late, raised, event, since, last, repeats, accepted, accepted_by, closed, closed_by, outcome, note,
    revision, rule_kind, dispatched, dispatched_to, arrived, building, floor, unit_name, gateway, rating
)
SELECT
    format('B%%s', n), site || '/' || name, site, grid, site, site, latitude, longitude, kind, false, kind || '.bench',
    'Bench', '测试', (ARRAY['advisory', 'warning', 'alarm', 'emergency'])[n %% 4 + 1],
    (ARRAY['life-safety', 'property', 'supervisory', 'trouble'])[n %% 4 + 1], 'x', 'x', metric, channels.unit, 1, 2, '',
    CASE WHEN is_open THEN 'raised' ELSE 'resolved' END, is_open, false, raised, raised, raised, raised, 0,
    CASE WHEN is_open THEN NULL ELSE raised + n %% 120 * INTERVAL '1 second' END, CASE WHEN is_open THEN '' ELSE 'li' END,
    CASE WHEN is_open THEN NULL ELSE raised + INTERVAL '20 minutes' END, CASE WHEN is_open THEN '' ELSE 'li' END,
    CASE WHEN is_open THEN NULL WHEN n %% 9 = 0 THEN 'true' ELSE 'false_alarm' END, '', 5,
    CASE WHEN n %% 4 = 3 THEN 'no_data' ELSE 'threshold' END,
    CASE WHEN is_open THEN NULL ELSE raised + INTERVAL '1 minute' END, format('station-%%s', n %% 144),
    CASE WHEN is_open THEN NULL ELSE raised + n %% 400 * INTERVAL '1 second' END, building, floor, devices.unit, gateway, n %% 5 + 1
FROM generate_series(1, %(incidents)s) AS n
JOIN vigil.channels ON channel_id = n::bigint * 7919 %% %(channels)s + 1
JOIN vigil.devices USING (device_id),
LATERAL (SELECT %(now)s::timestamptz - (%(incidents)s - n) * (INTERVAL '30 days' / %(incidents)s) AS raised) AS times,
LATERAL (SELECT n > %(incidents)s - 300 AS is_open) AS opens;

-- make_lines --
INSERT INTO vigil.incident_events (event_id, incident_id, revision, kind, time, by, text_en, text_zh, place)
SELECT
    incident_id || '-' || step, incident_id, step,
    (ARRAY['raised', 'accepted', 'dispatched', 'arrived', 'verified', 'resolved'])[step],
    raised + step * INTERVAL '30 seconds', 'li', 'x', 'x', step
FROM vigil.incidents, generate_series(1, 6) AS step;

-- make_notifications --
INSERT INTO vigil.notifications
SELECT
    incident_id || 'N' || n, incident_id, 'person-' || n, (ARRAY['sms', 'app', 'voice'])[n],
    (ARRAY['answered', 'received', 'failed'])[n], raised + n * INTERVAL '1 second', 1, ''
FROM vigil.incidents, generate_series(1, 3) AS n;

-- make_notification_events --
INSERT INTO vigil.notification_events
SELECT notification_id, time, status, attempts, '' FROM vigil.notifications;

-- make_responses --
INSERT INTO vigil.response_events
SELECT
    incident_id || 'R' || n, incident_id, (ARRAY['asked', 'overdue', 'escalated'])[n],
    raised + n * INTERVAL '40 seconds', 'person-1', '', 0,
    CASE n WHEN 2 THEN (ARRAY['blue', 'yellow', 'red'])[length(incident_id) %% 3 + 1] ELSE '' END, 'x', 'x', 0, ''
FROM vigil.incidents, generate_series(1, 3) AS n;

-- move_watermarks --
UPDATE vigil.rollup_progress SET closing = %(minute)s, watermark = CASE level
    WHEN '1m' THEN %(minute)s WHEN '1h' THEN date_trunc('hour', %(minute)s::timestamptz, 'UTC')
    ELSE date_trunc('day', %(minute)s::timestamptz, 'UTC') END;
