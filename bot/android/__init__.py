"""Gateway phones: what their app calls, what they fetch and report, their SIM cards, how they are linked."""
