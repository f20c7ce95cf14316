-- What Grafana's alert rules ask. Each row is one alert: text columns are its labels, the only number is what the limit is
-- set against. No rows, no alert. No macros: Grafana asks every minute, and now() is the database's.

-- history_still --
-- s since the newest archived record. The service notes a tick each second, so that history moves even where nothing is heard.
SELECT extract(epoch FROM now() - max(read_to))::double precision AS value
FROM board.archive
HAVING max(read_to) IS NOT NULL;

-- rollups_late --
-- How many times its own allowance each level is behind: half an hour for minutes, three hours for hours, 50 h for days.
SELECT
    level,
    (
        extract(epoch FROM now() - watermark)
        / CASE level WHEN '1m' THEN 1800 WHEN '1h' THEN 10800 ELSE 180000 END
    )::double precision AS value
FROM board.rollups
WHERE watermark IS NOT NULL;

-- unanswered --
-- Incidents about lives or property that nobody has answered for ten minutes, by site.
SELECT site, alarm_class, count(*)::double precision AS value
FROM board.incidents
WHERE is_open AND state = 'raised' AND exercise IS NULL AND alarm_class IN ('life-safety', 'property')
    AND raised < now() - INTERVAL '10 minutes'
GROUP BY site, alarm_class;

-- offline_share --
-- Per cent of a site's devices that are offline; sites of ten devices and more.
SELECT site, (100.0 * count(*) FILTER (WHERE state = 'offline') / count(*))::double precision AS value
FROM board.devices
WHERE lifecycle NOT IN ('unregistered', 'maintenance')
GROUP BY site
HAVING count(*) >= 10 AND count(*) FILTER (WHERE state = 'offline') > 0;

-- batteries_low --
-- Devices of a site whose newest battery reading is below 20 %; what has not been heard for a month is offline, not low.
SELECT site, count(*)::double precision AS value
FROM board.latest
WHERE metric = 'battery_pct' AND value < 20 AND time > now() - INTERVAL '30 days'
GROUP BY site;

-- watch_unheard --
-- Elders' watches of which nothing at all has been heard for a day.
SELECT site, count(*)::double precision AS value
FROM board.devices
WHERE kind = 'watch' AND lifecycle NOT IN ('unregistered', 'maintenance')
    AND (last_heard IS NULL OR last_heard < now() - INTERVAL '1 day')
GROUP BY site;

-- watch_not_worn --
-- Watches that have lain unworn for a day. What was measured of an elder is not shown; that a rule holds is.
SELECT site, count(DISTINCT device)::double precision AS value
FROM board.incidents
WHERE is_open AND condition_holds AND exercise IS NULL AND rule_id IN ('watch.not-worn', 'watch.off-wrist')
    AND since < now() - INTERVAL '1 day'
GROUP BY site;

-- tank_low --
-- Fire-water tanks that have been too low for four hours: nobody is filling them.
SELECT device, extract(epoch FROM now() - min(since))::double precision / 3600 AS value
FROM board.incidents
WHERE is_open AND condition_holds AND exercise IS NULL AND kind = 'tank'
    AND rule_id IN ('tank.level-low', 'tank.level-critical')
GROUP BY device
ORDER BY value DESC
LIMIT 100;

-- gaps_new --
-- Gap records of the last hour: history has lost something for good.
SELECT lane, reason, count(*)::double precision AS value
FROM board.gaps
WHERE noted > now() - INTERVAL '1 hour'
GROUP BY lane, reason;

-- misleading_devices --
-- Devices with five false alarms or more within a week.
SELECT device, count(*)::double precision AS value
FROM board.incidents
WHERE exercise IS NULL AND outcome IN ('false_alarm', 'unfounded') AND raised > now() - INTERVAL '7 days'
GROUP BY device
HAVING count(*) >= 5
ORDER BY value DESC
LIMIT 100;

-- arrivals_late --
-- s by which nine in ten arrivals of the last 30 days had come, of sites with five arrivals or more.
SELECT site, percentile_cont(0.9) WITHIN GROUP (ORDER BY arrive_s) AS value
FROM board.incidents
WHERE exercise IS NULL AND alarm_class = 'life-safety' AND arrive_s IS NOT NULL AND raised > now() - INTERVAL '30 days'
GROUP BY site
HAVING count(*) >= 5;
