-- One class of devices. `deploy.boards.classes` puts names in the place of words that begin with @: @kinds and @metric(s) are
-- quoted, @per_s and @gap_s are figures.

-- readings --
-- What one device said. Where it said nothing for long, a row without values breaks the line: for three of its reporting
-- times, by its profile and by what is usual for it in what is shown.
WITH points AS (
    SELECT
        date_bin($__interval_ms * INTERVAL '1 ms', time, TIMESTAMPTZ 'epoch') AS at,
        sum(mean * count) / sum(count) AS mean, min(min) AS low, max(max) AS high, max(time) AS newest, min(time) AS oldest
    FROM board.series(
        CASE
            WHEN $__interval_ms >= 43200000 THEN '1d' WHEN $__interval_ms >= 1800000 THEN '1h'
            WHEN $__interval_ms >= 60000 THEN '1m' ELSE 'raw'
        END,
        ARRAY[${site:sqlstring}], ARRAY[${device:sqlstring}], ARRAY[@metric], $__timeFrom(), $__timeTo()
    )
    WHERE mean IS NOT NULL
    GROUP BY 1
), spaced AS (
    SELECT *, lead(oldest) OVER (ORDER BY at) - newest AS pause FROM points
), usually AS (
    SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY pause) AS pause FROM spaced
)
SELECT
    rows.time,
    CASE WHEN rows.said THEN mean END AS mean,
    CASE WHEN rows.said THEN low END AS lowest,
    CASE WHEN rows.said THEN high END AS highest
FROM spaced
CROSS JOIN usually
CROSS JOIN LATERAL (
    VALUES (at, true), (newest + INTERVAL '1 ms', false)
) AS rows (time, said)
WHERE
    rows.said
    OR spaced.pause > greatest(greatest(@gap_s * 1000, 2 * $__interval_ms) * INTERVAL '1 ms', 3 * usually.pause)
ORDER BY rows.time
LIMIT 10000;

-- limits --
-- The limits in force on the device, each a level line from end to end, named by its rule; what only a forecast looks at, and
-- the ends of what the sensor can say, are left out.
SELECT
    edges.time,
    limits.name_zh || ' · ' || limits.name_en || lines.sign || lines.value::numeric::text || ' (' || limits.severity || ')' AS metric,
    lines.value
FROM board.limits
CROSS JOIN LATERAL (VALUES (' < ', limits.low), (' > ', limits.high)) AS lines (sign, value)
CROSS JOIN (VALUES ($__timeFrom()::timestamptz), ($__timeTo()::timestamptz)) AS edges (time)
WHERE
    limits.site IN (${site:sqlstring}) AND limits.name IN (${device:sqlstring}) AND limits.metric = @metric
    AND limits.rule_kind IN ('threshold', 'range') AND lines.value IS NOT NULL
ORDER BY edges.time, 2
LIMIT 200;

-- rate --
-- How fast it changes: from the mean of one stretch to that of the next, over the time between.
WITH points AS (
    SELECT
        date_bin(greatest($__interval_ms, @rate_over_s * 1000) * INTERVAL '1 ms', time, TIMESTAMPTZ 'epoch') AS at,
        sum(mean * count) / sum(count) AS mean
    FROM board.series(
        CASE
            WHEN $__interval_ms >= 43200000 THEN '1d' WHEN $__interval_ms >= 1800000 THEN '1h'
            WHEN $__interval_ms >= 60000 THEN '1m' ELSE 'raw'
        END,
        ARRAY[${site:sqlstring}], ARRAY[${device:sqlstring}], ARRAY[@metric], $__timeFrom(), $__timeTo()
    )
    WHERE mean IS NOT NULL
    GROUP BY 1
), steps AS (
    SELECT
        at,
        mean - lag(mean) OVER (ORDER BY at) AS change,
        extract(epoch FROM at - lag(at) OVER (ORDER BY at))::double precision AS passed_s
    FROM points
)
SELECT at AS time, change / passed_s * @per_s AS rate
FROM steps
WHERE passed_s IS NOT NULL
ORDER BY at
LIMIT 10000;

-- usual --
-- What was usual at this hour of the week, before that hour: from the hours at the same place in the four weeks before, and
-- those beside them, the mean and two deviations either way. It goes on into the week to come.
WITH hours AS (
    SELECT time, mean
    FROM board.series(
        '1h', ARRAY[${site:sqlstring}], ARRAY[${device:sqlstring}], ARRAY[@metric],
        $__timeFrom()::timestamptz - INTERVAL '29 days', $__timeTo()::timestamptz
    )
)
SELECT
    shown.time,
    avg(hours.mean) AS usual,
    avg(hours.mean) - 2 * stddev_samp(hours.mean) AS usual_low,
    avg(hours.mean) + 2 * stddev_samp(hours.mean) AS usual_high
FROM generate_series(
    date_trunc('hour', greatest($__timeFrom()::timestamptz, $__timeTo()::timestamptz - INTERVAL '366 days')),
    $__timeTo()::timestamptz, INTERVAL '1 hour'
) AS shown (time)
CROSS JOIN generate_series(168, 672, 168) AS weeks (hours)
CROSS JOIN generate_series(-1, 1) AS beside (hours)
JOIN hours ON hours.time = shown.time + (beside.hours - weeks.hours) * INTERVAL '1 hour'
GROUP BY shown.time
HAVING count(*) >= 3
ORDER BY shown.time
LIMIT 10000;

-- forecast --
-- The last seven days by the hour, their least-squares line up to 14 days on, and the nearest limit either way. `days` counts
-- from the end of what is shown, or from now where that is earlier.
WITH now_shown AS (
    SELECT least($__timeTo()::timestamptz, now()) AS at
), past AS (
    SELECT extract(epoch FROM series.time + INTERVAL '30 min' - now_shown.at)::double precision / 86400 AS days, series.mean
    FROM now_shown
    CROSS JOIN board.series(
        '1h', ARRAY[${site:sqlstring}], ARRAY[${device:sqlstring}], ARRAY[@metric],
        least($__timeTo()::timestamptz, now()) - INTERVAL '7 days', least($__timeTo()::timestamptz, now())
    ) AS series
), line AS (
    SELECT regr_slope(mean, days) AS slope, regr_intercept(mean, days) AS level FROM past HAVING count(*) >= 24
), bounds AS (
    SELECT max(limits.low) FILTER (WHERE limits.low <= line.level) AS low, min(limits.high) FILTER (WHERE limits.high >= line.level) AS high
    FROM board.limits
    CROSS JOIN line
    WHERE
        limits.site IN (${site:sqlstring}) AND limits.name IN (${device:sqlstring}) AND limits.metric = @metric
        AND limits.rule_kind IN ('threshold', 'range', 'forecast')
)
SELECT
    shown.days, shown.mean AS measured, line.level + line.slope * shown.days AS trend, bounds.low AS limit_low,
    bounds.high AS limit_high
FROM (
    SELECT days, mean FROM past
    UNION ALL
    SELECT ahead::double precision / 4, NULL FROM generate_series(0, 56) AS ahead
) AS shown
LEFT JOIN line ON true
LEFT JOIN bounds ON true
ORDER BY shown.days
LIMIT 1000;

-- crossings --
-- When that line meets each limit; the soonest first, and last those that it goes away from or
-- meets in ten years or later: a level line has a slope by rounding alone.
WITH past AS (
    SELECT
        extract(epoch FROM time + INTERVAL '30 min' - least($__timeTo()::timestamptz, now()))::double precision / 86400 AS days,
        mean
    FROM board.series(
        '1h', ARRAY[${site:sqlstring}], ARRAY[${device:sqlstring}], ARRAY[@metric],
        least($__timeTo()::timestamptz, now()) - INTERVAL '7 days', least($__timeTo()::timestamptz, now())
    )
), line AS (
    SELECT regr_slope(mean, days) AS slope, regr_intercept(mean, days) AS level FROM past HAVING count(*) >= 24
), met AS (
    SELECT
        limits.severity, limits.name_zh || ' · ' || limits.name_en AS name, bounds.value AS limit_value, line.level AS now,
        line.slope AS a_day,
        CASE
            WHEN (line.level - bounds.value) * bounds.away <= 0 THEN 0
            WHEN line.slope * bounds.away < 0 THEN (bounds.value - line.level) / line.slope
        END AS days
    FROM line
    JOIN board.limits
        ON limits.site IN (${site:sqlstring}) AND limits.name IN (${device:sqlstring}) AND limits.metric = @metric
        AND limits.rule_kind IN ('threshold', 'range', 'forecast')
    CROSS JOIN LATERAL (VALUES (limits.low, 1), (limits.high, -1)) AS bounds (value, away)
    WHERE bounds.value IS NOT NULL
)
SELECT
    severity, name, limit_value, now, a_day, CASE WHEN days < 3650 THEN days * 86400 END AS left_s,
    CASE WHEN days < 3650 THEN least($__timeTo()::timestamptz, now()) + days * INTERVAL '1 day' END AS at
FROM met
ORDER BY days NULLS LAST, severity
LIMIT 100;

-- foreseen --
-- What the rules themselves foresaw, open or not.
SELECT
    raised, severity, state, rule_name_zh || ' · ' || rule_name_en AS name, site, device, what_zh || ' · ' || what_en AS what, incident_id
FROM board.incidents
WHERE
    kind IN (@kinds) AND rule_kind = 'forecast' AND exercise IS NULL AND site IN (${site:sqlstring})
    AND grid IN (${grid:sqlstring}) AND building IN (${building:sqlstring}) AND (is_open OR $__timeFilter(raised))
ORDER BY is_open DESC, raised DESC
LIMIT 200;

-- states --
-- One row: devices of the class in each state.
SELECT
    count(*) FILTER (WHERE state = 'alarm') AS alarm,
    count(*) FILTER (WHERE state = 'offline') AS offline,
    count(*) FILTER (WHERE state = 'fault') AS fault,
    count(*) FILTER (WHERE state = 'supervisory') AS supervisory,
    count(*) FILTER (WHERE state = 'unregistered') AS unregistered,
    count(*) FILTER (WHERE state = 'maintenance') AS maintenance,
    count(*) FILTER (WHERE state = 'normal') AS normal
FROM board.devices
WHERE
    kind IN (@kinds) AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring}) AND building IN (${building:sqlstring});

-- members --
-- Every device of the class: how it stands, what it last said, and how far that is from the nearest limit, as a share of the
-- limit. Below 0 it is in breach. The worst first. A full join, since it is never done row by row.
WITH members AS (
    SELECT site, name, state, grid, building, floor, unit, last_heard
    FROM board.devices
    WHERE
        kind IN (@kinds) AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring}) AND building IN (${building:sqlstring})
), said AS (
    SELECT site, name, metric, value
    FROM board.latest
    WHERE
        kind IN (@kinds) AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring}) AND building IN (${building:sqlstring})
        AND metric IN (@metrics) AND value IS NOT NULL
), judged AS (
    SELECT
        said.site, said.name, said.metric, said.value, limits.rule_id,
        limits.name_zh || ' · ' || limits.name_en AS limit_name,
        bounds.margin / nullif(abs(bounds.limit_value), 0) AS share,
        bounds.margin / coalesce(nullif(abs(bounds.limit_value), 0), 1) AS room
    FROM said
    LEFT JOIN board.limits
        ON limits.site = said.site AND limits.name = said.name AND limits.metric = said.metric
        AND limits.rule_kind IN ('threshold', 'range') AND limits.site IN (${site:sqlstring}) AND limits.metric IN (@metrics)
    LEFT JOIN LATERAL (
        VALUES (said.value - limits.low, limits.low), (limits.high - said.value, limits.high)
    ) AS bounds (margin, limit_value) ON bounds.margin IS NOT NULL
), figures AS (
    SELECT
        site, name,
        (array_agg(limit_name ORDER BY room, rule_id) FILTER (WHERE room IS NOT NULL))[1] AS limit_name,
        (array_agg(share ORDER BY room, rule_id) FILTER (WHERE room IS NOT NULL))[1] AS share@columns
    FROM judged
    GROUP BY site, name
)
SELECT
    members.state, members.site, members.name, members.grid, members.building, members.floor, members.unit, members.last_heard,
    extract(epoch FROM now() - members.last_heard)::double precision AS silent_s,
    figures.limit_name, figures.share@shown
FROM members
FULL JOIN figures USING (site, name)
WHERE coalesce(members.name, '') <> ''
ORDER BY
    array_position(ARRAY['alarm', 'offline', 'fault', 'supervisory', 'unregistered', 'maintenance', 'normal'], members.state),
    figures.share NULLS LAST, members.site, members.name
LIMIT 5000;

-- over_time --
-- Incidents of the class by what was at stake, an hour at least together.
SELECT
    date_bin(greatest($__interval_ms, 3600000) * INTERVAL '1 ms', raised, TIMESTAMPTZ 'epoch') AS time,
    count(*) FILTER (WHERE alarm_class = 'life-safety') AS "life-safety",
    count(*) FILTER (WHERE alarm_class = 'property') AS property,
    count(*) FILTER (WHERE alarm_class = 'supervisory') AS supervisory,
    count(*) FILTER (WHERE alarm_class = 'trouble') AS trouble
FROM board.incidents
WHERE
    kind IN (@kinds) AND exercise IS NULL AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring})
    AND building IN (${building:sqlstring}) AND $__timeFilter(raised)
GROUP BY 1
ORDER BY 1
LIMIT 10000;

-- open_incidents --
SELECT
    severity, state, raised, extract(epoch FROM now() - raised)::double precision AS open_s,
    rule_name_zh || ' · ' || rule_name_en AS name, site, device, place_zh AS place, what_zh || ' · ' || what_en AS what,
    accepted_by, condition_holds, exercise, incident_id
FROM board.incidents
WHERE
    is_open AND kind IN (@kinds) AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring})
    AND building IN (${building:sqlstring})
ORDER BY
    exercise IS NOT NULL, array_position(ARRAY['emergency', 'alarm', 'warning', 'advisory'], severity), raised
LIMIT 500;

-- flags --
-- What the device itself reported of the yes-and-no kind, a band each: 1 from when it said so, 0 from when it ceased to.
WITH points AS (
    SELECT date_bin($__interval_ms * INTERVAL '1 ms', time, TIMESTAMPTZ 'epoch') AS at, metric, max(max) AS value
    FROM board.series(
        CASE
            WHEN $__interval_ms >= 43200000 THEN '1d' WHEN $__interval_ms >= 1800000 THEN '1h'
            WHEN $__interval_ms >= 60000 THEN '1m' ELSE 'raw'
        END,
        ARRAY[${site:sqlstring}], ARRAY[${device:sqlstring}], ARRAY[@flags], $__timeFrom(), $__timeTo()
    )
    WHERE max IS NOT NULL
    GROUP BY 1, 2
), compared AS (
    SELECT *, lag(value) OVER (PARTITION BY metric ORDER BY at) AS before FROM points
)
SELECT at AS time, metric, value
FROM compared
WHERE value IS DISTINCT FROM before
ORDER BY at, metric
LIMIT 10000;
