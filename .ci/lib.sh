# What .ci/run and .ci/containers share. It is sourced by them, in the folder of the checkout.
# shellcheck shell=bash
set -euo pipefail

# shellcheck disable=SC2034 # for those who source this
scratch=$(mktemp -d)
current=''
since=0

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
