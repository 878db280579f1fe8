#!/bin/sh
# Makes the namespace and the search attributes that workflows carry. It may be repeated.
set -eu

export TEMPORAL_ADDRESS=temporal:7233
for _ in $(seq 60); do
  temporal operator cluster health > /dev/null 2>&1 && break
  sleep 1
done
temporal operator cluster health

namespace=$TEMPORAL_NAMESPACE
if ! temporal operator namespace describe --namespace "$namespace" > /dev/null 2>&1; then
  temporal operator namespace create --namespace "$namespace" --retention "$TEMPORAL_RETENTION"
else
  temporal operator namespace update --namespace "$namespace" --retention "$TEMPORAL_RETENTION"
fi

# A namespace is known everywhere only some seconds after it was made.
known=
for _ in $(seq 60); do
  known=$(temporal operator search-attribute list --namespace "$namespace" 2> /dev/null) && break
  sleep 1
done
missing=
for name in MdProvider MdSymbol MdInterval MdJobId MdStage; do
  case $known in
    *"$name "*) ;;
    *) missing="$missing --name $name --type Keyword" ;;
  esac
done
# shellcheck disable=SC2086 # words are wanted
[ -z "$missing" ] || temporal operator search-attribute create --namespace "$namespace" $missing
temporal operator search-attribute list --namespace "$namespace"
