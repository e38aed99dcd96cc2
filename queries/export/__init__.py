"""What finance takes away: charges in the formats of other programs, one file a report."""
