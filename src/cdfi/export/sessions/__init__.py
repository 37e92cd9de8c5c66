"""Sessions: exported files that another runtime has opened."""
