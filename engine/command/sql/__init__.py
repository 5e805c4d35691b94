"""PostgreSQL text to the command tree: `parse` calls the core, `kinds` says what its words mean, `page` prints them."""
