#!/bin/sh
# Makes the service's role and its database: it owns that one and may nothing else.
# PostgreSQL's image runs this once, for an empty volume.
set -eu
psql --set ON_ERROR_STOP=1 --set password="$DATABASE_PASSWORD" \
    --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
CREATE ROLE timetracker LOGIN PASSWORD :'password';
CREATE DATABASE timetracker OWNER timetracker;
REVOKE ALL ON DATABASE timetracker, postgres FROM PUBLIC;
SQL
