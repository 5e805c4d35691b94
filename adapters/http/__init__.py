"""The HTTP adapter: a reverse proxy of one resource at a time, every request judged and written anew."""
