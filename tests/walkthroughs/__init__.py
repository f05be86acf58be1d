"""The tasks of docs/walkthroughs.md, done in a real terminal and a real browser: `python -m tests.walkthroughs DATA_FOLDER`."""
