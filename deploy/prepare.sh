#!/bin/sh
# Makes a checkout ready for `make up`: .env names a folder of secrets that nobody else knows, no file of it is missing,
# and what containers mount may be read by their users, whatever the umask of the clone.
# usage: prepare.sh DIR, the folder of docker-compose.yml
set -eu

cd "${1:?usage: prepare.sh DIR}"
known=$(cd deploy/secrets && pwd -P)
line='^[[:space:]]*\(export[[:space:]][[:space:]]*\)\{0,1\}MARKETDATA_SECRETS[[:space:]]*[=:]'

refuse() {
  echo "$*" >&2
  exit 1
}

# named prints the folder that .env names, the last one as Compose does; nothing where it names none.
named() {
  [ -f .env ] || return 0
  tr -d '\r' < .env | sed -n "s|${line}[[:space:]]*||p" | tail -n 1 \
    | sed -e "s/^\"\([^\"]*\)\".*/\1/" -e "s/^'\([^']*\)'.*/\1/" -e 's/^#.*//' -e 's/[[:space:]]#.*//' -e 's/[[:space:]]*$//'
}

# is_known DIR tells whether it is the folder of passwords that everybody knows, however it is written.
is_known() {
  [ -d "$1" ] && [ "$(cd "$1" && pwd -P)" = "$known" ]
}

# choose_own lets .env name ./.secrets, and leaves everything else in it as it is.
choose_own() {
  if [ ! -f .env ]; then
    printf '# Settings of docker-compose.yml; .env.example lists them all.\nMARKETDATA_SECRETS=./.secrets\n' > .env
  elif grep -q "$line" .env; then
    text=$(sed "s|${line}.*|MARKETDATA_SECRETS=./.secrets|" .env)
    printf '%s\n' "$text" > .env
  else
    [ -z "$(tail -c 1 .env)" ] || echo >> .env
    echo 'MARKETDATA_SECRETS=./.secrets' >> .env
  fi
}

[ -z "${COMPOSE_ENV_FILES:-}" ] || refuse 'COMPOSE_ENV_FILES is set, and make up looks at .env alone: put its settings there'

if [ -n "${MARKETDATA_SECRETS+set}" ]; then # for Compose it is stronger than .env
  folder=$MARKETDATA_SECRETS
  if [ -z "$folder" ] || is_known "$folder"; then
    refuse 'MARKETDATA_SECRETS of the environment means the passwords that everybody knows: unset it, or name a folder of yours'
  fi
else
  folder=$(named)
  # shellcheck disable=SC2016,SC2088 # as they are written in .env
  case $folder in
    *'$'*) refuse 'MARKETDATA_SECRETS of .env holds a $: write the folder out' ;;
    '~/'*) folder=$HOME/${folder#'~/'} ;;
  esac
  if [ -z "$folder" ] || is_known "$folder"; then
    choose_own
    folder=./.secrets
    echo '.env names ./.secrets now: a folder of secrets of its own'
  fi
fi

sh deploy/secrets.sh "$folder"
if grep -q loopback-only "$folder"/*; then
  refuse "$folder holds passwords that everybody knows, of deploy/secrets: remove its files, and make up makes others"
fi
find "$folder" -type f ! -perm -004 | while read -r file; do
  echo "$file cannot be read by the users of containers: chmod 644 $file (the folder keeps others out)" >&2
done
# What is mounted and no more: other files below deploy may be private.
chmod a+rx deploy grafana 2> /dev/null || true # of somebody else, they are as they are
find deploy/marketdata.yaml deploy/postgres deploy/prometheus deploy/temporal grafana \( ! -perm -444 -o -type d ! -perm -111 \) -exec chmod a+rX {} +
