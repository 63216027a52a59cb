"""127 neutral rules over 23 facts and their random attempts, for comparing engines. Sized like US law; they are not the law."""
