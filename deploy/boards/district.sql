-- The whole district: where something is open, how long it has been, and how fast people were there.

-- sites_on_map --
-- A row a site at the middle of its devices; elders' watches have no place unless something is open there.
SELECT
    places.site,
    places.latitude,
    places.longitude,
    places.devices,
    coalesce(opened.incidents, 0) AS incidents,
    coalesce(opened.worst, 'none') AS worst
FROM (
    SELECT site, avg(latitude) AS latitude, avg(longitude) AS longitude, count(*) AS devices
    FROM board.devices
    WHERE site IN (${site:sqlstring}) AND latitude IS NOT NULL AND longitude IS NOT NULL
    GROUP BY site
) AS places
LEFT JOIN (
    SELECT
        site,
        count(*) AS incidents,
        (ARRAY['advisory', 'warning', 'alarm', 'emergency'])[
            max(array_position(ARRAY['advisory', 'warning', 'alarm', 'emergency'], severity))
        ] AS worst
    FROM board.incidents
    WHERE is_open AND exercise IS NULL
    GROUP BY site
) AS opened USING (site)
ORDER BY incidents DESC, places.site
LIMIT 1000;

-- incidents_on_map --
-- The worst first, so that these are kept where there are too many.
SELECT
    latitude, longitude, severity AS worst, rule_name_zh || ' · ' || rule_name_en AS name, place_zh || ' · ' || place AS place,
    raised, state, incident_id, site
FROM board.incidents
WHERE
    is_open AND exercise IS NULL AND site IN (${site:sqlstring})
    AND latitude IS NOT NULL AND longitude IS NOT NULL
ORDER BY array_position(ARRAY['emergency', 'alarm', 'warning', 'advisory'], severity), raised
LIMIT 1000;

-- open_now --
-- One row, always: how many are open, how many of them nobody has taken up, and the longest wait among those, s.
SELECT
    count(*) AS open,
    count(*) FILTER (WHERE severity IN ('emergency', 'alarm')) AS grave,
    count(*) FILTER (WHERE accepted IS NULL AND severity IN ('emergency', 'alarm')) AS unanswered,
    coalesce(
        max(extract(epoch FROM now() - raised)) FILTER (WHERE accepted IS NULL AND severity IN ('emergency', 'alarm')), 0
    )::double precision AS longest_s
FROM board.incidents
WHERE is_open AND exercise IS NULL AND site IN (${site:sqlstring});

-- open_by_age --
-- A row a stretch of age, the youngest first, and a column a severity.
SELECT
    ages.label AS age,
    count(incidents.severity) FILTER (WHERE incidents.severity = 'emergency') AS emergency,
    count(incidents.severity) FILTER (WHERE incidents.severity = 'alarm') AS alarm,
    count(incidents.severity) FILTER (WHERE incidents.severity = 'warning') AS warning,
    count(incidents.severity) FILTER (WHERE incidents.severity = 'advisory') AS advisory
FROM (
    VALUES
    (1, '< 1 min', INTERVAL '-1 year', INTERVAL '1 min'), (2, '1–3 min', INTERVAL '1 min', INTERVAL '3 min'),
    (3, '3–15 min', INTERVAL '3 min', INTERVAL '15 min'), (4, '15–60 min', INTERVAL '15 min', INTERVAL '1 h'),
    (5, '1–24 h', INTERVAL '1 h', INTERVAL '24 h'), (6, '1–7 d', INTERVAL '24 h', INTERVAL '168 h'),
    (7, '> 7 d', INTERVAL '168 h', INTERVAL '1000 years')
) AS ages (place, label, younger, older)
LEFT JOIN (
    SELECT severity, now() - raised AS age
    FROM board.incidents
    WHERE is_open AND exercise IS NULL AND site IN (${site:sqlstring})
) AS incidents ON incidents.age >= ages.younger AND incidents.age < ages.older
GROUP BY ages.place, ages.label
ORDER BY ages.place;

-- open_incidents --
SELECT
    severity, state, raised, extract(epoch FROM now() - raised)::double precision AS open_s, kind,
    rule_name_zh || ' · ' || rule_name_en AS name, site, grid, place_zh AS place, what_zh || ' · ' || what_en AS what, accepted_by,
    station, condition_holds, exercise, incident_id
FROM board.incidents
WHERE is_open AND site IN (${site:sqlstring})
ORDER BY
    exercise IS NOT NULL, array_position(ARRAY['emergency', 'alarm', 'warning', 'advisory'], severity), accepted IS NOT NULL,
    raised
LIMIT 500;

-- response_times --
-- Of dangers to life, by when they were raised: half of them were answered within the median, nine in ten within p90.
SELECT
    date_bin(greatest($__interval_ms, 3600000) * INTERVAL '1 ms', raised, TIMESTAMPTZ 'epoch') AS time,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY accept_s) AS accept_median,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY accept_s) AS accept_p90,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY arrive_s) AS arrive_median,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY arrive_s) AS arrive_p90
FROM board.incidents
WHERE
    exercise IS NULL AND alarm_class = 'life-safety' AND severity IN ('emergency', 'alarm')
    AND site IN (${site:sqlstring}) AND $__timeFilter(raised)
GROUP BY 1
ORDER BY 1
LIMIT 10000;

-- in_time --
-- One row: the shares of the range's dangers to life that were answered within 60 s, and reached within 180 s. One that is
-- still within its time counts for neither; nobody need arrive where the danger was over before.
SELECT
    count(*) FILTER (WHERE accept_s <= 60)::double precision
    / nullif(count(*) FILTER (WHERE accept_s IS NOT NULL OR coalesce(closed, now()) - raised > INTERVAL '60 s'), 0) AS accepted,
    count(*) FILTER (WHERE arrive_s <= 180)::double precision
    / nullif(count(*) FILTER (WHERE arrive_s IS NOT NULL OR coalesce(closed, now()) - raised > INTERVAL '180 s'), 0) AS arrived
FROM board.incidents
WHERE
    exercise IS NULL AND alarm_class = 'life-safety' AND severity IN ('emergency', 'alarm')
    AND site IN (${site:sqlstring}) AND $__timeFilter(raised);

-- per_day_by_class --
-- Days of the district's clock.
SELECT
    date_trunc('day', raised, '@timezone') AS time,
    count(*) FILTER (WHERE alarm_class = 'life-safety') AS "life-safety",
    count(*) FILTER (WHERE alarm_class = 'property') AS property,
    count(*) FILTER (WHERE alarm_class = 'supervisory') AS supervisory,
    count(*) FILTER (WHERE alarm_class = 'trouble') AS trouble
FROM board.incidents
WHERE exercise IS NULL AND site IN (${site:sqlstring}) AND $__timeFilter(raised)
GROUP BY 1
ORDER BY 1
LIMIT 10000;

-- per_day_by_kind --
SELECT date_trunc('day', raised, '@timezone') AS time, kind AS metric, count(*) AS incidents
FROM board.incidents
WHERE exercise IS NULL AND site IN (${site:sqlstring}) AND $__timeFilter(raised)
GROUP BY 1, 2
ORDER BY 1, 2
LIMIT 10000;

-- devices_by_state --
-- A row a site, the one with most alarms first.
SELECT
    site,
    count(*) AS devices,
    count(*) FILTER (WHERE state = 'alarm') AS alarm,
    count(*) FILTER (WHERE state = 'offline') AS offline,
    count(*) FILTER (WHERE state = 'fault') AS fault,
    count(*) FILTER (WHERE state = 'supervisory') AS supervisory,
    count(*) FILTER (WHERE state = 'unregistered') AS unregistered,
    count(*) FILTER (WHERE state = 'maintenance') AS maintenance,
    count(*) FILTER (WHERE state = 'normal') AS normal,
    count(*) FILTER (WHERE state = 'normal')::double precision / count(*) AS normal_share
FROM board.devices
WHERE site IN (${site:sqlstring})
GROUP BY site
ORDER BY alarm DESC, count(*) FILTER (WHERE state IN ('offline', 'fault')) DESC, site
LIMIT 1000;
