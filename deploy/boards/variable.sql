-- The values of the variables at the top of the boards. Each finds a row even where there are no devices: `IN ()` is no SQL.
-- A device without a grid or building has '', shown as "—".

-- sites --
-- Those of devices, and those that only incidents have: devices since retired, Vigil itself, other systems.
SELECT site AS __value, coalesce(nullif(site, ''), '—') AS __text
FROM (SELECT site FROM board.devices UNION SELECT site FROM board.incidents) AS sites
UNION ALL
SELECT '', '—' WHERE NOT EXISTS (SELECT FROM board.devices) AND NOT EXISTS (SELECT FROM board.incidents)
ORDER BY 1
LIMIT 1000;

-- grids --
-- '' is always among them: a device, or an alert of another system, may have none.
SELECT grid AS __value, coalesce(nullif(grid, ''), '—') AS __text
FROM (
    SELECT grid FROM board.devices WHERE site IN (${site:sqlstring})
    UNION SELECT grid FROM board.incidents WHERE site IN (${site:sqlstring})
    UNION SELECT ''
) AS grids
ORDER BY 1
LIMIT 1000;

-- buildings --
SELECT building AS __value, coalesce(nullif(building, ''), '—') AS __text
FROM (
    SELECT building FROM board.devices WHERE site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring})
    UNION SELECT ''
) AS buildings
ORDER BY 1
LIMIT 2000;

-- devices --
-- The board puts its kinds of devices in the place of 'any'.
SELECT name AS __value, name AS __text
FROM board.devices
WHERE
    kind IN ('any')
    AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring}) AND building IN (${building:sqlstring})
UNION
SELECT '', '—'
WHERE NOT EXISTS (
    SELECT FROM board.devices
    WHERE
        kind IN ('any')
        AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring}) AND building IN (${building:sqlstring})
)
ORDER BY 1
LIMIT 2000;

-- classes --
SELECT class AS __value, name AS __text
FROM (
    VALUES
    ('life-safety', '生命安全 · Life safety'), ('property', '财产 · Property'),
    ('supervisory', '监管 · Supervisory'), ('trouble', '故障 · Trouble')
) AS classes (class, name);

-- incidents --
-- The text tells one from another: when, how bad, what, where. An id that a link brings is kept though it is not listed.
SELECT
    incident_id AS __value,
    concat_ws(' · ', to_char(raised, 'MM-DD HH24:MI'), rule_name_zh, rule_name_en, device, incident_id) AS __text
FROM (
    SELECT * FROM board.incidents
    WHERE is_open OR $__timeFilter(raised)
    ORDER BY is_open DESC, raised DESC
    LIMIT 500
) AS found
UNION ALL
SELECT '', '—' WHERE NOT EXISTS (SELECT FROM board.incidents WHERE is_open OR $__timeFilter(raised));
