"""Many numbers, or one over many days: lists and frames screened, and the hours in which a number may be called."""
