-- What the API may only read: operators decide, with commands that the tables' owner runs.
-- Run it as the owner after each migration, because new tables get the default privileges of roles.sql.
REVOKE ALL ON timesheets_assignmentlist, timesheets_clientstop FROM timesheets_api;
GRANT SELECT ON timesheets_assignmentlist, timesheets_clientstop TO timesheets_api;
