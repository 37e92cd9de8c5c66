"""Reports of scores: tables, plots, contact sheets and the protocol."""
