-- What the API may only read: operators decide and pay, with commands that the tables' owner runs.
-- Run it as the owner after each migration, because new tables get the default privileges of roles.sql.
REVOKE ALL ON timesheets_assignmentlist, timesheets_clientstop, timesheets_run, timesheets_runline FROM timesheets_api;
GRANT SELECT ON timesheets_assignmentlist, timesheets_clientstop, timesheets_run, timesheets_runline TO timesheets_api;
