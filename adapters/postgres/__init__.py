"""The PostgreSQL adapter: psql and every other client of the frontend/backend protocol, unchanged.

`messages` says what bytes mean, `facts` what is asked about them, `session` what may happen when, `listener` does the I/O.
"""
