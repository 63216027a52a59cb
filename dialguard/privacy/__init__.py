"""What a person may ask of a record: to be told what it holds, and to be erased from it."""
