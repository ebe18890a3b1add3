"""Many clips, unattended: a durable queue, workers that may die, and a report."""
