// @ts-check
/**
 * Whole runs in virtual time: months of a scheduled scenario on a simulated machine whose network, disk and power fail,
 * held to rules: `npm run check:months -- --seeds 100`. `--seed 53` tells one month event by event.
 */
import { simulate } from './simulation.mjs'

await simulate('months', 'seeds', 1000)
