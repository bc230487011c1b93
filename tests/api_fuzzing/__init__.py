"""The API, live, against its own description: everything that schemathesis can think of."""
