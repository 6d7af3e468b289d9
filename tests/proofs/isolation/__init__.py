"""That hospitals are sealed: rows, ids, counts, cache keys, events and repeated requests of one never reach another."""
