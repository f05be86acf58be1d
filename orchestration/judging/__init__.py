"""What the gates judge: tables and counts by SQL."""
