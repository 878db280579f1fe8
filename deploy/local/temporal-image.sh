#!/usr/bin/env bash
# Makes one image of Temporal's server, schema tool, command line and UI out of the programs that make builds from Go
# modules (bin/temporal and others) and busybox. It has what docker-compose.yml uses of the official images.
# usage: temporal-image.sh NAME[:TAG]
set -euo pipefail
umask 022 # users of the container read what is made here
cd "$(dirname "$0")/../.."

image=${1:?usage: temporal-image.sh NAME[:TAG]}
if ldd "$(type -P busybox)" > /dev/null 2>&1; then
  echo 'busybox needs libraries: install busybox-static' >&2
  exit 1
fi
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{bin,etc,tmp,usr/local/bin,home/ui-server/config}
chmod 1777 "$root/tmp"
cp "$(type -P busybox)" "$root/bin/busybox"
for name in $(busybox --list); do [ "$name" = busybox ] || ln -s busybox "$root/bin/$name"; done
cp bin/temporal bin/temporal-server bin/temporal-sql-tool bin/temporal-ui-server "$root/usr/local/bin/"
ui=$(cd tools/temporal && go list -m -f '{{.Dir}}' github.com/temporalio/ui-server/v2)
cp "$ui/config/docker.yaml" "$root/home/ui-server/config/"
chmod 644 "$root/home/ui-server/config/docker.yaml"
printf 'root:x:0:0:root:/root:/bin/sh\ntemporal:x:1000:1000::/tmp:/bin/sh\n' > "$root/etc/passwd"
printf 'root:x:0:\ntemporal:x:1000:\n' > "$root/etc/group"
tar -C "$root" --owner=0 --group=0 -c . | docker import \
  --change 'ENV PATH=/usr/local/bin:/bin' --change 'USER temporal' --change 'WORKDIR /home/ui-server' \
  - "$image" > /dev/null
