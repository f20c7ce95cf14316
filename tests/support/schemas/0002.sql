-- Where the archive stands, gaps, what was set aside.
INSERT INTO vigil.journal_position (journal_id, position, updated)
VALUES ('5f0c', 1234567890123, now() - INTERVAL '1 day'), ('77aa', 42, now() - INTERVAL '100 days');
INSERT INTO vigil.gaps
    (journal_id, lane, first_offset, last_offset, records, readings, first_time, last_time, reason, noted)
VALUES
    ('5f0c', 'telemetry', 10, 20, 11, 5500, now() - INTERVAL '3 days', now() - INTERVAL '2 days', 'shed', now()),
    ('77aa', NULL, 1, 41, NULL, NULL, NULL, NULL, 'database_went_back', now() - INTERVAL '100 days');
INSERT INTO vigil.quarantine (reason, time, topic, payload, size, detail)
VALUES
    ('not_json', now() - INTERVAL '2 days', 'vigil/v1/shuibei/gas-1/telemetry', '\x7b00ff', 3000, 'at byte 1'),
    ('unknown_channel', now() - INTERVAL '1 day', '', '', 0, 'channel row 4711');
INSERT INTO vigil.quarantine_counts (reason, count, last)
VALUES ('not_json', 7, now() - INTERVAL '2 days'), ('unknown_channel', 1, now() - INTERVAL '1 day');
