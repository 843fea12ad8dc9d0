/** Every variant at every call that it fits: a software adapter takes a second to compile each of the tiles; run with --long. */
import { testVariants } from '../support/variants.ts';

testVariants('variants, at all calls that they fit', { all: true });
