-- The API's role and database. PgBouncer cannot pass on the timeouts that the API sends when it connects, so
-- they belong to the role; tests/system/test_cluster.py compares them with timesheets_site/settings_base.py.
CREATE ROLE timesheets LOGIN PASSWORD '${password}';
ALTER ROLE timesheets SET lock_timeout = '10s';
ALTER ROLE timesheets SET statement_timeout = '30s';
ALTER ROLE timesheets SET idle_in_transaction_session_timeout = '30s';
CREATE DATABASE timesheets OWNER timesheets;
