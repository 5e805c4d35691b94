"""Shell commands as trees."""
