#!/bin/sh
# In any folder, root talks to the real database as the user who owns it.
umask 077
if [ "$(id -un)" != {{ user }} ]; then
    set -- /usr/sbin/runuser -u {{ user }} -- env MWANGA_CONFIG="${MWANGA_CONFIG:-{{ config }}}" {{ program }} "$@"
else
    set -- env MWANGA_CONFIG="${MWANGA_CONFIG:-{{ config }}}" {{ program }} "$@"
fi
exec "$@"
