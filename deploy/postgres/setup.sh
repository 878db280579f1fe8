#!/bin/bash
# Brings roles, passwords and databases in line with the secrets, each time the stack starts. It comes through the
# server's socket, where no password is asked, so that every secret may be changed, that of the superuser too.
# usage: setup.sh [DIR], the folder of the secrets, in a container /run/secrets
set -euo pipefail

secrets=${1:-/run/secrets}
here=${0%/*}

# password FILE: what the file of a secret holds; of a URL, its password.
password() {
  local text user
  text=$(cat "$secrets/$1")
  case $text in
    *://*)
      text=${text#*://}
      text=${text%%[/?#]*}
      user=${text%@*}
      case $text in
        *:*@*) ;;
        *) user= ;;
      esac
      case $user in
        *:?*) ;;
        *) echo "the secret $1 is a URL without a password: it should be postgres://USER:PASSWORD@HOST/DATABASE" >&2; return 1 ;;
      esac
      text=${user#*:}
      printf '%b' "${text//%/\\x}"
      ;;
    *) printf '%s' "$text" ;;
  esac
}

for name in postgres_password migrate_url database_url temporal_db_password grafana_db_password grafana_admin_password; do
  value=$(password "$name")
  [ -n "$value" ] || { echo "the secret $name is empty" >&2; exit 1; }
  if [ "$value" = loopback-only ] && [ "$MARKETDATA_BIND" != 127.0.0.1 ]; then
    echo "MARKETDATA_BIND is $MARKETDATA_BIND, and the secret $name is the one that everybody knows: make others with deploy/secrets.sh" >&2
    exit 1
  fi
done

PASSWORD_SUPERUSER=$(password postgres_password)
PASSWORD_OWNER=$(password migrate_url)
PASSWORD_APP=$(password database_url)
PASSWORD_TEMPORAL=$(password temporal_db_password)
PASSWORD_GRAFANA=$(password grafana_db_password)
export PASSWORD_SUPERUSER PASSWORD_OWNER PASSWORD_APP PASSWORD_TEMPORAL PASSWORD_GRAFANA
exec psql --no-psqlrc --quiet --host /var/run/postgresql --username postgres --dbname postgres \
  --set ON_ERROR_STOP=1 --file "$here/setup.sql"
