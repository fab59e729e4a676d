"""When a sale was made, and when its reminders are due."""

from datetime import UTC, datetime

# Baraka's first instalment of 7,000 falls due on 1 December; the demo reminds 2 days before and 1 day after.
SOLD = datetime(2026, 11, 24, 7, 0, tzinfo=UTC)  # 10:00 in Mtwara
BEFORE = datetime(2026, 11, 29, 7, 0, tzinfo=UTC)
AFTER = datetime(2026, 12, 2, 7, 0, tzinfo=UTC)
