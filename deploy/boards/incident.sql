-- The board of one incident. Its readings are those from an hour before the event to an hour after the end, or to now.

-- state --
SELECT state FROM board.incidents WHERE incident_id IN (${incident:sqlstring}) LIMIT 1;

-- severity --
SELECT severity FROM board.incidents WHERE incident_id IN (${incident:sqlstring}) LIMIT 1;

-- outcome --
SELECT outcome FROM board.incidents WHERE incident_id IN (${incident:sqlstring}) AND outcome IS NOT NULL LIMIT 1;

-- accept --
-- Up to now where nobody has accepted yet.
SELECT coalesce(accept_s, CASE WHEN is_open THEN extract(epoch FROM now() - raised)::double precision END) AS accept_s
FROM board.incidents
WHERE incident_id IN (${incident:sqlstring}) AND (accept_s IS NOT NULL OR is_open)
LIMIT 1;

-- arrive --
SELECT coalesce(arrive_s, CASE WHEN is_open THEN extract(epoch FROM now() - raised)::double precision END) AS arrive_s
FROM board.incidents
WHERE incident_id IN (${incident:sqlstring}) AND (arrive_s IS NOT NULL OR is_open)
LIMIT 1;

-- resolve --
SELECT coalesce(resolve_s, extract(epoch FROM now() - raised)::double precision) AS resolve_s
FROM board.incidents
WHERE incident_id IN (${incident:sqlstring})
LIMIT 1;

-- facts --
-- from_ms, to_ms: the hour before to the hour after, for the link that shows it.
SELECT
    rule_name_zh || ' · ' || rule_name_en AS rule,
    what_zh || ' · ' || what_en AS what,
    place_zh || ' · ' || place AS place,
    site, grid, building, device, name, kind,
    CASE
        WHEN kind = 'co' THEN 'vigil-gas'
        WHEN kind IN ('smoke', 'gas', 'hydrant', 'tank', 'watch', 'tilt') THEN 'vigil-' || kind
        ELSE 'vigil-devices'
    END AS board,
    alarm_class,
    event, raised, closed, repeats, condition_holds, late, exercise, members_count, accepted_by, station, closed_by, rating,
    (extract(epoch FROM event - INTERVAL '1 hour') * 1000)::bigint AS from_ms,
    (extract(epoch FROM coalesce(closed, now()) + INTERVAL '1 hour') * 1000)::bigint AS to_ms
FROM board.incidents
WHERE incident_id IN (${incident:sqlstring})
LIMIT 1;

-- steps --
-- s that each step took; the last one up to now where it is not over.
SELECT step, took_s
FROM board.incidents
CROSS JOIN LATERAL (
    VALUES
    (1, '受理 · accepted', extract(epoch FROM accepted - raised)),
    (2, '出动 · on the way', extract(epoch FROM dispatched - accepted)),
    (3, '到场 · arrived', extract(epoch FROM arrived - coalesce(dispatched, accepted))),
    (4, '核实 · verified', extract(epoch FROM verified - coalesce(arrived, dispatched, accepted))),
    (
        5, CASE WHEN closed IS NULL THEN '至今 · up to now' ELSE '处置 · dealt with' END,
        extract(epoch FROM coalesce(closed, now()) - coalesce(verified, arrived, dispatched, accepted, raised))
    )
) AS steps (place, step, took_s)
WHERE incident_id IN (${incident:sqlstring}) AND took_s IS NOT NULL
ORDER BY steps.place;

-- timeline --
SELECT time, what, kind, who, via, concat_ws(' · ', nullif(text_zh, ''), nullif(text_en, '')) AS told, detail
FROM board.timeline
WHERE incident_id IN (${incident:sqlstring})
ORDER BY place, time
LIMIT 2000;

-- readings --
-- What the rule looked at; the longer the incident, the coarser. One channel, or those of every device that has a part.
WITH one AS (
    SELECT
        site, name, metric, event - INTERVAL '1 hour' AS since,
        least(now(), coalesce(closed, now()) + INTERVAL '1 hour') AS until
    FROM board.incidents
    WHERE incident_id IN (${incident:sqlstring})
    LIMIT 1
)
SELECT series.time, concat_ws(' ', series.metric, nullif(series.unit, '')) AS metric, series.mean AS value
FROM one
CROSS JOIN LATERAL board.series(
    CASE
        WHEN until - since > INTERVAL '10 days' THEN '1h' WHEN until - since > INTERVAL '6 hours' THEN '1m' ELSE 'raw'
    END,
    ARRAY[one.site], ARRAY[one.name], ARRAY[one.metric], since, until
) AS series
WHERE one.metric <> ''
ORDER BY series.time
LIMIT 10000;

-- limits --
-- A line at each limit that is in force on the channel, over the whole of the time that is shown.
WITH one AS (
    SELECT
        site, name, metric, event - INTERVAL '1 hour' AS since,
        least(now(), coalesce(closed, now()) + INTERVAL '1 hour') AS until
    FROM board.incidents
    WHERE incident_id IN (${incident:sqlstring})
    LIMIT 1
)
SELECT ends.time, concat_ws(' ', '限值 limit', limits.rule_id, level.side) AS metric, level.value
FROM one
JOIN board.limits ON limits.site = one.site AND limits.name = one.name AND limits.metric = one.metric
CROSS JOIN LATERAL (VALUES ('>', limits.high), ('<', limits.low)) AS level (side, value)
CROSS JOIN LATERAL (VALUES (one.since), (one.until)) AS ends (time)
WHERE level.value IS NOT NULL
ORDER BY ends.time, metric
LIMIT 100;

-- other_readings --
-- The device's other channels, in the same time.
WITH one AS (
    SELECT
        site, name, metric, event - INTERVAL '1 hour' AS since,
        least(now(), coalesce(closed, now()) + INTERVAL '1 hour') AS until
    FROM board.incidents
    WHERE incident_id IN (${incident:sqlstring})
    LIMIT 1
), others AS (
    SELECT array_agg(channels.metric) AS metrics
    FROM one
    JOIN board.channels ON channels.site = one.site AND channels.name = one.name AND channels.metric <> one.metric
)
SELECT series.time, concat_ws(' ', series.metric, nullif(series.unit, '')) AS metric, series.mean AS value
FROM one
CROSS JOIN others
CROSS JOIN LATERAL board.series(
    CASE
        WHEN until - since > INTERVAL '10 days' THEN '1h' WHEN until - since > INTERVAL '6 hours' THEN '1m' ELSE 'raw'
    END,
    ARRAY[one.site], ARRAY[one.name], others.metrics, since, until
) AS series
WHERE others.metrics IS NOT NULL
ORDER BY series.time
LIMIT 10000;

-- notifications --
SELECT time, recipient, channel, status, attempts
FROM board.notifications
WHERE incident_id IN (${incident:sqlstring})
ORDER BY time DESC
LIMIT 1000;

-- responders --
-- Everybody who was asked or did something: how often asked, when first asked, what they did first and last.
SELECT
    who,
    count(*) FILTER (WHERE kind = 'asked') AS asked,
    min(time) FILTER (WHERE kind = 'asked') AS first_asked,
    min(time) FILTER (WHERE what = 'incident') AS first_act,
    (array_agg(kind ORDER BY place, time) FILTER (WHERE what = 'incident'))[1] AS first_did,
    (array_agg(kind ORDER BY place DESC, time DESC) FILTER (WHERE what = 'incident'))[1] AS last_did,
    extract(
        epoch FROM min(time) FILTER (WHERE what = 'incident') - min(time) FILTER (WHERE kind = 'asked')
    )::double precision AS answer_s
FROM board.timeline
WHERE incident_id IN (${incident:sqlstring}) AND who <> '' AND what IN ('incident', 'response')
GROUP BY who
ORDER BY first_act NULLS LAST, first_asked
LIMIT 500;

-- same_device --
SELECT others.raised, others.rule_name_zh || ' · ' || others.rule_name_en AS rule, others.severity, others.state,
    others.outcome, others.resolve_s, others.incident_id,
    (extract(epoch FROM others.event - INTERVAL '1 hour') * 1000)::bigint AS from_ms,
    (extract(epoch FROM coalesce(others.closed, now()) + INTERVAL '1 hour') * 1000)::bigint AS to_ms
FROM board.incidents AS one
JOIN board.incidents AS others ON others.device = one.device AND others.incident_id <> one.incident_id
WHERE one.incident_id IN (${incident:sqlstring}) AND others.raised > one.raised - INTERVAL '90 days'
ORDER BY others.raised DESC
LIMIT 100;

-- same_time --
SELECT others.raised, others.device, others.rule_name_zh || ' · ' || others.rule_name_en AS rule, others.severity,
    others.state, others.incident_id,
    (extract(epoch FROM others.event - INTERVAL '1 hour') * 1000)::bigint AS from_ms,
    (extract(epoch FROM coalesce(others.closed, now()) + INTERVAL '1 hour') * 1000)::bigint AS to_ms
FROM board.incidents AS one
JOIN board.incidents AS others
    ON others.site = one.site AND others.device <> one.device
    AND others.raised BETWEEN one.raised - INTERVAL '15 minutes' AND one.raised + INTERVAL '15 minutes'
WHERE one.incident_id IN (${incident:sqlstring})
ORDER BY others.raised
LIMIT 100;
