"""The version of DialGuard, as pyproject.toml states it too."""

VERSION = "0.1.0"
