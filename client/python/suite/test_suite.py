"""SQLAlchemy's suite. `requirements.py` and `left_out.py` say what a server that only reads is not asked for."""

from sqlalchemy.testing.suite import *  # noqa: F403
