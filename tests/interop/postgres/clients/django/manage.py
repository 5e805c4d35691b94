"""A small Django project, to migrate and to use through the gateway: `manage.py migrate`, `manage.py shop`."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> None:
    sys.path[:0] = [str(HERE), str(HERE / "packages")]
    from django.conf import settings
    from django.core.management import execute_from_command_line

    settings.configure(
        SECRET_KEY=os.urandom(16).hex(),
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "shop"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": os.environ["PGDATABASE"],
                "OPTIONS": {"server_side_binding": "BIND" in os.environ},
            }
        },
    )
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
