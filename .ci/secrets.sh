#!/usr/bin/env bash
# Looks for secrets in the files of the checkout and in its whole history. First it proves that it would find one: what
# is planted in a file, and what was committed once and removed.
set -euo pipefail
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
gitleaks() { bin/gitleaks "$@" --config .gitleaks.toml --no-banner --redact --log-level warn --verbose; }

# A key in the form of GitHub's, in two parts, so that this file holds none.
key=ghp_$(printf '%s' 'aB3dE6fG9hJ2kL5m' 'N8pQ1rS4tU7vW0xY3zA6')
plant=$scratch/plant
git init --quiet "$plant"
commit() { git -C "$plant" -c user.name=plant -c user.email=plant@plant.invalid -c commit.gpgsign=false commit --quiet --all --message "$1"; }
printf 'token: %s\n' "$key" > "$plant/settings.yaml"
git -C "$plant" add settings.yaml
commit 'a key'
if gitleaks dir "$plant" > /dev/null 2>&1; then echo 'a planted key was not found in a file' >&2; exit 1; fi
printf 'token: none\n' > "$plant/settings.yaml"
commit 'no key'
gitleaks dir "$plant"
if gitleaks git "$plant" > /dev/null 2>&1; then echo 'a planted key was not found in the history' >&2; exit 1; fi
echo 'planted keys are found: in a file, and in the history'

# The files as a commit would take them: what is ignored (secrets of a local stack among it) is nobody's business.
mkdir "$scratch/tree"
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
  if [ -f "$file" ]; then printf '%s\0' "$file"; fi
done | tar --null --files-from - --create | tar --extract --directory "$scratch/tree"
gitleaks dir "$scratch/tree"
gitleaks git .
echo "no secrets in $(git ls-files | wc -l) files and $(git rev-list --count HEAD) commits"
