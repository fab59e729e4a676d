"""What any server needs: the database, metrics, logs, housekeeping."""
