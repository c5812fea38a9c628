"""What texts tell when they are read side by side: pure, records in and records out."""
