"""The tables that can be questioned: the console's own, registered files, what syncs published,
and those read at their source; whose rows they are, and for whom."""
