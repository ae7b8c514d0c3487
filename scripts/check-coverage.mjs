// @ts-check
/** How often 95 % intervals of curves cover the truth, over many virtual runs: `npm run check:coverage -- --repeats 200`. */
import { simulate } from './simulation.mjs'

await simulate('coverage', 'repeats', 2000)
