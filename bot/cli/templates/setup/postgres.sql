-- Run it as the user postgres:  mwanga setup postgres | runuser -u postgres -- psql -v ON_ERROR_STOP=1
-- It may be run twice: what is there is left alone.
SELECT {{ create_role }} WHERE NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = {{ role_text }}) \gexec
SELECT {{ create_database }} WHERE NOT EXISTS (SELECT 1 FROM pg_database WHERE datname = {{ database_text }}) \gexec
REVOKE CONNECT ON DATABASE {{ database }} FROM PUBLIC;
-- In mwanga.toml:  database = "{{ address }}"
