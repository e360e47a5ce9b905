"""The name system's vocabulary: names, RDATA, zones, master files."""
