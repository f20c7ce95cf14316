-- What of the service's health the database itself knows; the rest is Prometheus'.

-- rollups --
SELECT level, watermark, extract(epoch FROM now() - watermark)::double precision AS behind_s, updated
FROM board.rollups
ORDER BY array_position(ARRAY['1m', '1h', '1d'], level)
LIMIT 10;

-- archived --
SELECT journal_id::text AS journal_id, read_to, extract(epoch FROM now() - read_to)::double precision AS behind_s, position
FROM board.archive
ORDER BY updated DESC
LIMIT 20;

-- gaps --
SELECT noted, lane, first_time, last_time, records, readings, reason
FROM board.gaps
ORDER BY noted DESC
LIMIT 100;
