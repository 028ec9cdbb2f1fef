#!/bin/sh
# Run by the postgres image on an empty data folder. Creates a database per service, with an account that can connect to no
# other.
set -eu
for service in auth stream vod notification; do
	variable=POSTGRES_$(echo "$service" | tr '[:lower:]' '[:upper:]')_PASSWORD
	psql --set=ON_ERROR_STOP=1 --set=service="$service" --set=password="$(printenv "$variable")" \
		--username "$POSTGRES_USER" --dbname postgres <<-'SQL'
		CREATE ROLE :"service" LOGIN PASSWORD :'password';
		CREATE DATABASE :"service" OWNER :"service" ENCODING 'UTF8' TEMPLATE template0;
		REVOKE CONNECT ON DATABASE :"service" FROM PUBLIC;
	SQL
done
