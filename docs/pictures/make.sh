#!/usr/bin/env bash
# Makes docs/pictures/working.png anew: runs the local stack with its demo, lets a provider refuse one backfill, and puts
# what the terminal, the command line, the Temporal UI and the API show side by side. Wants bin/marketdata and
# bin/temporal (make build tools), curl, Chromium, and the default ports free.
set -euo pipefail
cd "$(dirname "$0")/../.."
scratch=$(mktemp -d)
stack=
cleanup() {
  [ -z "$stack" ] || { kill -TERM "$stack" 2> /dev/null; wait "$stack" || true; }
  rm -rf "$scratch"
}
trap cleanup EXIT
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome)

# shoot SIZE URL FILE: what the browser shows of the address.
shoot() {
  "$browser" --headless=new --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$scratch/browser" --window-size="$1" \
    --virtual-time-budget=15000 --screenshot="$3" "$2" > "$scratch/browser.log" 2>&1
}
escaped() { sed 's/&/\&amp;/g; s/</\&lt;/g'; }

mkdir "$scratch/checkout"
bin/marketdata dev --data-dir "$scratch/checkout/.marketdata" > "$scratch/dev.log" &
stack=$!
until grep -q 'Ctrl-C stops everything' "$scratch/dev.log"; do kill -0 "$stack"; sleep 1; done

# A provider that refuses: the one red run of the picture.
curl -sSf -X POST http://127.0.0.1:8090/_sim/faults -d '[{"fault":"restricted","symbol":"ETHUSDT"}]' > /dev/null
bin/marketdata backfill start ETHUSDT.SIM --interval 1d --start 2024-01-01 --end 2024-02-01 --watch > "$scratch/failed.log" 2>&1 || true
curl -sSf -X DELETE http://127.0.0.1:8090/_sim/faults > /dev/null
curl -sSf 'http://127.0.0.1:8080/v1/instruments/BTCUSDT.SIM/bars?interval=1d&start=2024-01-01&end=2024-07-01&limit=1000' > "$scratch/bars.json"
shoot 1120,900 'http://127.0.0.1:8233/namespaces/default/workflows?query=WorkflowType%3D%22BackfillWorkflow%22%20OR%20WorkflowType%3D%22ChunkWorkflow%22' "$scratch/ui.png"

{
  cat docs/pictures/head.html
  echo '<div class="left"><pre><b>$ make run</b>'
  grep -v ', about .* left' "$scratch/dev.log" | sed -n '/^Starting/p; /completed/p; /is running/,/simulator/p; /Temporal UI/p; /Try/,$p' \
    | awk '!seen[$0]++' | sed "s#$scratch/checkout/##" | escaped
  echo '</pre><pre><b>$ bin/marketdata backfill start ETHUSDT.SIM --interval 1d --start 2024-01-01 --end 2024-02-01 --watch</b>'
  tail -n 1 "$scratch/failed.log" | sed 's/backfill [0-9a-f-]* failed/backfill … failed/' | escaped | sed 's/.*/<i>&<\/i>/'
  echo '</pre></div><img src="ui.png"><canvas id="chart" width="1568" height="256"></canvas>'
  echo "<script>const page = $(cat "$scratch/bars.json")</script>"
  cat docs/pictures/chart.html
} > "$scratch/picture.html"
shoot 1600,940 "file://$scratch/picture.html" docs/pictures/working.png
ls -l docs/pictures/working.png
