-- The response: its steps, ratings, exercises, who was asked and who looked.
INSERT INTO vigil.incidents (
    incident_id, device, site, grid, place, place_zh, latitude, longitude, kind, unregistered, rule_id, rule_name_en,
    rule_name_zh, severity, alarm_class, what_en, what_zh, metric, unit, value, limit_value, source, state,
    condition_holds, late, raised, event, since, last, repeats, accepted, accepted_by, closed, closed_by, outcome, note,
    revision, rule_kind, measure, reference, low, high, members, members_count, dispatched, dispatched_to, arrived,
    verified, acceptances, handed_to, rating, rated_by, exercise, building, floor, unit_name, gateway
)
SELECT
    incident_id, 'shuibei/watch-1', 'shuibei', 'g1', 'Building 7', '7 栋', 22.57, 114.12, 'watch', false, 'watch.fall',
    'Fall', '跌倒', 'alarm', 'life-safety', 'fell', '跌倒', 'fall', '', 1, NULL, 'GB 44495', state, ended IS NULL, false,
    raised, raised, raised, raised, 0, raised + INTERVAL '1 minute', 'li', raised + ended,
    CASE WHEN ended IS NULL THEN '' ELSE 'li' END, CASE WHEN ended IS NOT NULL THEN 'true' END, 'on my way', 5,
    'alarm', 1, NULL, NULL, NULL, '{}', 0, raised + INTERVAL '2 minutes', 'station-2',
    raised + INTERVAL '4 minutes', raised + INTERVAL '5 minutes',
    jsonb_build_array(
        jsonb_build_object('by', 'wang', 'time', raised + INTERVAL '1 minute'),
        jsonb_build_object('by', 'li', 'time', raised + INTERVAL '2 minutes')
    ), '', CASE WHEN ended IS NULL THEN NULL ELSE 5 END, CASE WHEN ended IS NULL THEN '' ELSE 'wang' END, exercise, '7',
    '4', '402', 'gw-1'
FROM (SELECT date_trunc('day', now(), 'UTC') - INTERVAL '2 days' AS raised) AS times
CROSS JOIN (VALUES
    ('AAAA0006', 'verified', NULL::interval, NULL), ('AAAA0007', 'closed', '1 hour', NULL),
    ('AAAA0008', 'resolved', '1 hour', 'drill')
) AS incidents (incident_id, state, ended, exercise);
INSERT INTO vigil.incident_events (
    event_id, incident_id, revision, kind, time, by, text_en, text_zh, origin, place, digest
)
SELECT incident_id || '-1', incident_id, 1, 'raised', raised, '', 'raised', '触发', '', 1, repeat('a1', 32)
FROM vigil.incidents WHERE kind = 'watch' AND rule_id = 'watch.fall'
UNION ALL
SELECT incident_id || '-2', incident_id, 2, 'accepted', accepted, accepted_by, 'taken up', '已受理', 'link', 2,
    repeat('b2', 32)
FROM vigil.incidents WHERE kind = 'watch' AND rule_id = 'watch.fall';

INSERT INTO vigil.notifications (notification_id, incident_id, recipient, channel, status, time, attempts, detail)
SELECT notification_id, 'AAAA0007', 'sun', channel, status, date_trunc('day', now(), 'UTC'), attempts, ''
FROM (VALUES
    ('N4', 'sms', 'received', 1), ('N5', 'sms', 'unknown', 3), ('N6', 'push', 'withdrawn', 0),
    ('N7', 'push', 'answered', 1)
) AS notifications (notification_id, channel, status, attempts);
INSERT INTO vigil.notification_events (notification_id, time, status, attempts, detail, place, digest)
SELECT notification_id, time, status, attempts, detail, 3, repeat('d4', 32)
FROM vigil.notifications WHERE incident_id = 'AAAA0007';
INSERT INTO vigil.response_events (
    event_id, incident_id, kind, time, person, notification_id, step, detail, text_en, text_zh, place, digest
)
SELECT
    event_id, 'AAAA0007', kind, date_trunc('day', now(), 'UTC'), person, '', step, detail, kind, kind, 10,
    repeat('e5', 32)
FROM (VALUES ('R1', 'asked', 'duty', 0, ''), ('R2', 'overdue', '', NULL, 'yellow'))
    AS events (event_id, kind, person, step, detail);
INSERT INTO vigil.audit_events (event_id, time, by, origin, subject, what, incident_id, allowed, place, digest)
SELECT
    event_id, date_trunc('day', now(), 'UTC'), 'wang', 'link', 'shuibei/watch-1', what, incident, allowed, 4,
    repeat('07', 32)
FROM (VALUES ('U1', 'health', 'AAAA0007', true), ('U2', 'location', '', false))
    AS looks (event_id, what, incident, allowed);
