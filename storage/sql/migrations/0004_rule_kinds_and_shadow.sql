-- What every kind of rule judged, the devices that have a part in an incident, and what rules in shadow would have raised.

ALTER TABLE vigil.incidents
    ADD COLUMN rule_kind     text,
    ADD COLUMN measure       double precision,
    ADD COLUMN reference     double precision,
    ADD COLUMN low           double precision,
    ADD COLUMN high          double precision,
    ADD COLUMN members       text[]  NOT NULL DEFAULT '{}',
    ADD COLUMN members_count integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN vigil.incidents.value IS 'The reading that last decided; null for no-data and relation rules.';
COMMENT ON COLUMN vigil.incidents.limit_value IS
    'What the measure was compared with, in its unit; null for kinds of rules without one number.';
COMMENT ON COLUMN vigil.incidents.rule_kind IS 'Kind of the rule; null where an earlier version stored it.';
COMMENT ON COLUMN vigil.incidents.measure IS
    'What the rule judged. threshold, range, fault, alarm: the value; rate, drift: the change, signed; dose: share of a '
    'whole dose; flatline, forecast, no_data: s; baseline: usual deviations, signed; inactivity: the chance; '
    'neighbourhood: devices.';
COMMENT ON COLUMN vigil.incidents.reference IS
    'What it was compared with. rate: the extreme of the window; baseline: the usual value; drift: the value at the '
    'installation; inactivity: s of stillness; forecast: the trend a day; no_data: the usual period, s; neighbourhood: '
    'devices of the place.';
COMMENT ON COLUMN vigil.incidents.low IS 'Low end of the interval of the measure, where it is an estimate.';
COMMENT ON COLUMN vigil.incidents.high IS 'High end of the interval of the measure, where it is an estimate.';
COMMENT ON COLUMN vigil.incidents.members IS 'Devices that have a part in it, site/name, the first 50 of them.';
COMMENT ON COLUMN vigil.incidents.members_count IS 'All devices that have a part in it; 0 where it is about one.';

COMMENT ON COLUMN vigil.readings.flags IS
    'Bits: 1 came on the alarm topic, 2 arrival time for want of a time, 4 arrival time for one too far ahead, '
    '8 older than a reading that came before it, 16 from a device that no ledger knew, 32 kept by the broker and given '
    'to whoever subscribes, 64 said of the device by its will.';

CREATE TABLE vigil.rule_shadow (
    shadow_id    text        PRIMARY KEY,
    device       text        NOT NULL,
    rule_id      text        NOT NULL,
    rule_name_en text        NOT NULL,
    rule_name_zh text        NOT NULL,
    rule_kind    text        NOT NULL,
    severity     text        NOT NULL,
    alarm_class  text        NOT NULL,
    holds        boolean     NOT NULL,
    repeated     boolean     NOT NULL,
    late         boolean     NOT NULL,
    time         timestamptz NOT NULL,
    since        timestamptz NOT NULL,
    noted        timestamptz NOT NULL,
    metric       text        NOT NULL,
    unit         text        NOT NULL,
    value        double precision,
    measure      double precision,
    text_en      text        NOT NULL,
    text_zh      text        NOT NULL
);
CREATE INDEX rule_shadow_rule ON vigil.rule_shadow (rule_id, noted DESC);
COMMENT ON TABLE vigil.rule_shadow IS 'What rules in shadow would have raised, a change each; nobody was told.';
COMMENT ON COLUMN vigil.rule_shadow.device IS 'site/name.';
COMMENT ON COLUMN vigil.rule_shadow.holds IS 'The rule began to hold, or holds on; false where it ceased.';
COMMENT ON COLUMN vigil.rule_shadow.repeated IS 'It already held. Of many repetitions every power of two is kept.';
COMMENT ON COLUMN vigil.rule_shadow.late IS 'The reading that decided came late.';
COMMENT ON COLUMN vigil.rule_shadow.time IS 'When the device says it measured what decided.';
COMMENT ON COLUMN vigil.rule_shadow.since IS 'When the breach began.';
COMMENT ON COLUMN vigil.rule_shadow.noted IS 'When Vigil would have said it.';
COMMENT ON COLUMN vigil.rule_shadow.unit IS 'Of the value.';
COMMENT ON COLUMN vigil.rule_shadow.measure IS 'What the rule judged, as in incidents.';
