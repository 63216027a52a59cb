"""The language of conditions: typed nodes, their meaning, folding, time search and plain English."""
