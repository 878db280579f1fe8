#!/bin/sh
# Brings the schemas of Temporal's two databases to those of its server. It may be repeated.
set -eu

SQL_PASSWORD=$(cat /run/secrets/temporal_db_password)
export SQL_PASSWORD
export SQL_PLUGIN=postgres12 SQL_HOST=postgres SQL_PORT=5432 SQL_USER=temporal

# schema DATABASE NAME
schema() {
  SQL_DATABASE=$1
  export SQL_DATABASE
  # The version table is made once; asking for it again is refused, and harmless.
  temporal-sql-tool setup-schema --version 0.0 > /tmp/setup.log 2>&1 || grep -q 'already exists' /tmp/setup.log || {
    cat /tmp/setup.log >&2
    exit 1
  }
  temporal-sql-tool update-schema --schema-name "postgresql/v12/$2"
}

schema temporal temporal
schema temporal_visibility visibility
