"""The client of the Timesheets API: `upload-timesheets`, or `manage.py upload_timesheet`."""

__version__ = "1.0.0"
