"""Questions that several talks ask: devices, customers, serials, languages."""
