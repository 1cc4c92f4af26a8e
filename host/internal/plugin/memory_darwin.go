package plugin

// disableHugePages does nothing: macOS has no transparent huge pages.
func disableHugePages([]byte) {}
