-- The health of devices: silent ones, batteries, faults, clocks, strangers, and what was lost on the way.

-- counts --
-- One row, always.
SELECT
    (
        SELECT count(DISTINCT device) FROM board.incidents
        WHERE is_open AND condition_holds AND exercise IS NULL AND rule_kind = 'no_data' AND site IN (${site:sqlstring})
        AND grid IN (${grid:sqlstring}) AND building IN (${building:sqlstring})
    ) AS silent,
    (
        SELECT count(DISTINCT device) FROM board.incidents
        WHERE is_open AND condition_holds AND exercise IS NULL AND alarm_class = 'trouble' AND rule_kind <> 'no_data'
        AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring}) AND building IN (${building:sqlstring})
    ) AS faulty,
    (
        SELECT count(*) FROM board.latest
        WHERE metric = 'battery_pct' AND value <= 20 AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring})
        AND building IN (${building:sqlstring})
    ) AS batteries_low,
    (
        SELECT count(*) FROM board.latest
        WHERE metric = 'life_left_d' AND value <= 90 AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring})
        AND building IN (${building:sqlstring})
    ) AS lives_ending,
    (
        SELECT count(DISTINCT device) FROM board.latest
        WHERE flags & 6 <> 0 AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring})
        AND building IN (${building:sqlstring})
    ) AS clocks_wrong,
    (
        SELECT count(*) FROM board.devices
        WHERE lifecycle = 'unregistered' AND site IN (${site:sqlstring})
    ) AS strangers;

-- silent --
-- Devices of which nothing is heard, the longest first; of two incidents of a device the graver. A full join, since it is never
-- done row by row: whoever guesses that few are silent would compare each of them with each device.
SELECT
    silent.severity, devices.kind, devices.site, devices.name, devices.grid, devices.building, devices.floor, devices.unit,
    devices.gateway, devices.last_heard, extract(epoch FROM now() - devices.last_heard)::double precision AS silent_s,
    silent.incident_id
FROM (
    SELECT DISTINCT ON (device) device, severity, incident_id
    FROM board.incidents
    WHERE
        is_open AND condition_holds AND exercise IS NULL AND rule_kind = 'no_data' AND site IN (${site:sqlstring})
        AND grid IN (${grid:sqlstring}) AND building IN (${building:sqlstring})
    ORDER BY device, array_position(ARRAY['emergency', 'alarm', 'warning', 'advisory'], severity), since
) AS silent
FULL JOIN (SELECT * FROM board.devices WHERE site IN (${site:sqlstring})) AS devices USING (device)
WHERE coalesce(silent.incident_id, '') <> '' AND coalesce(devices.name, '') <> ''
ORDER BY devices.last_heard NULLS FIRST, devices.site, devices.name
LIMIT 1000;

-- never_heard --
-- In the ledger, and never heard.
SELECT kind, site, name, grid, building, floor, unit, gateway, lifecycle
FROM board.devices
WHERE
    last_heard IS NULL AND kind <> 'service' AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring})
    AND building IN (${building:sqlstring})
ORDER BY site, kind, name
LIMIT 1000;

-- batteries --
-- The 200 lowest. The trend is the least-squares line of 30 daily means since the battery was last changed (a rise by more
-- than 20 % from one day to the next); `until` is the day on which it meets the next limit below, or 0 %.
WITH lowest AS MATERIALIZED (
    SELECT site, name, kind, grid, building, floor, value, time
    FROM board.latest
    WHERE
        metric = 'battery_pct' AND value IS NOT NULL AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring})
        AND building IN (${building:sqlstring})
    ORDER BY value, site, name
    LIMIT 200
), days AS (
    SELECT
        series.site, series.name, series.mean, series.time,
        series.mean - lag(series.mean) OVER (PARTITION BY series.site, series.name ORDER BY series.time) AS rise
    FROM (SELECT site, array_agg(name) AS names FROM lowest GROUP BY site) AS sites
    CROSS JOIN LATERAL board.series(
        '1d', ARRAY[sites.site], sites.names, ARRAY['battery_pct'], now() - INTERVAL '30 days', now()
    ) AS series
), since AS (
    SELECT *, max(time) FILTER (WHERE rise > 20) OVER (PARTITION BY site, name) AS changed FROM days
), trends AS (
    SELECT site, name, regr_slope(mean, extract(epoch FROM time)::double precision / 86400) AS a_day
    FROM since
    WHERE changed IS NULL OR time >= changed
    GROUP BY site, name
    HAVING count(*) >= 4
), next AS (
    SELECT
        lowest.site, lowest.name,
        coalesce(max(limits.low) FILTER (WHERE limits.low < lowest.value), 0) AS limit_value,
        max(limits.low) AS limit_first
    FROM lowest
    LEFT JOIN board.limits
        ON limits.site = lowest.site AND limits.name = lowest.name AND limits.metric = 'battery_pct'
        AND limits.rule_kind = 'threshold'
    GROUP BY lowest.site, lowest.name
)
SELECT
    lowest.value, lowest.kind, lowest.site, lowest.name, lowest.grid, lowest.building, lowest.floor, lowest.time AS said,
    trends.a_day, next.limit_first, next.limit_value,
    CASE
        WHEN trends.a_day < 0 AND (next.limit_value - lowest.value) / trends.a_day < 3650
            THEN lowest.time + (next.limit_value - lowest.value) / trends.a_day * INTERVAL '1 day'
    END AS until
FROM lowest
LEFT JOIN trends USING (site, name)
LEFT JOIN next USING (site, name)
ORDER BY lowest.value, lowest.site, lowest.name;

-- battery_bands --
-- A row a kind, a column a band.
SELECT
    kind,
    count(*) FILTER (WHERE value <= 10) AS empty,
    count(*) FILTER (WHERE value > 10 AND value <= 20) AS low,
    count(*) FILTER (WHERE value > 20 AND value <= 50) AS half,
    count(*) FILTER (WHERE value > 50) AS full
FROM board.latest
WHERE
    metric = 'battery_pct' AND value IS NOT NULL AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring})
    AND building IN (${building:sqlstring})
GROUP BY kind
ORDER BY kind
LIMIT 100;

-- lives --
-- Sensors that wear out and count their days: half a year or less left.
SELECT value, kind, site, name, grid, building, floor, time AS said, time + value * INTERVAL '1 day' AS until
FROM board.latest
WHERE
    metric = 'life_left_d' AND value <= 180 AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring})
    AND building IN (${building:sqlstring})
ORDER BY value, site, name
LIMIT 500;

-- faults --
-- What is wrong with devices, apart from silence; drills left out.
SELECT
    severity, raised, kind, rule_name_zh || ' · ' || rule_name_en AS name, site, device, building, floor, unit_name,
    what_zh || ' · ' || what_en AS what, accepted_by, incident_id
FROM board.incidents
WHERE
    is_open AND condition_holds AND exercise IS NULL AND alarm_class = 'trouble' AND rule_kind <> 'no_data'
    AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring}) AND building IN (${building:sqlstring})
ORDER BY array_position(ARRAY['emergency', 'alarm', 'warning', 'advisory'], severity), raised
LIMIT 500;

-- clocks --
-- Devices whose newest reading had a time that cannot be: too far ahead (4), or none or none that can be (2); and late (8).
SELECT
    kind, site, name, grid, building,
    bool_or(flags & 4 <> 0) AS ahead, bool_or(flags & 2 <> 0) AS missing, bool_or(flags & 8 <> 0) AS late,
    count(*) AS channels, max(time) AS said
FROM board.latest
WHERE
    flags & 14 <> 0 AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring}) AND building IN (${building:sqlstring})
GROUP BY kind, site, name, grid, building
ORDER BY bool_or(flags & 6 <> 0) DESC, said DESC, site, name
LIMIT 500;

-- strangers --
-- Heard, and in no ledger. Whether an alarm of one is open says the incident.
SELECT
    devices.site, devices.name, devices.last_heard, devices.state, count(channels.metric) AS metrics,
    string_agg(channels.metric, ', ' ORDER BY channels.metric) AS said
FROM board.devices
LEFT JOIN board.channels ON channels.device_id = devices.device_id AND channels.site IN (${site:sqlstring})
WHERE devices.lifecycle = 'unregistered' AND devices.site IN (${site:sqlstring})
GROUP BY devices.device_id, devices.site, devices.name, devices.last_heard, devices.state
ORDER BY devices.last_heard DESC NULLS LAST, devices.site, devices.name
LIMIT 500;

-- troubles_per_day --
-- Days of the district's clock.
SELECT
    date_trunc('day', raised, '@timezone') AS time,
    count(*) FILTER (WHERE rule_kind = 'no_data') AS silent,
    count(*) FILTER (WHERE metric IN ('battery_pct', 'life_left_d')) AS batteries,
    count(*) FILTER (WHERE rule_kind <> 'no_data' AND metric NOT IN ('battery_pct', 'life_left_d')) AS faults
FROM board.incidents
WHERE
    exercise IS NULL AND (alarm_class = 'trouble' OR rule_kind = 'no_data') AND site IN (${site:sqlstring})
    AND grid IN (${grid:sqlstring}) AND building IN (${building:sqlstring}) AND $__timeFilter(raised)
GROUP BY 1
ORDER BY 1
LIMIT 10000;

-- quarantine --
SELECT reason, count, last, last > now() - INTERVAL '1 day' AS fresh FROM board.quarantine ORDER BY last DESC, reason LIMIT 100;

-- gaps --
SELECT noted, reason, coalesce(lane, '') AS lane, records, readings, first_time, last_time
FROM board.gaps
ORDER BY noted DESC
LIMIT 200;
