/** The sets of points in the plane, which plane.ts computes. */
export const PLANE_SETS = ['two-moons', 'circles', 'xor', 'gauss', 'spiral'] as const;
export type PlaneSet = (typeof PLANE_SETS)[number];
export const PLANE_CLASSES: readonly string[] = ['orange', 'blue'];

/** Coordinates lie in [-PLANE_RANGE, PLANE_RANGE], as in the TensorFlow Playground. */
export const PLANE_RANGE = 6;
