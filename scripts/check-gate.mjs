// @ts-check
/** How often the gate of `compare` alarms without cause, and what it sees, over many virtual pairs of runs: `npm run check:gate -- --pairs 100`. */
import { simulate } from './simulation.mjs'

await simulate('gate', 'pairs', 2000)
