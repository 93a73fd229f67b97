"""Picture planes to codes: blocks, hashers, orientations, borders and views. Pure: arrays in, arrays out."""
