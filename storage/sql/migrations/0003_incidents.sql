-- Incidents as they stand, their timelines, and the notifications owed for them.

CREATE TABLE vigil.incidents (
    incident_id     text        PRIMARY KEY,
    device          text        NOT NULL,
    site            text        NOT NULL,
    grid            text        NOT NULL,
    place           text        NOT NULL,
    place_zh        text        NOT NULL,
    latitude        double precision,
    longitude       double precision,
    kind            text        NOT NULL,
    unregistered    boolean     NOT NULL,
    rule_id         text        NOT NULL,
    rule_name_en    text        NOT NULL,
    rule_name_zh    text        NOT NULL,
    severity        text        NOT NULL,
    alarm_class     text        NOT NULL,
    what_en         text        NOT NULL,
    what_zh         text        NOT NULL,
    metric          text        NOT NULL,
    unit            text        NOT NULL,
    value           double precision,
    limit_value     double precision,
    source          text        NOT NULL,
    state           text        NOT NULL,
    condition_holds boolean     NOT NULL,
    late            boolean     NOT NULL,
    raised          timestamptz NOT NULL,
    event           timestamptz NOT NULL,
    since           timestamptz NOT NULL,
    last            timestamptz NOT NULL,
    repeats         bigint      NOT NULL,
    acknowledged    timestamptz,
    acknowledged_by text        NOT NULL,
    closed          timestamptz,
    closed_by       text        NOT NULL,
    outcome         text,
    note            text        NOT NULL,
    revision        bigint      NOT NULL
);
CREATE INDEX incidents_raised ON vigil.incidents (raised DESC);
COMMENT ON TABLE vigil.incidents IS 'One danger each: one rule that held on one device, and all that was done about it.';
COMMENT ON COLUMN vigil.incidents.device IS 'site/name.';
COMMENT ON COLUMN vigil.incidents.value IS 'The reading that last decided; null for no-data rules.';
COMMENT ON COLUMN vigil.incidents.source IS 'Where the rule''s figures come from.';
COMMENT ON COLUMN vigil.incidents.state IS 'raised, acknowledged, resolved or cleared.';
COMMENT ON COLUMN vigil.incidents.condition_holds IS 'Whether the rule still holds, whatever people have said since.';
COMMENT ON COLUMN vigil.incidents.raised IS 'When Vigil raised it, or raised it anew.';
COMMENT ON COLUMN vigil.incidents.event IS 'When the device says it measured what raised it.';
COMMENT ON COLUMN vigil.incidents.since IS 'When the device says the danger began.';
COMMENT ON COLUMN vigil.incidents.last IS 'When Vigil last heard of it.';
COMMENT ON COLUMN vigil.incidents.outcome IS 'true, false_alarm or test; null while nobody has said.';
COMMENT ON COLUMN vigil.incidents.revision IS 'Events of its timeline so far; a higher one replaces a lower.';

CREATE TABLE vigil.incident_events (
    event_id    text        PRIMARY KEY,
    incident_id text        NOT NULL,
    revision    bigint      NOT NULL,
    kind        text        NOT NULL,
    time        timestamptz NOT NULL,
    by          text        NOT NULL,
    text_en     text        NOT NULL,
    text_zh     text        NOT NULL
);
CREATE INDEX incident_events_incident ON vigil.incident_events (incident_id, revision);
COMMENT ON TABLE vigil.incident_events IS 'The timeline of each incident, a line each.';
COMMENT ON COLUMN vigil.incident_events.by IS 'Who did it; empty where Vigil did.';

CREATE TABLE vigil.notifications (
    notification_id text        PRIMARY KEY,
    incident_id     text        NOT NULL,
    recipient       text        NOT NULL,
    channel         text        NOT NULL,
    status          text        NOT NULL,
    time            timestamptz NOT NULL,
    attempts        integer     NOT NULL,
    detail          text        NOT NULL
);
CREATE INDEX notifications_incident ON vigil.notifications (incident_id);
COMMENT ON TABLE vigil.notifications IS 'One message owed to one person by one channel, as it stands.';
COMMENT ON COLUMN vigil.notifications.status IS 'delivered, failed or expired.';
COMMENT ON COLUMN vigil.notifications.detail IS 'The receipt, or why there is none.';

CREATE TABLE vigil.notification_events (
    notification_id text        NOT NULL,
    time            timestamptz NOT NULL,
    status          text        NOT NULL,
    attempts        integer     NOT NULL,
    detail          text        NOT NULL,
    PRIMARY KEY (notification_id, time, status)
);
COMMENT ON TABLE vigil.notification_events IS 'What became of each notification, a line each.';
