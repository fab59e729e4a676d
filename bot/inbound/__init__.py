"""What arrives: taken at the door, stored, understood, answered."""
