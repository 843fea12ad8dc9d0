/** Sizes of a tensor, the outermost first: images are [n, c, h, w], signals [n, c, l], rows of features [n, c]. */
export type Shape = readonly number[];

/** How many values a shape has. */
export const product = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);
