/** How the tables of images lie in memory; what they are for is in tables.ts. */

/** Values of a byte. */
export const BYTES = 256;
/** The table of one channel of one image: for each byte what equalize gives to it, then these three numbers. */
export const DARKEST = BYTES;
/** What autocontrast multiplies the distance from the darkest byte by. */
export const STRETCH = BYTES + 1;
export const MEAN = BYTES + 2;
export const TABLE = BYTES + 3;
