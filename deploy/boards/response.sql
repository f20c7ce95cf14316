-- How people respond. Exercises are left out; times are s from raising it, by when it was raised.

-- raised --
SELECT count(*) AS raised
FROM board.incidents
WHERE exercise IS NULL AND $__timeFilter(raised)
    AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring}) AND alarm_class IN (${class:sqlstring});

-- accepted_in_time --
-- Share of those that somebody accepted within 60 s; what nobody has accepted counts once its 60 s are over.
SELECT 100.0 * count(*) FILTER (WHERE accept_s <= 60) / nullif(count(*), 0) AS in_time
FROM board.incidents
WHERE exercise IS NULL AND $__timeFilter(raised) AND (accept_s IS NOT NULL OR raised < now() - INTERVAL '60 s')
    AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring}) AND alarm_class IN (${class:sqlstring});

-- arrived_in_time --
-- Of those to which somebody came.
SELECT 100.0 * count(*) FILTER (WHERE arrive_s <= 180) / nullif(count(*), 0) AS in_time
FROM board.incidents
WHERE exercise IS NULL AND $__timeFilter(raised) AND arrive_s IS NOT NULL
    AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring}) AND alarm_class IN (${class:sqlstring});

-- false_alarms --
-- Of those of which somebody said what they were; a test is none of either.
SELECT
    100.0 * count(*) FILTER (WHERE outcome IN ('false_alarm', 'unfounded'))
    / nullif(count(*) FILTER (WHERE outcome IN ('true', 'false_alarm', 'unfounded')), 0) AS share
FROM board.incidents
WHERE exercise IS NULL AND $__timeFilter(raised)
    AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring}) AND alarm_class IN (${class:sqlstring});

-- rating --
SELECT avg(rating)::double precision AS rating
FROM board.incidents
WHERE exercise IS NULL AND $__timeFilter(raised) AND rating IS NOT NULL
    AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring}) AND alarm_class IN (${class:sqlstring});

-- never_accepted --
-- Open ones, and those that ended without anybody having accepted.
SELECT count(*) AS never
FROM board.incidents
WHERE exercise IS NULL AND $__timeFilter(raised) AND accepted IS NULL AND raised < now() - INTERVAL '60 s'
    AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring}) AND alarm_class IN (${class:sqlstring});

-- accept_by_station --
SELECT
    coalesce(nullif(station, ''), '—') AS station,
    count(*) AS raised,
    count(accept_s) AS done,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY accept_s) AS p50,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY accept_s) AS p90,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY accept_s) AS p95,
    percentile_cont(0.99) WITHIN GROUP (ORDER BY accept_s) AS p99,
    100.0 * count(*) FILTER (WHERE accept_s <= 60) / nullif(count(accept_s), 0) AS in_time
FROM board.incidents
WHERE exercise IS NULL AND $__timeFilter(raised)
    AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring}) AND alarm_class IN (${class:sqlstring})
GROUP BY 1
ORDER BY p90 DESC NULLS LAST, station
LIMIT 500;

-- accept_by_grid --
SELECT
    site,
    coalesce(nullif(grid, ''), '—') AS grid,
    count(*) AS raised,
    count(accept_s) AS done,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY accept_s) AS p50,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY accept_s) AS p90,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY accept_s) AS p95,
    percentile_cont(0.99) WITHIN GROUP (ORDER BY accept_s) AS p99,
    100.0 * count(*) FILTER (WHERE accept_s <= 60) / nullif(count(accept_s), 0) AS in_time
FROM board.incidents
WHERE exercise IS NULL AND $__timeFilter(raised)
    AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring}) AND alarm_class IN (${class:sqlstring})
GROUP BY 1, 2
ORDER BY p90 DESC NULLS LAST, site, grid
LIMIT 1000;

-- arrive_by_station --
SELECT
    coalesce(nullif(station, ''), '—') AS station,
    count(*) AS raised,
    count(arrive_s) AS done,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY arrive_s) AS p50,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY arrive_s) AS p90,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY arrive_s) AS p95,
    percentile_cont(0.99) WITHIN GROUP (ORDER BY arrive_s) AS p99,
    100.0 * count(*) FILTER (WHERE arrive_s <= 180) / nullif(count(arrive_s), 0) AS in_time
FROM board.incidents
WHERE exercise IS NULL AND $__timeFilter(raised)
    AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring}) AND alarm_class IN (${class:sqlstring})
GROUP BY 1
ORDER BY p90 DESC NULLS LAST, station
LIMIT 500;

-- arrive_by_grid --
SELECT
    site,
    coalesce(nullif(grid, ''), '—') AS grid,
    count(*) AS raised,
    count(arrive_s) AS done,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY arrive_s) AS p50,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY arrive_s) AS p90,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY arrive_s) AS p95,
    percentile_cont(0.99) WITHIN GROUP (ORDER BY arrive_s) AS p99,
    100.0 * count(*) FILTER (WHERE arrive_s <= 180) / nullif(count(arrive_s), 0) AS in_time
FROM board.incidents
WHERE exercise IS NULL AND $__timeFilter(raised)
    AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring}) AND alarm_class IN (${class:sqlstring})
GROUP BY 1, 2
ORDER BY p90 DESC NULLS LAST, site, grid
LIMIT 1000;

-- resolve_by_station --
SELECT
    coalesce(nullif(station, ''), '—') AS station,
    count(*) AS raised,
    count(resolve_s) AS done,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY resolve_s) AS p50,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY resolve_s) AS p90,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY resolve_s) AS p95,
    percentile_cont(0.99) WITHIN GROUP (ORDER BY resolve_s) AS p99
FROM board.incidents
WHERE exercise IS NULL AND $__timeFilter(raised) AND state IN ('resolved', 'closed')
    AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring}) AND alarm_class IN (${class:sqlstring})
GROUP BY 1
ORDER BY p90 DESC NULLS LAST, station
LIMIT 500;

-- resolve_by_grid --
SELECT
    site,
    coalesce(nullif(grid, ''), '—') AS grid,
    count(*) AS raised,
    count(resolve_s) AS done,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY resolve_s) AS p50,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY resolve_s) AS p90,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY resolve_s) AS p95,
    percentile_cont(0.99) WITHIN GROUP (ORDER BY resolve_s) AS p99
FROM board.incidents
WHERE exercise IS NULL AND $__timeFilter(raised) AND state IN ('resolved', 'closed')
    AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring}) AND alarm_class IN (${class:sqlstring})
GROUP BY 1, 2
ORDER BY p90 DESC NULLS LAST, site, grid
LIMIT 1000;

-- times_by_day --
-- A point a day, at its beginning.
SELECT
    date_trunc('day', raised, '@timezone') AS time,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY accept_s) AS accept_p50,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY accept_s) AS accept_p90,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY arrive_s) AS arrive_p50,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY arrive_s) AS arrive_p90
FROM board.incidents
WHERE exercise IS NULL AND $__timeFilter(raised) AND (accept_s IS NOT NULL OR arrive_s IS NOT NULL)
    AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring}) AND alarm_class IN (${class:sqlstring})
GROUP BY 1
ORDER BY 1
LIMIT 5000;

-- colours_by_day --
SELECT
    date_trunc('day', responses.time, '@timezone') AS time,
    count(*) FILTER (WHERE responses.kind = 'reminded') AS blue,
    count(*) FILTER (WHERE responses.kind = 'warned') AS yellow,
    count(*) FILTER (WHERE responses.kind = 'overdue') AS red,
    count(*) FILTER (WHERE responses.kind = 'whistled') AS whistled
FROM board.responses
WHERE responses.kind IN ('reminded', 'warned', 'overdue', 'whistled') AND $__timeFilter(responses.time)
    AND responses.site IN (${site:sqlstring}) AND responses.grid IN (${grid:sqlstring})
GROUP BY 1
ORDER BY 1
LIMIT 5000;

-- colours_by_station --
SELECT
    coalesce(nullif(station, ''), '—') AS station,
    count(*) FILTER (WHERE kind = 'reminded') AS blue,
    count(*) FILTER (WHERE kind = 'warned') AS yellow,
    count(*) FILTER (WHERE kind = 'overdue') AS red,
    count(*) FILTER (WHERE kind = 'whistled') AS whistled,
    count(DISTINCT incident_id) AS incidents
FROM board.responses
WHERE kind IN ('reminded', 'warned', 'overdue', 'whistled') AND $__timeFilter(time)
    AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring})
GROUP BY 1
ORDER BY red DESC, yellow DESC, station
LIMIT 500;

-- colours_by_step --
-- The step whose time it was; of a whistle the record says the level, not the step.
SELECT
    CASE detail
        WHEN 'accept' THEN '受理 · accept' WHEN 'dispatch' THEN '出动 · send' WHEN 'arrive' THEN '到场 · arrive'
        WHEN 'verify' THEN '核实 · verify' WHEN 'resolve' THEN '处置 · resolve' ELSE detail
    END AS step,
    count(*) FILTER (WHERE kind = 'reminded') AS blue,
    count(*) FILTER (WHERE kind = 'warned') AS yellow,
    count(*) FILTER (WHERE kind = 'overdue') AS red
FROM board.responses
WHERE kind IN ('reminded', 'warned', 'overdue') AND $__timeFilter(time)
    AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring})
GROUP BY 1
ORDER BY red DESC, step
LIMIT 20;

-- overdue --
-- The newest 200, found before their incidents are.
WITH overdue AS MATERIALIZED (
    SELECT time, incident_id, station, detail FROM board.responses
    WHERE kind = 'overdue' AND $__timeFilter(time)
        AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring})
    ORDER BY time DESC
    LIMIT 200
)
SELECT overdue.time, incidents.device, incidents.rule_name_zh || ' · ' || incidents.rule_name_en AS rule,
    overdue.detail AS step, overdue.station, incidents.state, incidents.incident_id,
    (extract(epoch FROM incidents.event - INTERVAL '1 hour') * 1000)::bigint AS from_ms,
    (extract(epoch FROM coalesce(incidents.closed, now()) + INTERVAL '1 hour') * 1000)::bigint AS to_ms
FROM overdue
JOIN board.incidents ON incidents.incident_id = overdue.incident_id
WHERE incidents.incident_id = ANY (ARRAY(SELECT incident_id FROM overdue))  -- the join alone would read all incidents
ORDER BY overdue.time DESC
LIMIT 200;

-- outcomes_by_day --
SELECT
    date_trunc('day', raised, '@timezone') AS time,
    count(*) FILTER (WHERE outcome = 'true') AS true_alarm,
    count(*) FILTER (WHERE outcome = 'false_alarm') AS false_alarm,
    count(*) FILTER (WHERE outcome = 'unfounded') AS unfounded,
    count(*) FILTER (WHERE outcome = 'test') AS test,
    count(*) FILTER (WHERE state = 'cleared') AS cleared,
    count(*) FILTER (WHERE outcome IS NULL AND state <> 'cleared') AS not_said
FROM board.incidents
WHERE exercise IS NULL AND $__timeFilter(raised)
    AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring}) AND alarm_class IN (${class:sqlstring})
GROUP BY 1
ORDER BY 1
LIMIT 5000;

-- ratings --
SELECT rating::text AS rating, count(*) AS incidents
FROM board.incidents
WHERE exercise IS NULL AND $__timeFilter(raised) AND rating IS NOT NULL
    AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring}) AND alarm_class IN (${class:sqlstring})
GROUP BY 1
ORDER BY 1
LIMIT 10;

-- busiest_devices --
SELECT
    device, site, name, kind,
    CASE
        WHEN kind = 'co' THEN 'vigil-gas'
        WHEN kind IN ('smoke', 'gas', 'hydrant', 'tank', 'watch', 'tilt') THEN 'vigil-' || kind
        ELSE 'vigil-devices'
    END AS board,
    count(*) AS incidents,
    count(*) FILTER (WHERE outcome IN ('false_alarm', 'unfounded')) AS false_alarms,
    max(raised) AS newest,
    (array_agg(incident_id ORDER BY raised DESC, incident_id))[1] AS incident_id
FROM board.incidents
WHERE exercise IS NULL AND $__timeFilter(raised)
    AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring}) AND alarm_class IN (${class:sqlstring})
GROUP BY device, site, name, kind
ORDER BY incidents DESC, device
LIMIT 50;

-- rules_that_mislead --
SELECT
    rule_id,
    rule_name_zh || ' · ' || rule_name_en AS rule,
    count(*) AS incidents,
    count(*) FILTER (WHERE outcome = 'true') AS true_alarms,
    count(*) FILTER (WHERE outcome IN ('false_alarm', 'unfounded')) AS false_alarms,
    100.0 * count(*) FILTER (WHERE outcome IN ('false_alarm', 'unfounded'))
    / nullif(count(*) FILTER (WHERE outcome IN ('true', 'false_alarm', 'unfounded')), 0) AS share
FROM board.incidents
WHERE exercise IS NULL AND $__timeFilter(raised)
    AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring}) AND alarm_class IN (${class:sqlstring})
GROUP BY rule_id, rule_name_zh, rule_name_en
ORDER BY false_alarms DESC, incidents DESC, rule_id
LIMIT 50;

-- not_reached --
-- People whom no channel reached, and steps at which nobody could be asked.
SELECT
    coalesce(nullif(person, ''), '—') AS person,
    count(*) FILTER (WHERE kind = 'asked') AS asked,
    count(*) FILTER (WHERE kind = 'channel_changed') AS channel_changed,
    count(*) FILTER (WHERE kind = 'unreached') AS unreached,
    count(*) FILTER (WHERE kind = 'nobody') AS nobody,
    max(time) FILTER (WHERE kind IN ('unreached', 'nobody')) AS newest
FROM board.responses
WHERE kind IN ('asked', 'channel_changed', 'unreached', 'nobody') AND $__timeFilter(time)
    AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring})
GROUP BY 1
HAVING count(*) FILTER (WHERE kind IN ('unreached', 'nobody', 'channel_changed')) > 0
ORDER BY unreached DESC, nobody DESC, channel_changed DESC, person
LIMIT 200;

-- refused --
SELECT timeline.time, timeline.who, timeline.via, incidents.device, incidents.incident_id,
    incidents.rule_name_zh || ' · ' || incidents.rule_name_en AS rule,
    (extract(epoch FROM incidents.event - INTERVAL '1 hour') * 1000)::bigint AS from_ms,
    (extract(epoch FROM coalesce(incidents.closed, now()) + INTERVAL '1 hour') * 1000)::bigint AS to_ms
FROM board.timeline
JOIN board.incidents USING (incident_id)
WHERE timeline.what = 'incident' AND timeline.kind = 'refused' AND $__timeFilter(timeline.time)
    AND incidents.exercise IS NULL
    AND incidents.site IN (${site:sqlstring}) AND incidents.grid IN (${grid:sqlstring})
ORDER BY timeline.time DESC
LIMIT 200;
