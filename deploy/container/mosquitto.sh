#!/bin/sh
# Starts the broker of compose.yaml, with Vigil's password in its file of passwords. The devices' own are kept.
set -eu
passwords=/mosquitto/data/passwords
[ -e "$passwords" ] || (umask 077 && : > "$passwords")
mosquitto_passwd -b "$passwords" vigil "$VIGIL_BROKER_PASSWORD"
[ "$(id -u)" -ne 0 ] || chown mosquitto: "$passwords"
chmod 600 "$passwords"
unset VIGIL_BROKER_PASSWORD
exec mosquitto -c /mosquitto/config/mosquitto.conf
