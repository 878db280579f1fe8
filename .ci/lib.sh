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

# begin NAME COMMAND...: goes on with other steps while it runs. Ended early, it ends what it has started.
begin() {
  local name=$1
  shift
  (
    beside=() current='' # of its own
    trap 'failed_step; end_children' EXIT
    "$@"
  ) > "$scratch/$name.log" 2>&1 &
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

# end_children [BUT] ends what this shell has started, but for the process BUT. It tells what runs beside to end what that has
# started, and the rest itself.
end_children() {
  local self=$BASHPID but=${1:-} name pid all
  for name in "${!beside[@]}"; do
    printf '\n==> %s is ended; its last words:\n' "$name"
    tail -n 20 "$scratch/$name.log"
  done
  all="${beside[*]} $(for pid in $(pgrep -P "$self" || true); do
    case " ${beside[*]} $but " in *" $pid "*) ;; *) descendants "$pid" ;; esac
  done)"
  # shellcheck disable=SC2086 # numbers of processes
  kill $all 2> /dev/null || true
  for _ in $(seq 120); do
    # shellcheck disable=SC2086
    ps -o stat= -p "$(echo $all | tr ' ' ,)" | grep -q -v '^Z' || return 0
    sleep 0.5
  done
  # shellcheck disable=SC2086
  kill -KILL $all 2> /dev/null || true
}
