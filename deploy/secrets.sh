#!/bin/sh
# Makes the secrets that docker-compose.yml reads, random, in a folder that only you can enter. What is there is kept.
# The files themselves may be read by all: in a container they are read by users of its own.
# usage: secrets.sh DIR
set -eu

dir=${1:?usage: secrets.sh DIR}
if [ ! -d "$dir" ]; then # one that is there keeps its owner's modes
  mkdir -p "$dir"
  chmod 700 "$dir"
fi

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

# write FILE BEFORE AFTER: a random text between two others.
write() {
  [ ! -s "$dir/$1" ] || return 0
  printf '%s%s%s' "$2" "$(random)" "$3" > "$dir/$1"
  chmod 644 "$dir/$1"
}

database=postgres:5432/marketdata
write postgres_password '' ''
write migrate_url 'postgres://marketdata:' "@$database?sslmode=disable"
write database_url 'postgres://marketdata_app:' "@$database?sslmode=disable"
write temporal_db_password '' ''
write grafana_db_password '' ''
write grafana_admin_password '' ''
