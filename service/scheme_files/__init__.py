"""`dipcheck scheme`: schemes as folders and files, and a city's own tables into them."""
