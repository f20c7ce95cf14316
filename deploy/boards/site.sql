-- One site: floors, devices, what is open, who is on it, and which gateways are down.

-- floors --
-- The worst state of the devices on each floor of each building, as its place in the order of states, 0 for normal; null where
-- there are none. Every floor with every building, as rows and columns stand in the order in which they first come.
WITH found AS (
    SELECT
        building, floor,
        max(array_position(
            ARRAY['normal', 'maintenance', 'unregistered', 'supervisory', 'fault', 'offline', 'alarm'], state
        )) - 1 AS worst
    FROM board.devices
    WHERE
        site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring}) AND building IN (${building:sqlstring})
        AND building <> ''
    GROUP BY building, floor
)
SELECT buildings.building, coalesce(nullif(floors.floor, ''), '—') AS floor, found.worst
FROM (SELECT DISTINCT building FROM found) AS buildings
CROSS JOIN (SELECT DISTINCT floor FROM found) AS floors
LEFT JOIN found USING (building, floor)
ORDER BY
    substring(floors.floor FROM '^-?[0-9]{1,4}')::integer DESC NULLS FIRST, floors.floor DESC, length(buildings.building),
    buildings.building
LIMIT 10000;

-- states --
-- One row: devices in each state.
SELECT
    count(*) FILTER (WHERE state = 'alarm') AS alarm,
    count(*) FILTER (WHERE state = 'offline') AS offline,
    count(*) FILTER (WHERE state = 'fault') AS fault,
    count(*) FILTER (WHERE state = 'supervisory') AS supervisory,
    count(*) FILTER (WHERE state = 'unregistered') AS unregistered,
    count(*) FILTER (WHERE state = 'maintenance') AS maintenance,
    count(*) FILTER (WHERE state = 'normal') AS normal
FROM board.devices
WHERE site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring}) AND building IN (${building:sqlstring});

-- states_by_kind --
SELECT
    kind,
    count(*) FILTER (WHERE state = 'alarm') AS alarm,
    count(*) FILTER (WHERE state = 'offline') AS offline,
    count(*) FILTER (WHERE state = 'fault') AS fault,
    count(*) FILTER (WHERE state = 'supervisory') AS supervisory,
    count(*) FILTER (WHERE state = 'unregistered') AS unregistered,
    count(*) FILTER (WHERE state = 'maintenance') AS maintenance,
    count(*) FILTER (WHERE state = 'normal') AS normal
FROM board.devices
WHERE site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring}) AND building IN (${building:sqlstring})
GROUP BY kind
ORDER BY count(*) DESC, kind
LIMIT 100;

-- not_normal --
SELECT
    state, kind, site, name, grid, building, floor, unit, gateway, last_heard,
    extract(epoch FROM now() - last_heard)::double precision AS silent_s, CASE
        WHEN kind = 'co' THEN 'vigil-gas'
        WHEN kind IN ('smoke', 'gas', 'hydrant', 'tank', 'watch', 'tilt') THEN 'vigil-' || kind
        ELSE 'vigil-devices'
    END AS board
FROM board.devices
WHERE
    site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring}) AND building IN (${building:sqlstring})
    AND state <> 'normal'
ORDER BY
    array_position(ARRAY['alarm', 'offline', 'fault', 'supervisory', 'unregistered', 'maintenance'], state), kind, name
LIMIT 1000;

-- open_incidents --
SELECT
    severity, state, raised, extract(epoch FROM now() - raised)::double precision AS open_s, kind,
    rule_name_zh || ' · ' || rule_name_en AS name, building, floor, unit_name, what_zh || ' · ' || what_en AS what, condition_holds,
    exercise, device, incident_id
FROM board.incidents
WHERE
    is_open AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring}) AND building IN (${building:sqlstring})
ORDER BY
    exercise IS NOT NULL, array_position(ARRAY['emergency', 'alarm', 'warning', 'advisory'], severity), accepted IS NOT NULL,
    raised
LIMIT 500;

-- last_day --
-- Raised within the 24 h before the end of what is shown, the newest first.
SELECT
    raised, severity, state, outcome, kind, rule_name_zh || ' · ' || rule_name_en AS name, building, floor, unit_name,
    accept_s, arrive_s, resolve_s, accepted_by, closed_by, exercise, device, incident_id
FROM board.incidents
WHERE
    raised > $__timeTo()::timestamptz - INTERVAL '24 hours' AND raised <= $__timeTo()::timestamptz
    AND site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring}) AND building IN (${building:sqlstring})
ORDER BY raised DESC
LIMIT 500;

-- responding --
-- Who is on what is open, the one who took it up last first; those who have not been taken up stand at the top.
SELECT
    incidents.severity,
    incidents.rule_name_zh || ' · ' || incidents.rule_name_en AS name,
    incidents.place_zh AS place,
    incidents.state,
    nullif(incidents.accepted_by, '') AS accepted_by,
    nullif(incidents.station, '') AS station,
    coalesce(incidents.accept_s, extract(epoch FROM now() - incidents.raised))::double precision AS accept_s,
    CASE WHEN incidents.dispatched IS NOT NULL THEN
        coalesce(incidents.arrive_s, extract(epoch FROM now() - incidents.raised))::double precision
    END AS arrive_s,
    asked.people AS asked,
    incidents.incident_id
FROM board.incidents
LEFT JOIN LATERAL (
    SELECT string_agg(DISTINCT responses.person, ', ') AS people
    FROM board.responses
    WHERE responses.incident_id = incidents.incident_id AND responses.kind = 'asked' AND responses.person <> ''
) AS asked ON true
WHERE
    incidents.is_open AND incidents.exercise IS NULL AND (incidents.accepted IS NOT NULL OR asked.people IS NOT NULL)
    AND incidents.site IN (${site:sqlstring}) AND incidents.grid IN (${grid:sqlstring})
    AND incidents.building IN (${building:sqlstring})
ORDER BY incidents.accepted DESC NULLS FIRST, incidents.raised
LIMIT 200;

-- gateways_down --
-- Gateways that are silent or say that they are cut off, and the devices that hang on each. An incident each: both may hold.
SELECT
    gateways.site, gateways.name, gateways.building, gateways.floor, gateways.last_heard, down.since,
    extract(epoch FROM now() - down.since)::double precision AS down_s, down.incident_id,
    coalesce(behind.devices, 0) AS behind, coalesce(behind.silent, 0) AS silent
FROM (
    SELECT DISTINCT ON (device) device, since, incident_id
    FROM board.incidents
    WHERE
        is_open AND condition_holds AND exercise IS NULL AND kind = 'gateway' AND (rule_kind = 'no_data' OR metric = 'online')
        AND site IN (${site:sqlstring})
    ORDER BY device, since
) AS down
JOIN board.devices AS gateways USING (device)
LEFT JOIN (
    SELECT site, gateway, count(*) AS devices, count(*) FILTER (WHERE state = 'offline') AS silent
    FROM board.devices
    WHERE gateway <> '' AND site IN (${site:sqlstring})
    GROUP BY site, gateway
) AS behind ON behind.site = gateways.site AND behind.gateway = gateways.name
WHERE
    gateways.kind = 'gateway' AND gateways.site IN (${site:sqlstring}) AND gateways.grid IN (${grid:sqlstring})
    AND gateways.building IN (${building:sqlstring})
ORDER BY behind DESC, gateways.site, gateways.name
LIMIT 500;
