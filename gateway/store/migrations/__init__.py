"""The steps from one shape of the database to the next (alembic), shipped inside the package. `upgrade` is called at every start."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from gateway.errors import StoreUnavailable
from gateway.store.database import Database


def upgrade(database: Database, revision: str = "head") -> None:
    """Bring the database to a revision. Raises StoreUnavailable; a database newer than this program is refused, not guessed at."""
    _run(database, revision, up=True)


def downgrade(database: Database, revision: str) -> None:
    """Take the database back to a revision (`base` is empty)."""
    _run(database, revision, up=False)


def current(database: Database) -> str | None:
    """The revision the database stands at, None when it is empty. Waits for nobody who writes."""
    with database.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def latest() -> str | None:
    """The revision this program wants."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    # WHY: alembic reads its options through a ConfigParser, where `%` is special.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _run(database: Database, revision: str, *, up: bool) -> None:
    config = _config()
    try:
        with database.begin() as connection:
            config.attributes["connection"] = connection
            if up:
                command.upgrade(config, revision)
            else:
                command.downgrade(config, revision)
    except CommandError as error:
        raise StoreUnavailable(
            "the store was made by another version of sallyport",
            help="run the version that made it, or restore the backup taken before it",
        ) from error
    except SQLAlchemyError as error:
        raise StoreUnavailable(f"the store cannot be migrated ({type(error).__name__})") from error
