/** Property tests draw the same inputs in every run; `FC_SEED=random` or a number draws others. */
import fc from 'fast-check'

const asked = process.env['FC_SEED']
if (asked !== 'random') fc.configureGlobal({ seed: asked === undefined ? 20_261_124 : Number(asked) })
