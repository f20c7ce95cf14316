-- Incidents with what every kind of rule judged, and rules in shadow.
INSERT INTO vigil.incidents (
    incident_id, device, site, grid, place, place_zh, latitude, longitude, kind, unregistered, rule_id, rule_name_en,
    rule_name_zh, severity, alarm_class, what_en, what_zh, metric, unit, value, limit_value, source, state,
    condition_holds, late, raised, event, since, last, repeats, acknowledged, acknowledged_by, closed, closed_by,
    outcome, note, revision, rule_kind, measure, reference, low, high, members, members_count
)
SELECT
    'AAAA0005', 'shuibei/gas-1', 'shuibei', 'g1', 'Building 7', '7 栋', 22.57, 114.12, 'gas', false, 'gas.near',
    'Gas in several flats', '多户燃气浓度高', 'alarm', 'life-safety', 'gas in 2 flats', '2 户燃气', 'gas_lel', '%LEL', NULL, 2,
    'GB 15322', 'acknowledged', true, false, raised, raised, raised, raised, 0, raised + INTERVAL '1 minute', 'li',
    NULL, '', NULL, '', 2, 'neighbourhood', 2, 12, 1.5, 2.5, '{shuibei/gas-1,shuibei/gas-2}', 2
FROM (SELECT date_trunc('day', now(), 'UTC') - INTERVAL '2 days' AS raised) AS times;

INSERT INTO vigil.rule_shadow (
    shadow_id, device, rule_id, rule_name_en, rule_name_zh, rule_kind, severity, alarm_class, holds, repeated, late,
    time, since, noted, metric, unit, value, measure, text_en, text_zh
)
SELECT
    'S1', 'shuibei/gas-1', 'gas.rate', 'Gas rising', '燃气上升', 'rate', 'warning', 'life-safety', true, false, false,
    raised, raised, raised, 'gas_lel', '%LEL', 8, 4, 'would have been raised', '本应触发'
FROM (SELECT date_trunc('day', now(), 'UTC') - INTERVAL '2 days' AS raised) AS times;
