"""The database: tables, migrations, SQLite (default) and PostgreSQL."""
