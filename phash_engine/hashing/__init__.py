"""From luma planes to codes: blocks, hashers, orientations, borders, quality, views. Pure: arrays in, arrays out."""
