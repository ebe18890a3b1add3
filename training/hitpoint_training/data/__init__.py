"""Paired data: one kind of sample, whatever it comes from, in WebDataset shards."""
