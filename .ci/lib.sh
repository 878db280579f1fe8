# What .ci/run and .ci/containers share. It is sourced by them, in the folder of the checkout.
# shellcheck shell=bash
set -euo pipefail

# shellcheck disable=SC2034 # for those who source this
scratch=$(mktemp -d)
current=''
since=0
declare -A beside=() # what runs beside other steps: its process by its name

# step NAME COMMAND...: runs it and says how long it took. Nothing may follow the command with || or &&: bash would
# then go on after a failure inside it.
step() {
  current=$1 since=$SECONDS
  shift
  printf '\n==> %s\n' "$current"
  "$@"
  printf '==> %s: %d s\n' "$current" $((SECONDS - since))
  current=''
}

# failed_step says which step did not come to its end.
failed_step() {
  [ -z "$current" ] || printf '==> %s FAILED after %d s\n' "$current" $((SECONDS - since))
}

fail() {
  echo "$*" >&2
  return 1
}

# begin NAME COMMAND...: goes on with other steps while it runs.
begin() {
  local name=$1
  shift
  "$@" > "$scratch/$name.log" 2>&1 &
  beside[$name]=$!
}

# finish NAME waits for it, and shows what it printed.
finish() {
  local outcome=0
  wait "${beside[$1]}" || outcome=$?
  unset "beside[$1]"
  cat "$scratch/$1.log"
  [ "$outcome" = 0 ] || fail "$1 failed"
}

# descendants PID prints the process and everything below it.
descendants() {
  local child
  echo "$1"
  for child in $(pgrep -P "$1" || true); do descendants "$child"; done
}

# end_children ends whatever this script has started and what that has started.
end_children() {
  local pid
  for pid in $(pgrep -P $$ || true); do
    descendants "$pid" | xargs --no-run-if-empty kill 2> /dev/null || true
    wait "$pid" 2> /dev/null || true
  done
}
