// @ts-check
/** What `precision` saves on the simulated hosted profile, in virtual time: `npm run check:spending -- --repeats 40`. */
import { simulate } from './simulation.mjs'

await simulate('spending', 'repeats', 200)
