"""A drawn dancer to try Hitpoint on, with exactly known impacts."""
