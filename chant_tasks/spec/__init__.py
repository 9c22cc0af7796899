"""What a spec is, and how its file is read and edited without losing a byte."""
