"""How good rankings and labels are: metrics, tasks and submissions."""
