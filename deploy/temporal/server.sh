#!/bin/sh
# Starts the server with its password out of a secret: its configuration takes it from the environment.
set -eu

POSTGRES_PASSWORD=$(cat /run/secrets/temporal_db_password)
export POSTGRES_PASSWORD
exec temporal-server --root / --config etc/temporal/marketdata --env server --allow-no-auth start
