"""What the embedded broker is told: its configuration files, with the places for `str.format`."""

from __future__ import annotations

__all__ = ["IOTCORE_TOML", "MOSQUITTO_CONF"]

MOSQUITTO_CONF = """\
# Written at every start by Vigil's embedded broker. For this machine only.
listener {port} {host}
allow_anonymous true

# Started by root, mosquitto would become the user `mosquitto`, who cannot enter root's data directory; and a change of
# user makes Linux forget that the broker is to end with us.
user {user}

persistence true
persistence_location {directory}/
autosave_interval 30

# How much may be under way to a client is the client's to say (its Receive Maximum): 0 sets no limit of our own.
max_inflight_messages 0
# What may wait for a client that is away, whichever is reached first. Beyond it mosquitto drops without a word.
max_queued_messages 2000000
max_queued_bytes 268435456
queue_qos0_messages false
max_packet_size {max_packet_bytes}

# Nagle's algorithm stays on: one subscriber then takes 54,000 msg/s instead of 33,000 (2 cores). An alarm on a quiet
# connection is sent at once all the same; one right behind another waits for our PUBACK of the first, some ms.
set_tcp_nodelay false

log_dest stderr
log_type error
log_type warning
connection_messages false
"""

IOTCORE_TOML = """\
# Written at every start by Vigil's embedded broker. For this machine only.
id = 0

[router]
id = 0
max_connections = 10010
max_outgoing_packet_count = 1000
# It keeps the newest 10 x 10 MiB of every topic filter in memory, delivered or not.
max_segment_size = 10485760
max_segment_count = 10

# A listener of rumqttd speaks one version of MQTT only.
[v5.1]
name = "mqtt-5"
listen = "{host}:{port}"
next_connection_delay_ms = 1
    [v5.1.connections]
    connection_timeout_ms = 60000
    max_payload_size = {max_packet_bytes}
    max_inflight_count = 5000
    dynamic_filters = true

[v4.1]
name = "mqtt-3.1.1"
listen = "{host}:{legacy_port}"
next_connection_delay_ms = 1
    [v4.1.connections]
    connection_timeout_ms = 60000
    max_payload_size = {max_packet_bytes}
    max_inflight_count = 100
    dynamic_filters = true
"""
