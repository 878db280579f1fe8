#!/bin/sh
# Builds everything the image holds into a folder: the binary, TLS roots, time zones, an entry for its user, and the
# licences. Run by deploy/Dockerfile, in the root of the sources, with Go and the modules at hand.
# usage: build.sh DIR, with VERSION, COMMIT, SOURCE_DATE_EPOCH, TARGETOS, TARGETARCH and MARKETDATA_GCFLAGS in the environment
set -eu

out=${1:?usage: build.sh DIR}
epoch=${SOURCE_DATE_EPOCH:-0}
built_at=$(date -u -d "@$epoch" +%Y-%m-%dT%H:%M:%SZ)
mkdir -p "$out/usr/local/bin" "$out/etc/ssl/certs" "$out/usr/share/licenses" "$out/tmp"

GOOS=${TARGETOS:-linux} GOARCH=${TARGETARCH:-$(go env GOARCH)} go build -trimpath "-gcflags=all=${MARKETDATA_GCFLAGS:--dwarf=false}" \
  -buildvcs=false -ldflags "-s -w -buildid= -X 'main.version=${VERSION:-dev} ${COMMIT:-unknown} $built_at'" \
  -o "$out/usr/local/bin/marketdata" ./cmd/marketdata

cp /etc/ssl/certs/ca-certificates.crt "$out/etc/ssl/certs/"
cp "$(go env GOROOT)/lib/time/zoneinfo.zip" "$out/usr/share/"
echo 'marketdata:x:65532:65532::/tmp:/sbin/nologin' > "$out/etc/passwd"
echo 'marketdata:x:65532:' > "$out/etc/group"

# The licence texts of what is linked into the binary, below the name of each module: those of the module, and those that
# parts of it have of their own, from the folder of each package up to the root.
licenses=$out/usr/share/licenses
cp LICENSE "$licenses/"
mkdir -p "$licenses/go"
cp "$(go env GOROOT)/LICENSE" "$licenses/go/"
linked=$(GOOS=${TARGETOS:-linux} GOARCH=${TARGETARCH:-$(go env GOARCH)} \
  go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Dir}} {{$.Dir}}{{end}}{{end}}' ./cmd/marketdata)
echo "$linked" | while read -r module root dir; do
  while [ "$dir" != "$root" ]; do
    case $dir in "$root"/*) ;; *) echo "$dir is not below $root: a path with a blank, or no module cache?" >&2; exit 1 ;; esac
    echo "$module $root $dir"
    dir=${dir%/*}
  done
  echo "$module $root $root"
done | sort -u | while read -r module root dir; do
  for text in "$dir"/LICEN[CS]E* "$dir"/COPYING* "$dir"/NOTICE*; do
    [ -f "$text" ] || continue
    mkdir -p "$licenses/$module${dir#"$root"}"
    cp "$text" "$licenses/$module${dir#"$root"}/"
  done
done
echo "$linked" | cut -d ' ' -f 1 | sort -u | while read -r module; do
  [ -d "$licenses/$module" ] || echo "$module" >> "$licenses/WITHOUT_A_TEXT" # its release holds none
done

# Modes and times do not depend on the machine that builds.
find "$out" -type d -exec chmod 755 {} +
find "$out" -type f -exec chmod 644 {} +
chmod 755 "$out/usr/local/bin/marketdata"
chmod 1777 "$out/tmp"
find "$out" -exec touch -h -d "@$epoch" {} +
