"""Test suites of programs that this one extends, run with it installed."""
