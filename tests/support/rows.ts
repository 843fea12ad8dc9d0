/** A task that a small net learns in seconds, as a program has it in memory. */
import { dense, relu, sequential, type FitOptions, type Model, type Samples } from '../../index.ts';

/** Rows of three features, of three classes that can be told apart. */
export const n = 120;
export const images = Array.from({ length: n }, (_, i) => [Math.sin(i), Math.cos(7 * i), (i % 3) + 0.3 * Math.sin(i * i)]);
export const labels = images.map((_, i) => ['low', 'middle', 'high'][i % 3]!);
export const data: Samples = { images, labels };
export const net: Model = ({ classes }) => sequential({ fc1: dense(8), relu: relu(), fc2: dense(classes) });
export const quick: FitOptions = { epochs: 3, batchSize: 24, optimizer: 'adam:lr=0.02', logEvery: 1 };
