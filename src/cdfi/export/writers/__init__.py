"""Writers of exported files, one for each format."""
