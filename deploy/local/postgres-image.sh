#!/usr/bin/env bash
# Builds a PostgreSQL container image from the server installed on this machine, for machines that can run containers
# but pull none. It follows the conventions of the official image that tests rely on: POSTGRES_USER,
# POSTGRES_PASSWORD (or POSTGRES_PASSWORD_FILE) and POSTGRES_DB, the data below /var/lib/postgresql/data, a first start that only initialises
# (so that "ready to accept connections" is logged twice), port 5432.
# usage: postgres-image.sh NAME[:TAG]
set -euo pipefail
umask 022 # users of the container read what is made here

image=${1:?usage: postgres-image.sh NAME[:TAG]}
bindir=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
version=$(basename "$(dirname "$bindir")")
# What an image was made of: this script, and the packages of the machine.
made_of=$( (cat "$0"; dpkg-query --show) | sha256sum | cut -c 1-64)
if [ "$(docker image inspect --format '{{index .Config.Labels "made-of"}}' "$image" 2> /dev/null)" = "$made_of" ]; then
  echo "$image is current"
  exit
fi
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

# bring: reads paths, copies what they name into the root, links followed.
bring() {
  while read -r path; do
    echo "$(realpath "$(dirname "$path")")/$(basename "$path")"
  done | sort -u | tar -C / --dereference --transform='s,^/*,,' -P -c -T - | tar -C "$root" --keep-directory-symlink -x
}

mkdir -p "$root"/{etc,tmp,run/postgresql,var/lib/postgresql/data,usr/local/bin}
ln -s ../run "$root/var/run"
chmod 1777 "$root/tmp"
# Debian keeps /bin, /lib and others as links into /usr.
for link in /bin /sbin /lib /lib64; do
  if [ -L "$link" ]; then
    mkdir -p "$root/$(readlink "$link")"
    cp -a "$link" "$root$link"
  fi
done
home=$(dirname "$bindir")
mapfile -t modules < <(find "$home/lib" -maxdepth 1 -name '*.so' ! -name '*llvmjit*') # the JIT compiler is 100 MB and tests need none
mapfile -t programs < <(type -P awk bash sh cat chmod chown grep id ls mkdir setpriv)
{
  printf '%s\n' "$home/bin" "${modules[@]}" "/usr/share/postgresql/$version" /usr/share/zoneinfo "${programs[@]}"
  ldd "$home"/bin/* "${modules[@]}" "${programs[@]}" 2> /dev/null | grep -oE '[[:blank:]]/[^ ]+' | tr -d '[:blank:]'
} | bring
printf 'root:x:0:0:root:/root:/bin/sh\npostgres:x:999:999::/var/lib/postgresql:/bin/sh\n' > "$root/etc/passwd"
printf 'root:x:0:\npostgres:x:999:\n' > "$root/etc/group"
printf 'passwd: files\ngroup: files\nhosts: files dns\n' > "$root/etc/nsswitch.conf"

cat > "$root/usr/local/bin/docker-entrypoint.sh" <<'ENTRYPOINT'
#!/bin/bash
set -euo pipefail
export PGDATA=${PGDATA:-/var/lib/postgresql/data}
user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}
password=${POSTGRES_PASSWORD:-}
[ -z "${POSTGRES_PASSWORD_FILE:-}" ] || password=$(cat "$POSTGRES_PASSWORD_FILE")
if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA"
  chown -R postgres:postgres "$PGDATA" /run/postgresql
  chmod 700 "$PGDATA"
  exec setpriv --reuid=postgres --regid=postgres --clear-groups "$0" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  initdb --username="$user" --pwfile=<(echo "${password:?}") --auth-local=trust --auth-host=scram-sha-256 --encoding=UTF8 \
    --locale=C --no-sync
  echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
  pg_ctl --wait --options="-c listen_addresses='' -c unix_socket_directories=/run/postgresql" start
  if [ "$database" != postgres ]; then
    psql --host=/run/postgresql --username="$user" --dbname=postgres \
      --set=ON_ERROR_STOP=1 --set=name="$database" <<< 'CREATE DATABASE :"name"'
  fi
  pg_ctl --wait --mode=fast stop
fi
exec "$@" -c listen_addresses='*' -c unix_socket_directories=/run/postgresql
ENTRYPOINT
chmod 755 "$root/usr/local/bin/docker-entrypoint.sh"

tar -C "$root" -c . | docker import \
  --change "ENV PATH=$bindir:/usr/local/bin:/usr/bin:/bin" \
  --change 'ENTRYPOINT ["docker-entrypoint.sh"]' \
  --change 'CMD ["postgres"]' \
  --change 'EXPOSE 5432' \
  --change "LABEL made-of=$made_of" \
  - "$image" > /dev/null
