// @ts-check
/** How well causes are found in worlds drawn afresh: `npm run check:attribution -- --rounds 2`; a round is 22 worlds. */
import { simulate } from './simulation.mjs'

await simulate('attribution', 'rounds', 12)
