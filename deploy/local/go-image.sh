#!/usr/bin/env bash
# Makes an image to build with out of the Go toolchain of this machine and busybox, for deploy/Dockerfile where no
# registry can be reached. What this machine has compiled of the product goes along, so that it need not be compiled again.
# usage: go-image.sh NAME[:TAG]
set -euo pipefail
umask 022 # users of the container read what is made here

image=${1:?usage: go-image.sh NAME[:TAG]}
goroot=$(go env GOROOT)
if ldd "$(type -P busybox)" > /dev/null 2>&1; then
  echo 'busybox needs libraries: install busybox-static' >&2
  exit 1
fi
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{bin,etc/ssl/certs,go,tmp,root,usr/local/bin}
cp "$(type -P busybox)" "$root/bin/busybox"
for name in $(busybox --list); do [ "$name" = busybox ] || ln -s busybox "$root/bin/$name"; done
# The public authorities of the operating system, not those a network may have added to its bundle.
find /usr/share/ca-certificates/mozilla -name '*.crt' | LC_ALL=C sort | xargs cat > "$root/etc/ssl/certs/ca-certificates.crt"
# Of the toolchain what builds others: neither its own source text nor what tests it.
tar -C / -c --exclude="${goroot#/}"/{test,api,doc,src/cmd} --exclude='*_test.go' --exclude=testdata "${goroot#/}" \
  --transform="s,^${goroot#/},usr/local/go," | tar -C "$root" -x

# The compiler's cache has, for each package, what came out, and a line that says of which input. Flags are those of
# deploy/build.sh, which finds in the image with which ones.
gcflags=${MARKETDATA_GCFLAGS:--dwarf=false}
cache=$(go env GOCACHE)
(cd "$(dirname "$0")/../.." && CGO_ENABLED=0 GOFLAGS='' go list -deps -export -trimpath "-gcflags=all=$gcflags" -f '{{.Export}}' ./cmd/marketdata) \
  | sed -n 's,.*/\([0-9a-f]*\)-d$,\1,p' > "$root/outputs"
[ -s "$root/outputs" ] || { echo 'go list names nothing that was compiled' >&2; exit 1; }
mkdir -p "$root/var/cache/go-build"
(cd "$cache" && { find . -name '*-a' -print0 | xargs -0 grep -lF -f "$root/outputs"; sed 's,^\(..\).*,./\1/&-d,' "$root/outputs"; } | tar -c -T -) \
  | tar -C "$root/var/cache/go-build" -x
rm "$root/outputs"
tar -C "$root" -c . | docker import \
  --change 'ENV PATH=/usr/local/go/bin:/bin' --change 'ENV GOPATH=/go' --change "ENV MARKETDATA_GCFLAGS=\"$gcflags\"" \
  - "$image" > /dev/null
