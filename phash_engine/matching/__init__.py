"""Which pictures match: policy, pairs, cohort scores, look-ups, verification, calibration."""
