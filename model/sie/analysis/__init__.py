"""What an answer rests on: results, sensitivity, checks against data, calibration, differences, pools, sweeps, timelines."""
