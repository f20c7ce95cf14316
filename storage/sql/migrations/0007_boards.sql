-- The schema `board`: all that Grafana may see. Changes nothing of what is stored.

-- TimescaleDB refuses row security on tables with a columnstore, so what is hidden of elders is hidden by these views, the
-- same on both kinds of server: their place, and what was measured of them, only while an incident of theirs is open.
-- A device that no ledger knows (kind unknown) may be an elder's, and is hidden like one.
-- security_barrier: no function of a reader's sees a row before the view has let it through.

CREATE INDEX incidents_open ON vigil.incidents (device) WHERE closed IS NULL;
CREATE INDEX incidents_device ON vigil.incidents (device, raised DESC);
CREATE INDEX response_events_kind ON vigil.response_events (kind, time DESC);

CREATE SCHEMA board;
COMMENT ON SCHEMA board IS 'What boards may see of the history of Vigil; the role vigil_reader has no other rights.';

-- Not for boards: since when a device's protected readings may be seen, for devices with an open incident.
CREATE VIEW vigil.open_devices AS
SELECT
    device,
    min(event) - INTERVAL '30 minutes' AS visible_from,
    bool_or(alarm_class IN ('life-safety', 'property') AND condition_holds) AS is_alarm,
    bool_or(rule_kind = 'no_data' AND condition_holds) AS is_offline,
    bool_or(alarm_class = 'trouble' AND rule_kind IS DISTINCT FROM 'no_data' AND condition_holds) AS is_fault,
    bool_or(alarm_class = 'supervisory' AND condition_holds) AS is_supervisory
FROM vigil.incidents
WHERE closed IS NULL AND exercise IS NULL
GROUP BY device;
COMMENT ON VIEW vigil.open_devices IS 'Devices with an open incident that is no exercise: what holds on them.';

CREATE VIEW board.devices WITH (security_barrier) AS
SELECT
    devices.device_id,
    devices.site || '/' || devices.name AS device,
    devices.site,
    devices.name,
    devices.kind,
    devices.profile,
    devices.grid,
    CASE WHEN shown.place THEN devices.building ELSE '' END AS building,
    CASE WHEN shown.place THEN devices.floor ELSE '' END AS floor,
    CASE WHEN shown.place THEN devices.unit ELSE '' END AS unit,
    CASE WHEN shown.place THEN devices.latitude END AS latitude,
    CASE WHEN shown.place THEN devices.longitude END AS longitude,
    devices.gateway,
    devices.lifecycle,
    CASE
        WHEN troubles.is_alarm THEN 'alarm'
        WHEN troubles.is_offline THEN 'offline'
        WHEN troubles.is_fault THEN 'fault'
        WHEN troubles.is_supervisory THEN 'supervisory'
        WHEN devices.lifecycle IN ('unregistered', 'maintenance') THEN devices.lifecycle
        ELSE 'normal'
    END AS state,
    (
        SELECT max(latest.time) FROM vigil.channels JOIN vigil.latest USING (channel_id)
        WHERE channels.device_id = devices.device_id
    ) AS last_heard
FROM vigil.devices
LEFT JOIN vigil.open_devices AS troubles ON troubles.device = devices.site || '/' || devices.name
CROSS JOIN LATERAL (SELECT devices.kind NOT IN ('watch', 'unknown') OR troubles.device IS NOT NULL AS place) AS shown
WHERE devices.lifecycle <> 'retired';
COMMENT ON VIEW board.devices IS 'Devices that are not retired, and how each stands.';
COMMENT ON COLUMN board.devices.state IS
    'The worst of: alarm (life safety or property), offline, fault, supervisory, unregistered, maintenance; or normal.';
COMMENT ON COLUMN board.devices.last_heard IS 'Event time of its newest reading; null where there was none.';

CREATE VIEW board.channels WITH (security_barrier) AS
SELECT
    channels.channel_id,
    devices.device_id,
    devices.site || '/' || devices.name AS device,
    devices.site,
    devices.name,
    devices.kind,
    devices.profile,
    devices.grid,
    CASE WHEN shown.place THEN devices.building ELSE '' END AS building,
    CASE WHEN shown.place THEN devices.floor ELSE '' END AS floor,
    channels.metric,
    channels.unit,
    CASE
        WHEN devices.kind NOT IN ('watch', 'unknown') OR channels.metric IN ('battery_pct', 'fault', 'tamper', 'online')
            THEN '0001-01-01 00:00+00'::timestamptz
        ELSE troubles.visible_from
    END AS visible_from
FROM vigil.channels
JOIN vigil.devices USING (device_id)
LEFT JOIN vigil.open_devices AS troubles
    ON devices.kind IN ('watch', 'unknown') AND troubles.device = devices.site || '/' || devices.name
CROSS JOIN LATERAL (SELECT devices.kind NOT IN ('watch', 'unknown') OR troubles.device IS NOT NULL AS place) AS shown
WHERE devices.lifecycle <> 'retired';
COMMENT ON VIEW board.channels IS 'Channels of devices that are not retired.';
COMMENT ON COLUMN board.channels.visible_from IS
    'Readings from then on may be seen; null for none. Of elders, and of devices that no ledger knows, which may be an '
    'elder''s: from half an hour before what is open began.';

-- A function and not a view: no plan takes the channels of a join down into the rollup that is made on asking, and so a
-- view would roll up all channels to show one. Here the channels and the times are constants of the statement.
CREATE FUNCTION board.series(
    level text, sites text[], names text[], metrics text[], since timestamptz, until timestamptz
) RETURNS TABLE (
    site text, name text, metric text, unit text, "time" timestamptz, mean double precision, min double precision,
    max double precision, last double precision, count bigint
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    kept text := level;
    source text;
    chosen integer[];
BEGIN
    -- What is not kept so long any more is shown by what is.
    IF kept = '1m' AND since < now() - (SELECT keep FROM vigil.retention WHERE class = 'minutes') THEN
        kept := 'raw';
    END IF;
    IF kept = 'raw' AND since < now() - (SELECT keep FROM vigil.retention WHERE class = 'readings') THEN
        kept := '1h';
    END IF;
    source := CASE kept
        WHEN 'raw' THEN
            'SELECT channel_id, time, value, value, value, value, 1::bigint '
            'FROM vigil.readings WHERE channel_id = ANY ($1) AND time BETWEEN $2 AND $3'
        WHEN '1m' THEN 'vigil.readings_1m' WHEN '1h' THEN 'vigil.readings_1h' WHEN '1d' THEN 'vigil.readings_1d'
    END;
    IF source IS NULL THEN
        RAISE 'no level %; wanted raw, 1m, 1h or 1d', level;
    END IF;
    IF kept <> 'raw' THEN
        source := format(
            'SELECT channel_id, bucket, mean, min, max, last, count FROM %s '
            'WHERE channel_id = ANY ($1) AND bucket BETWEEN $2 AND $3', source);
    END IF;
    SELECT array_agg(found.channel_id) INTO chosen FROM (
        SELECT channels.channel_id FROM board.channels
        WHERE (sites IS NULL OR channels.site = ANY (sites)) AND (names IS NULL OR channels.name = ANY (names))
        AND channels.metric = ANY (metrics) AND channels.visible_from <= until
        LIMIT 1001
    ) AS found;
    IF cardinality(chosen) > 1000 THEN
        RAISE 'more than 1,000 channels; choose a site, or some devices';
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT channels.site, channels.name, channels.metric, channels.unit, rows.time, rows.mean, rows.min, '
        'rows.max, rows.last, rows.count FROM (%s) '
        'AS rows (channel_id, time, mean, min, max, last, count) JOIN board.channels USING (channel_id) '
        'WHERE channels.channel_id = ANY ($1) AND rows.time >= channels.visible_from', source)
    USING chosen, since, until;
END
$$;
COMMENT ON FUNCTION board.series IS
    'Readings (raw) or rollups (1m, 1h, 1d) of up to 1,000 channels, both ends included, in no order; null for any site or '
    'name. Where they are not kept so long, the finest level that is.';

CREATE VIEW board.latest WITH (security_barrier) AS
SELECT
    channels.site, channels.name, channels.device, channels.kind, channels.grid, channels.building, channels.floor,
    channels.metric, channels.unit, latest.time, latest.value, latest.flags
FROM board.channels
JOIN vigil.latest ON latest.channel_id = channels.channel_id AND latest.time >= channels.visible_from;
COMMENT ON VIEW board.latest IS 'The newest reading of each channel.';

CREATE VIEW board.incidents WITH (security_barrier) AS
SELECT
    incident_id, device, site,
    substr(device, length(site) + 2) AS name,
    grid,
    CASE WHEN shown THEN building ELSE '' END AS building,
    CASE WHEN shown THEN floor ELSE '' END AS floor,
    CASE WHEN shown THEN unit_name ELSE '' END AS unit_name,
    CASE WHEN shown THEN place ELSE site END AS place,
    CASE WHEN shown THEN place_zh ELSE site END AS place_zh,
    CASE WHEN shown THEN latitude END AS latitude,
    CASE WHEN shown THEN longitude END AS longitude,
    kind, unregistered, rule_id, rule_kind, rule_name_en, rule_name_zh, severity, alarm_class,
    CASE WHEN shown THEN what_en ELSE 'not shown any more: it is not open' END AS what_en,
    CASE WHEN shown THEN what_zh ELSE '事件已结束，不再显示' END AS what_zh,
    metric, unit,
    CASE WHEN shown THEN value END AS value,
    CASE WHEN shown THEN limit_value END AS limit_value,
    CASE WHEN shown THEN measure END AS measure,
    CASE WHEN shown THEN reference END AS reference,
    CASE WHEN shown THEN low END AS low,
    CASE WHEN shown THEN high END AS high,
    state,
    closed IS NULL AS is_open,
    condition_holds, late, raised, event, since, last, repeats, accepted, accepted_by, dispatched,
    dispatched_to AS station,
    arrived, verified, closed, closed_by, outcome, rating, exercise, members_count,
    extract(epoch FROM accepted - raised)::double precision AS accept_s,
    extract(epoch FROM arrived - raised)::double precision AS arrive_s,
    extract(epoch FROM closed - raised)::double precision AS resolve_s
FROM vigil.incidents
CROSS JOIN LATERAL (SELECT kind <> 'watch' OR closed IS NULL) AS veil (shown);
COMMENT ON VIEW board.incidents IS 'Incidents. Of elders: place and measurements only while open.';
COMMENT ON COLUMN board.incidents.name IS 'Of the device, within its site.';
COMMENT ON COLUMN board.incidents.station IS 'The team or station that is on its way; empty where nobody said.';
COMMENT ON COLUMN board.incidents.accept_s IS 's from raising it to the first acceptance; null where there was none.';
COMMENT ON COLUMN board.incidents.arrive_s IS 's from raising it to the arrival.';
COMMENT ON COLUMN board.incidents.resolve_s IS 's from raising it to its end.';

-- NOT EXISTS rather than DISTINCT ON: what a board asks of site and name goes down to the devices.
CREATE VIEW board.limits WITH (security_barrier) AS
SELECT
    devices.site, devices.name, devices.site || '/' || devices.name AS device, channels.metric, rules.rule_id,
    rules.rule_kind, rules.severity, rules.alarm_class, rules.name_en, rules.name_zh, rules.low, rules.high,
    rules.clear_low, rules.clear_high, rules.unit, rules.source
FROM vigil.devices
JOIN vigil.channels USING (device_id)
JOIN vigil.rules_in_force AS rules
    ON rules.profile = devices.profile AND rules.metric = channels.metric
    AND rules.site IN ('', devices.site) AND rules.grid IN ('', devices.grid) AND rules.device IN ('', devices.name)
WHERE rules.is_on AND rules.mode = 'live' AND (rules.low IS NOT NULL OR rules.high IS NOT NULL)
AND devices.lifecycle <> 'retired' AND (devices.lifecycle <> 'maintenance' OR rules.alarm_class = 'life-safety')
AND (devices.kind <> 'watch' OR rules.device = '')  -- what is set for one elder tells of their health
AND NOT EXISTS (
    SELECT FROM vigil.rules_in_force AS narrower
    WHERE narrower.rule_id = rules.rule_id AND narrower.narrowness > rules.narrowness
    AND narrower.site IN ('', devices.site) AND narrower.grid IN ('', devices.grid)
    AND narrower.device IN ('', devices.name)
);
COMMENT ON VIEW board.limits IS 'The limits in force on each channel: in breach where the value is below low or above high.';

CREATE VIEW board.timeline WITH (security_barrier) AS
SELECT
    timeline.incident_id, timeline.place, timeline.time, timeline.what, timeline.kind, timeline.who, timeline.via,
    timeline.text_en, timeline.text_zh, timeline.detail
FROM vigil.timeline
JOIN vigil.incidents USING (incident_id)
WHERE timeline.what <> 'audit' AND (incidents.kind <> 'watch' OR incidents.closed IS NULL);
COMMENT ON VIEW board.timeline IS 'What happened with each incident; of an elder''s, only while it is open.';

CREATE VIEW board.notifications WITH (security_barrier) AS
SELECT
    notification_id, notifications.incident_id, incidents.site, incidents.grid, notifications.recipient,
    notifications.channel, notifications.status, notifications.time, notifications.attempts
FROM vigil.notifications
JOIN vigil.incidents USING (incident_id);
COMMENT ON VIEW board.notifications IS 'Messages about incidents, as they stand; without receipts, which may name numbers.';

CREATE VIEW board.responses WITH (security_barrier) AS
SELECT
    response_events.incident_id, incidents.site, incidents.grid, incidents.dispatched_to AS station,
    response_events.kind, response_events.person, response_events.step, response_events.time, response_events.detail
FROM vigil.response_events
JOIN vigil.incidents USING (incident_id)
WHERE incidents.exercise IS NULL;
COMMENT ON VIEW board.responses IS 'What Vigil did to get real incidents answered.';

CREATE VIEW board.gaps WITH (security_barrier) AS
SELECT gap_id, lane, records, readings, first_time, last_time, reason, noted FROM vigil.gaps;
COMMENT ON VIEW board.gaps IS 'Stretches of a journal that it lost, and why.';

CREATE VIEW board.quarantine WITH (security_barrier) AS
SELECT reason, count, last FROM vigil.quarantine_counts;
COMMENT ON VIEW board.quarantine IS 'How much was set aside for each reason.';

CREATE VIEW board.archive WITH (security_barrier) AS
SELECT journal_id, position, read_to, updated FROM vigil.journal_position;
COMMENT ON VIEW board.archive IS 'Up to when each journal is archived.';

CREATE VIEW board.rollups WITH (security_barrier) AS
SELECT level, nullif(watermark, '-infinity') AS watermark, updated FROM vigil.rollup_progress
WHERE (SELECT relkind FROM pg_class WHERE oid = 'vigil.readings'::regclass) = 'p';
COMMENT ON VIEW board.rollups IS 'Up to when readings are rolled up, by level; empty on TimescaleDB, which has jobs for it.';
COMMENT ON COLUMN board.rollups.watermark IS 'Null before anything is rolled up.';

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA board FROM PUBLIC;
