-- Incidents, their timelines and notifications.
INSERT INTO vigil.incidents (
    incident_id, device, site, grid, place, place_zh, latitude, longitude, kind, unregistered, rule_id, rule_name_en,
    rule_name_zh, severity, alarm_class, what_en, what_zh, metric, unit, value, limit_value, source, state,
    condition_holds, late, raised, event, since, last, repeats, acknowledged, acknowledged_by, closed, closed_by,
    outcome, note, revision
)
SELECT
    incident_id, 'shuibei/' || name, 'shuibei', 'g1', 'Building 7', '7 栋', 22.57, 114.12, kind, false, rule_id,
    'Gas high', '燃气浓度高', 'alarm', 'life-safety', 'gas at 12 %LEL', '燃气 12 %LEL', metric, unit, value, 10,
    'GB 15322', state, state IN ('raised', 'acknowledged'), false, raised, raised - INTERVAL '2 s',
    raised - INTERVAL '5 s', raised + INTERVAL '1 minute', 3, acknowledged, by, closed,
    CASE WHEN closed IS NULL THEN '' ELSE 'li' END, outcome, 'on my way', revision
FROM (VALUES
    ('AAAA0001', 'gas-1', 'gas', 'gas.high', 'gas_lel', '%LEL', 12::float8, 'raised', NULL::interval, '',
        NULL::interval, NULL, 1),
    ('AAAA0002', 'gas-1', 'gas', 'gas.high', 'gas_lel', '%LEL', 12, 'acknowledged', '1 minute', 'li', NULL, NULL, 2),
    ('AAAA0003', 'watch-1', 'watch', 'watch.hr', 'heart_rate', '/min', 171, 'resolved', '1 minute', 'wang', '1 hour',
        'true', 3),
    ('AAAA0004', 'gas-1', 'gas', 'gas.silent', '', '', NULL, 'cleared', NULL, '', '1 hour', NULL, 2)
) AS incidents (incident_id, name, kind, rule_id, metric, unit, value, state, taken, by, ended, outcome, revision)
CROSS JOIN LATERAL (SELECT date_trunc('day', now(), 'UTC') - INTERVAL '2 days 3 hours' AS raised) AS times
CROSS JOIN LATERAL (SELECT raised + taken AS acknowledged, raised + ended AS closed) AS steps;
INSERT INTO vigil.incident_events (event_id, incident_id, revision, kind, time, by, text_en, text_zh)
SELECT incident_id || '-1', incident_id, 1, 'raised', raised, '', 'raised', '触发' FROM vigil.incidents
UNION ALL
SELECT incident_id || '-2', incident_id, 2, 'acknowledged', acknowledged, acknowledged_by, 'taken up', '已受理'
FROM vigil.incidents WHERE acknowledged IS NOT NULL
UNION ALL
SELECT incident_id || '-3', incident_id, 3, state, closed, closed_by, 'ended', '已结束'
FROM vigil.incidents WHERE closed IS NOT NULL;
INSERT INTO vigil.notifications (notification_id, incident_id, recipient, channel, status, time, attempts, detail)
SELECT notification_id, 'AAAA0002', recipient, channel, status, now() - INTERVAL '2 days', attempts, detail
FROM (VALUES
    ('N1', 'duty', 'sms', 'delivered', 1, 'receipt 7'), ('N2', 'wang', 'push', 'failed', 5, 'gone'),
    ('N3', 'chen', 'sms', 'expired', 0, '')
) AS notifications (notification_id, recipient, channel, status, attempts, detail);
INSERT INTO vigil.notification_events (notification_id, time, status, attempts, detail)
SELECT notification_id, time, status, attempts, detail FROM vigil.notifications;
