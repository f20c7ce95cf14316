-- The schema, what was done to it, devices with their channels, and readings.

CREATE SCHEMA IF NOT EXISTS vigil;
COMMENT ON SCHEMA vigil IS 'History of the safety monitor Vigil. Nothing that decides reads it.';

CREATE TABLE vigil.schema_migrations (
    name    text        PRIMARY KEY,
    applied timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE vigil.schema_migrations IS 'Migrations that made this schema, by file name.';

CREATE TABLE vigil.devices (
    device_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site      text    NOT NULL,
    name      text    NOT NULL,
    kind      text    NOT NULL,
    profile   text    NOT NULL,
    grid      text    NOT NULL,
    building  text    NOT NULL,
    floor     text    NOT NULL,
    unit      text    NOT NULL,
    latitude  double precision,
    longitude double precision,
    gateway   text    NOT NULL,
    lifecycle text    NOT NULL,
    CONSTRAINT devices_key UNIQUE (site, name)
);
COMMENT ON TABLE vigil.devices IS 'Every device that was ever registered or heard; empty text where a fact is not known.';
COMMENT ON COLUMN vigil.devices.name IS 'The device''s level of its topic, vigil/v1/<site>/<name>/…; unique within a site.';
COMMENT ON COLUMN vigil.devices.unit IS 'The flat or room it hangs in.';
COMMENT ON COLUMN vigil.devices.latitude IS 'Degrees, WGS 84.';
COMMENT ON COLUMN vigil.devices.longitude IS 'Degrees, WGS 84.';
COMMENT ON COLUMN vigil.devices.gateway IS 'Name of the device of the same site that forwards its messages.';
COMMENT ON COLUMN vigil.devices.lifecycle IS 'unregistered, registered, installed, verified, maintenance or retired.';

CREATE TABLE vigil.channels (
    channel_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id  integer NOT NULL REFERENCES vigil.devices,
    metric     text    NOT NULL,
    unit       text    NOT NULL,
    CONSTRAINT channels_key UNIQUE (device_id, metric)
);
COMMENT ON TABLE vigil.channels IS 'One metric of one device.';
COMMENT ON COLUMN vigil.channels.unit IS 'Unit of its values; empty for flags, events, and metrics that no profile names.';

-- One partition, or chunk, a UTC day. The key carries no foreign key to channels: the archive gives out channel ids itself,
-- and a check per reading would cost more than the reading.
DO $$
DECLARE
    timescale text;
BEGIN
    SELECT quote_ident(nspname) INTO timescale
    FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
    WHERE extname = 'timescaledb';
    IF timescale IS NULL THEN
        CREATE TABLE vigil.readings (
            channel_id integer          NOT NULL,
            time       timestamptz      NOT NULL,
            value      double precision,
            flags      smallint         NOT NULL,
            PRIMARY KEY (channel_id, time)
        ) PARTITION BY RANGE (time);
        CREATE TABLE vigil.readings_default PARTITION OF vigil.readings DEFAULT;
        COMMENT ON TABLE vigil.readings_default IS
            'Readings of days that have no partition: more than 400 days ago or more than 7 days ahead.';
    ELSE
        CREATE TABLE vigil.readings (
            channel_id integer          NOT NULL,
            time       timestamptz      NOT NULL,
            value      double precision,
            flags      smallint         NOT NULL,
            PRIMARY KEY (channel_id, time)
        );
        EXECUTE format(
            'SELECT %1$s.create_hypertable(''vigil.readings'', %1$s.by_range(''time'', INTERVAL ''1 day''), '
            'create_default_indexes => false)', timescale);
    END IF;
END
$$;
COMMENT ON TABLE vigil.readings IS 'One value of one channel at one event time; the first that came is kept.';
COMMENT ON COLUMN vigil.readings.time IS 'Event time: when the device says it measured.';
COMMENT ON COLUMN vigil.readings.value IS 'In the unit of the channel; null where the device sent the metric without a value.';
COMMENT ON COLUMN vigil.readings.flags IS
    'Bits: 1 came on the alarm topic, 2 arrival time for want of a time, 4 arrival time for one too far ahead, '
    '8 older than a reading that came before it, 16 from a device that no ledger knew.';

CREATE FUNCTION vigil.ensure_readings_day(day date) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    partition text := 'readings_' || to_char(day, 'YYYYMMDD');
    opens timestamptz := day::timestamp AT TIME ZONE 'UTC';
    closes timestamptz := (day + 1)::timestamp AT TIME ZONE 'UTC';
BEGIN
    IF to_regclass(format('vigil.%I', partition)) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE vigil.%I (LIKE vigil.readings INCLUDING ALL)', partition);
    EXECUTE format(
        'WITH strays AS (DELETE FROM vigil.readings_default WHERE time >= $1 AND time < $2 RETURNING *) '
        'INSERT INTO vigil.%I SELECT * FROM strays', partition) USING opens, closes;
    EXECUTE format(
        'ALTER TABLE vigil.readings ATTACH PARTITION vigil.%I FOR VALUES FROM (%L) TO (%L)', partition, opens, closes);
    RETURN true;
END
$$;
COMMENT ON FUNCTION vigil.ensure_readings_day IS
    'Make the partition of a UTC day, and move there what the default partition holds of it. Not for hypertables.';

-- Places and names beside each reading. A device in no ledger stays out of it until it is registered.
CREATE VIEW vigil.measurements AS
SELECT
    devices.site,
    devices.name AS device,
    devices.kind,
    devices.grid,
    devices.building,
    channels.metric,
    channels.unit,
    readings.time,
    readings.value,
    readings.flags
FROM vigil.readings
JOIN vigil.channels USING (channel_id)
JOIN vigil.devices USING (device_id)
WHERE devices.lifecycle <> 'unregistered';
COMMENT ON VIEW vigil.measurements IS 'Readings of registered devices, with place, metric and unit.';

CREATE VIEW vigil.quarantined_measurements AS
SELECT
    devices.site,
    devices.name AS device,
    channels.metric,
    readings.time,
    readings.value,
    readings.flags
FROM vigil.readings
JOIN vigil.channels USING (channel_id)
JOIN vigil.devices USING (device_id)
WHERE devices.lifecycle = 'unregistered';
COMMENT ON VIEW vigil.quarantined_measurements IS
    'Readings of devices in no ledger; they move to measurements when their device is registered.';
