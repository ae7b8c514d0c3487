// @ts-check
/** How often `trend` alarms over steady days, and which steps it finds: `npm run check:trend -- --series 40`. */
import { simulate } from './simulation.mjs'

await simulate('trend', 'series', 300)
