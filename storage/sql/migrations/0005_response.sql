-- What people and Vigil did about each incident: the steps of the response, who was asked, and who looked.

ALTER TABLE vigil.incidents RENAME COLUMN acknowledged TO accepted;
ALTER TABLE vigil.incidents RENAME COLUMN acknowledged_by TO accepted_by;
-- From PostgreSQL 18 on, NOT NULL is a constraint with a name of its own.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_constraint WHERE conname = 'incidents_acknowledged_by_not_null') THEN
        ALTER TABLE vigil.incidents
            RENAME CONSTRAINT incidents_acknowledged_by_not_null TO incidents_accepted_by_not_null;
    END IF;
END
$$;
ALTER TABLE vigil.incidents
    ADD COLUMN dispatched    timestamptz,
    ADD COLUMN dispatched_to text    NOT NULL DEFAULT '',
    ADD COLUMN arrived       timestamptz,
    ADD COLUMN verified      timestamptz,
    ADD COLUMN acceptances   jsonb   NOT NULL DEFAULT '[]',
    ADD COLUMN handed_to     text    NOT NULL DEFAULT '',
    ADD COLUMN rating        integer,
    ADD COLUMN rated_by      text    NOT NULL DEFAULT '',
    ADD COLUMN exercise      text,
    ADD COLUMN building      text    NOT NULL DEFAULT '',
    ADD COLUMN floor         text    NOT NULL DEFAULT '',
    ADD COLUMN unit_name     text    NOT NULL DEFAULT '',
    ADD COLUMN gateway       text    NOT NULL DEFAULT '';
UPDATE vigil.incidents SET state = 'accepted' WHERE state = 'acknowledged';
UPDATE vigil.incidents
SET acceptances = jsonb_build_array(jsonb_build_object('by', accepted_by, 'time', accepted))
WHERE accepted IS NOT NULL;
COMMENT ON COLUMN vigil.incidents.state IS
    'raised, accepted, dispatched, arrived, verified, resolved, closed or cleared.';
COMMENT ON COLUMN vigil.incidents.outcome IS 'true, false_alarm, test or unfounded; null while nobody has said.';
COMMENT ON COLUMN vigil.incidents.accepted IS 'When the first person took it up.';
COMMENT ON COLUMN vigil.incidents.accepted_by IS 'Who is responsible.';
COMMENT ON COLUMN vigil.incidents.closed IS 'When it was resolved or cleared.';
COMMENT ON COLUMN vigil.incidents.dispatched_to IS 'The team or station that is on its way; empty where nobody said.';
COMMENT ON COLUMN vigil.incidents.acceptances IS 'Everybody who is on it, in order: [{"by": name, "time": when}, …].';
COMMENT ON COLUMN vigil.incidents.handed_to IS 'Who was asked to take it over and has not answered.';
COMMENT ON COLUMN vigil.incidents.rating IS '1 (bad) to 5; null where it is not rated.';
COMMENT ON COLUMN vigil.incidents.exercise IS 'drill or synthetic; null for a real one. Figures leave exercises out.';
COMMENT ON COLUMN vigil.incidents.unit_name IS 'The flat or room; the column unit is that of the value.';

ALTER TABLE vigil.incident_events
    ADD COLUMN origin text    NOT NULL DEFAULT '',
    ADD COLUMN place  integer NOT NULL DEFAULT 0,
    ADD COLUMN digest text    NOT NULL DEFAULT '';
UPDATE vigil.incident_events SET kind = 'accepted' WHERE kind = 'acknowledged';
COMMENT ON COLUMN vigil.incident_events.origin IS 'From where a person acted; empty where Vigil did.';
COMMENT ON COLUMN vigil.incident_events.place IS 'In the chain of the incident''s timeline, from 1; 0 before there was one.';
COMMENT ON COLUMN vigil.incident_events.digest IS 'SHA-256 of the line and of the digest before it, hexadecimal.';

ALTER TABLE vigil.notification_events
    ADD COLUMN place  integer NOT NULL DEFAULT 0,
    ADD COLUMN digest text    NOT NULL DEFAULT '';
UPDATE vigil.notifications SET status = 'handed' WHERE status = 'delivered';
UPDATE vigil.notification_events SET status = 'handed' WHERE status = 'delivered';
COMMENT ON COLUMN vigil.notifications.status IS
    'queued, handed (over), received (there is a receipt), answered (by a human), failed, unknown, expired or withdrawn.';
COMMENT ON COLUMN vigil.notification_events.place IS 'As in incident_events.';
COMMENT ON COLUMN vigil.notification_events.digest IS 'As in incident_events.';

CREATE TABLE vigil.response_events (
    event_id        text        PRIMARY KEY,
    incident_id     text        NOT NULL,
    kind            text        NOT NULL,
    time            timestamptz NOT NULL,
    person          text        NOT NULL,
    notification_id text        NOT NULL,
    step            integer,
    detail          text        NOT NULL,
    text_en         text        NOT NULL,
    text_zh         text        NOT NULL,
    place           integer     NOT NULL,
    digest          text        NOT NULL
);
CREATE INDEX response_events_incident ON vigil.response_events (incident_id, time);
COMMENT ON TABLE vigil.response_events IS 'What Vigil did to get an incident answered, a line each.';
COMMENT ON COLUMN vigil.response_events.kind IS 'As in alerts.response_event.ResponseKind: asked, escalated, overdue, ….';
COMMENT ON COLUMN vigil.response_events.person IS 'Whom it is about; empty for nobody.';
COMMENT ON COLUMN vigil.response_events.notification_id IS 'The message that goes with it; empty where none does.';
COMMENT ON COLUMN vigil.response_events.step IS 'Place of the step in its chain, from 0.';
COMMENT ON COLUMN vigil.response_events.detail IS 'A silence, another incident, a level or a channel.';
COMMENT ON COLUMN vigil.response_events.place IS 'As in incident_events.';
COMMENT ON COLUMN vigil.response_events.digest IS 'As in incident_events.';

CREATE TABLE vigil.audit_events (
    event_id    text        PRIMARY KEY,
    time        timestamptz NOT NULL,
    by          text        NOT NULL,
    origin      text        NOT NULL,
    subject     text        NOT NULL,
    what        text        NOT NULL,
    incident_id text        NOT NULL,
    allowed     boolean     NOT NULL,
    place       integer     NOT NULL,
    digest      text        NOT NULL
);
CREATE INDEX audit_events_incident ON vigil.audit_events (incident_id, time);
CREATE INDEX audit_events_subject ON vigil.audit_events (subject, time);
COMMENT ON TABLE vigil.audit_events IS 'Who looked at what is protected, or was refused it, a look each.';
COMMENT ON COLUMN vigil.audit_events.subject IS 'The device, site/name.';
COMMENT ON COLUMN vigil.audit_events.what IS 'location, health or contact.';
COMMENT ON COLUMN vigil.audit_events.incident_id IS 'The open incident that allowed it; empty where none did.';
COMMENT ON COLUMN vigil.audit_events.place IS 'As in incident_events.';
COMMENT ON COLUMN vigil.audit_events.digest IS 'As in incident_events.';

-- The lines as alerts.evidence.line makes them, which is what the digests are of.
CREATE VIEW vigil.timeline AS
SELECT
    incident_id, place, time, 'incident' AS what, kind, by AS who, origin AS via, '' AS notification_id, text_en, text_zh,
    '' AS detail, digest
FROM vigil.incident_events
UNION ALL
SELECT
    notifications.incident_id, events.place, events.time, 'notification', events.status, notifications.recipient,
    notifications.channel, notification_id, '', '', events.detail, events.digest
FROM vigil.notification_events AS events
JOIN vigil.notifications USING (notification_id)
UNION ALL
SELECT
    incident_id, place, time, 'response', kind, person, '', notification_id, text_en, text_zh, detail, digest
FROM vigil.response_events
UNION ALL
SELECT
    incident_id, place, time, 'audit', CASE WHEN allowed THEN 'seen' ELSE 'refused' END, by, origin, '', '', '',
    what || ' of ' || subject, digest
FROM vigil.audit_events WHERE incident_id <> '';
COMMENT ON VIEW vigil.timeline IS 'All that happened with each incident; sort it by place, or by time where that is 0.';
