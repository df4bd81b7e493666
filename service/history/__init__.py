"""History (既往用药与收费): the record of lines the hospital saved, and what rules read of it."""
