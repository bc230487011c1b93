"""The command `upload-timesheets`, also `python -m timesheets_client`. Imports the rest of it late."""

import signal


def main() -> None:
    """Upload, and exit with the status of the run."""
    # Imports take time. Until the run catches signals, Ctrl+C ends the process without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from timesheets_client.program import upload

    upload()


if __name__ == "__main__":
    main()
