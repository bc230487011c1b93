-- The roles of the API, for the database that this runs in.
-- timesheets_owner owns the tables and runs the migrations. timesheets_api serves requests: it can add entries
-- and read them, and whoever takes it over can neither change nor remove one.
CREATE ROLE timesheets_owner LOGIN;
CREATE ROLE timesheets_api LOGIN;

DO $$
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO timesheets_owner, timesheets_api', current_database());
END
$$;

-- PostgreSQL 14 lets every role create tables here.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO timesheets_owner;
GRANT USAGE ON SCHEMA public TO timesheets_api;

-- For the tables of all migrations, now and later. An upload takes the ids of its rows from their sequence.
ALTER DEFAULT PRIVILEGES FOR ROLE timesheets_owner IN SCHEMA public
    GRANT SELECT, INSERT ON TABLES TO timesheets_api;
ALTER DEFAULT PRIVILEGES FOR ROLE timesheets_owner IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO timesheets_api;
