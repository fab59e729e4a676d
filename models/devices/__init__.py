"""What accepts tokens: devices, their tariffs and models, meters and their connections."""
