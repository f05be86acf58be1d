"""Files of the data folder: who may read them, encrypted or not, what may be wrong with them."""
