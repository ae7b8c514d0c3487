// @ts-check
/** How well causes are found in worlds drawn afresh: `npm run check:attribution -- --rounds 2`; a round is eleven worlds of each kind, `--only mixed` one kind. */
import { simulate } from './simulation.mjs'

await simulate('attribution', 'rounds', 12)
