"""Who is told that a gateway is down: alerts, hourly test messages, the webhook."""
