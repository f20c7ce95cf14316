-- What is drawn over the panels of every board that asks for it: `time` to `timeend`, a line of text, tags.

-- incidents_drawn --
SELECT
    raised AS time,
    coalesce(closed, CASE WHEN is_open THEN least(now(), $__timeTo()) END) AS timeend,
    rule_name_zh || ' · ' || rule_name_en || '<br/>' || device || ' · ' || incident_id AS text,
    severity || ',' || kind AS tags
FROM board.incidents
WHERE site IN (${site:sqlstring}) AND exercise IS NULL AND $__timeFilter(raised)
ORDER BY raised DESC
LIMIT 200;

-- incident_drawn --
SELECT
    time,
    text_zh || ' · ' || text_en AS text,
    kind AS tags
FROM board.timeline
WHERE incident_id IN (${incident:sqlstring}) AND what = 'incident'
ORDER BY time
LIMIT 200;
